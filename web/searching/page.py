"""What a page of results says and offers, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, urlencode

from flask import url_for
from werkzeug.urls import uri_to_iri

from pixfind.text import printable
from search import Results
from search.query import Like, Order, Query, Term, describe, format_term
from web.searching import refinement
from web.searching.facet_menus import FacetMenu, Link, facet_menus
from web.searching.like_pictures import LikePicture
from web.translation import gettext as _
from web.translation import ngettext, translated

# A page repeats the query in each of its links. One longer than that (as part of an address) is
# left to be edited in the box, or the page would be many times as long as what it shows.
LONG = 160
# One longer than that stands in the box and in the link to the next page, and nowhere else.
REPEATABLE = 2000
# What may stand in an address as it is.
PLAIN = "!$'()*,/:;?@"
ORDERS = (Order.RELEVANCE, Order.NEWEST, Order.OLDEST, Order.NAME)


@dataclass(frozen=True)
class Chip:
    """A term as it was understood: in words, as it is typed, and where it leads.

    ``without`` is the query that is left when it is removed; ``photo`` the one that it names;
    ``picture`` what it is like, to be shown.
    """

    label: str
    typed: str
    without: str | None
    photo: str | None
    picture: LikePicture | None = None


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

    @cached_property
    def _home(self) -> str:
        return url_for("search.index")

    @property
    def short(self) -> bool:
        """Whether the query can be repeated for each result."""
        return len(quote(self.text)) <= LONG

    @property
    def repeatable(self) -> bool:
        """Whether the query can be repeated once more in a page, in a form."""
        return len(quote(self.text)) <= REPEATABLE

    def search(self, text: str | None, limit: int | None = None, cursor: str | None = None) -> str:
        """Return the address of a query's results, or of a page of them."""
        everything = 1 if self.everything and text else None
        asked = {"q": text or None, "limit": limit, "all": everything, "cursor": cursor}
        given = {name: value for name, value in asked.items() if value is not None}
        # As it is written: a query of another script would be three times as long in escapes.
        return uri_to_iri(f"{self._home}?{urlencode(given, safe=PLAIN)}") if given else self._home

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
        return uri_to_iri(
            url_for("photo.show", photo_id=photo_id, q=asked, all=everything, box=box, t=t)
        )

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
        with_videos: whether some of these are videos.
        pictures: what the terms that name a picture look like.
    """

    found: Results
    links: Links
    photos: int
    with_videos: bool = False
    pictures: Mapping[Term, LikePicture] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """What was found, in a line; there is something."""
        total, order = self.found.total, order_names()[self._order][1]
        if total == self._asked.limit:
            return _("The first %(counted)s, %(order)s", counted=self._found(), order=order)
        if not self._ranked and self._asked.terms:
            return self._found()
        library = counted(self.photos, photos=True, videos=self.with_videos)
        if total == self.photos:
            share = _("All %(counted)s", counted=library)
        else:
            share = _("%(found)s of %(counted)s", found=f"{total:,}", counted=library)
        if self.found.cutoff is None:
            return _("%(share)s, %(order)s", share=share, order=order)
        one = self.photos == 1
        return _("%(share)s matches", share=share) if one else _("%(share)s match", share=share)

    @property
    def chips(self) -> list[Chip]:
        """What was understood; each leads to the query without it."""
        return [
            Chip(
                translated(describe(term)),
                printable(format_term(term)),
                self._to(refinement.without(self._asked, term)),
                _photo_of(term),
                self.pictures.get(term),
            )
            for term in self._asked.terms
        ]

    @property
    def orders(self) -> list[Link]:
        """The orders that make sense."""
        first, *others = ORDERS if self._ranked else ORDERS[1:]
        return [
            Link(
                order_names()[order][0],
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
            return [Link(_("only what matches"), self._strict(None))] if known else []
        if lowest is None:
            return []
        more, less = refinement.looser(lowest), refinement.stricter(lowest)
        links = []
        if self.found.total and less > lowest:
            links.append(Link(_("stricter (%(share)s)", share=f"{less:.0%}"), self._strict(less)))
        if more < lowest:
            links.append(Link(_("looser (%(share)s)", share=f"{more:.0%}"), self._strict(more)))
        return [*links, Link(_("show all"), self.all_address)]

    @property
    def all_address(self) -> str:
        """Where the improbable photos are shown, too."""
        return url_for("search.index", q=refinement.with_score(self._asked, None), all=1)

    @property
    def facets(self) -> list[FacetMenu]:
        """What narrows the result down, or does so already, by kind."""
        if self.found.facets is None or not self.links.short:
            return []
        return facet_menus(self._asked, self.found.facets, self.found.total, self.links.search)

    @property
    def removable(self) -> Sequence[Term]:
        """The terms without which more may be found."""
        return refinement.removable(self._asked) if self.links.short else ()

    def without(self, term: Term, total: int) -> Link:
        """Return a link to the query without a term, which finds so many."""
        said = translated(describe(term))
        inner = said[1:-1]
        if said[:1] + said[-1:] in ('""', "“”") and not set('"“”') & set(inner):
            said = inner  # the label has marks of its own
        label = _("Without “%(term)s”", term=said)
        return Link(label, self._to(refinement.without(self._asked, term)), count=total)

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

    def _found(self) -> str:
        types = self.found.facets.type if self.found.facets else ()
        kinds = {kind.value for kind in types}
        return counted(self.found.total, photos=kinds != {"video"}, videos="video" in kinds)

    def _to(self, text: str) -> str | None:
        return self.links.search(text) if self.links.short else None

    def _strict(self, lowest: float | None) -> str:
        return url_for("search.index", q=refinement.with_score(self._asked, lowest))


def order_names() -> dict[Order, tuple[str, str]]:
    """Return the names of the orders, and how they are told of results."""
    return {
        Order.RELEVANCE: (_("Best match"), _("best first")),
        Order.NEWEST: (_("Newest"), _("newest first")),
        Order.OLDEST: (_("Oldest"), _("oldest first")),
        Order.NAME: (_("Name"), _("by name")),
    }


def counted(count: int, *, photos: bool, videos: bool) -> str:
    """Return a number of photos, of videos, or of both."""
    if photos and videos:
        return ngettext("%(num)s photo or video", "%(num)s photos and videos", count)
    if videos:
        return ngettext("%(num)s video", "%(num)s videos", count)
    return ngettext("%(num)s photo", "%(num)s photos", count)


def _photo_of(term: Term) -> str | None:
    """Return the address of the photo that a term names by its number."""
    if isinstance(term, Like) and refinement.is_number(term.picture):
        return url_for("photo.show", photo_id=int(term.picture))
    return None
