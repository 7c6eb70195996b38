"""From one query to the next: without a term, with one more, in another order, more strictly.

Everything is in the query, so every refinement is a link and the server remembers nothing.
"""

from __future__ import annotations

from dataclasses import replace

from pixfind.errors import QuerySyntaxError
from search.query import (
    Like,
    Numbers,
    Order,
    Phrase,
    Query,
    Score,
    Sort,
    Term,
    format_query,
    parse,
)

# The odds of a match that is shown, next to those of now.
STRICTER, LOOSER = 2.0, 0.5
LEAST, MOST = 0.01, 0.99


def without(asked: Query, term: Term) -> str:
    """Return the query without one of its terms."""
    return _text(asked, tuple(other for other in asked.terms if other is not term))


def in_order(asked: Query, order: Order | None) -> str:
    """Return the query in an order; ``None`` is its own."""
    kept = tuple(term for term in asked.terms if not isinstance(term, Sort))
    return _text(asked, kept if order is None else (*kept, Sort(order)))


def with_score(asked: Query, lowest: float | None) -> str:
    """Return the query for what matches with a probability; ``None`` is the model's own cutoff."""
    kept = tuple(term for term in asked.terms if not isinstance(term, Score))
    return _text(asked, kept if lowest is None else (*kept, Score(Numbers(lowest, None))))


def with_like(asked: Query, photo_id: int, *, negative: bool = False) -> str:
    """Return the query for what is more like a photo, or less."""
    like = Like(str(photo_id), negative=negative)
    kept = tuple(
        term
        for term in asked.terms
        if not (isinstance(term, Like) and term.picture == like.picture)
    )
    return _text(asked, (*kept, like))


def narrowed(asked: Query, filter_text: str) -> str | None:
    """Return the query with a filter as well; ``None`` if nobody could type it.

    Names of folders may hold characters that no query takes, and bytes that no address does.
    """
    try:
        filter_text.encode()
        more = parse(filter_text).terms
    except (QuerySyntaxError, UnicodeEncodeError):
        return None
    return _text(asked, (*asked.terms, *more))


def stricter(lowest: float) -> float:
    """Return the next probability to ask for, in whole hundredths."""
    return _scaled(lowest, STRICTER)


def looser(lowest: float) -> float:
    """Return the one before, in whole hundredths."""
    return _scaled(lowest, LOOSER)


def wants_something(asked: Query) -> bool:
    """Tell whether photos are compared with anything; else they are only filtered."""
    return any(isinstance(term, Phrase | Like) and not term.negative for term in asked.terms)


def _scaled(probability: float, factor: float) -> float:
    odds = factor * probability / max(1 - probability, 1 - MOST)
    return min(max(round(odds / (1 + odds), 2), LEAST), MOST)


def _text(asked: Query, terms: tuple[Term, ...]) -> str:
    return format_query(replace(asked, terms=terms))
