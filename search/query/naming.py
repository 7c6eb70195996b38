"""From a value that photos have to the filter that keeps only these."""

from __future__ import annotations

from pixfind.errors import QuerySyntaxError
from search.query.formatting import format_term
from search.query.model import Filter, Text
from search.query.parser import parse

# Of these fields a value stands for longer ones, too ("Mark II" for "Mark III"); behind the sign
# it is all of the name.
WHOLE = {"camera": "="}


def named(field: str, value: str) -> str:
    """Return a filter on the exact value of a text field, as it is typed."""
    plain = WHOLE.get(field, "") + value.replace("*", r"\*")
    return format_term(Filter(field, (Text(plain),)))


def typeable(field: str, value: str) -> str | None:
    """Return the same if it can be typed, else ``None``."""
    text = named(field, value)
    return text if can_be_typed(text) else None


def can_be_typed(query: str) -> bool:
    """Tell whether a query can be read, and be part of an address.

    Names of folders may hold characters that no query takes, and bytes that no address does.
    """
    try:
        query.encode()
        parse(query)
    except (QuerySyntaxError, UnicodeEncodeError):
        return False
    return True
