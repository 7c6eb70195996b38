"""What can follow in a query that is being typed."""

from __future__ import annotations

from pydantic import Field

from web.api.answers import CompletionsAnswer
from web.api.fields import MAX_QUERY_CHARS, Position, QueryText
from web.api.operations import Operations, Request
from web.state import state

blueprint = Operations("completions", "Search")


class CompletionsQuery(Request):
    """A query, and where in it the caret stands."""

    q: QueryText = Field("", examples=["type:"])
    """The query as far as it is typed."""
    at: Position = MAX_QUERY_CHARS
    """How many characters stand before the caret; else it is at the end."""


@blueprint.operation("GET", "/completions")
def complete(query: CompletionsQuery) -> CompletionsAnswer:
    """Complete a query with fields, and with values that the library has."""
    found = state().completer().complete(query.q, query.at)
    return {
        "start": found.start,
        "end": found.end,
        "completions": [
            {"insert": one.insert, "label": one.label, "detail": one.detail, "count": one.count}
            for one in found.items
        ],
    }
