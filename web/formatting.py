"""How facts read on a page."""

from __future__ import annotations

from flask import Flask

from pixfind import text
from pixfind.catalog.photos import Photo
from pixfind.parts import Box, where
from pixfind.photos.thumbnails import GRID_EDGE
from pixfind.text import clock, printable
from web.searching.refinement import wants_something
from web.searching.tiles import blur, looks, named, ratio, share
from web.translation import translated

# What is smaller, a page need not tell apart.
LEAST_SHOWN = 0.01


def register_filters(app: Flask) -> None:
    """Make the functions below known to the templates."""
    for function in (
        clock, file_name, percentage, printable, readable_size, shares, thumbnail_size, where,
        blur, looks, named, ratio, share, wants_something
    ):  # fmt: skip
        app.add_template_filter(function)


def readable_size(size: int) -> str:
    """Return a number of bytes as people write it."""
    return translated(text.readable_size(size))


def file_name(photo: Photo) -> str:
    """Return the photo's file name as it can be shown."""
    return printable(photo.paths[0].name)


def percentage(probability: float) -> str:
    """Return a probability in hundredths, never as none or all of them unless it is that."""
    if 0 < probability < LEAST_SHOWN:
        return "<1%"
    if 1 - LEAST_SHOWN < probability < 1:
        return ">99%"
    return f"{probability:.0%}"


def shares(box: Box) -> str:
    """Return a box as an address names it, left, top, width and height."""
    return ",".join(f"{share:g}" for share in (box.left, box.top, box.width, box.height))


def thumbnail_size(photo: Photo) -> tuple[int, int]:
    """Return the width and height of the photo's grid thumbnail, in pixels."""
    scale = min(1.0, GRID_EDGE / max(photo.width, photo.height))
    return max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
