"""A library: one folder with the catalog and everything derived from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout
from sqlalchemy import select

from pixfind.catalog import Catalog, assets
from pixfind.catalog.database import FILE_NAME, bump_generation, set_setting, setting
from pixfind.catalog.schema import Model
from pixfind.encoders.base import EncoderSpec
from pixfind.errors import (
    LibraryBusyError,
    LibraryEmptyError,
    LibraryNotFoundError,
    ModelMismatchError,
)
from pixfind.vector_cache import VectorCache

MODEL_SETTING = "model_id"


class Library:
    """An open library. Close it, or use it as a context manager."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self._caches: dict[int, VectorCache] = {}

    @classmethod
    def open(cls, folder: Path) -> Library:
        """Open an existing library.

        Raises:
            LibraryNotFoundError: there is none in ``folder``.
        """
        if not (folder / FILE_NAME).is_file():
            raise LibraryNotFoundError(folder)
        return cls(folder, Catalog.open(folder))

    @classmethod
    def create(cls, folder: Path) -> Library:
        """Open the library in ``folder``, making an empty one where there is none."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, Catalog.open(folder))

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
        return self.folder / "thumbs"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only process that writes to the library.

        Raises:
            LibraryBusyError: another one is at it.
        """
        lock = FileLock(self.folder / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise LibraryBusyError(self.folder) from None
        try:
            yield
        finally:
            lock.release()

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

    def require(self, spec: EncoderSpec) -> Model:
        """Return the row of a model that can search this library.

        Raises:
            LibraryEmptyError: there is nothing to search.
            ModelMismatchError: the library has no embeddings of that model.
        """
        chosen = self.model()
        if chosen is None:
            raise LibraryEmptyError(self.folder)
        for row in self.models():
            if (row.name, row.fingerprint) == (spec.name, spec.fingerprint):
                if not len(self.vectors(row).current()):
                    break
                return row
        else:
            raise ModelMismatchError(
                self.folder, _described(chosen), f"{spec.name} {spec.fingerprint[:12]}", spec.name
            )
        raise LibraryEmptyError(self.folder)

    def vectors(self, model: Model) -> VectorCache:
        """Return the cache of the model's index over this library."""
        if model.id not in self._caches:
            self._caches[model.id] = VectorCache(self.catalog, self.folder / "vectors", model)
        return self._caches[model.id]


def _described(model: Model) -> str:
    return f"{model.name} {model.fingerprint[:12]}"
