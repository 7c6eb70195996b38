"""What answers a query; without one, all photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint, render_template

from search import Result
from search.query import Query, format_query, parse
from web import parameters
from web.photo.alt_text import alt_texts
from web.searching import refinement
from web.searching.facet_menus import Link
from web.searching.like_pictures import like_pictures
from web.searching.page import Links, ResultsPage
from web.state import state

blueprint = Blueprint("search", __name__)

PAGE = 60


@blueprint.get("/")
def index() -> str:
    """Show a page of what answers the query, or of all photos."""
    typed, limit, cursor = parameters.query(), parameters.limit(PAGE), parameters.cursor()
    asked = parse(typed)
    links = Links(asked, format_query(asked), parameters.flag("all"))
    current, engine = state(), state().engine()
    if asked.terms:
        found = engine.search(
            asked, limit, cursor=cursor, everything=links.everything, with_facets=True
        )
    else:
        found = engine.browse(limit, cursor=cursor)
    page = ResultsPage(
        found,
        links,
        current.count_photos() if asked.terms else found.total,
        current.has_videos(),
        like_pictures(asked, engine, current.library()),
    )
    following = None
    if found.cursor is not None:
        own_limit = None if limit == PAGE else limit
        following = links.search(typed, limit=own_limit, cursor=found.cursor)
    return render_template(
        "search.html" if asked.terms else "latest.html",
        query=typed,
        page=page,
        found=found,
        following=following,
        first=links.search(typed) if cursor is not None else None,
        alternatives=[] if found.total else list(_alternatives(page)),
        alts=_alts([*found.results, *found.nearest]),
    )


def _alternatives(page: ResultsPage) -> Iterable[Link]:
    """Yield queries that ask for less, and find something."""
    links = page.links
    for term in page.removable:
        shorter: Query = refinement.without_term(links.asked, term)
        found = state().engine().search(shorter, 1, everything=links.everything)
        if found.total:
            yield page.without(term, found.total)


def _alts(results: Sequence[Result]) -> dict[int, str]:
    with state().engine().catalog.read() as session:
        return alt_texts(session, [result.photo for result in results])
