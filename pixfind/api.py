"""The Python API: one object over a library, with what the command line offers."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from indexer import Indexer, Summary
from pixfind.catalog import albums
from pixfind.catalog.albums import SavedSearch
from pixfind.catalog.photos import Photo
from pixfind.config import Settings
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.status import LibraryStatus, library_status
from search import Results, SearchEngine
from search.albums import save_album
from search.engine import DEFAULT_LIMIT, open_engine

if TYPE_CHECKING:
    from search.duplicates.finding import Duplicates

AnyPath = str | os.PathLike[str]


def open(path: AnyPath | None = None, model: str | None = None) -> PhotoLibrary:  # noqa: A001
    """Open a library, making an empty one where there is none.

    Args:
        path: the folder where it lies; else ``$PIXFIND_LIBRARY``, else a folder in the user's data.
        model: the model to index and search with; else the library's own, else the bundled one.
    """
    return PhotoLibrary(Settings.load(Path(path) if path is not None else None), model)


class PhotoLibrary:
    """An open library. Close it, or use it as a context manager.

    Its methods raise ``pixfind.PixfindError``, whose message is one line for people.
    """

    def __init__(self, settings: Settings, model: str | None = None) -> None:
        self._settings = settings
        self._asked = model
        self._models = ModelStore(settings.models)
        self._library = Library.create(settings.library)

    def __enter__(self) -> PhotoLibrary:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library's database."""
        self._library.close()

    def add(
        self, *paths: AnyPath, workers: int | None = None, regions: bool | None = None
    ) -> Summary:
        """Add folders or files; without any, bring all that the library covers up to date.

        Args:
            paths: what to add.
            workers: threads that decode; else one for each core.
            regions: see ``indexer.Indexer``.
        """
        name = self._library.model_name(self._asked, self._settings.model)
        indexer = Indexer(self._library, self._models.load(name), workers=workers, regions=regions)
        summary = indexer.run([Path(path) for path in paths])
        self.__dict__.pop("_engine", None)
        if summary.interrupted:
            raise KeyboardInterrupt
        return summary

    def search(
        self,
        query: str,
        limit: int | None = None,
        *,
        offset: int = 0,
        everything: bool = False,
        with_facets: bool = False,
    ) -> Results:
        """Find the photos that answer a query in the query language (``docs/QUERY.md``).

        What is improbable is left out unless ``everything`` is asked for; see
        ``search.SearchEngine.search``.
        """
        return self._engine.search(
            query, limit, offset=offset, everything=everything, with_facets=with_facets
        )

    def similar(self, picture: Photo | AnyPath | int, limit: int = DEFAULT_LIMIT) -> Results:
        """Rank photos by their likeness to a picture, which is left out itself.

        Args:
            picture: a photo of the library or its id, or the path of a picture file.
            limit: how many results at most.
        """
        known = picture if isinstance(picture, Photo | int) else Path(picture).absolute()
        return self._engine.similar(known, limit)

    def albums(self) -> list[SavedSearch]:
        """Return the saved searches, by name."""
        with self._library.catalog.read() as session:
            return albums.all_albums(session)

    def album(self, name: str) -> SavedSearch:
        """Return one saved search; ``search(album(name).query)`` finds what is in it now."""
        with self._library.catalog.read() as session:
            return albums.find(session, name)

    def save_album(self, name: str, query: str, *, replace: bool = False) -> SavedSearch:
        """Save a query under a name; ``replace`` lets it take the place of another."""
        return save_album(self._library, name, query, replace=replace)

    def remove_album(self, name: str) -> None:
        """Forget a saved search; its photos stay where they are."""
        with self._library.catalog.write() as session:
            albums.remove(session, name)

    def duplicates(self, *, exact_only: bool = False) -> Duplicates:
        """Group photos that are the same or nearly so, with a suggestion which to keep.

        Nothing is deleted or changed.
        """
        from search.duplicates.finding import find_duplicates  # imports what few have a use for

        return find_duplicates(self._library, exact_only=exact_only)

    def photo(self, photo_id: int) -> Photo:
        """Return one photo's facts."""
        return self._engine.photo(photo_id)

    def status(self) -> LibraryStatus:
        """Say what the library holds."""
        return library_status(self._library)

    @cached_property
    def _engine(self) -> SearchEngine:
        return open_engine(self._library, self._models, self._asked)
