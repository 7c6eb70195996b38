"""The one path from a query to ranked photos."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from pixfind.catalog import Catalog, photos
from pixfind.catalog.photos import Photo
from pixfind.config import normal_path
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryEmptyError, QueryError
from pixfind.library import Library
from pixfind.messages import said
from pixfind.vectors import VectorIndex
from search.facets import facets
from search.indexes import CurrentIndexes
from search.matching import Sample
from search.ordering import in_order
from search.overview import Overview, View
from search.pages import Cursor, Kept, Rankings, fingerprint
from search.parts import PartsIndex
from search.pictures import Pictures, possible_id
from search.query.fields import MAX_LIMIT
from search.query.formatting import format_query
from search.query.model import Like, Order, Query
from search.query.parser import parse
from search.ranking import Extent, Ranking, State, rank
from search.results import Result, Results
from search.scored import NOBODY, Scored
from search.showing import shown
from search.terms import read_terms
from search.wish import Wish

DEFAULT_LIMIT = 20
# Of the library by date, cursors say that they belong to this.
BROWSED = fingerprint("all photos, the newest first")


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
        self._pictures = Pictures(library, encoder, read_files=read_files)
        self._indexes = CurrentIndexes(library, encoder.spec)
        self._sample: tuple[VectorIndex, Sample] | None = None
        self._overview = Overview(library.catalog)
        self._rankings = Rankings()
        self._lock = threading.Lock()

    def search(
        self,
        query: str | Query,
        limit: int | None = None,
        *,
        offset: int = 0,
        cursor: str | None = None,
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
            cursor: of the page before, to continue behind it. While the ranking that it names is
                remembered, the pages together hold each photo once, whatever is indexed meanwhile,
                and a page may hold fewer than ``limit`` if photos have gone. Once it is forgotten,
                the query is ranked anew and goes on behind the photo that was shown last.
            everything: rank all photos, however improbable.
            with_facets: count years, cameras, folders, tags and types of the whole result.

        Raises:
            QueryError: the query is empty or wrong, or asks for what the model cannot tell; the
                cursor is damaged, or belongs to another query.
            PathNotFoundError, PhotoNotFoundError, PhotoError: of a picture that it names.
            LibraryEmptyError, ModelMismatchError: the library cannot be searched like that.
        """
        asked = parse(query) if isinstance(query, str) else query
        if not asked.terms:
            raise QueryError(
                said("the query is empty; describe a picture, for example: a dog on grass")
            )
        wish = Wish(asked, everything, with_facets)
        if cursor is None:
            return self._answer(wish, _page(asked, limit, offset))
        if offset:
            raise QueryError(said("an offset and a cursor exclude each other; use one of them"))
        behind = Cursor.read(cursor, wish.fingerprint)
        return self._answer(wish, _page(asked, limit, behind.shown), behind)

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
        wish = Wish(asked, everything=True, leave_out=True)
        return replace(self._answer(wish, _page(asked, limit, 0)), cursor=None)

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
        """Return the photos taken last, and after them those without a date."""
        return [result.photo for result in self.browse(limit).results]

    def browse(self, limit: int = DEFAULT_LIMIT, *, cursor: str | None = None) -> Results:
        """Return a page of all photos: those taken last first, and at the end those without a date.

        Args:
            limit: how many at most.
            cursor: of the page before, to continue behind it, as for ``search``.

        Raises:
            QueryError: the cursor is damaged, or belongs to a query.
        """
        behind = None if cursor is None else Cursor.read(cursor, BROWSED)
        start = 0 if behind is None else behind.shown
        page = slice(start, start + _bounded(limit))
        version = self._overview.version()
        with self._library.catalog.read() as session:
            of = BROWSED, version
            kept = self._rankings.equal(of) if behind is None else None
            if behind is not None:
                kept = self._rankings.named(behind.ranking)
            if kept is None:
                known = View(self._overview, version, session).facts(None)
                ids = known.ids[in_order(known.ids, known, Order.NEWEST)]
                kept = self._rankings.keep(of, Ranking(Scored(ids), len(ids)), is_whole=True)
            page = kept.behind(behind, page)
            shown_ids = kept.ranking.found.ids[page].tolist()
            found = photos.photos_by_id(session, shown_ids)
        return Results(
            query="",
            terms=(),
            model=self._encoder.spec.name,
            total=kept.ranking.total,
            results=tuple(Result(found[i]) for i in shown_ids if i in found),
            cursor=kept.cursor(BROWSED, page, kept.ranking.total),
        )

    def _answer(self, wish: Wish, page: slice, behind: Cursor | None = None) -> Results:
        asked, version = wish.query, self._overview.version()
        indexes = self._indexes.get(version)
        model = indexes.model
        with self._library.catalog.read() as session:
            index, of_parts = indexes.wholes, indexes.parts
            parts = None if of_parts is None else PartsIndex(session, of_parts, model.id)
            view = View(self._overview, version, session, model.id)
            state = State(session, view, index, model.id, self._encoder.calibration, parts)
            kept = self._kept(state, wish, page, behind)
            page, ranking = kept.behind(behind, page), kept.ranking
            found = ranking.found.at(slice(asked.limit))
            total = min(ranking.total, asked.limit or ranking.total)
            nearest = NOBODY if total or ranking.cutoff is None else ranking.nearest
            return Results(
                query=format_query(asked),
                terms=asked.terms,
                model=model.name,
                total=total,
                results=shown(state, ranking, found.at(page), wish.descriptions),
                cutoff=ranking.cutoff,
                nearest=shown(state, ranking, nearest, ()),
                facets=facets(view, found.ids) if wish.with_facets else None,
                cursor=kept.cursor(wish.fingerprint, page, total),
            )

    def _kept(self, state: State, wish: Wish, page: slice, behind: Cursor | None) -> Kept:
        """Return a ranking that reaches to the end of the page: one that is kept, or a new one."""
        indexes = [state.index] if state.parts is None else [state.index, state.parts.index]
        of: Hashable = (
            (wish.fingerprint, state.model_id, state.view.version, *map(weakref.ref, indexes))
            if wish.is_repeatable
            else object()
        )
        kept = self._rankings.equal(of) if behind is None else self._rankings.named(behind.ranking)
        reaches = page.stop if not wish.needs_all else np.inf
        if kept is not None and (kept.is_whole or len(kept.ranking.found.ids) >= reaches):
            return kept
        depth = None if wish.needs_all or behind is not None else page.stop
        ranking = self._ranked(state, wish, depth)
        is_whole = len(ranking.found.ids) >= ranking.total
        if behind is None or kept is None:
            return self._rankings.keep(of, ranking, is_whole=is_whole)
        # What has been shown stays as it was; the rest follows.
        before = kept.ranking.found
        rest = ranking.found.at(np.flatnonzero(~np.isin(ranking.found.ids, before.ids)))
        found = before.followed_by(rest)
        longer = replace(ranking, found=found, total=len(found.ids))
        return self._rankings.keep(kept.of, longer, is_whole=True, key=kept.key)

    def _ranked(self, state: State, wish: Wish, depth: int | None) -> Ranking:
        session, asked = state.session, wish.query
        terms = read_terms(asked, self._encoder, self._pictures, session, state.model_id)
        left_out = terms.named if wish.leave_out else ()
        usual = partial(self._usual, session, state.index)
        ranking = rank(state, asked, terms, usual, Extent(wish.everything, depth, left_out))
        if not wish.needs_all:
            return ranking
        ids = ranking.found.ids
        order = in_order(ids, state.view.facts(ids), asked.order)
        return replace(ranking, found=ranking.found.at(order))

    def _usual(self, session: Session, index: VectorIndex) -> Sample:
        """Return the sample of an index, made once."""
        with self._lock:
            if self._sample is None or self._sample[0] is not index:
                self._sample = (index, Sample(session, index))
            return self._sample[1]


def _page(asked: Query, limit: int | None, offset: int) -> slice:
    """Return which of the results are shown."""
    own = None if asked.limit is None else _bounded(asked.limit)
    count = _bounded(limit) if limit is not None else own or DEFAULT_LIMIT
    if offset < 0:
        raise QueryError(said("the offset must not be negative"))
    return slice(offset, min(offset + count, own or offset + count))


def _bounded(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(said("the limit must be between 1 and %(most)s", most=MAX_LIMIT))
    return limit


def open_engine(
    library: Library,
    models: ModelStore,
    name: str | None = None,
    *,
    read_files: bool = True,
    many_at_once: bool = False,
) -> SearchEngine:
    """Return an engine with the library's own model, or the one named.

    Args:
        library: what to search.
        models: where its model is.
        name: another model.
        read_files: see ``SearchEngine``.
        many_at_once: it is for many searches, each of which is to take one core.

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
    if many_at_once:
        encoder = encoder.for_threads() or encoder
    return SearchEngine(library, encoder, read_files=read_files)
