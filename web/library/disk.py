"""How much room a library takes, without looking at every file of it for every reader."""

from __future__ import annotations

import threading
import time

from pixfind.library import Library
from pixfind.status import disk_use

# What took a second to find out is told for so many seconds.
REST = 100


class DiskUse:
    """Remembers the disk use of one library for a while; safe to share by threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, int] = {}
        self._until = 0.0
        self._lock = threading.Lock()

    def get(self) -> dict[str, int]:
        """Return what ``pixfind.status.disk_use`` does: of now, or of a little while ago."""
        with self._lock:
            began = time.monotonic()
            if began >= self._until:
                self._known = disk_use(self._library)
                now = time.monotonic()
                self._until = now + REST * (now - began)
            return self._known
