"""What a query says, as data. ``parser`` reads it from a line, ``formatting`` writes it as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from pixfind.parts import Box


@dataclass(frozen=True)
class Phrase:
    """Plain words that a photo should show, or must not."""

    text: str
    weight: float = 1.0
    negative: bool = False


@dataclass(frozen=True)
class Like:
    """A picture that a photo should look like, or must not; with a box, only that part of it.

    ``picture`` is a photo's number, a path, or the token of a picture that was brought
    (``pixfind.photos.brought``).
    """

    picture: str
    weight: float = 1.0
    negative: bool = False
    box: Box | None = None


@dataclass(frozen=True)
class Text:
    """A value in words; ``*`` stands for any characters unless escaped by a backslash."""

    text: str


@dataclass(frozen=True)
class Numbers:
    """An interval; ``None`` is an open end. A single number has equal, included ends."""

    low: float | None
    high: float | None
    low_included: bool = True
    high_included: bool = True


@dataclass(frozen=True)
class Dates:
    """From the first day to the last, both included; ``None`` is an open end."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class Area:
    """A circle on the earth: degrees, north and east positive, and metres."""

    latitude: float
    longitude: float
    radius: float


Value = Text | Numbers | Dates | Area


@dataclass(frozen=True)
class Filter:
    """What must hold of a photo's facts: any one of the values, or none of them."""

    field: str
    values: tuple[Value, ...]
    negative: bool = False


class Order(str, Enum):
    """How results are sorted."""

    RELEVANCE = "relevance"
    OLDEST = "date"
    NEWEST = "-date"
    NAME = "name"


@dataclass(frozen=True)
class Sort:
    """The order of the results."""

    order: Order


@dataclass(frozen=True)
class Limit:
    """How many results at most."""

    count: int


@dataclass(frozen=True)
class Score:
    """The probability of a match that results must have, within [0, 1]."""

    range: Numbers


Term = Phrase | Like | Filter | Sort | Limit | Score


@dataclass(frozen=True)
class Query:
    """A query: its terms in the order of the line; ``Sort``, ``Limit``, ``Score`` at most once."""

    terms: tuple[Term, ...] = ()

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """The words, wanted and not."""
        return tuple(term for term in self.terms if isinstance(term, Phrase))

    @property
    def likes(self) -> tuple[Like, ...]:
        """The pictures, wanted and not."""
        return tuple(term for term in self.terms if isinstance(term, Like))

    @property
    def filters(self) -> tuple[Filter, ...]:
        """The conditions, all of which must hold."""
        return tuple(term for term in self.terms if isinstance(term, Filter))

    @property
    def order(self) -> Order | None:
        """The order asked for."""
        return next((term.order for term in self.terms if isinstance(term, Sort)), None)

    @property
    def limit(self) -> int | None:
        """The limit asked for."""
        return next((term.count for term in self.terms if isinstance(term, Limit)), None)

    @property
    def score(self) -> Numbers | None:
        """The probabilities asked for."""
        return next((term.range for term in self.terms if isinstance(term, Score)), None)
