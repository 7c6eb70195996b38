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
from pixfind.catalog.photos import Photo, photos_by_id
from pixfind.config import Settings
from pixfind.decoding import SECONDS
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.status import LibraryStatus, library_status
from search import Results, SearchEngine
from search.albums import save_album
from search.engine import DEFAULT_LIMIT, open_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixfind.care.backup import Backup
    from pixfind.care.findings import Checkup
    from pixfind.encoders.base import Encoder
    from search.descriptions.account import Account
    from search.descriptions.describing import Describer
    from search.duplicates.finding import Duplicates
    from search.sidecars.reading import Read as ReadSidecars
    from search.sidecars.writing import Options as SidecarOptions
    from search.sidecars.writing import Written as WrittenSidecars
    from search.tags.classes import Classification
    from search.tags.scoring import Scorer
    from search.tags.tagging import Summary as TagSummary

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
        self,
        *paths: AnyPath,
        workers: int | None = None,
        regions: bool | None = None,
        decode_timeout: float = SECONDS,
    ) -> Summary:
        """Add folders or files; without any, bring all that the library covers up to date.

        Args:
            paths: what to add.
            workers: processes that decode; else one for each core. No more threads encode.
            regions: see ``indexer.Indexer``.
            decode_timeout: seconds that decoding a file may take.
        """
        indexer = Indexer(
            self._library,
            self._encoder,
            workers=workers,
            regions=regions,
            decode_timeout=decode_timeout,
        )
        return self._ended(indexer.run([Path(path) for path in paths]))

    def retry(self, *paths: AnyPath, decode_timeout: float = SECONDS) -> Summary:
        """Look again at files that failed before; without any paths, at all of them.

        Args:
            paths: folders that they lie in, or the files themselves.
            decode_timeout: see ``add``.
        """
        indexer = Indexer(self._library, self._encoder, decode_timeout=decode_timeout)
        return self._ended(indexer.retry([Path(path) for path in paths]))

    def backup(self, target: AnyPath, *, thumbnails: bool = False, force: bool = False) -> Backup:
        """Save the library, not the photos, to one file (see ``pixfind.care.backup.back_up``)."""
        from pixfind.care.backup import back_up

        return back_up(self._library, Path(target), thumbnails=thumbnails, force=force)

    def check(self) -> Checkup:
        """Look at everything that the library consists of, and change nothing."""
        from pixfind.care.checkup import check_library

        return check_library(self._library.folder, self._models)

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

    def describe(self, picture: Photo | AnyPath | int) -> Account:
        """Say what a picture shows: a sentence, an alternative text, and all that is known.

        Args:
            picture: a photo of the library or its id, or the path of a picture file.
        """
        from search.descriptions.photographs import describe_file, describe_photo

        if isinstance(picture, Photo | int):
            photo = picture if isinstance(picture, Photo) else self.photo(picture)
            return describe_photo(self._describer, self._library, photo)
        return describe_file(self._describer, Path(picture))

    def classify(
        self, pictures: Sequence[AnyPath], labels: Sequence[str], *, several: bool = False
    ) -> list[Classification]:
        """Tell which label fits picture files, in the library or not.

        Args:
            pictures: their paths.
            labels: in plain words.
            several: whether several labels may be true, each by itself.

        Raises:
            PhotoError: a picture cannot be read.
            VocabularyError: there are no labels, or one is there twice.
            UncalibratedError: see ``search.tags.classes``.
        """
        from pixfind.evaluation.embedding import embed_photos
        from search.tags.classes import Classifier
        from search.tags.vocabulary import vocabulary_of

        encoder = self._encoder
        classifier = Classifier(encoder, vocabulary_of(labels), self._settings.cache)
        if not pictures:
            return []
        vectors = embed_photos(encoder, [Path(picture) for picture in pictures])
        return classifier.each(vectors) if several else classifier.choose(vectors)

    def tag(self) -> TagSummary:
        """Tag automatically what is new, or all photos where what tags depend on has changed."""
        from search.tags.tagging import tag_library

        summary = tag_library(self._library, self._tag_scorer())
        if summary.interrupted:
            raise KeyboardInterrupt
        return summary

    def accept_tag(self, tag: str, *photos: Photo | AnyPath | int) -> None:
        """Give photos a tag, with what it implies. From five photos on, it is learned from them."""
        from search.tags.owner import accept

        accept(self._library, tag, [_named(photo) for photo in photos])

    def reject_tag(self, tag: str, *photos: Photo | AnyPath | int) -> None:
        """Say that photos do not show what a tag says: no run brings it back."""
        from search.tags.owner import reject

        reject(self._library, tag, [_named(photo) for photo in photos])

    def suggest_tag(self, tag: str, limit: int = DEFAULT_LIMIT) -> list[tuple[Photo, float]]:
        """Return the photos that most probably have a tag, of which nothing has been said yet."""
        found = self._tag_scorer().likely(tag, limit)
        with self._library.catalog.read() as session:
            photos = photos_by_id(session, [asset_id for asset_id, _ in found])
        return [(photos[asset_id], p) for asset_id, p in found if asset_id in photos]

    def write_sidecars(
        self, query: str | None = None, options: SidecarOptions | None = None
    ) -> WrittenSidecars:
        """Write what the library says of photos into XMP files beside them, or in a mirror.

        Args:
            query: which photos, or else all.
            options: see ``search.sidecars.writing.Options``.
        """
        from search.export.exporting import answers
        from search.sidecars.writing import Options, write_sidecars

        chosen = answers(self._engine, query).results if query is not None else None
        ids = None if chosen is None else [result.photo.id for result in chosen]
        return write_sidecars(self._library, ids, options or Options())

    def read_sidecars(self, *paths: AnyPath, mirror: AnyPath | None = None) -> ReadSidecars:
        """Take over what the sidecars of photos say: of all, or of those at the paths.

        Args:
            paths: of photos, folders or sidecars.
            mirror: the folder that sidecars were written to, if not beside the photos.
        """
        from search.sidecars.reading import read_sidecars

        where = None if mirror is None else Path(mirror)
        return read_sidecars(self._library, [Path(path) for path in paths], mirror=where)

    def photo(self, photo_id: int) -> Photo:
        """Return one photo's facts."""
        return self._engine.photo(photo_id)

    def status(self) -> LibraryStatus:
        """Say what the library holds."""
        return library_status(self._library)

    @cached_property
    def _describer(self) -> Describer:
        from search.descriptions.describing import Describer

        return Describer(self._encoder, self._settings.cache)

    def _tag_scorer(self) -> Scorer:
        from search.tags.scoring import Scorer

        return Scorer(self._library, self._encoder, self._settings.cache)

    def _ended(self, summary: Summary) -> Summary:
        self.__dict__.pop("_engine", None)
        if summary.interrupted:
            raise KeyboardInterrupt
        return summary

    @property
    def _encoder(self) -> Encoder:
        """The model asked for, else the library's, which an indexer may have changed."""
        return self._models.load(self._library.model_name(self._asked, self._settings.model))

    @cached_property
    def _engine(self) -> SearchEngine:
        return open_engine(self._library, self._models, self._asked)


def _named(photo: Photo | AnyPath | int) -> str:
    """Return how a query would name a photo."""
    if isinstance(photo, Photo | int):
        return str(photo if isinstance(photo, int) else photo.id)
    return str(Path(photo).absolute())  # a file called 3 is not photo 3
