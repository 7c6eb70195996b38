"""What was read from the whole catalog, kept until the catalog changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from pixfind.catalog import Catalog
from pixfind.catalog.watch import Watch

T = TypeVar("T")
# While photos are indexed, the catalog changes all the time. What takes long to read is then some
# seconds old: it is read for a tenth of the time at most. What takes a moment is always new.
REST, MOMENT_S = 10, 0.03


class Remembered:
    """Remembers what readers of one catalog have returned; safe to share by threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._watch = Watch(catalog)
        self._known: dict[Hashable, tuple[Hashable, float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[Session], T], *, never_old: bool = False) -> T:
        """Return what the reader returns, from memory if the catalog has not changed since.

        Args:
            key: tells the readers apart.
            read: reads from the catalog.
            never_old: however long reading takes.
        """
        version = self._watch.version()
        known = self._good_enough(key, version, never_old)
        if known is None:
            with self._lock:  # others wait rather than read the same
                known = self._good_enough(key, version, never_old)
                if known is None:
                    known = self._known[key] = (version, *self._read(read))
        found: T = known[2]
        return found

    def _good_enough(
        self, key: Hashable, version: Hashable, never_old: bool
    ) -> tuple[Hashable, float, Any] | None:
        """Return what is remembered, unless it has to be read again."""
        known = self._known.get(key)
        if known is None or known[0] == version:
            return known
        return None if never_old or time.monotonic() >= known[1] else known

    def _read(self, read: Callable[[Session], T]) -> tuple[float, T]:
        """Return until when what was read will do even if it is old, and what was read."""
        began = time.monotonic()
        with self._catalog.read() as session:
            found = read(session)
        now = time.monotonic()
        took = now - began
        return now + (took * REST if took > MOMENT_S else 0), found
