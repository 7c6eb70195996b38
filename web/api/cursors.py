"""Pages of lists whose order is that of a key: a cursor is the key of the last item shown."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from web.api.fields import Page
from web.errors import InvalidRequest, Mistake

Item = TypeVar("Item")
Key = tuple[int | str, ...]


def page_of(
    items: Sequence[Item], key: Callable[[Item], Key], asked: Page
) -> tuple[Sequence[Item], str | None]:
    """Return a page, and the cursor of the next one, ``None`` if there is none.

    What is added or removed in the meantime makes no other item come twice, or be left out.

    Args:
        items: all, in ascending order of their keys.
        key: what places an item; no two have the same.
        asked: which page.

    Raises:
        InvalidRequest: the cursor is not one of this list.
    """
    start = 0
    if asked.cursor and items:
        behind = _read(asked.cursor, key(items[0]))
        start = bisect_right(items, behind, key=key)
    page = items[start : start + asked.limit]
    is_last = start + len(page) >= len(items)
    return page, None if is_last else _written(key(page[-1]))


def _written(key: Key) -> str:
    # Paths may hold bytes that are not UTF-8; JSON's escapes hold them all.
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read(cursor: str, like: Key) -> Key:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != [type(part) for part in like]:
        problem = "this cursor is damaged; ask for the first page again, without a cursor"
        raise InvalidRequest([Mistake(problem, parameter="cursor")])
    return tuple(key)
