"""One photo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug import Response

from pixfind.catalog.descriptions import StoredDescription, description_of
from pixfind.catalog.neighbours import neighbours_of
from pixfind.catalog.owner_tags import rejected_names
from pixfind.catalog.photos import Photo
from pixfind.catalog.tags import first_names, tags_on
from pixfind.errors import (
    PixfindError,
    QueryError,
    QuerySyntaxError,
    TaggingError,
    UnknownTagError,
)
from pixfind.text import printable
from search import Result, SearchEngine
from search.query import Like, Query, format_query, parse
from search.tags import owner
from web import parameters
from web.media import SHOWN_TYPES
from web.photo import page as photo_page
from web.photo.alt_text import alt_texts
from web.photo.facts import fact_groups
from web.photo.page import MOST_SUGGESTED, PhotoPage, Tags, rejected_lines, tag_lines
from web.photo.part_form import asked_part
from web.photo.steps import steps
from web.searching.page import Links
from web.state import state
from web.translation import English, translated_error
from web.translation import gettext as _

blueprint = Blueprint("photo", __name__, url_prefix="/photos")

SIMILAR = 12
SAYINGS = {"accept": owner.accept, "reject": owner.reject, "withdraw": owner.withdraw}
# What in the address of a photo tells where somebody came from, and is kept on the way.
WAY = ("q", "all", "box", "t")


class News(NamedTuple):
    """What has just come of something that the page was asked to do."""

    description: StoredDescription | None = None
    no_description: str | None = None
    no_tag: str | None = None


@blueprint.get("/<int:photo_id>")
def show(photo_id: int) -> str:
    """Show one photo with all that is known of it, and the photos next to it and most like it."""
    return _photo_page(state().engine().photo(photo_id), News())


@blueprint.get("/<int:photo_id>/description")
def description(photo_id: int) -> str:
    """Show the same with a description, which is made now if there is none yet."""
    shown = state().engine().photo(photo_id)
    try:
        news = News(description=state().describer().describe(shown))
    except PixfindError as error:
        news = News(no_description=translated_error(error))
    return _photo_page(shown, news)


@blueprint.post("/<int:photo_id>/tags")
def change_tag(photo_id: int) -> Response | tuple[str, int]:
    """Take the owner's word on one tag: ``accept``, ``reject`` or ``withdraw`` with its name."""
    shown = state().engine().photo(photo_id)
    said = [(way, request.form[way]) for way in SAYINGS if way in request.form]
    if len(said) != 1:
        abort(400, _("say one thing of one tag: accept, reject or withdraw"))
    way, name = said[0]
    try:
        SAYINGS[way](state().library(), name, [str(shown.id)], read_files=False)
    except (TaggingError, UnknownTagError) as error:
        return _photo_page(shown, News(no_tag=translated_error(error))), 400
    kept: dict[str, Any] = {name: request.args[name] for name in WAY if name in request.args}
    return redirect(url_for("photo.show", photo_id=shown.id, **kept, _anchor="tags"), 303)


@blueprint.get("/<int:photo_id>/part")
def part(photo_id: int) -> Response:
    """Lead to what is like a part of a photo: ``left``, ``top``, ``width``, ``height`` in percent.

    With ``with=1``, to what answers the query as well.
    """
    shown = state().engine().photo(photo_id)
    like = Like(str(shown.id), box=asked_part())
    asked = parse(parameters.query()) if parameters.flag("with") else Query()
    wanted = format_query(replace(asked, terms=(*asked.terms, like)))
    return redirect(url_for("search.index", q=wanted), 303)


def _photo_page(photo: Photo, news: News) -> str:
    """Render a photo's page, with the description just made, or why there is none."""
    engine, query = state().engine(), parameters.query()
    links = _way_back(query)
    similar, model = _similar(engine, photo), state().library().model()
    with engine.catalog.read() as session:
        near = neighbours_of(session, photo)
        told = [photo, *(result.photo for result in similar), *near.before, *near.after]
        alts = alt_texts(session, told)
        made = news.description
        page = PhotoPage(
            photo,
            English(made.alt) if made else alts[photo.id],
            made or description_of(session, photo.id),
            news.no_description,
            Tags(
                tag_lines(tags_on(session, [photo.id]).get(photo.id, ())),
                rejected_lines(rejected_names(session, photo.id)),
                tuple(map(printable, first_names(session, MOST_SUGGESTED))),
                news.no_tag,
            ),
            fact_groups(photo),
            () if model is None else photo_page.stills(session, photo, model.id),
            near,
        )
    return render_template(
        "photo.html",
        page=page,
        similar=similar,
        alts=alts,
        query=query,
        way={name: request.args[name] for name in WAY if name in request.args},
        box=parameters.box(),
        links=links,
        # Whoever fetches the page for a picture that is shown over a grid knows what is next there.
        steps=None if _is_fetched() else steps(engine, links, photo.id),
        alone=Links(),
        shown_types=SHOWN_TYPES,
    )


def _similar(engine: SearchEngine, photo: Photo) -> tuple[Result, ...]:
    try:
        return engine.similar(photo, SIMILAR).results
    except QueryError:  # another model is about to take over, and this one has not seen it
        return ()


def _is_fetched() -> bool:
    return request.headers.get("Sec-Fetch-Dest") == "empty"


def _way_back(query: str) -> Links:
    """Return links to the query that led to a photo; a mistake in it is told when it is asked."""
    try:
        asked = parse(query)
    except QuerySyntaxError:
        asked = Query()
    return Links(asked, query, parameters.flag("all"))
