"""The pages: search, and one photo."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from search import Result
from web.state import state

blueprint = Blueprint("pages", __name__)

PAGE = 40
SIMILAR = 12
MAX_LIMIT = 1000


@blueprint.get("/")
def index() -> str:
    """Show the search box with what was found, or the latest photos."""
    query = request.args.get("q", "").strip()
    limit = min(request.args.get("limit", PAGE, type=int), MAX_LIMIT)
    engine = state().engine()
    if not query:
        latest = [Result(photo) for photo in engine.latest(limit)]
        return render_template("search.html", query="", results=latest, total=None, more=None)
    found = engine.search(query, limit)
    more = (
        min(limit + PAGE, MAX_LIMIT) if len(found.results) < min(found.total, MAX_LIMIT) else None
    )
    return render_template(
        "search.html", query=query, results=found.results, total=found.total, more=more
    )


@blueprint.get("/photos/<int:photo_id>")
def photo(photo_id: int) -> str:
    """Show one photo with its facts and the photos most like it."""
    engine = state().engine()
    shown = engine.photo(photo_id)
    similar = engine.similar(photo_id, SIMILAR).results
    query = request.args.get("q", "").strip()
    return render_template("photo.html", photo=shown, similar=similar, query=query)
