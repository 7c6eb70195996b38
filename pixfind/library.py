"""A library: one folder with the catalog and everything derived from it."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from sqlalchemy import select

from pixfind.catalog import Catalog, assets, parts
from pixfind.catalog.database import (
    FILE_NAME,
    bump_generation,
    has_indexes,
    set_setting,
    setting,
)
from pixfind.catalog.schema import Model
from pixfind.durable import is_cache_folder, make_cache_folder
from pixfind.encoders.base import EncoderSpec
from pixfind.errors import (
    LibraryAccessError,
    LibraryBusyError,
    LibraryEmptyError,
    LibraryNotFoundError,
    LibraryReadOnlyError,
    ModelMismatchError,
)
from pixfind.photos.brought import BroughtPictures
from pixfind.vectors import VectorIndex
from pixfind.vectors.cache import VectorCache

MODEL_SETTING = "model_id"
REGIONS_SETTING = "regions"
# What can be made again from the catalog and the photos, or brought again.
VECTORS, THUMBNAILS, PICTURES = DERIVED = ("vectors", "thumbs", "pictures")
PARTS = "parts"


class Library:
    """An open library. Close it, or use it as a context manager."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self._caches: dict[tuple[int, bool], VectorCache] = {}
        self._of: tuple[int, ...] = ()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Library:
        """Open an existing library.

        Raises:
            LibraryNotFoundError: there is none in ``folder``.
        """
        if not (folder / FILE_NAME).is_file():
            raise LibraryNotFoundError(folder, has_indexes=has_indexes(folder))
        return cls(folder, Catalog.open(folder))

    @classmethod
    def create(cls, folder: Path) -> Library:
        """Open the library in ``folder``, making an empty one where there is none."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / FILE_NAME).exists() and is_cache_folder(folder / VECTORS):
            # Of a catalog that is gone: beside them a new one, just begun, would seem emptied. What
            # is not marked as pixfind's is somebody else's, whatever it is called.
            shutil.rmtree(folder / VECTORS, ignore_errors=True)
        catalog = Catalog.open(folder)
        if not catalog.is_read_only:
            for derived in DERIVED:
                make_cache_folder(folder / derived)
        return cls(folder, catalog)

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def thumbnails(self) -> Path:
        """The folder of thumbnails, which can be deleted at any time."""
        return self.folder / THUMBNAILS

    @property
    def brought(self) -> BroughtPictures:
        """The pictures that were brought to search by."""
        return BroughtPictures(self.folder / PICTURES)

    def bring(self, content: bytes, name: str) -> str:
        """Take a picture to search by; return what ``like:`` names it by.

        That is its number if the library has it, else the token under which it is kept for a
        while. A video is known only if the library has it.

        Args:
            content: the file's bytes.
            name: what the file was called; for errors only.

        Raises:
            PhotoError: the bytes are no picture that could be indexed.
            LibraryAccessError: it cannot be kept, as on a full or read-only disk.
        """
        with self.catalog.read() as session:
            known = assets.placed(session, hashlib.sha256(content).digest())
        if known is not None:
            return str(known)
        try:
            return self.brought.keep(content, name)
        except OSError as error:
            raise LibraryAccessError(self.folder, error.strerror or str(error)) from error

    @contextmanager
    def writing(self, wait_s: float = 0) -> Iterator[None]:
        """Be the only process that writes to the library.

        Args:
            wait_s: how long to wait for another one to end.

        Raises:
            LibraryBusyError: another one is at it.
            LibraryReadOnlyError: nothing can be written there.
        """
        self.catalog.require_writable()
        with writer_lock(self.folder, wait_s):
            yield

    def model(self) -> Model | None:
        """Return the model that the library is searched with, or ``None`` in a new one."""
        with self.catalog.read() as session:
            chosen = setting(session, MODEL_SETTING)
            return None if chosen is None else session.get(Model, int(chosen))

    def models(self) -> list[Model]:
        """Return every model that the library has embeddings of."""
        with self.catalog.read() as session:
            return list(session.scalars(select(Model).order_by(Model.name)))

    def add_model(self, spec: EncoderSpec) -> Model:
        """Return the model's row; the first model is the one that the library is searched with."""
        with self.catalog.write() as session:
            row = assets.model_row(session, spec.name, spec.fingerprint, spec.dim)
            if setting(session, MODEL_SETTING) is None:
                set_setting(session, MODEL_SETTING, str(row.id))
        return row

    def choose_model(self, model: Model) -> None:
        """Make that model the one that the library is searched with."""
        with self.catalog.write() as session:
            set_setting(session, MODEL_SETTING, str(model.id))
            bump_generation(session)

    def model_name(self, asked: str | None, default: str) -> str:
        """Return the model to index with: the one asked for, else the library's, else a default."""
        current = self.model()
        return asked or (current.name if current else default)

    def require(self, spec: EncoderSpec) -> Model:
        """Return the row of a model that can search this library.

        Raises:
            LibraryEmptyError: there is nothing to search.
            ModelMismatchError: the library has no embeddings of that model.
        """
        chosen = self.model()
        if chosen is None:
            raise LibraryEmptyError(self.folder)
        wanted = (spec.name, spec.fingerprint)
        for row in self.models():
            if (row.name, row.fingerprint) == wanted and len(self.index(row)):
                return row
        if (chosen.name, chosen.fingerprint) == wanted:
            raise LibraryEmptyError(self.folder)
        raise ModelMismatchError(
            self.folder, _described(chosen), f"{spec.name} {spec.fingerprint[:12]}", spec.name
        )

    def index(self, model: Model) -> VectorIndex:
        """Return the model's index as of now; where its file was behind, try to bring that up."""
        return self._current(model)

    def parts_index(self, model: Model) -> VectorIndex | None:
        """Return the same over parts of pictures; ``None`` if the model has seen none."""
        with self.catalog.read() as session:
            if not parts.exist(session, model.id):
                return None
        return self._current(model, of_parts=True)

    def save_vectors(self, model: Model) -> None:
        """Write the model's indexes to disk where they stand behind."""
        self.vectors(model).save()
        with self.catalog.read() as session:
            has_parts = parts.exist(session, model.id)
        if has_parts:
            self.vectors(model, of_parts=True).save()

    def with_regions(self, asked: bool | None) -> bool:
        """Return whether regions of photos are embedded, and remember what was asked.

        ``False`` drops those that there are, ``None`` asks for what was asked last.
        """
        with self.catalog.write() as session:
            if asked is None:
                return setting(session, REGIONS_SETTING) == "yes"
            set_setting(session, REGIONS_SETTING, "yes" if asked else "no")
            dropped = not asked and parts.drop_regions(session) > 0
            if dropped:
                bump_generation(session)
        if dropped:
            # The largest files by far; if moments of videos are left, theirs is made again.
            shutil.rmtree(self.folder / VECTORS / PARTS, ignore_errors=True)
        return asked

    def _current(self, model: Model, *, of_parts: bool = False) -> VectorIndex:
        cache = self.vectors(model, of_parts=of_parts)
        index = cache.current(at_once=False)
        if not cache.is_saved:
            # For the next process's sake only: an indexer at work saves by itself, and a library
            # on a full or read-only disk can still be searched.
            with suppress(LibraryBusyError, LibraryReadOnlyError, OSError), self.writing():
                if self.vectors(model, of_parts=of_parts) is cache:
                    cache.save()
        return index

    def vectors(self, model: Model, *, of_parts: bool = False) -> VectorCache:
        """Return the cache of the model's index over this library, or over parts of its pictures.

        The parts' files lie in a folder of their own: they can be many times as large. Of a catalog
        that takes the place of another nothing is known: its ids may mean other photos.
        """
        folder = self.folder / VECTORS / PARTS if of_parts else self.folder / VECTORS
        of = self.catalog.follow()
        with self._lock:
            if of != self._of:
                self._caches.clear()
                self._of = of
            key = model.id, of_parts
            if key not in self._caches:
                self._caches[key] = VectorCache(self.catalog, folder, model, of_parts=of_parts)
            return self._caches[key]


@contextmanager
def writer_lock(folder: Path, wait_s: float = 0) -> Iterator[None]:
    """Be the only process that writes to the library in a folder, whose catalog need not open.

    Raises:
        LibraryBusyError: another one is at it.
        LibraryReadOnlyError: nothing can be written there.
    """
    from filelock import FileLock, Timeout  # takes a while, and a search does without

    if not os.access(folder, os.W_OK):
        raise LibraryReadOnlyError(folder)
    lock = FileLock(folder / "writer.lock")
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise LibraryBusyError(folder) from None
    try:
        yield
    finally:
        lock.release()


def _described(model: Model) -> str:
    return f"{model.name} {model.fingerprint[:12]}"
