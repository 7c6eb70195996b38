"""Blurs for pictures that were indexed before there were any, from the thumbnails they have."""

from __future__ import annotations

from collections.abc import Callable

from pixfind.catalog import blurs
from pixfind.errors import PhotoError
from pixfind.library import Library
from pixfind.photos.decode import decode_file
from pixfind.photos.small import BLUR_EDGE, blur_of
from pixfind.photos.thumbnails import Thumbnails

# Committed together: what a run that is ended early does again.
BATCH = 256


def fill_blurs(library: Library, checkpoint: Callable[[], None] = lambda: None) -> int:
    """Give a blur to every picture that has a grid thumbnail and none; return how many got one.

    No photo is opened. What has no thumbnail, or a damaged one, stays as it is for the next time.

    Args:
        library: whose pictures.
        checkpoint: called before each step; what it raises ends the work, and what was done stays.
    """
    thumbnails = Thumbnails(library.thumbnails)
    filled = last = 0
    while True:
        checkpoint()
        with library.catalog.read() as session:
            wanted = blurs.missing(session, last, BATCH)
        if not wanted:
            return filled
        last = max(wanted)
        found = {}
        for asset_id, content_id in wanted.items():
            try:
                small = decode_file(thumbnails.file(content_id, "grid"), 8 * BLUR_EDGE)
            except PhotoError:
                continue
            found[asset_id] = blur_of(small.image)
        if found:
            with library.catalog.write() as session:
                blurs.put(session, found)
        filled += len(found)
