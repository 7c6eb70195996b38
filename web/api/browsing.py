"""Ways through a library: by time, by folder, by camera."""

from __future__ import annotations

from pixfind.catalog import browse
from pixfind.text import printable
from web.api.cursors import page_of
from web.api.fields import Page
from web.api.library_answers import CamerasAnswer, FoldersAnswer, TimelineAnswer
from web.api.operations import Operations
from web.state import state

blueprint = Operations("browsing", "Library")


@blueprint.operation("GET", "/timeline")
def timeline() -> TimelineAnswer:
    """Count the photos of each month."""
    months = state().read(browse.months, browse.months)
    undated = state().read(browse.count_undated, browse.count_undated)
    return {
        "months": [
            {"year": one.year, "month": one.month, "photos": one.pictures, "last": one.last}
            for one in months
        ],
        "undated": undated,
    }


@blueprint.operation("GET", "/folders")
def folders(query: Page) -> FoldersAnswer:
    """Count the photos of each folder."""
    known = sorted(state().read(browse.folders, browse.folders).values(), key=_place)
    page, cursor = page_of(known, _place, query)
    return {
        "folders": [
            {
                "path": printable(str(one.path)),
                "root": printable(str(one.root)),
                "place": printable(one.place),
                "photos": one.pictures,
                "inside": one.inside,
            }
            for one in page
        ],
        "cursor": cursor,
    }


@blueprint.operation("GET", "/cameras")
def cameras() -> CamerasAnswer:
    """Count the photos of each camera."""
    known = state().read(browse.cameras, browse.cameras)
    return {
        "cameras": [
            {
                "name": printable(one.name),
                "photos": one.pictures,
                "first": one.first,
                "last": one.last,
                "lenses": [{"name": printable(name), "photos": n} for name, n in one.lenses],
            }
            for one in known
        ]
    }


def _place(folder: browse.Folder) -> tuple[str, str]:
    return str(folder.root), folder.place
