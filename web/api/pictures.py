"""Pictures that somebody brings to search by."""

from __future__ import annotations

from flask import abort, url_for
from werkzeug.datastructures import FileStorage

from pixfind.catalog import photos
from pixfind.errors import PhotoError
from web.api.answers import PictureAnswer
from web.api.operations import Operations
from web.state import state
from web.translation import translated_error

blueprint = Operations("pictures", "Search")


@blueprint.operation("POST", "/pictures", status=201, problems=(422,))
def bring(picture: FileStorage) -> PictureAnswer:
    """Bring a picture to search by. It is kept for a while, and is not part of the library."""
    library = state().library()
    try:
        like = library.bring(picture.stream.read(), picture.filename or "")
    except PhotoError as error:
        abort(422, translated_error(error))
    if not like.isdecimal():
        return {"like": like, "thumbnail": url_for("pictures.show", token=like)}
    with library.catalog.read() as session:
        known = photos.photo(session, int(like))
    address = url_for("media.thumbnail", photo_id=known.id, v=known.version)
    return {"like": like, "thumbnail": address}
