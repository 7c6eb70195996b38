"""Photos that are the same, or nearly: found, grouped, with a suggestion which to keep."""
