"""What the photos of a result have in common, as menus of links that narrow it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from pixfind.text import printable
from search.query import Filter, Query, Text, format_query
from search.query.formatting import format_value
from search.results import Facets, FacetValue
from web.searching import refinement
from web.translation import gettext as _

SHOWN = 12
FOLDER_PARTS = 2


@dataclass(frozen=True)
class Link:
    """A link to another query; without an address, only its words."""

    label: str
    address: str | None
    title: str | None = None
    count: int | None = None
    current: bool = False


@dataclass(frozen=True)
class FacetMenu:
    """The values of one kind: those that were chosen, each with the query without it, and more."""

    title: str
    chosen: tuple[Link, ...]
    values: tuple[Link, ...]


def facet_menus(
    asked: Query, facets: Facets, total: int, address: Callable[[str], str]
) -> list[FacetMenu]:
    """Return the menus that hold something, in the order in which they are shown.

    Args:
        asked: the query.
        facets: of its results.
        total: how many results it has.
        address: of a query.
    """
    titles = {
        "year": _("Year"),
        "camera": _("Camera"),
        "folder": _("Folder"),
        "tag": _("Tag"),
        "type": _("Type"),
    }
    text, menus = format_query(asked), []
    for field, title in titles.items():
        chosen = tuple(_chosen(asked, field, address))
        known = {link.label for link in chosen}
        # What all of them have narrows nothing down, unless the query has a limit of its own.
        values = [v for v in getattr(facets, field) if asked.limit or v.count < total]
        links = (_to(text, field, value, address) for value in values[:SHOWN])
        rest = tuple(link for link in links if link.label not in known)
        if chosen or rest:
            menus.append(FacetMenu(title, chosen, rest))
    return menus


def _chosen(asked: Query, field: str, address: Callable[[str], str]) -> Iterator[Link]:
    for term in asked.filters:
        if term.field == field and not term.negative:
            yield Link(_of(field, term), address(refinement.without(asked, term)), current=True)


def _of(field: str, term: Filter) -> str:
    texts = (v.text if isinstance(v, Text) else format_value(v) for v in term.values)
    plain = (text.removeprefix("=").replace(r"\*", "*") for text in texts)
    return ", ".join(_label(field, text) for text in plain)


def _to(text: str, field: str, value: FacetValue, address: Callable[[str], str]) -> Link:
    label = _label(field, value.value)
    query = refinement.narrowed(text, value.filter)
    full = printable(value.value) if field == "folder" else None
    return Link(label, query and address(query), full, value.count)


def _label(field: str, value: str) -> str:
    if field == "type":
        return _("Videos") if value == "video" else _("Photos")
    shown = printable(value)
    return _shortened(shown) if field == "folder" else shown


def _shortened(folder: str) -> str:
    """Return the last parts of a folder's path."""
    parts = PurePath(folder).parts
    if len(parts) <= FOLDER_PARTS + 1:
        return folder
    return str(PurePath("…", *parts[-FOLDER_PARTS:]))
