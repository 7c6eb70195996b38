"""From a photo to the one before it and the one after it in the result that it was found in."""

from __future__ import annotations

from typing import NamedTuple

from pixfind.errors import PixfindError
from search import Result, SearchEngine
from web.formatting import shares
from web.searching.page import Links

# Further down nobody steps from page to page; with a script, the grid itself knows what is next.
REACH = 120


class Steps(NamedTuple):
    """The addresses of the photos before and after one; ``None`` at the ends."""

    before: str | None
    after: str | None


def steps(engine: SearchEngine, links: Links, photo_id: int) -> Steps | None:
    """Return the ways from a photo through its result; ``None`` if it is not near its beginning.

    The engine remembers rankings, so this asks for nothing that has not just been shown.

    Args:
        engine: what found it.
        links: of the query that led to it.
        photo_id: the photo's.
    """
    if not links.asked.terms or not links.short:
        return None
    try:
        found = engine.search(links.asked, REACH, everything=links.everything).results
    except PixfindError:  # what is wrong with the query is told where it is asked
        return None
    ids = [result.photo.id for result in found]
    if photo_id not in ids:
        return None
    at = ids.index(photo_id)
    before, after = found[max(0, at - 1) : at], found[at + 1 : at + 2]
    return Steps(_address(links, before), _address(links, after))


def _address(links: Links, results: tuple[Result, ...]) -> str | None:
    for result in results:
        part = result.part
        box = shares(part.box) if part and part.box else None
        second = round(part.second, 3) if part and part.second is not None else None
        return links.photo(result.photo.id, box=box, t=second)
    return None
