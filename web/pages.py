"""The pages: search, one photo, and what can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template

from pixfind.catalog.descriptions import StoredDescription, description_of
from pixfind.catalog.photos import Photo
from pixfind.catalog.tags import tags_on
from pixfind.errors import PixfindError, QueryError, QuerySyntaxError
from pixfind.text import printable
from search import Result, SearchEngine
from search.query import Query, format_query, parse
from web import parameters
from web.alt_text import alt_texts
from web.photo_page import PhotoPage, tag_lines
from web.query_help import examples, explained_fields, notes
from web.results_page import Links, ResultsPage
from web.state import state

blueprint = Blueprint("pages", __name__)

PAGE = 40
SIMILAR = 12


@blueprint.get("/")
def index() -> str:
    """Show what answers the query, or the latest photos."""
    typed, limit = parameters.query(), parameters.limit(PAGE)
    asked = parse(typed)
    if not asked.terms:
        latest = [Result(photo) for photo in state().engine().latest(limit)]
        return render_template("latest.html", results=latest, links=Links(), alts=_alts(latest))
    links = Links(asked, format_query(asked), parameters.flag("all"))
    found = state().engine().search(asked, limit, everything=links.everything, with_facets=True)
    page = ResultsPage(found, links, state().count_photos())
    more = None
    if len(found.results) < min(found.total, parameters.MAX_SHOWN):
        more = links.search(typed, limit=min(limit + PAGE, parameters.MAX_SHOWN))
    alts = _alts([*found.results, *found.nearest])
    return render_template("search.html", query=typed, page=page, found=found, more=more, alts=alts)


@blueprint.get("/photos/<int:photo_id>")
def photo(photo_id: int) -> str:
    """Show one photo with its facts and the photos most like it."""
    return _photo_page(state().engine().photo(photo_id))


@blueprint.get("/photos/<int:photo_id>/description")
def description(photo_id: int) -> str:
    """Show the same with a description, which is made now if there is none yet."""
    shown = state().engine().photo(photo_id)
    try:
        made = state().describer().describe(shown)
    except PixfindError as error:
        return _photo_page(shown, problem=printable(str(error)))
    return _photo_page(shown, made)


@blueprint.get("/help")
def query_help() -> str:
    """Show the query language."""
    return render_template(
        "help.html", examples=examples(), fields=explained_fields(), notes=notes()
    )


def _photo_page(
    photo: Photo, made: StoredDescription | None = None, problem: str | None = None
) -> str:
    """Render a photo's page, with the description just made, or why there is none."""
    engine, query = state().engine(), parameters.query()
    similar = _similar(engine, photo)
    with engine.catalog.read() as session:
        known = made or description_of(session, photo.id)
        tags = tag_lines(tags_on(session, [photo.id]).get(photo.id, ()))
        alts = alt_texts(session, [photo, *(result.photo for result in similar)])
    return render_template(
        "photo.html",
        page=PhotoPage(photo, made.alt if made else alts[photo.id], known, problem, tags),
        similar=similar,
        alts=alts,
        query=query,
        box=parameters.box(),
        links=_way_back(query),
        alone=Links(),
    )


def _alts(results: Sequence[Result]) -> dict[int, str]:
    with state().engine().catalog.read() as session:
        return alt_texts(session, [result.photo for result in results])


def _similar(engine: SearchEngine, photo: Photo) -> tuple[Result, ...]:
    try:
        return engine.similar(photo, SIMILAR).results
    except QueryError:  # another model is about to take over, and this one has not seen it
        return ()


def _way_back(query: str) -> Links:
    """Return links to the query that led to a photo; a mistake in it is told when it is asked."""
    try:
        asked = parse(query)
    except QuerySyntaxError:
        asked = Query()
    return Links(asked, query, parameters.flag("all"))
