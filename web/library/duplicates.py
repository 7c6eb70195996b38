"""Looks for duplicates in the background, and remembers them until the library changes."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from pixfind.errors import PixfindError
from pixfind.library import Library
from search.duplicates.finding import Duplicates, find_duplicates

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Looking:
    """How far a search for duplicates has come: ``done`` of ``total`` photos.

    When it has ended, there is what was ``found``, or the ``problem`` that ended it.
    """

    done: int = 0
    total: int = 0
    found: Duplicates | None = None
    problem: str | None = None


class _ClosedError(Exception):
    """The library is being closed."""


class DuplicateSearch:
    """The duplicates of one library; safe to share by threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # Which catalog, and its generation.
        self._now: tuple[tuple[int, ...], int] | None = None
        self._state = Looking()
        self._closing = False

    def look(self, patience_s: float = 0.5) -> Looking:
        """Return what is known, starting a search if the library is another than last time.

        Args:
            patience_s: how long to wait for the end of a search: most libraries need no longer.
        """
        with self._lock:
            now = self._library.catalog.follow(), self._library.catalog.generation()
            if self._thread is None and now != self._now:
                self._now, self._state = now, Looking()
                self._thread = threading.Thread(target=self._run, name="duplicates", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(patience_s)
        return self._state

    def close(self) -> None:
        """End a search that is under way."""
        self._closing = True
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            self._state = Looking(found=find_duplicates(self._library, progress=self._tell))
        except _ClosedError:
            return
        except PixfindError as error:
            self._state = Looking(problem=error.args[0])
        except Exception as error:  # those who wait for the end must hear of it
            log.exception("the search for duplicates failed")
            self._state = Looking(problem=f"an error that pixfind did not foresee: {error!r}")
        finally:
            with self._lock:
                self._thread = None

    def _tell(self, done: int, total: int) -> None:
        if self._closing:
            raise _ClosedError
        self._state = Looking(done, total)
