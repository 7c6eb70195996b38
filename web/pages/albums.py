"""Albums: queries with names."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from pixfind.catalog import albums
from pixfind.catalog.albums import MAX_NAME_CHARS, SavedSearch
from pixfind.errors import QueryError
from search.albums import save_album
from search.query import parse
from web import parameters
from web.searching.query_help import conditions
from web.state import state

blueprint = Blueprint("albums", __name__, url_prefix="/albums")


@blueprint.get("/")
def index() -> str:
    """Show the albums."""
    with state().library().catalog.read() as session:
        known = albums.all_albums(session)
    return render_template(
        "albums.html",
        albums=known,
        meaning=_meaning,
        typed=parameters.query(),
        longest=MAX_NAME_CHARS,
    )


@blueprint.post("/")
def save() -> Response:
    """Keep the query ``q`` under ``name``; over an album of that name only with ``replace=1``."""
    name, query = request.form.get("name", ""), request.form.get("q", "")
    replace = request.form.get("replace") == "1"
    save_album(state().library(), name, query, replace=replace, read_files=False)
    return redirect(url_for("albums.index"), 303)


@blueprint.post("/remove")
def remove() -> Response:
    """Forget the album ``name``; no photo is touched."""
    with state().library().catalog.write() as session:
        albums.remove(session, request.form.get("name", ""))
    return redirect(url_for("albums.index"), 303)


@blueprint.get("/cover")
def cover() -> Response:
    """Lead to the thumbnail of the first photo of the album ``name``, or to an empty picture."""
    with state().library().catalog.read() as session:
        album = albums.find(session, request.args.get("name", ""))
    try:
        found = state().engine().search(album.query, 1)
    except QueryError:
        found = None
    if found is None or not found.results:
        return redirect(url_for("static", filename="empty.svg"), 302)
    photo = found.results[0].photo
    return redirect(url_for("media.thumbnail", photo_id=photo.id, v=photo.version), 302)


def _meaning(album: SavedSearch) -> str:
    """Say what an album holds, in words; a query that is a mistake by now says nothing."""
    try:
        return conditions(parse(album.query))
    except QueryError:
        return ""
