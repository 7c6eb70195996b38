"""What a page of results says and offers, ready for the template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from flask import url_for

from pixfind.text import printable
from search import Results
from search.query import Like, Order, Query, Term, describe, format_term
from search.results import FacetValue
from web import refinement

# A page repeats the query in each of its links. One longer than that (as part of an address) is
# left to be edited in the box, or the page would be many times as long as what it shows.
LONG = 160
FACET_VALUES = 10
FOLDER_PARTS = 2
ORDERS = {
    Order.RELEVANCE: ("Best match", "best first"),
    Order.NEWEST: ("Newest", "newest first"),
    Order.OLDEST: ("Oldest", "oldest first"),
    Order.NAME: ("Name", "by name"),
}
FACETS = {"year": "Year", "camera": "Camera", "folder": "Folder", "tag": "Tag"}


@dataclass(frozen=True)
class Link:
    """A link to another query; without an address, only its words."""

    label: str
    address: str | None
    title: str | None = None
    count: int | None = None
    current: bool = False


@dataclass(frozen=True)
class Chip:
    """A term as it was understood: in words, as it is typed, and where it leads.

    ``without`` is the query that is left when it is removed; ``photo`` the one that it names.
    """

    label: str
    typed: str
    without: str | None
    photo: str | None


@dataclass(frozen=True)
class Links:
    """The addresses of one query and of those next to it.

    Args:
        asked: the query.
        text: its text, as links name it.
        everything: whether improbable photos are shown, which most links keep.
    """

    asked: Query = Query()  # noqa: RUF009 - it is frozen
    text: str = ""
    everything: bool = False

    @property
    def short(self) -> bool:
        """Whether the query can be repeated for each result."""
        return len(quote(self.text)) <= LONG

    def search(self, text: str | None, limit: int | None = None) -> str:
        """Return the address of a query's results."""
        everything = 1 if self.everything and text else None
        return url_for("search.index", q=text or None, limit=limit, all=everything)

    def photo(self, photo_id: int, box: str | None = None, t: float | None = None) -> str:
        """Return the address of a photo that knows the way back, and what in it matches.

        Args:
            photo_id: the photo's.
            box: where in a photo.
            t: when in a video, in seconds.
        """
        if not self.short:
            return url_for("photo.show", photo_id=photo_id, box=box, t=t)
        everything = 1 if self.everything and self.text else None
        asked = self.text or None
        return url_for("photo.show", photo_id=photo_id, q=asked, all=everything, box=box, t=t)

    def description(self, photo_id: int, box: str | None = None) -> str:
        """Return the address of a photo with a description, that knows the way back."""
        asked = self.text if self.short else ""
        everything = 1 if self.everything and asked else None
        return url_for(
            "photo.description", photo_id=photo_id, q=asked or None, all=everything, box=box
        )

    def more_like(self, photo_id: int) -> str | None:
        """Return the address of what is more like a photo."""
        if not self.short:
            return None
        return self.search(refinement.with_like(self.asked, photo_id))

    def less_like(self, photo_id: int) -> str | None:
        """Return the address of what is less like a photo, if anything else is wanted."""
        if not self.short or not refinement.wants_something(self.asked):
            return None
        return self.search(refinement.with_like(self.asked, photo_id, negative=True))


@dataclass(frozen=True)
class ResultsPage:
    """The answer to a query.

    Args:
        found: the answer.
        links: to the queries next to it.
        photos: how many photos the library has.
    """

    found: Results
    links: Links
    photos: int

    @property
    def heading(self) -> str:
        """What was found, in a line; there is something."""
        total, order = self.found.total, ORDERS[self._order][1]
        if total == self._asked.limit:
            return f"The first {_photos(total)}, {order}"
        if not self._ranked:
            return _photos(total)
        every = total == self.photos
        share = f"All {_photos(total)}" if every else f"{total:,} of {_photos(self.photos)}"
        if self.found.cutoff is None:
            return f"{share}, {order}"
        return f"{share} match{'es' if self.photos == 1 else ''}"

    @property
    def chips(self) -> list[Chip]:
        """What was understood; each leads to the query without it."""
        return [
            Chip(
                describe(term),
                printable(format_term(term)),
                self._to(refinement.without(self._asked, term)),
                _photo_of(term),
            )
            for term in self._asked.terms
        ]

    @property
    def orders(self) -> list[Link]:
        """The orders that make sense."""
        first, *others = ORDERS if self._ranked else [o for o in ORDERS if o != Order.RELEVANCE]
        return [
            Link(
                ORDERS[order][0],
                self._to(refinement.in_order(self._asked, None if order == first else order)),
                current=order == self._order,
            )
            for order in (first, *others)
        ]

    @property
    def strictness(self) -> list[Link]:
        """More and less of what was found, by its probability."""
        lowest = self.found.cutoff
        if not self._ranked or not self.links.short:
            return []
        if self.links.everything and self._asked.score is None:
            known = any(result.probability is not None for result in self.found.results)
            return [Link("only what matches", self._strict(None))] if known else []
        if lowest is None:
            return []
        more, less = refinement.looser(lowest), refinement.stricter(lowest)
        steps = [("stricter", less)] if self.found.total and less > lowest else []
        steps += [("looser", more)] if more < lowest else []
        links = [Link(f"{label} ({to:.0%})", self._strict(to)) for label, to in steps]
        return [*links, Link("show all", self.all_address)]

    @property
    def all_address(self) -> str:
        """Where the improbable photos are shown, too."""
        return url_for("search.index", q=refinement.with_score(self._asked, None), all=1)

    @property
    def facets(self) -> list[tuple[str, list[Link]]]:
        """What narrows the result down, by kind."""
        if self.found.facets is None or not self.links.short:
            return []
        groups = ((title, getattr(self.found.facets, name)) for name, title in FACETS.items())
        kinds = ((title, list(self._values(title, values))) for title, values in groups)
        return [(title, values) for title, values in kinds if values]

    def _values(self, title: str, values: tuple[FacetValue, ...]) -> Iterator[Link]:
        shown = [v for v in values if self._asked.limit or v.count < self.found.total]
        for value in shown[:FACET_VALUES]:
            label, full = printable(value.value), None
            if title == FACETS["folder"]:
                label, full = _shortened(label), label
            query = refinement.narrowed(self._asked, value.filter)
            yield Link(label, query and self._to(query), full, value.count)

    @property
    def _asked(self) -> Query:
        return self.links.asked

    @property
    def _ranked(self) -> bool:
        return refinement.wants_something(self._asked)

    @property
    def _order(self) -> Order:
        order = self._asked.order or Order.RELEVANCE
        return order if self._ranked or order != Order.RELEVANCE else Order.NEWEST

    def _to(self, text: str) -> str | None:
        return self.links.search(text) if self.links.short else None

    def _strict(self, lowest: float | None) -> str:
        return url_for("search.index", q=refinement.with_score(self._asked, lowest))


def _photo_of(term: Term) -> str | None:
    """Return the address of the photo that a term names by its number."""
    if isinstance(term, Like) and term.picture.isascii() and term.picture.isdecimal():
        return url_for("photo.show", photo_id=int(term.picture))
    return None


def _photos(count: int) -> str:
    return f"{count:,} photo{'' if count == 1 else 's'}"


def _shortened(folder: str) -> str:
    """Return the last parts of a folder's path."""
    parts = PurePath(folder).parts
    if len(parts) <= FOLDER_PARTS + 1:
        return folder
    return str(PurePath("…", *parts[-FOLDER_PARTS:]))
