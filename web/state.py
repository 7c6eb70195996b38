"""What the requests of one application share: the open library and its engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from flask import current_app
from sqlalchemy.orm import Session

from pixfind.catalog import assets, values
from pixfind.catalog.database import FILE_NAME
from pixfind.config import Settings
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryEmptyError
from pixfind.library import Library
from pixfind.photos.thumbnails import Thumbnails
from search import SearchEngine
from search.engine import open_engine
from web.indexing.folders import IndexRoots
from web.indexing.jobs import IndexingJobs
from web.library.disk import DiskUse
from web.library.duplicates import DuplicateSearch
from web.photo.describing import LiveDescriber
from web.remembered import Remembered
from web.searching.completions import Completer

T = TypeVar("T")
# Each that is sent to somebody with a slow line holds one of the server's threads (eight).
ARCHIVES = 3


class AppState:
    """Opens the library when it is first asked for, and again when it is another.

    With another model, it is searched by another engine. ``keeps`` tells whether what is found out
    for a visitor, as descriptions, may be kept in the library.
    """

    def __init__(
        self,
        settings: Settings,
        model: str | None,
        index_roots: Sequence[Path] = (),
        *,
        keeps: bool = True,
    ) -> None:
        self.settings = settings
        self._keeps = keeps
        self._models = ModelStore(settings.models)
        self.jobs = IndexingJobs(
            settings, self.library, self._models, IndexRoots(index_roots), model
        )
        self.archives = threading.BoundedSemaphore(ARCHIVES)
        self._asked = model
        self._lock = threading.Lock()
        self._library: Library | None = None
        self._placed: tuple[int, int] | None = None
        self._known: tuple[Remembered, Completer] | None = None
        self._disk: DiskUse | None = None
        self._serves: tuple[SearchEngine, LiveDescriber] | None = None
        self._serves_of: tuple[Library, int] | None = None
        self._duplicates: DuplicateSearch | None = None

    def library(self) -> Library:
        """Return the open library.

        Raises:
            LibraryNotFoundError: there is none yet.
        """
        with self._lock:
            placed = _placed(self.settings.library / FILE_NAME)
            if self._library is not None and placed != self._placed:
                self._forget()  # it is another by now, or gone: what is written to it is lost
            if self._library is None:
                self._library, self._placed = Library.open(self.settings.library), placed
                catalog = self._library.catalog
                self._known = Remembered(catalog), Completer(catalog)
                self._disk = DiskUse(self._library)
            return self._library

    def engine(self) -> SearchEngine:
        """Return an engine over the library as it is now.

        Raises:
            LibraryError, ModelError: the library cannot be searched.
        """
        return self._serving()[0]

    def describer(self) -> LiveDescriber:
        """Return what describes photos with the engine's model.

        Raises:
            LibraryError, ModelError: as for ``engine``.
        """
        return self._serving()[1]

    def _serving(self) -> tuple[SearchEngine, LiveDescriber]:
        library = self.library()
        known, _ = self._remembering()
        model = known.get("model", lambda _: library.model(), never_old=True)
        if model is None:
            raise LibraryEmptyError(library.folder)
        with self._lock:
            if self._serves is None or self._serves_of != (library, model.id):
                # A request names photos of the library, never files beside it.
                engine = open_engine(
                    library, self._models, self._asked, read_files=False, many_at_once=True
                )
                encoder = self._models.load(self._asked or model.name)
                describer = LiveDescriber(library, encoder, self.settings.cache, keeps=self._keeps)
                self._serves, self._serves_of = (engine, describer), (library, model.id)
            return self._serves

    def duplicates(self) -> DuplicateSearch:
        """Return what looks for duplicates.

        Raises:
            LibraryNotFoundError: there is no library yet.
        """
        library = self.library()
        with self._lock:
            if self._duplicates is None:
                self._duplicates = DuplicateSearch(library)
            return self._duplicates

    def completer(self) -> Completer:
        """Return what completes queries with what the library has.

        Raises:
            LibraryNotFoundError: there is none yet.
        """
        return self._remembering()[1]

    def count_photos(self) -> int:
        """Return how many photos can be found."""
        model = self.library().model()
        if model is None:
            return 0
        model_id = model.id

        def read(session: Session) -> int:
            return assets.count_searchable(session, model_id)

        return self._remembering()[0].get(("searchable", model_id), read)

    def has_videos(self) -> bool:
        """Return whether some of the photos are videos."""
        return self._remembering()[0].get("kinds", values.kinds)["video"] > 0

    def read(self, key: Hashable, reader: Callable[[Session], T]) -> T:
        """Return what a reader of the catalog returns; see ``Remembered``.

        Raises:
            LibraryNotFoundError: there is no library yet.
        """
        return self._remembering()[0].get(key, reader)

    def disk_use(self) -> dict[str, int]:
        """Return how many bytes each part of the library takes.

        Raises:
            LibraryNotFoundError: there is no library yet.
        """
        self.library()
        if self._disk is None:
            raise RuntimeError("the library has just been closed")
        return self._disk.get()

    def _remembering(self) -> tuple[Remembered, Completer]:
        self.library()
        if self._known is None:
            raise RuntimeError("the library has just been closed")
        return self._known

    def thumbnails(self) -> Thumbnails:
        """Return the library's thumbnails."""
        return Thumbnails(self.library().thumbnails)

    def close(self) -> None:
        """End what goes on in the background, and close the library if it is open."""
        self.jobs.close()
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._duplicates is not None:
            self._duplicates.close()
        if self._library is not None:
            self._library.close()
        self._library = self._serves = self._serves_of = self._duplicates = None


def _placed(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that is put in its place."""
    try:
        found = os.stat(file)  # noqa: PTH116 - each request asks, and this is quicker
    except OSError:
        return None
    return found.st_dev, found.st_ino


def state() -> AppState:
    """Return the state of the application that serves the current request."""
    return cast(AppState, current_app.extensions["pixfind"])
