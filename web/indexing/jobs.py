"""The runs of one server: at most one at a time, which others may watch, hold up and end."""

from __future__ import annotations

import itertools
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from indexer import Indexer
from pixfind.config import Settings
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import (
    IndexingActiveError,
    IndexingError,
    LibraryNotFoundError,
    NoIndexingError,
    PixfindError,
    TooManyWatchersError,
)
from pixfind.library import Library
from pixfind.messages import said
from pixfind.text import printable
from web.indexing.folders import IndexRoots
from web.indexing.job import Job, Kind, Snapshot
from web.indexing.watch import Watch

# Each holds one of the server's threads (eight), and others want to search.
WATCHERS = 4
REMEMBERED = 10
# A search may be saving its index just now, which takes no longer.
WAIT_S = 3.0
# How much nicer a run is to other threads than the server is (see setpriority(2)).
NICER = 10

log = logging.getLogger(__name__)


class IndexingJobs:
    """Starts runs in a thread, and knows the last few.

    Args:
        settings: where the library is to be, and the model for one that has none yet.
        library: opens the library, or raises ``LibraryNotFoundError``.
        models: where models are.
        roots: under which folders may be added.
        model: the model that the server was told to search with, if any.
    """

    def __init__(
        self,
        settings: Settings,
        library: Callable[[], Library],
        models: ModelStore,
        roots: IndexRoots,
        model: str | None = None,
    ) -> None:
        self.roots = roots
        self._settings = settings
        self._library = library
        self._models = models
        self._model = model
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._job: Job | None = None
        self._thread: threading.Thread | None = None
        self._past: deque[Snapshot] = deque(maxlen=REMEMBERED)
        self._watchers = 0
        self._is_ending = False

    def add_folder(self, root: int, path: str) -> Snapshot:
        """Index a folder, in a new library if there is none.

        Args:
            root: the number of one of the ``roots``.
            path: the folder's place in it, with forward slashes; empty for all of it.

        Raises:
            FolderRefusedError: it may not be added, or is not there.
            IndexingActiveError, LibraryBusyError: this or another process is indexing.
            LibraryError, ModelError: the library or its model cannot be used.
        """
        return self._start(Kind.ADD, [self.roots.resolve(root, path)])

    def update(self) -> Snapshot:
        """Look again at all folders that the library covers.

        Raises:
            IndexingActiveError, LibraryBusyError, LibraryError, ModelError: as for ``add_folder``.
        """
        return self._start(Kind.UPDATE)

    def retry_failures(self) -> Snapshot:
        """Do the same, and try files again that failed before.

        Raises:
            IndexingActiveError, LibraryBusyError, LibraryError, ModelError: as for ``add_folder``.
        """
        return self._start(Kind.RETRY)

    def pause(self) -> Snapshot:
        """Let the run wait before the next file.

        Raises:
            NoIndexingError: there is none.
        """
        job = self._active()
        job.pause()
        return job.snapshot()

    def resume(self) -> Snapshot:
        """Let the run go on.

        Raises:
            NoIndexingError: there is none.
        """
        job = self._active()
        job.resume()
        return job.snapshot()

    def cancel(self) -> Snapshot:
        """Let the run end before the next file. What it has done stays.

        Raises:
            NoIndexingError: there is none.
        """
        job = self._active()
        job.cancel()
        return job.snapshot()

    def current(self) -> Snapshot | None:
        """Return the run that is going on."""
        with self._changed:
            job = self._job
            return None if job is None or job.state.is_over else job.snapshot()

    def latest(self) -> Snapshot | None:
        """Return the run that was started last."""
        with self._changed:
            return None if self._job is None else self._job.snapshot()

    def past(self) -> list[Snapshot]:
        """Return the last runs that have ended, the latest first."""
        with self._changed:
            return list(self._past)

    def watch(self) -> Watch | None:
        """Follow the run that was started last; ``None`` if there was none. Close it.

        Raises:
            TooManyWatchersError: enough others do so.
        """
        with self._changed:
            if self._job is None:
                return None
            if self._watchers >= WATCHERS:
                raise TooManyWatchersError
            self._watchers += 1
            return Watch(self._job, self._changed, lambda: self._is_ending, self._leave)

    def end(self) -> None:
        """Tell the run, and all who watch it, to end; wait for neither."""
        with self._changed:
            self._is_ending = True
            if self._job is not None and not self._job.state.is_over:
                self._job.cancel()
            self._changed.notify_all()

    def close(self) -> None:
        """Do the same, and wait until the run has written what it had done."""
        self.end()
        if self._thread is not None:
            self._thread.join()

    def _start(self, kind: Kind, folders: Sequence[Path] = ()) -> Snapshot:
        self._require_idle()
        library = self._opened(create=bool(folders))
        with library.writing(WAIT_S):
            pass  # said here if another process is at it
        encoder = self._models.load(library.model_name(self._model, self._settings.model))
        with self._changed:
            self._require_idle()
            names = tuple(printable(str(folder)) for folder in folders)
            job = Job(next(self._numbers), kind, names, encoder.spec.name, self._changed)
            # Not a daemon: one that is still at it when the program ends can bring that down.
            self._thread = threading.Thread(
                target=self._run, args=(job, library, encoder, folders), name="indexing"
            )
            self._job = job
            self._thread.start()
            return job.snapshot()

    def _opened(self, *, create: bool) -> Library:
        try:
            return self._library()
        except LibraryNotFoundError:
            if not create:
                raise
        Library.create(self._settings.library).close()
        return self._library()

    def _run(self, job: Job, library: Library, encoder: Encoder, folders: Sequence[Path]) -> None:
        _let_others_go_first()
        retry = job.kind is Kind.RETRY
        summary, reason = None, ""
        try:
            indexer = Indexer(library, encoder, retry_failed=retry, control=job, wait_s=WAIT_S)
            summary = indexer.run(folders)
        except PixfindError as error:
            reason = str(error)
        except Exception as error:  # whatever it is, those who wait for the run must hear of it
            log.exception("indexing failed")
            reason = f"an error that pixfind did not foresee: {error!r}; the next run continues"
        with self._changed:
            if summary is None:
                job.fail(reason)
            else:
                job.end(summary)
            self._past.appendleft(job.snapshot())

    def _require_idle(self) -> None:
        with self._changed:
            if self._is_ending:
                raise IndexingError(said("the server is about to end; start it again"))
            if self._job is not None and not self._job.state.is_over:
                raise IndexingActiveError

    def _active(self) -> Job:
        with self._changed:
            if self._job is None or self._job.state.is_over:
                raise NoIndexingError
            return self._job

    def _leave(self) -> None:
        with self._changed:
            self._watchers -= 1


def _let_others_go_first() -> None:
    """Lower the priority of this thread, and of those that it starts: searches would wait for it.

    Linux alone gives threads a priority of their own that way.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            normal = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), normal + NICER)
