"""Pictures that somebody brings to search by: dropped, pasted or picked."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from pixfind.errors import PictureRefusedError
from pixfind.library import Library
from pixfind.messages import said
from pixfind.text import readable_size

FIELD = "picture"
# More than any camera's JPEG has. It is checked before anything is read.
MOST_BYTES = 64 * 1024 * 1024
MOST_PICTURES = 5


def bring(library: Library) -> list[str]:
    """Take the pictures of the current request, files of a form; return what ``like:`` names.

    Raises:
        PictureRefusedError: there is none, there are too many, or they are too large.
        PhotoError: what is there is no picture.
    """
    request.max_content_length = MOST_BYTES
    try:
        files = [file for file in request.files.getlist(FIELD) if file.filename]
    except RequestEntityTooLarge:
        raise PictureRefusedError(
            said(
                "pictures to search by may have %(size)s together; bring a smaller copy",
                size=readable_size(MOST_BYTES),
            )
        ) from None
    if not files:
        raise PictureRefusedError(said("no picture came along; choose a file first"))
    if len(files) > MOST_PICTURES:
        raise PictureRefusedError(
            said(
                "%(count)s pictures are too many to search by; bring %(most)s at most",
                count=len(files),
                most=MOST_PICTURES,
            )
        )
    return [library.bring(file.read(), file.filename or "") for file in files]
