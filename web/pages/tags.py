"""The library by tag."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from pixfind.catalog import tags
from pixfind.catalog.names import folded
from search.query.naming import typeable
from web import parameters
from web.state import state

blueprint = Blueprint("tags", __name__, url_prefix="/tags")

# More would be a page of a hundred kilobytes; names that begin alike are found by typing them.
SHOWN = 300


@blueprint.get("/")
def index() -> str:
    """Show the tags and how many photos have them: the most used, or those with ``find``."""
    wanted = request.args.get("find", "").strip()[:100]
    by_name = request.args.get("sort") == "name"
    skipped = parameters.offset()
    known = [tag for tag in state().read(tags.counts, tags.counts) if tag.pictures]
    found = [tag for tag in known if folded(wanted) in folded(tag.name)]
    if by_name:
        found.sort(key=lambda tag: folded(tag.name))
    return render_template(
        "tags.html",
        known=len(known),
        found=len(found),
        tags=found[skipped : skipped + SHOWN],
        wanted=wanted,
        by_name=by_name,
        after=skipped + SHOWN if skipped + SHOWN < len(found) else None,
        typeable=typeable,
    )
