"""Photos that answer a query, put where other programs find them: folders, tables."""
