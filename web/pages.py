"""The pages: search, one photo, and what can be asked."""

from __future__ import annotations

from flask import Blueprint, render_template

from pixfind.catalog.photos import Photo
from pixfind.errors import QueryError, QuerySyntaxError
from search import Result, SearchEngine
from search.query import Query, format_query, parse
from web import parameters
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
        return render_template("latest.html", results=latest, links=Links())
    links = Links(asked, format_query(asked), parameters.flag("all"))
    found = state().engine().search(asked, limit, everything=links.everything, with_facets=True)
    page = ResultsPage(found, links, state().count_photos())
    more = None
    if len(found.results) < min(found.total, parameters.MAX_SHOWN):
        more = links.search(typed, limit=min(limit + PAGE, parameters.MAX_SHOWN))
    return render_template("search.html", query=typed, page=page, found=found, more=more)


@blueprint.get("/photos/<int:photo_id>")
def photo(photo_id: int) -> str:
    """Show one photo with its facts and the photos most like it."""
    engine = state().engine()
    shown = engine.photo(photo_id)
    query = parameters.query()
    return render_template(
        "photo.html",
        photo=shown,
        similar=_similar(engine, shown),
        query=query,
        links=_way_back(query),
        alone=Links(),
    )


@blueprint.get("/help")
def query_help() -> str:
    """Show the query language."""
    return render_template(
        "help.html", examples=examples(), fields=explained_fields(), notes=notes()
    )


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
