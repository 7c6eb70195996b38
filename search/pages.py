"""Rankings that are kept while somebody turns their pages, and the cursors that name them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from pixfind.errors import QueryError
from pixfind.messages import said
from search.ranking import Ranking

# At most so many rankings are kept, and of so many photos together (20 bytes for each).
RANKINGS, PHOTOS = 32, 2_000_000
KEY_BYTES, CHECK_BYTES = 6, 4
# The ranking, the query, the last photo shown, and how many were shown.
_LAYOUT = struct.Struct(f">{KEY_BYTES}s{KEY_BYTES}sQI")
DAMAGED = said("this cursor is damaged; ask for the first page again, without a cursor")
FOREIGN = said(
    "this cursor belongs to another query; ask for the first page again, without a cursor"
)


@dataclass(frozen=True)
class Cursor:
    """Where a page ended.

    Args:
        ranking: the ranking that it came from.
        query: the fingerprint of what was asked.
        last: the last photo that was shown.
        shown: how many photos came up to it.
    """

    ranking: bytes
    query: bytes
    last: int
    shown: int

    def __str__(self) -> str:
        """Return it as a short text that can stand in an address."""
        packed = _LAYOUT.pack(self.ranking, self.query, self.last, self.shown)
        return base64.urlsafe_b64encode(packed + _checksum(packed)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, query: bytes) -> Cursor:
        """Read a cursor that must belong to a query.

        Raises:
            QueryError: it is damaged, or belongs to another one.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise QueryError(DAMAGED) from None
        packed, check = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if len(packed) < _LAYOUT.size or check != _checksum(packed):
            raise QueryError(DAMAGED)
        cursor = cls(*_LAYOUT.unpack(packed))
        if cursor.query != query:
            raise QueryError(FOREIGN)
        return cursor


@dataclass(frozen=True)
class Kept:
    """A ranking with the name that cursors have for it.

    Args:
        key: the name.
        of: what was asked, of which library: an equal one would be ranked alike.
        ranking: in the order that was asked for.
        is_whole: whether it reaches to the end; else it is ranked again for what follows.
    """

    key: bytes
    of: Hashable
    ranking: Ranking
    is_whole: bool

    def behind(self, cursor: Cursor | None, page: slice) -> slice:
        """Return where in the ranking a page lies that follows another one, or none."""
        if cursor is None or self.key == cursor.ranking:
            return page
        places = np.flatnonzero(self.ranking.found.ids == cursor.last)
        start = int(places[0]) + 1 if len(places) else cursor.shown
        return slice(start, start + page.stop - page.start)

    def cursor(self, query: bytes, page: slice, total: int) -> str | None:
        """Return the cursor of what follows a page of so many photos; ``None`` if nothing does."""
        ids = self.ranking.found.ids
        end = min(page.stop, len(ids))
        if end >= total or end <= page.start:
            return None
        return str(Cursor(self.key, query, int(ids[end - 1]), end))


class Rankings:
    """Keeps the rankings that were used last; safe to share by threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def named(self, key: bytes) -> Kept | None:
        """Return the ranking of that name, if it is kept."""
        with self._lock:
            return self._used(self._kept.get(key))

    def equal(self, of: Hashable) -> Kept | None:
        """Return a ranking of the same, if one is kept."""
        with self._lock:
            kept = reversed(self._kept.values())  # of several, the last reaches furthest
            return self._used(next((each for each in kept if each.of == of), None))

    def keep(self, of: Hashable, ranking: Ranking, *, is_whole: bool, key: bytes = b"") -> Kept:
        """Keep a ranking under a new name, or in the place of a shorter one."""
        kept = Kept(key or os.urandom(KEY_BYTES), of, ranking, is_whole)
        with self._lock:
            self._kept[kept.key] = kept
            self._kept.move_to_end(kept.key)
            while len(self._kept) > 1 and (len(self._kept) > RANKINGS or self._size() > PHOTOS):
                self._kept.popitem(last=False)
        return kept

    def _used(self, kept: Kept | None) -> Kept | None:
        if kept is not None:
            self._kept.move_to_end(kept.key)
        return kept

    def _size(self) -> int:
        return sum(len(kept.ranking.found.ids) for kept in self._kept.values())


def fingerprint(*asked: object) -> bytes:
    """Return what tells what was asked from anything else."""
    return hashlib.blake2b(
        repr(asked).encode(errors="surrogatepass"), digest_size=KEY_BYTES
    ).digest()


def _checksum(packed: bytes) -> bytes:
    return hashlib.blake2b(packed, digest_size=CHECK_BYTES).digest()
