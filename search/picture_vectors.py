"""Vectors of what the library has none of: parts of photos, and pictures that were brought."""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from pixfind.catalog.photos import Photo
from pixfind.decoding.safely import decode
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import PhotoError, PhotoReadError, QueryError
from pixfind.library import Library
from pixfind.messages import said
from pixfind.parts import Box
from pixfind.photos import reasons
from pixfind.photos.decode import decode_file, read_bytes
from pixfind.photos.thumbnails import SIZES, Thumbnails

LEAST_PIXELS = 8  # of an edge; less is a colour at best
# Paging through results, and refining them, asks for the same pictures again.
MOST_REMEMBERED = 64
Key = tuple[bytes | str, Box | None]


class PictureVectors:
    """Looks at pictures with one model, and remembers the last ones; safe to share by threads.

    What is remembered is a function of a picture's bytes, so it cannot grow old.
    """

    def __init__(self, library: Library, encoder: Encoder) -> None:
        self._brought = library.brought
        self._thumbnails = Thumbnails(library.thumbnails)
        self._encoder = encoder
        self._known: OrderedDict[Key, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def of_photo(self, photo: Photo, box: Box) -> Vectors:
        """Return the unit vector (dim,) of a part of a photo of the library.

        Raises:
            QueryError: it is a video, or next to nothing is in the part.
            PhotoError: its file cannot be read or decoded, and there is no thumbnail of it.
        """
        if photo.duration is not None:
            raise QueryError(
                said(
                    "photo %(photo)s is a video, and only photos have parts that can be named; "
                    "take all of it: like:%(photo)s",
                    photo=photo.id,
                )
            )
        return self._remembered((photo.content_id, box), lambda: self._opened(photo, box), box)

    def of_brought(self, token: str, box: Box | None) -> Vectors:
        """Return the unit vector (dim,) of a picture that was brought, or of a part of it.

        Raises:
            QueryError: it is not kept, or next to nothing is in the part.
        """
        if self._brought.file(token) is None:
            raise _not_kept()

        def image() -> Image.Image:
            found = self._brought.image(token, self._edge(box))
            if found is None:
                raise _not_kept()
            return found

        return self._remembered((token, box), image, box)

    def of_file(self, content: bytes, path: Path, box: Box | None) -> Vectors:
        """Return the unit vector (dim,) of a picture file, or of a part of it.

        Raises:
            QueryError: next to nothing is in the part.
            PhotoError: the file cannot be decoded.
        """
        return self._seen(decode(content, path, self._edge(box)).image, box)

    def _remembered(self, key: Key, image: Callable[[], Image.Image], box: Box | None) -> Vectors:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        vector = self._seen(image(), box)
        with self._lock:
            self._known[key] = vector
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return vector

    def _seen(self, image: Image.Image, box: Box | None) -> Vectors:
        shown = image if box is None else _cropped(image, box)
        vector: Vectors = self._encoder.encode_images([shown])[0]
        return vector

    def _opened(self, photo: Photo, box: Box) -> Image.Image:
        """Open the photo's file; where that is gone or another, a thumbnail of it."""
        path = photo.path
        try:
            content = read_bytes(path)
            if hashlib.sha256(content).digest() != photo.content_id:
                raise PhotoReadError(path, reasons.CHANGED)
        except PhotoReadError:
            found = self._thumbnail(photo)
            if found is None:
                raise
            return found
        return decode(content, path, self._edge(box)).image

    def _thumbnail(self, photo: Photo) -> Image.Image | None:
        for size in sorted(SIZES, key=SIZES.__getitem__, reverse=True):
            try:
                return decode_file(self._thumbnails.file(photo.content_id, size), SIZES[size]).image
            except PhotoError:
                continue
        return None

    def _edge(self, box: Box | None) -> int:
        """Return how many pixels a picture's short edge needs, for the model to see all of a part.

        With twice the least, rounding leaves the least.
        """
        seen = self._encoder.spec.image_size
        if box is None:
            return seen
        return math.ceil(max(seen, 2 * LEAST_PIXELS) / min(box.width, box.height))


def _cropped(image: Image.Image, box: Box) -> Image.Image:
    left, top, right, bottom = box.pixels(*image.size)
    if min(right - left, bottom - top) < LEAST_PIXELS:
        raise QueryError(
            said(
                "the part has %(width)s x %(height)s pixels, which is too small to see; "
                "choose one of at least %(least)s x %(least)s",
                width=max(right - left, 0),
                height=max(bottom - top, 0),
                least=LEAST_PIXELS,
            )
        )
    return image.crop((left, top, right, bottom))


def _not_kept() -> QueryError:
    return QueryError(said("this picture is not kept any more; bring it again"))
