"""Pictures and videos by id: small, large, as they are. No path ever comes from a request."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request, send_file

from pixfind.catalog.moments import moments_of
from pixfind.catalog.photos import Photo
from pixfind.text import printable
from web.state import state

blueprint = Blueprint("media", __name__)

# The pages' addresses name the content (``Photo.version``), so a browser need not ask again.
MAX_AGE_S = 24 * 3600
VIDEO_TYPES = {
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
    "WebM": "video/webm",
    "Matroska": "video/x-matroska",
    "AVI": "video/x-msvideo",
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
    """Send the file as it is."""
    photo = state().engine().photo(photo_id)
    return _file(photo, None)


@blueprint.get("/videos/<int:photo_id>")
def video(photo_id: int) -> Response:
    """Send a video to be played, or the pieces of it that the player asks for."""
    photo = state().engine().photo(photo_id)
    if photo.duration is None:
        abort(404, "this is a photo, and cannot be played")
    return _file(photo, VIDEO_TYPES.get(photo.format, "application/octet-stream"))


def _file(photo: Photo, mimetype: str | None) -> Response:
    """Send a file, to be shown if a type is given, else to be kept."""
    if not photo.path.is_file():
        abort(404, "the file is not there now; its drive may not be mounted")
    known = photo.path.stat()
    return send_file(
        photo.path,
        mimetype=mimetype,
        # Flask's own would be made of the path, which need not be UTF-8.
        etag=f"{known.st_mtime_ns:x}-{known.st_size:x}",
        conditional=True,
        as_attachment=mimetype is None,
        download_name=printable(photo.path.name),
    )


def _rendered(photo_id: int, size: str) -> Response:
    current = state()
    photo = current.engine().photo(photo_id)
    second = _moment(photo)
    file = current.thumbnails().get(photo.content_id, photo.path, size, second)
    response = send_file(
        file,
        mimetype="image/jpeg",
        conditional=True,
        etag=f"{photo.content_id.hex()}-{size}-{second}",
        max_age=MAX_AGE_S,
    )
    response.cache_control.public = False
    response.cache_control.private = True
    return response


def _moment(photo: Photo) -> float | None:
    """Return the embedded moment of a video next to the one asked for.

    Only these have a thumbnail: a site that makes a browser ask for others fills no disk.
    """
    asked = request.args.get("t", type=float)
    model = state().library().model()
    if asked is None or photo.duration is None or model is None:
        return None
    with state().library().catalog.read() as session:
        moments = moments_of(session, photo.id, model.id)
    return min(moments, key=lambda second: abs(second - asked), default=None)
