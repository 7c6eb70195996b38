"""The one path from a query to ranked photos."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from pixfind.catalog import Catalog, documents, photos, selection
from pixfind.catalog.photos import Photo
from pixfind.config import normal_path
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryEmptyError, QueryError
from pixfind.library import Library
from pixfind.parts import Part
from pixfind.vectors import VectorIndex
from search.facets import facets
from search.matching import Sample
from search.ordering import in_order
from search.parts import PartsIndex
from search.pictures import Pictures, possible_id
from search.query.fields import MAX_LIMIT
from search.query.formatting import format_query
from search.query.model import Like, Order, Query
from search.query.parser import parse
from search.ranking import Extent, Ranking, State, rank
from search.results import Result, Results
from search.terms import read_terms

DEFAULT_LIMIT = 20
ROUNDING = 1e-4


class SearchEngine:
    """Searches one library with the model that it was indexed with; safe to share by threads.

    Args:
        library: what to search.
        encoder: its model.
        read_files: whether ``like:`` may name picture files outside the library.
    """

    def __init__(self, library: Library, encoder: Encoder, *, read_files: bool = True) -> None:
        self._library = library
        self._encoder = encoder
        self._read_files = read_files
        self._sample: tuple[VectorIndex, Sample] | None = None
        self._lock = threading.Lock()

    def search(
        self,
        query: str | Query,
        limit: int | None = None,
        *,
        offset: int = 0,
        everything: bool = False,
        with_facets: bool = False,
    ) -> Results:
        """Find the photos that answer a query in the query language (``docs/QUERY.md``).

        Photos whose probability of a match is below the model's cutoff are left out, unless the
        query's words stand in their names, tags or captions. Without a calibration there is no
        probability, and all photos are ranked.

        Args:
            query: a line, or what was read from one.
            limit: how many results at most; else the query's own, else 20.
            offset: how many results to pass over.
            everything: rank all photos, however improbable.
            with_facets: count years, cameras, folders and tags of the whole result.

        Raises:
            QueryError: the query is empty or wrong, or asks for what the model cannot tell.
            PathNotFoundError, PhotoNotFoundError, PhotoError: of a picture that it names.
            LibraryEmptyError, ModelMismatchError: the library cannot be searched like that.
        """
        asked = parse(query) if isinstance(query, str) else query
        if not asked.terms:
            raise QueryError("the query is empty; describe a picture, for example: a dog on grass")
        return self._answer(asked, _page(asked, limit, offset), everything, with_facets)

    def similar(self, picture: Photo | Path | int, limit: int = DEFAULT_LIMIT) -> Results:
        """Rank photos by their likeness to a picture, which is left out itself.

        Args:
            picture: a photo of the library or its id, or the path of a file, in the library or not.
            limit: how many results at most.

        Raises:
            PathNotFoundError, PhotoNotFoundError, PhotoError: of the picture.
            QueryError, LibraryEmptyError, ModelMismatchError: as for ``search``.
        """
        if isinstance(picture, Path):
            named = str(normal_path(picture))  # a file called 3 is not photo 3
        else:
            named = str(possible_id(picture.id if isinstance(picture, Photo) else picture))
        asked = Query((Like(named),))
        return self._answer(asked, _page(asked, limit, 0), everything=True, leave_out=True)

    @property
    def catalog(self) -> Catalog:
        """The catalog of the library that is searched."""
        return self._library.catalog

    def photo(self, asset_id: int) -> Photo:
        """Return one photo.

        Raises:
            PhotoNotFoundError: there is no such photo.
            QueryError: the number is beyond all measure.
        """
        with self._library.catalog.read() as session:
            return photos.photo(session, possible_id(asset_id))

    def latest(self, limit: int = DEFAULT_LIMIT) -> list[Photo]:
        """Return the photos taken last."""
        with self._library.catalog.read() as session:
            return photos.latest(session, _bounded(limit))

    def _answer(
        self,
        asked: Query,
        page: slice,
        everything: bool = False,
        with_facets: bool = False,
        leave_out: bool = False,
    ) -> Results:
        model = self._library.require(self._encoder.spec)
        index, of_parts = self._library.index(model), self._library.parts_index(model)
        with self._library.catalog.read() as session:
            parts = None if of_parts is None else PartsIndex(session, of_parts, model.id)
            pictures = Pictures(self._encoder, model.id, read_files=self._read_files)
            terms = read_terms(asked, self._encoder, pictures, session)
            state = State(session, index, model.id, self._encoder.calibration, parts)
            whole = with_facets or asked.order not in (None, Order.RELEVANCE)
            ranking = rank(
                state, asked, terms, partial(self._usual, session, index),
                Extent(everything, None if whole else page.stop, terms.named if leave_out else ()),
            )  # fmt: skip
            order, known = ranking.order, ranking.facts
            if whole:
                known = selection.facts(session, order) if known is None else known
                order = in_order(order, known, asked.order)
            order = order[: asked.limit]
            nearest = () if ranking.total or ranking.cutoff is None else ranking.nearest
            return Results(
                query=format_query(asked),
                terms=asked.terms,
                model=model.name,
                total=min(ranking.total, asked.limit or ranking.total),
                results=_shown(state, ranking, order[page], terms.descriptions),
                cutoff=ranking.cutoff,
                nearest=_shown(state, ranking, nearest, ()),
                facets=(
                    facets(session, {asset_id: known[asset_id] for asset_id in order})
                    if with_facets and known is not None
                    else None
                ),
            )

    def _usual(self, session: Session, index: VectorIndex) -> Sample:
        """Return the sample of an index, made once."""
        with self._lock:
            if self._sample is None or self._sample[0] is not index:
                self._sample = (index, Sample(session, index))
            return self._sample[1]


def _shown(
    state: State, ranking: Ranking, ids: Sequence[int], descriptions: Sequence[str]
) -> tuple[Result, ...]:
    session = state.session
    found = photos.photos_by_id(session, ids)
    parts = _best_parts(state, ranking, found)
    worded = [asset_id for asset_id in ids if asset_id in ranking.worded]
    fields = documents.fields_matched(session, descriptions, worded)
    return tuple(
        Result(
            found[asset_id],
            ranking.similarity.get(asset_id),
            ranking.probability.get(asset_id),
            fields.get(asset_id, ()),
            parts.get(asset_id),
        )
        for asset_id in ids
        if asset_id in found  # it may have been removed since the index was read
    )


def _best_parts(state: State, ranking: Ranking, found: Mapping[int, Photo]) -> dict[int, Part]:
    """Return the part of each picture to be pointed at: where in a photo, when in a video."""
    if state.parts is None or ranking.direction is None:
        return {}
    best = state.parts.best(ranking.direction, ranking.spread, found)
    return {
        asset_id: part
        for asset_id, (worth, part) in best.items()
        # A photo is pointed into if that is why it stands where it does.
        if part.second is not None or worth > ranking.similarity.get(asset_id, np.inf) - ROUNDING
    }


def _page(asked: Query, limit: int | None, offset: int) -> slice:
    """Return which of the results are shown."""
    own = None if asked.limit is None else _bounded(asked.limit)
    count = _bounded(limit) if limit is not None else own or DEFAULT_LIMIT
    if offset < 0:
        raise QueryError("the offset must not be negative")
    return slice(offset, min(offset + count, own or offset + count))


def _bounded(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(f"the limit must be between 1 and {MAX_LIMIT}")
    return limit


def open_engine(
    library: Library, models: ModelStore, name: str | None = None, *, read_files: bool = True
) -> SearchEngine:
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
    return SearchEngine(library, encoder, read_files=read_files)
