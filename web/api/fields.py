"""Parameters that several operations take, and how they are read from text."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from web.api.operations import Request
from web.parameters import MAX_OFFSET, MAX_SHOWN

# SQLite's largest number, which is more photos than there are.
MOST = 2**63 - 1
MAX_QUERY_CHARS = 20_000


def _whole(given: Any) -> Any:
    """Read a number as people write it: Python's own reading also takes ``1_0`` and `` 1.0``."""
    if isinstance(given, str):
        if not re.fullmatch(r"-?[0-9]{1,19}", given):
            raise ValueError("Input should be a whole number")
        return int(given)
    return given


def _listed(given: Any) -> Any:
    if isinstance(given, str):
        return given.split(",") if given else []
    return given


PhotoId = Annotated[int, Field(ge=1, description="The number of a photo or video.", examples=[1])]
PhotoNumber = Annotated[int, Field(ge=1, le=MOST)]
# Limits come before how a value is read, or the description would not know them.
Listed = Annotated[
    list[Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_whole)]],
    Field(max_length=MAX_SHOWN),
    BeforeValidator(_listed),
]
Limit = Annotated[int, Field(ge=1, le=MAX_SHOWN), BeforeValidator(_whole)]
SmallLimit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET), BeforeValidator(_whole)]
Position = Annotated[int, Field(ge=0, le=MAX_QUERY_CHARS), BeforeValidator(_whole)]
Flag = Literal["0", "1"]
Cursor = Annotated[str, Field(max_length=2000, json_schema_extra={"format": "cursor"})]
QueryText = Annotated[str, Field(max_length=MAX_QUERY_CHARS)]


class Page(Request):
    """A page of a list."""

    limit: Limit = 100
    """How many at most."""
    cursor: Cursor = ""
    """From the page before; without it, the first page."""
