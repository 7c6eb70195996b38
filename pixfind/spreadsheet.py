"""What spreadsheets make of a table's cells."""

from __future__ import annotations

# A cell that begins like this is taken for a formula, and run; white space before it is dropped
# (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(value: object) -> object:
    """Return a cell's value so that no spreadsheet runs it: text like a formula gets a ``'``."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
