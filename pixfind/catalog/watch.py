"""Whether anything in a catalog has changed, whoever changed it."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from pixfind.catalog.database import Catalog


class Watch:
    """Tells the states of a catalog apart; safe to share by threads.

    SQLite counts for each connection what has been committed by others. So this one has a
    connection of its own that never writes: to it, all are others, in this process or not.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._connection: Any = None
        self._opened = 0
        self._lock = threading.Lock()
        event.listen(catalog.engine, "engine_disposed", self._close)

    def version(self) -> tuple[int, int]:
        """Return what differs after any change. Ask before the session that reads what it is for.

        What is read later may be newer than the version says, which costs reading it again, and
        never older.
        """
        self._catalog.follow()
        with self._lock:
            try:
                if self._connection is None:
                    self._open()
                (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                # Whoever reads next says what is wrong with the catalog.
                self._opened += 1
                return self._opened, -1
            return self._opened, int(version)

    def _open(self) -> None:
        # Detached: one that the pool waits for would be missing there.
        lent = self._catalog.engine.raw_connection()
        self._connection = lent.driver_connection
        lent.detach()
        self._opened += 1

    def _close(self, _: object) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
