"""Pictures by id: thumbnails, previews, originals. No path ever comes from a request."""

from __future__ import annotations

from flask import Blueprint, Response, abort, send_file

from pixfind.text import printable
from web.state import state

blueprint = Blueprint("media", __name__)

# The pages' addresses name the content (``Photo.version``), so a browser need not ask again.
MAX_AGE_S = 24 * 3600


@blueprint.get("/thumbnails/<int:photo_id>")
def thumbnail(photo_id: int) -> Response:
    """Send a small JPEG for the grid."""
    return _rendered(photo_id, "grid")


@blueprint.get("/previews/<int:photo_id>")
def preview(photo_id: int) -> Response:
    """Send a JPEG that fills a screen; browsers cannot show every original."""
    return _rendered(photo_id, "preview")


@blueprint.get("/originals/<int:photo_id>")
def original(photo_id: int) -> Response:
    """Send the file as it is."""
    photo = state().engine().photo(photo_id)
    if not photo.path.is_file():
        abort(404, "the file is not there now; its drive may not be mounted")
    known = photo.path.stat()
    return send_file(
        photo.path,
        # Flask's own would be made of the path, which need not be UTF-8.
        etag=f"{known.st_mtime_ns:x}-{known.st_size:x}",
        conditional=True,
        as_attachment=True,
        download_name=printable(photo.path.name),
    )


def _rendered(photo_id: int, size: str) -> Response:
    current = state()
    photo = current.engine().photo(photo_id)
    file = current.thumbnails().get(photo.content_id, photo.path, size)
    response = send_file(
        file,
        mimetype="image/jpeg",
        conditional=True,
        etag=f"{photo.content_id.hex()}-{size}",
        max_age=MAX_AGE_S,
    )
    response.cache_control.public = False
    response.cache_control.private = True
    return response
