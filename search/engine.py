"""Ranking a library's photos by a text or by a picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixfind.catalog import assets, photos
from pixfind.catalog.photos import Photo
from pixfind.catalog.schema import Model
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryEmptyError, PathNotFoundError, PhotoNotFoundError, QueryError
from pixfind.library import Library

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
MAX_QUERY_CHARS = 1000
MAX_ID = 2**63 - 1  # SQLite's; addresses on the web can hold more


@dataclass(frozen=True)
class Result:
    """A photo and the cosine of its embedding with the query's."""

    photo: Photo
    score: float


@dataclass(frozen=True)
class Results:
    """Photos, best first. ``total`` counts the photos that were ranked."""

    query: str
    model: str
    total: int
    results: tuple[Result, ...]


class SearchEngine:
    """Searches one library with the model that it was indexed with; safe to share by threads."""

    def __init__(self, library: Library, encoder: Encoder) -> None:
        self._library = library
        self._encoder = encoder

    def search(self, query: str, limit: int = DEFAULT_LIMIT) -> Results:
        """Rank photos by a description in plain words.

        Raises:
            QueryError: the query is empty or too long.
            LibraryEmptyError, ModelMismatchError: the library cannot be searched like that.
        """
        # An argument that is not UTF-8 arrives with lone surrogates, which no tokenizer takes.
        words = " ".join(query.encode("utf-8", "replace").decode("utf-8").split())
        if not words:
            raise QueryError("the query is empty; describe a picture, for example: a dog on grass")
        if len(words) > MAX_QUERY_CHARS:
            raise QueryError(f"the query is longer than {MAX_QUERY_CHARS} characters; shorten it")
        model = self._library.require(self._encoder.spec)
        return self._ranked(words, model, self._encoder.encode_texts([words])[0], limit)

    def similar(self, image: Path, limit: int = DEFAULT_LIMIT) -> Results:
        """Rank photos by their likeness to a picture in a file, in the library or not.

        The picture itself, if it is in the library, is left out.

        Raises:
            PathNotFoundError: there is no such file.
            PhotoError: it cannot be read or decoded.
            LibraryEmptyError, ModelMismatchError: as for ``search``.
        """
        from pixfind.photos.decode import decode, read_bytes

        if not image.exists():
            raise PathNotFoundError(image)
        model = self._library.require(self._encoder.spec)
        content = read_bytes(image)
        with self._library.catalog.read() as session:
            content_id = hashlib.sha256(content).digest()
            asset_id = assets.embedded_asset(session, content_id, model.id)
        if asset_id is not None:
            return self._like(str(image), model, asset_id, limit)
        photo = decode(content, image, self._encoder.spec.image_size)
        return self._ranked(str(image), model, self._encoder.encode_images([photo.image])[0], limit)

    def similar_to(self, asset_id: int, limit: int = DEFAULT_LIMIT) -> Results:
        """Rank photos by their likeness to one of the library's, which is left out.

        Raises:
            PhotoNotFoundError: there is no such photo.
            LibraryEmptyError, ModelMismatchError: as for ``search``.
        """
        _require_possible(asset_id)
        model = self._library.require(self._encoder.spec)
        return self._like(str(asset_id), model, asset_id, limit)

    def photo(self, asset_id: int) -> Photo:
        """Return one photo.

        Raises:
            PhotoNotFoundError: there is no such photo.
        """
        _require_possible(asset_id)
        with self._library.catalog.read() as session:
            return photos.photo(session, asset_id)

    def latest(self, limit: int = DEFAULT_LIMIT) -> list[Photo]:
        """Return the photos taken last."""
        with self._library.catalog.read() as session:
            return photos.latest(session, _bounded(limit))

    def _like(self, query: str, model: Model, asset_id: int, limit: int) -> Results:
        with self._library.catalog.read() as session:
            photos.photo(session, asset_id)  # or say that it is gone
            vector = assets.vector_of(session, asset_id, model.id)
        if vector is None:  # in the library, but not seen by this model yet
            return Results(query, model.name, 0, ())
        return self._ranked(query, model, vector, limit, leave_out=asset_id)

    def _ranked(
        self, query: str, model: Model, vector: Vectors, limit: int, leave_out: int | None = None
    ) -> Results:
        index = self._library.index(model)
        limit = _bounded(limit)
        wanted = limit if leave_out is None else limit + 1
        scores, ids = index.search(vector[np.newaxis], wanted)
        with self._library.catalog.read() as session:
            owners = assets.asset_ids(session, [int(i) for i in ids[0]])
            found = photos.photos_by_id(session, list(owners.values()))
        ranked = [
            Result(found[owners[int(i)]], float(score))
            for score, i in zip(scores[0], ids[0], strict=True)
            # A photo may have been removed since the index was read.
            if int(i) in owners and owners[int(i)] in found and owners[int(i)] != leave_out
        ]
        total = len(index) - (leave_out is not None)
        return Results(query, model.name, total, tuple(ranked[:limit]))


def _require_possible(asset_id: int) -> None:
    if not 0 < asset_id <= MAX_ID:
        raise PhotoNotFoundError(asset_id)


def _bounded(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(f"the limit must be between 1 and {MAX_LIMIT}")
    return limit


def open_engine(library: Library, models: ModelStore, name: str | None = None) -> SearchEngine:
    """Return an engine with the library's own model, or the one named.

    Raises:
        LibraryEmptyError: nothing has been indexed.
        ModelNotFoundError: the model is not installed.
        ModelMismatchError: the library was indexed with another one.
    """
    model = library.model()
    if model is None:
        raise LibraryEmptyError(library.folder)
    encoder = models.load(name or model.name)
    library.require(encoder.spec)
    return SearchEngine(library, encoder)
