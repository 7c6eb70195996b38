"""From one query to the next: without a term, with one more, in another order, more strictly.

Everything is in the query, so every refinement is a link and the server remembers nothing.
"""

from __future__ import annotations

from dataclasses import replace

from search.query import (
    Filter,
    Like,
    Limit,
    Numbers,
    Order,
    Phrase,
    Query,
    Score,
    Sort,
    Term,
    format_query,
)
from search.query.naming import can_be_typed

# The odds of a match that is shown, next to those of now.
STRICTER, LOOSER = 2.0, 0.5
LEAST, MOST = 0.01, 0.99
# Each is searched without, to tell what would be found.
MOST_REMOVABLE = 4


def without(asked: Query, term: Term) -> str:
    """Return the query without one of its terms."""
    return format_query(without_term(asked, term))


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
        if not (isinstance(term, Like) and term.picture == like.picture and term.box is None)
    )
    return _text(asked, (*kept, like))


def narrowed(asked: Query | str, filter_text: str) -> str | None:
    """Return a query, or its text, with a filter as well; ``None`` if nobody could type it."""
    if not can_be_typed(filter_text):
        return None
    text = asked if isinstance(asked, str) else format_query(asked)
    return f"{text} {filter_text}".lstrip()


def removable(asked: Query) -> tuple[Term, ...]:
    """Return terms without which a query may find more, conditions first."""
    deciding = [term for term in asked.terms if not isinstance(term, Sort | Limit)]
    if len(deciding) == 1:
        return ()
    if asked.score is not None:  # it needs something to be scored by
        deciding = [term for term in deciding if wants_something(without_term(asked, term))]
    deciding.sort(key=lambda term: not isinstance(term, Filter))
    return tuple(deciding[:MOST_REMOVABLE])


def without_term(asked: Query, term: Term) -> Query:
    """Return the query without one of its terms."""
    return replace(asked, terms=tuple(other for other in asked.terms if other is not term))


def is_number(picture: str) -> bool:
    """Tell whether what a query names a picture by is a photo's number."""
    return picture.isascii() and picture.isdecimal()


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
