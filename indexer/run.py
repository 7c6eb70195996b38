"""One indexing run, from the folders given to a library that can be searched."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.orm import Session

from indexer import scopes
from indexer.batch import Batch
from indexer.blurs import fill_blurs
from indexer.commit import commit
from indexer.encoding import Encoding, result_of
from indexer.prepare import Prepared, Preparer, Twin, Unread
from indexer.progress import CancelledError, Control, Phase, Progress, Silent, Standing, Summary
from indexer.scan import Comparison, Scope
from indexer.scopes import require_paths
from pixfind.catalog import assets, files, roots
from pixfind.catalog.files import Place
from pixfind.catalog.schema import Model, Root
from pixfind.config import normal_path
from pixfind.decoding import SECONDS
from pixfind.decoding.workers import Workers
from pixfind.encoders.base import Encoder
from pixfind.library import Library
from pixfind.machine import cores
from pixfind.photos.thumbnails import Thumbnails

ENCODE_BATCH = 32
# With its regions a photo is some twenty pictures, all of them held until they are embedded.
BATCH_WITH_REGIONS = 4
# Files that need no encoding are committed in larger steps.
COMMIT_EVERY = 512
# Between writes of the FAISS files in a long run: what a search has to catch up with. With the
# regions of a large library they are gigabytes, so they rest for many times as long as they took.
SAVE_EVERY_S = 60.0
SAVE_REST = 20


class Item(NamedTuple):
    """A file to look at; one that is outdated, only for its metadata."""

    scope: Scope
    place: Place
    outdated: bool = False


class Indexer:
    """Brings a library up to date with folders, with one model.

    Args:
        library: where to.
        encoder: the model.
        workers: processes that decode; else one for each core. No more threads than these encode.
        retry_failed: look again at files that failed before.
        forget_missing: drop roots that are not there, or that are empty now.
        regions: embed overlapping tiles of each photo as well, so that small things are found;
            ``False`` drops those that there are, ``None`` does as the last run did.
        progress: told of every step.
        control: may hold the run up, or end it early.
        wait_s: how long to wait for another process that writes to the library.
        decode_timeout: seconds that decoding a file may take; of a video, finding its next frame,
            and 180 times as long for all of it.
    """

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        *,
        workers: int | None = None,
        retry_failed: bool = False,
        forget_missing: bool = False,
        regions: bool | None = None,
        progress: Progress | None = None,
        control: Control | None = None,
        wait_s: float = 0,
        decode_timeout: float = SECONDS,
    ) -> None:
        self.library = library
        self.encoder = encoder
        self.workers = workers or cores()
        self.retry_failed = retry_failed
        self.forget_missing = forget_missing
        self.regions = regions
        self.progress = progress or Silent()
        self.control = control or Control()
        self.wait_s = wait_s
        self.decode_timeout = decode_timeout

    def run(self, paths: Sequence[Path] = ()) -> Summary:
        """Index folders or single files; without any, all folders that the library covers.

        Ctrl-C, and the control, end the run early: what was committed stays, and the next run
        continues.

        A library goes over to another model as a whole: everything is looked at, and it is
        searched with the new model once that has seen every picture that the old one has.

        Raises:
            PathNotFoundError, NotAPictureError: a path is no use (nothing has been done then).
            LibraryBusyError: another process is indexing this library.
        """
        normal = require_paths(paths)
        with self.library.writing(self.wait_s), Workers(self.workers, self.decode_timeout) as own:
            return _Run(self, own).over(normal)

    def retry(self, paths: Sequence[Path] = ()) -> Summary:
        """Look again at files that failed before, and at nothing else.

        Args:
            paths: folders that they lie in, or the files themselves; else all of them.

        Returns:
            The ``embedded`` and the ``known`` have become pictures, the ``failed`` have not.

        Raises:
            LibraryBusyError: another process is indexing this library.
        """
        below = tuple(map(normal_path, paths)) or (Path(os.sep),)
        self.retry_failed = True
        with self.library.writing(self.wait_s), Workers(self.workers, self.decode_timeout) as own:
            return _Run(self, own, only_failed_below=below).over(())


class _Run:
    """The state of one run."""

    def __init__(
        self,
        indexer: Indexer,
        workers: Workers,
        only_failed_below: tuple[Path, ...] | None = None,
    ) -> None:
        self._indexer = indexer
        self._library = indexer.library
        self._catalog = indexer.library.catalog
        self._encoder = indexer.encoder
        self._progress = indexer.progress
        self._control = indexer.control
        self._summary = Summary()
        self._model: Model = self._library.add_model(self._encoder.spec)
        with_regions = self._library.with_regions(indexer.regions)
        self._comparison = Comparison(
            self._catalog, self._model.id, indexer.retry_failed, with_regions, only_failed_below
        )
        thumbnails = Thumbnails(self._library.thumbnails)
        thumbnails.sweep()  # a run that has none to write would leave what a killed one left
        self._preparer = Preparer(
            self._catalog,
            self._model.id,
            self._encoder,
            thumbnails,
            workers,
            go_on=self._control.checkpoint,
            with_regions=with_regions,
        )
        self._batch = BATCH_WITH_REGIONS if with_regions else ENCODE_BATCH
        self._filling = Batch()
        self._encoded: deque[Batch] = deque()
        self._twins: list[Item] = []
        self._still_gone: set[int] = set()
        self._looked = self._done = self._total = 0
        self._save_at = time.monotonic() + SAVE_EVERY_S

    def over(self, paths: Sequence[Path]) -> Summary:
        """Do the run and count."""
        started = time.monotonic()
        searched = self._library.model() or self._model
        try:
            self._update(paths, is_new_model=searched.id != self._model.id)
            fill_blurs(self._library, self._control.checkpoint)
        except (KeyboardInterrupt, CancelledError):
            self._summary.interrupted = True
        self._tell(Phase.FINISHING)
        self._library.save_vectors(self._model)
        with self._catalog.read() as session:
            self._summary.photos = assets.count_searchable(session, self._model.id)
            self._summary.unseen = assets.count_unseen(session, self._model.id, searched.id)
        if searched.id != self._model.id and not self._summary.unseen:
            self._library.choose_model(self._model)
        self._summary.seconds = time.monotonic() - started
        return self._summary

    def _update(self, paths: Sequence[Path], *, is_new_model: bool) -> None:
        choice = scopes.choose(self._catalog, paths, everything=is_new_model)
        with self._catalog.read() as session:
            before = roots.last_file_id(session)
        gone = self._survey(choice.scopes)
        if self._total:
            self._tell(Phase.WORKING)
            self._process(self._todo(choice.scopes))
            # What has come back meanwhile is there.
            gone = [number for number in gone if number in self._still_gone]
            # A copy's metadata, read since they were counted, was theirs.
            self._summary.unchanged += max(0, self._total - self._done)
        with self._catalog.write() as session:
            self._summary.removed = files.sweep(session, gone)
            for root in roots.all_roots(session):
                self._settle(session, root, choice.missing, before)

    def _settle(self, session: Session, root: Root, missing: list[Path], before: int) -> None:
        """Decide what becomes of a root that is not there."""
        path = Path(root.path)
        if path.exists() and path not in missing:
            return
        if roots.forget_moved(session, root, before):
            return
        if self._indexer.forget_missing and path in missing:
            self._summary.removed += roots.forget(session, root)
        elif path in missing:
            self._summary.missing_roots.append(root.path)

    def _survey(self, wanted: list[Scope]) -> list[int]:
        """Count what is to do; return the files that are gone."""
        gone: list[int] = []
        for scope in wanted:
            for state in self._comparison.folders(scope):
                self._total += len(state.todo) + len(state.outdated)
                self._summary.unchanged += state.unchanged
                self._looked = self._summary.unchanged + self._total
                gone.extend(state.gone)
                if state.unreadable is not None:
                    folder = scope.root / state.folder
                    self._summary.unreadable.append(f"{folder}: {state.unreadable}")
                self._progress.looking(self._looked)
                self._tell(Phase.LOOKING)
                self._control.checkpoint()
        return gone

    def _todo(self, wanted: list[Scope]) -> Iterator[Item]:
        """Walk again, so that a million new files need not be held in memory."""
        for scope in wanted:
            for state in self._comparison.folders(scope):
                self._control.checkpoint()
                self._still_gone.update(state.gone)
                yield from (Item(scope, place) for place in state.todo)
                yield from (Item(scope, place, outdated=True) for place in state.outdated)

    def _process(self, items: Iterable[Item]) -> None:
        workers = self._indexer.workers
        encoding = Encoding(self._encoder, min(workers, cores()), self._control)
        with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
            try:
                while True:
                    for item, prepared in self._prepared(pool, items):
                        self._take(item, prepared, encoding)
                    self._close(encoding)
                    self._commit_all_but(0)
                    if not self._twins:
                        return
                    # Their twins are in by now, or have failed as these will.
                    items, self._twins = self._twins, []
            except BaseException:
                self._control.give_up()
                self._preparer.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
            finally:
                encoding.end()

    def _prepared(
        self, pool: ThreadPoolExecutor, items: Iterable[Item]
    ) -> Iterator[tuple[Item, Prepared]]:
        """Yield results in order, decoding ahead by a bounded number of files."""
        ahead = 2 * self._batch + self._indexer.workers
        pending: deque[tuple[Item, Future[Prepared]]] = deque()
        for item in items:
            pending.append((item, pool.submit(self._prepare, item)))
            if len(pending) >= ahead:
                first, future = pending.popleft()
                yield first, result_of(future, self._control)
        while pending:
            first, future = pending.popleft()
            yield first, result_of(future, self._control)

    def _prepare(self, item: Item) -> Prepared:
        self._control.checkpoint()
        path = item.scope.path(item.place)
        return self._preparer.prepare(item.place, path, outdated=item.outdated)

    def _take(self, item: Item, prepared: Prepared, encoding: Encoding) -> None:
        if isinstance(prepared, Twin):
            self._twins.append(item)
            return
        if isinstance(prepared, Unread):
            self._summary.unchanged += 1
        batch = self._filling
        batch.add(prepared)
        if batch.is_full(photos=self._batch, others=COMMIT_EVERY):
            self._close(encoding)
            # While the next one fills, this one is encoded; a video brings its vectors.
            self._commit_all_but(0 if batch.videos else 1)

    def _close(self, encoding: Encoding) -> None:
        """Have the batch encoded that is full, or the last, and begin another."""
        batch, self._filling = self._filling, Batch()
        batch.encoded = encoding.start(batch.images)
        self._encoded.append(batch)

    def _commit_all_but(self, last: int) -> None:
        while len(self._encoded) > last:
            self._commit(self._encoded.popleft())

    def _commit(self, batch: Batch) -> None:
        vectors, of_tiles = batch.vectors()
        if batch.leaves_something:
            commit(
                self._catalog,
                self._model.id,
                batch.fresh,
                vectors,
                of_tiles,
                batch.videos,
                batch.others,
            )
        batch.count(self._summary)
        self._done += batch.files
        self._preparer.release(batch.content_ids)
        self._progress.working(self._done, self._total)
        self._tell(Phase.WORKING)
        begun = time.monotonic()
        if begun > self._save_at:
            self._library.save_vectors(self._model)
            now = time.monotonic()
            self._save_at = now + max(SAVE_EVERY_S, SAVE_REST * (now - begun))

    def _tell(self, phase: Phase) -> None:
        standing = Standing(phase, self._looked, self._done, self._total, self._summary.failed)
        self._control.stands(standing)
