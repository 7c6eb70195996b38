"""One photo."""

from __future__ import annotations

from flask import Blueprint, render_template

from pixfind.catalog.descriptions import StoredDescription, description_of
from pixfind.catalog.photos import Photo
from pixfind.catalog.tags import tags_on
from pixfind.errors import PixfindError, QueryError, QuerySyntaxError
from pixfind.text import printable
from search import Result, SearchEngine
from search.query import Query, parse
from web import parameters
from web.alt_text import alt_texts
from web.photo_page import PhotoPage, tag_lines
from web.results_page import Links
from web.state import state

blueprint = Blueprint("photo", __name__, url_prefix="/photos")

SIMILAR = 12


@blueprint.get("/<int:photo_id>")
def show(photo_id: int) -> str:
    """Show one photo with its facts and the photos most like it."""
    return _photo_page(state().engine().photo(photo_id))


@blueprint.get("/<int:photo_id>/description")
def description(photo_id: int) -> str:
    """Show the same with a description, which is made now if there is none yet."""
    shown = state().engine().photo(photo_id)
    try:
        made = state().describer().describe(shown)
    except PixfindError as error:
        return _photo_page(shown, problem=printable(str(error)))
    return _photo_page(shown, made)


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
