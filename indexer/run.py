"""One indexing run, from the folders given to a library that can be searched."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from indexer.commit import commit
from indexer.prepare import Failed, Fresh, Known, Prepared, Preparer, Twin
from indexer.progress import Progress, Silent
from indexer.scan import Comparison, Scope
from pixfind.catalog import assets, files, roots
from pixfind.catalog.files import Place
from pixfind.catalog.schema import Model
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import PathNotFoundError
from pixfind.library import Library
from pixfind.machine import cores
from pixfind.photos.thumbnails import Thumbnails

ENCODE_BATCH = 32
# Files that need no encoding are committed in larger steps.
COMMIT_EVERY = 512
# Between writes of the FAISS file in a long run: what a search has to catch up with.
SAVE_EVERY_S = 60.0

Item = tuple[Scope, Place]


@dataclass
class Summary:
    """What a run did.

    ``embedded`` pictures are new to the model; ``known`` files hold a picture that it had seen
    before (moved, copied, touched); ``photos`` counts the distinct pictures that can be found.
    """

    embedded: int = 0
    known: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    photos: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    unreadable: list[str] = field(default_factory=list)
    missing_roots: list[str] = field(default_factory=list)


class Indexer:
    """Brings a library up to date with folders, with one model."""

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        *,
        workers: int | None = None,
        retry_failed: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._library = library
        self._encoder = encoder
        self._workers = workers or cores()
        self._retry_failed = retry_failed
        self._progress = progress or Silent()

    def run(self, paths: Sequence[Path] = ()) -> Summary:
        """Index folders or single files; without any, all folders that the library covers.

        Ctrl-C ends the run early: what was committed stays, and the next run continues.

        Raises:
            PathNotFoundError: a path is not there (nothing has been done then).
            LibraryBusyError: another process is indexing this library.
        """
        for path in paths:
            if not path.exists():
                raise PathNotFoundError(path)
        with self._library.writing():
            return _Run(self._library, self._encoder, self._settings()).over(paths)

    def _settings(self) -> RunSettings:
        return RunSettings(self._workers, self._retry_failed, self._progress)


@dataclass(frozen=True)
class RunSettings:
    """How a run goes about it."""

    workers: int
    retry_failed: bool
    progress: Progress


class _Run:
    """The state of one run."""

    def __init__(self, library: Library, encoder: Encoder, settings: RunSettings) -> None:
        self._library = library
        self._catalog = library.catalog
        self._encoder = encoder
        self._settings = settings
        self._summary = Summary()
        self._model: Model = library.add_model(encoder.spec)
        searched = library.model()
        self._is_new_model = searched is not None and searched.id != self._model.id
        self._comparison = Comparison(
            self._catalog, self._model.id, library.folder, settings.retry_failed
        )
        self._preparer = Preparer(
            self._catalog, self._model.id, encoder, Thumbnails(library.thumbnails)
        )
        self._fresh: list[Fresh] = []
        self._others: list[Known | Failed] = []
        self._twins: list[Item] = []
        self._done = self._total = 0
        self._saved_at = time.monotonic()

    def over(self, paths: Sequence[Path]) -> Summary:
        """Do the run and count."""
        started = time.monotonic()
        try:
            self._update(self._scopes(paths))
            if self._is_new_model:
                self._library.choose_model(self._model)
        except KeyboardInterrupt:
            self._summary.interrupted = True
        self._library.vectors(self._model).save()
        with self._catalog.read() as session:
            self._summary.photos = assets.count_searchable(session, self._model.id)
        self._summary.seconds = time.monotonic() - started
        return self._summary

    def _scopes(self, paths: Sequence[Path]) -> list[Scope]:
        """Return what to look at: the paths, or every root.

        A library changes over to another model as a whole, so for a new one it is every root too.
        """
        # Twice, because a later path may take over the root of an earlier one.
        asked = [self._scope(path.absolute()) for path in [*paths, *paths]][len(paths) :]
        if paths and not self._is_new_model:
            apart = dict.fromkeys(asked)
            return [a for a in apart if not any(a.is_within(b) for b in apart if a != b)]
        with self._catalog.read() as session:
            known = [Scope(root.id, Path(root.path)) for root in roots.all_roots(session)]
        self._summary.missing_roots = [str(s.root) for s in known if not s.root.is_dir()]
        return [scope for scope in known if scope.root.is_dir()]

    def _scope(self, path: Path) -> Scope:
        folder, only = (path, None) if path.is_dir() else (path.parent, path.name)
        with self._catalog.write() as session:
            root, start = roots.claim(session, folder)
            return Scope(root.id, Path(root.path), start, only)

    def _update(self, scopes: list[Scope]) -> None:
        gone = self._survey(scopes)
        if self._total:
            self._process(self._todo(scopes))
        with self._catalog.write() as session:
            self._summary.removed = files.sweep(session, gone)
            for root in roots.all_roots(session):
                if not Path(root.path).exists():
                    roots.forget_superseded(session, root)

    def _survey(self, scopes: list[Scope]) -> list[int]:
        """Count what is to do; return the files that are gone."""
        gone: list[int] = []
        for scope in scopes:
            for state in self._comparison.folders(scope):
                self._total += len(state.todo)
                self._summary.unchanged += state.unchanged
                gone.extend(state.gone)
                if state.unreadable is not None:
                    folder = scope.root / state.folder
                    self._summary.unreadable.append(f"{folder}: {state.unreadable}")
                self._settings.progress.looking(self._summary.unchanged + self._total)
        return gone

    def _todo(self, scopes: list[Scope]) -> Iterator[Item]:
        """Walk again, so that a million new files need not be held in memory."""
        for scope in scopes:
            for state in self._comparison.folders(scope):
                for place in state.todo:
                    yield scope, place

    def _process(self, items: Iterable[Item]) -> None:
        with ThreadPoolExecutor(self._settings.workers, thread_name_prefix="decode") as pool:
            try:
                while True:
                    for item, prepared in self._prepared(pool, items):
                        self._take(item, prepared)
                    self._flush()
                    if not self._twins:
                        return
                    # Their twins are in by now, or have failed as these will.
                    items, self._twins = self._twins, []
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _prepared(
        self, pool: ThreadPoolExecutor, items: Iterable[Item]
    ) -> Iterator[tuple[Item, Prepared]]:
        """Yield results in order, decoding ahead by a bounded number of files."""
        ahead = 2 * ENCODE_BATCH + self._settings.workers
        pending: deque[tuple[Item, Future[Prepared]]] = deque()
        for item in items:
            scope, place = item
            pending.append((item, pool.submit(self._preparer.prepare, place, scope.path(place))))
            if len(pending) >= ahead:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()

    def _take(self, item: Item, prepared: Prepared) -> None:
        if isinstance(prepared, Twin):
            self._twins.append(item)
            return
        if isinstance(prepared, Fresh):
            self._fresh.append(prepared)
        elif isinstance(prepared, Known | Failed):
            self._others.append(prepared)
        self._done += 1
        if len(self._fresh) >= ENCODE_BATCH or len(self._others) >= COMMIT_EVERY:
            self._flush()

    def _flush(self) -> None:
        vectors = self._encode()
        if self._fresh or self._others:
            commit(self._catalog, self._model.id, self._fresh, vectors, self._others)
        self._summary.embedded += len(self._fresh)
        self._summary.known += sum(isinstance(other, Known) for other in self._others)
        self._summary.failed += sum(isinstance(other, Failed) for other in self._others)
        self._preparer.release([item.content_id for item in self._fresh])
        self._fresh, self._others = [], []
        self._settings.progress.working(self._done, self._total)
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self._library.vectors(self._model).save()
            self._saved_at = time.monotonic()

    def _encode(self) -> Vectors:
        return self._encoder.encode_images([item.photo.image for item in self._fresh])
