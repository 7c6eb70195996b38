"""What is done with several photos at once: tags for all of them, and their files or facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from pixfind.catalog.originals import open_original
from pixfind.catalog.photos import Photo, photos_by_id
from pixfind.messages import said
from search import Result
from search.export.archive import archive
from search.export.tables import csv_header, csv_line, json_line, rows
from search.pictures import MAX_ID
from search.tags import owner
from web.state import state

blueprint = Blueprint("selection", __name__, url_prefix="/selection")

MAX_PHOTOS = 20_000
MAX_ARCHIVED = 1000
MAX_CHARS = 20 * MAX_PHOTOS
# Photos that are looked up, and held in memory, at once.
BATCH = 500
SAID = {"accept": owner.accept, "reject": owner.reject, "withdraw": owner.withdraw}


@blueprint.post("/tags")
def tags() -> AnyResponse:
    """Say of photos that they have a tag, or have it not, or take back what was said."""
    says = SAID.get(request.form.get("says", "accept"))
    if says is None:
        abort(400, said("what is said of a tag is one of: accept, reject, withdraw"))
    chosen = [str(photo_id) for photo_id in _ids(MAX_PHOTOS)]
    says(state().library(), request.form.get("tag", ""), chosen, read_files=False)
    came_from = request.referrer or ""
    here = came_from.startswith(request.host_url)
    return redirect(came_from if here else url_for("search.index"), 303)


@blueprint.post("/export")
def export() -> Response:
    """Send the facts of photos as a table, their paths, or the files in an archive."""
    form = request.form.get("format", "")
    if form not in FORMATS:
        abort(400, said("the format is one of: %(formats)s", formats=", ".join(FORMATS)))
    mimetype, suffix, written = FORMATS[form]
    chosen = _ids(MAX_ARCHIVED if form == "zip" else MAX_PHOTOS)
    # The first are looked for while it can still be said that there are none.
    found = _photos(chosen)
    first = next(found, None)
    if first is None:
        abort(404, said("none of these photos is in the library any more"))
    slots = state().archives
    if form == "zip" and not slots.acquire(blocking=False):
        abort(503, said("others are downloading photos just now; try again in a while"))
    response = Response(written(_joined(first, found)), mimetype=mimetype)
    if form == "zip":
        response.call_on_close(slots.release)
    name = f"pixfind-{date.today():%Y-%m-%d}.{suffix}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.cache_control.no_store = True
    return response


def _ids(most: int) -> list[int]:
    """Return the photos that a form names, each once, in its order."""
    given = request.form.get("photos", "")
    if len(given) > MAX_CHARS:
        abort(400, said("at most %(most)s photos can be chosen for this", most=f"{most:,}"))
    words = given.replace(",", " ").split()
    numbers = [
        int(w) for w in words if w.isascii() and w.isdecimal() and len(w) <= len(str(MAX_ID))
    ]
    if len(numbers) < len(words) or any(number > MAX_ID for number in numbers):
        abort(400, said("photos are named by their numbers"))
    chosen = list(dict.fromkeys(numbers))
    if not chosen:
        abort(400, said("no photo is chosen"))
    if len(chosen) > most:
        text = said(
            "at most %(most)s photos can be chosen for this; these are %(count)s",
            most=f"{most:,}",
            count=f"{len(chosen):,}",
        )
        abort(400, text)
    return chosen


def _photos(chosen: Sequence[int]) -> Iterator[Photo]:
    """Yield those that are there, in the order in which they were named."""
    catalog = state().library().catalog
    for at in range(0, len(chosen), BATCH):
        batch = chosen[at : at + BATCH]
        with catalog.read() as session:
            found = photos_by_id(session, batch)
        yield from (found[photo_id] for photo_id in batch if photo_id in found)


def _joined(first: Photo, rest: Iterator[Photo]) -> Iterator[Photo]:
    yield first
    yield from rest


def _csv(photos: Iterator[Photo]) -> Iterator[bytes]:
    catalog = state().library().catalog
    return _lines(csv_header(), map(csv_line, rows(catalog, map(Result, photos))))


def _jsonl(photos: Iterator[Photo]) -> Iterator[bytes]:
    return map(json_line, rows(state().library().catalog, map(Result, photos)))


def _paths(photos: Iterator[Photo]) -> Iterator[bytes]:
    # A name that is not UTF-8 cannot be told in a text.
    return (f"{photo.path}\n".encode("utf-8", "replace") for photo in photos)


def _zip(photos: Iterator[Photo]) -> Iterator[bytes]:
    catalog = state().library().catalog
    return archive(photos, lambda photo: open_original(catalog, photo.id))


def _lines(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


Written = Callable[[Iterator[Photo]], Iterator[bytes]]
FORMATS: dict[str, tuple[str, str, Written]] = {
    "csv": ("text/csv", "csv", _csv),
    "jsonl": ("application/jsonl", "jsonl", _jsonl),
    "paths": ("text/plain", "txt", _paths),
    "zip": ("application/zip", "zip", _zip),
}
