"""Searching."""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field

from search.engine import DEFAULT_LIMIT
from search.query import parse
from search.serialization import results_json
from web import parameters
from web.api.answers import SearchAnswer
from web.api.fields import Cursor, Flag, Limit, Offset, QueryText
from web.api.operations import Operations, Request
from web.api.presenting import presenting
from web.state import state

blueprint = Operations("search", "Search")


class SearchQuery(Request):
    """A query, and how much of its answer is wanted."""

    q: QueryText = Field("", examples=["a dog on grass"])
    """In the query language, see /help."""
    limit: Limit = DEFAULT_LIMIT
    """How many results at most; else the query's own, if it has one."""
    cursor: Cursor = ""
    """From the page before; without it, the first page."""
    offset: Offset = 0
    """How many results to pass over; a cursor is faster and does without."""
    all: Flag = "0"
    """1: rank all photos, however improbable."""
    facets: Flag = "0"
    """1: count what the photos of the whole result have in common."""


@blueprint.operation("GET", "/search")
def search(query: SearchQuery) -> SearchAnswer:
    """Find the photos that answer a query, the best first."""
    asked = parse(query.q.strip())
    # A limit in the query may be higher than what one request may cost.
    own = min(asked.limit or DEFAULT_LIMIT, parameters.MAX_SHOWN)
    found = (
        state()
        .engine()
        .search(
            asked,
            query.limit if "limit" in query.model_fields_set else own,
            offset=query.offset,
            everything=query.all == "1",
            with_facets=query.facets == "1",
            cursor=query.cursor or None,
        )
    )
    answer: dict[str, Any] = results_json(found, presenting())
    answer["cursor"] = found.cursor
    return cast("SearchAnswer", answer)
