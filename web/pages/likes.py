"""More like a photo, or less: what the buttons of each result ask for.

A page has the query once, in a form, and not in two links of each result.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from pixfind.errors import QueryError
from pixfind.messages import said
from search.pictures import MAX_ID
from search.query import parse
from web import parameters
from web.searching import refinement

blueprint = Blueprint("likes", __name__)


@blueprint.get("/like")
def index() -> Response:
    """Go on to what is ``more`` like a photo than the query's answer, or ``less``."""
    asked = parse(parameters.query())
    less = "more" not in request.args
    text = refinement.with_like(asked, _photo("less" if less else "more"), negative=less)
    everything = 1 if parameters.flag("all") else None
    return redirect(url_for("search.index", q=text, all=everything), 303)


def _photo(name: str) -> int:
    given = request.args.get(name, "")
    if given.isascii() and given.isdecimal() and len(given) <= len(str(MAX_ID)):
        return int(given)
    raise QueryError(
        said("photos are named by their numbers, not %(given)s", given=repr(given[:20]))
    )
