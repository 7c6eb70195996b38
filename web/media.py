"""Pictures and videos by id: small, large, as they are. No path ever comes from a request."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from flask import Blueprint, Response, abort, request, send_file
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import wrap_file

from pixfind.catalog.contents import content_of, version_of
from pixfind.catalog.moments import moments_of
from pixfind.catalog.originals import open_original
from pixfind.catalog.photos import Photo
from pixfind.errors import PhotoReadError
from pixfind.messages import said
from pixfind.text import printable
from search.pictures import possible_id
from web import parameters
from web.state import state

blueprint = Blueprint("media", __name__)

# The pages' addresses name the content (``Photo.version``), so a browser need not ask again.
YEAR_S = 365 * 24 * 3600
VIDEO_TYPES = {
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
    "WebM": "video/webm",
    "Matroska": "video/x-matroska",
    "AVI": "video/x-msvideo",
}
# What browsers show and nothing in it can act; an SVG could.
SHOWN_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}


@blueprint.get("/thumbnails/<int:photo_id>")
def thumbnail(photo_id: int) -> Response:
    """Send a small JPEG for the grid; of a video, at the moment ``t`` in seconds."""
    return _rendered(photo_id, "grid")


@blueprint.get("/previews/<int:photo_id>")
def preview(photo_id: int) -> Response:
    """Send a JPEG that fills a screen; browsers cannot show every original. ``t`` as above."""
    return _rendered(photo_id, "preview")


@blueprint.get("/originals/<int:photo_id>")
def original(photo_id: int) -> Response:
    """Send the file as it is: to be kept, or with ``inline=1`` to be looked at, if that is safe."""
    photo = state().engine().photo(photo_id)
    return _file(photo, SHOWN_TYPES.get(photo.format) if parameters.flag("inline") else None)


@blueprint.get("/videos/<int:photo_id>")
def video(photo_id: int) -> Response:
    """Send a video to be played, or the pieces of it that the player asks for."""
    photo = state().engine().photo(photo_id)
    if photo.duration is None:
        abort(404, said("this is a photo, and cannot be played"))
    return _file(photo, VIDEO_TYPES.get(photo.format, "application/octet-stream"))


def _file(photo: Photo, mimetype: str | None) -> Response:
    """Send a file, to be shown if a type is given, else to be kept.

    What is sent is read by the descriptor that was found to be the picture's, never by its name
    again.
    """
    file = _opened(photo.id)
    known = os.fstat(file.fileno())
    response = send_file(
        file,
        mimetype=mimetype,
        etag=f"{known.st_mtime_ns:x}-{known.st_size:x}",
        last_modified=known.st_mtime,
        as_attachment=mimetype is None,
        download_name=printable(Path(file.name).name),
    )
    response.content_length = known.st_size
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=known.st_size)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise
    _hand_over(response, file)
    return response


def _opened(photo_id: int) -> BinaryIO:
    try:
        return open_original(state().library().catalog, photo_id)
    except PhotoReadError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            abort(404, said("the file is not there now; its drive may not be mounted"))
        raise


def _hand_over(response: Response, file: BinaryIO) -> None:
    """Let the server send a part of a file by itself, as it sends whole ones.

    Else a thread would wait for as long as its reader takes, and there are eight.
    """
    part = response.content_range
    if part.start is None or request.method == "HEAD" or "wsgi.file_wrapper" not in request.environ:
        return
    file.seek(part.start)
    # In the place of what would read the part in here, and would close the file.
    response.response = wrap_file(request.environ, file)


def _rendered(photo_id: int, size: str) -> Response:
    """Send a small picture; a page asks for dozens, so nothing is looked up that is not needed."""
    current = state()
    library = current.library()
    with library.catalog.read() as session:
        content_id = content_of(session, possible_id(photo_id))
    second = _moment(photo_id)
    etag = f"{content_id.hex()}-{size}-{second}"
    if request.if_none_match.contains(etag):
        return _kept(Response(status=304), content_id, etag)
    thumbnails = current.thumbnails()
    file = thumbnails.file(content_id, size, second)
    picture = b""
    with suppress(OSError):
        picture = file.read_bytes()
    if not picture:  # not there, or empty since the power went
        with _opened(photo_id) as source:
            path = Path(source.name)
        # Which is opened by its name again. A photo's bytes are compared then; who swaps videos in
        # that moment could have a frame of another.
        picture = thumbnails.make(content_id, path, size, second)
    return _kept(Response(picture, mimetype="image/jpeg"), content_id, etag)


def _kept(response: Response, content_id: bytes, etag: str) -> Response:
    """Let a browser keep the picture: for good if its address names the content."""
    response.set_etag(etag)
    caching = response.cache_control
    caching.private = True
    if request.args.get("v") == version_of(content_id):
        caching.max_age, caching.immutable = YEAR_S, True
    else:
        caching.no_cache = True  # the same number may be another picture's tomorrow
    return response


def _moment(photo_id: int) -> float | None:
    """Return the embedded moment of a video next to the one asked for.

    Only these have a thumbnail: a site that makes a browser ask for others fills no disk.
    """
    asked = request.args.get("t", type=float)
    if asked is None:
        return None
    library = state().library()
    model = library.model()
    if model is None:
        return None
    with library.catalog.read() as session:
        moments = moments_of(session, photo_id, model.id)
    return min(moments, key=lambda second: abs(second - asked), default=None)
