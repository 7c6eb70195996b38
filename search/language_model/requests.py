"""A request as people say it, as a query in pixfind's language."""

from __future__ import annotations

import re
from datetime import date

from pixfind.errors import LanguageModelQueryError, QuerySyntaxError
from search.language_model import prompts
from search.language_model.client import LanguageModel, shortened
from search.query import Like, format_query, parse

MAX_SHOWN = 100
# What models put around a line although they are told not to.
FENCE = re.compile(r"```\w*")
LABEL = re.compile(r"\Aquery\s*:\s*", re.IGNORECASE)


def query_of_request(model: LanguageModel, request: str, today: date | None = None) -> str:
    """Return the query that the model makes of a request, in its canonical form.

    A query that pixfind does not understand is given back with what is wrong, once.

    Args:
        model: which model is asked.
        request: plain words, such as "our dog from last summer, no snow please".
        today: from where "last summer" is counted; by default the day that it is.

    Raises:
        LanguageModelQueryError: the second query is no better than the first.
        LanguageModelError: the model does not answer.
    """
    messages = prompts.request(request, today or date.today())
    answer = model.complete(messages)
    try:
        return _understood(answer, request)
    except _NotUsableError as error:
        again = model.complete(prompts.correction(messages, answer, str(error)))
    try:
        return _understood(again, request)
    except _NotUsableError as error:
        raise LanguageModelQueryError(shortened(_line(again), MAX_SHOWN), str(error)) from error


class _NotUsableError(Exception):
    """Why a query is not one to search for."""


def _understood(answer: str, request: str) -> str:
    try:
        query = parse(_line(answer))
    except QuerySyntaxError as error:
        raise _NotUsableError(str(error)) from error
    if not query.terms:
        raise _NotUsableError("the query is empty")
    for term in query.terms:
        # It would be read: a model may not choose a file that nobody named.
        if isinstance(term, Like) and term.picture not in request:
            raise _NotUsableError(f"the request does not name the picture in like:{term.picture}")
    return format_query(query)


def _line(answer: str) -> str:
    """Return the query's line of an answer."""
    lines = (FENCE.sub("", line).strip().strip("`") for line in answer.splitlines())
    return LABEL.sub("", next((line for line in lines if line), ""))
