"""The pictures that a query names, as they are shown beside what was understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import url_for
from PIL import Image

from pixfind.errors import PixfindError
from pixfind.library import Library
from pixfind.parts import Box
from pixfind.photos.brought import is_token
from search import SearchEngine
from search.query import Like, Query, Term
from web.formatting import thumbnail_size
from web.searching.refinement import is_number


@dataclass(frozen=True)
class LikePicture:
    """A small picture: its address, its size in pixels, and the part of it that counts."""

    address: str
    width: int
    height: int
    box: Box | None = None


def like_pictures(
    asked: Query, engine: SearchEngine, library: Library
) -> Mapping[Term, LikePicture]:
    """Return what there is to see of the pictures that a query names, by its terms."""
    found = ((term, _picture(term, engine, library)) for term in asked.likes)
    return {term: picture for term, picture in found if picture is not None}


def _picture(term: Like, engine: SearchEngine, library: Library) -> LikePicture | None:
    if is_number(term.picture):
        try:
            photo = engine.photo(int(term.picture))
        except PixfindError:  # it has gone since it was searched for
            return None
        address = url_for("media.thumbnail", photo_id=photo.id, v=photo.version)
        return LikePicture(address, *thumbnail_size(photo), term.box)
    if not is_token(term.picture):
        return None
    file = library.brought.file(term.picture)
    if file is None:
        return None
    try:
        with Image.open(file) as image:
            width, height = image.size
    except OSError:
        return None
    return LikePicture(url_for("pictures.show", token=term.picture), width, height, term.box)
