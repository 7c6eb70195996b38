"""The library by folder."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from pixfind.catalog import browse
from pixfind.catalog.browse import Folder
from pixfind.catalog.photos import photos_by_id
from pixfind.messages import said
from pixfind.text import printable
from search.query.naming import can_be_typed, named
from web.state import state

blueprint = Blueprint("folders", __name__, url_prefix="/folders")


@blueprint.get("/")
def index() -> str:
    """Show the folders of the library, or those in the folder ``in`` of the root ``root``."""
    root, place = request.args.get("root", type=int), request.args.get("in", "")
    with state().library().catalog.read() as session:
        known = browse.folders(session)
        if root is None:
            here, inner = None, [folder for folder in known.values() if not folder.place]
        else:
            here = known.get((root, place))
            if here is None:
                abort(404, said("the library has no such folder"))
            inner = [known[root, below] for below in here.folders]
        covers = photos_by_id(session, [folder.last for folder in inner])
    return render_template(
        "folders.html",
        here=here,
        outer=_outer(known, here),
        folders=sorted(inner, key=lambda folder: str(folder.path)),
        covers=covers,
        query_of=_query,
        can_be_named=_can_be_named,
    )


def _outer(known: dict[tuple[int, str], Folder], here: Folder | None) -> list[Folder]:
    """Return the folders around one, the outermost first."""
    if here is None or not here.place:
        return []
    parts = here.place.split("/")
    places = ["/".join(parts[:count]) for count in range(len(parts))]
    return [known[here.root_id, place] for place in places]


def _query(folder: Folder) -> str | None:
    """Return the query for all that lies in a folder; ``None`` if nobody could type it."""
    text = named("folder", str(folder.path))
    return text if can_be_typed(text) else None


def _can_be_named(folder: Folder) -> bool:
    """Tell whether an address can name a folder: some hold bytes that are no text."""
    return printable(folder.place) == folder.place
