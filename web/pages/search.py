"""What answers a query."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template

from search import Result
from search.query import format_query, parse
from web import parameters
from web.alt_text import alt_texts
from web.results_page import Links, ResultsPage
from web.state import state

blueprint = Blueprint("search", __name__)

PAGE = 40


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


def _alts(results: Sequence[Result]) -> dict[int, str]:
    with state().engine().catalog.read() as session:
        return alt_texts(session, [result.photo for result in results])
