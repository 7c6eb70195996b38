"""Small JPEGs of the library's photos, by content: made once, and again if they are deleted."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pixfind.durable import replace_file, sweep
from pixfind.errors import PhotoReadError
from pixfind.photos import reasons
from pixfind.photos.decode import read_bytes
from pixfind.photos.formats import is_video_name
from pixfind.photos.small import jpeg_of

if TYPE_CHECKING:
    from PIL import Image

GRID_EDGE = 400
PREVIEW_EDGE = 1600
SIZES = {"grid": GRID_EDGE, "preview": PREVIEW_EDGE}
# What a grid's thumbnail is made from: at 4:3 this edge gives its long side.
THUMBNAIL_SHORT_EDGE = 300


class Thumbnails:
    """The thumbnails of one library, in a folder that can be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sweep(self) -> None:
        """Remove what processes left that were killed while they wrote one."""
        sweep(self._folder)

    def file(self, content_id: bytes, size: str, second: float | None = None) -> Path:
        """Return where the thumbnail of a picture, or a video's at a moment, is or would be."""
        name = content_id.hex()
        moment = "" if second is None else f"-{round(second * 1000)}"
        return self._folder / size / name[:2] / f"{name}{moment}.jpg"

    def save(
        self,
        content_id: bytes,
        image: Image.Image,
        size: str = "grid",
        second: float | None = None,
    ) -> Path:
        """Write the thumbnail of an upright RGB picture, unless it is there; return its file."""
        file = self.file(content_id, size, second)
        if not file.exists():
            self.keep(file, jpeg_of(image, SIZES[size]))
        return file

    def keep(self, file: Path, jpeg: bytes) -> None:
        """Write a thumbnail whose place ``file`` has told."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(file, sync=False, own=self._folder) as temporary:
            temporary.write_bytes(jpeg)

    def get(self, content_id: bytes, path: Path, size: str, second: float | None = None) -> Path:
        """Return the thumbnail's file, making it from the file at ``path`` if need be.

        Args:
            content_id: the SHA-256 of the file's bytes.
            path: the photo or the video.
            size: one of ``SIZES``.
            second: the moment of a video; else, the first frame that shows something.

        Raises:
            PhotoError: the file cannot be read or decoded; or the photo is another one by now,
                which to find out of a video would mean to read all of it.
        """
        file = self.file(content_id, size, second)
        if file.exists():
            return file
        self.keep(file, _jpeg(content_id, path, size, second))
        return file

    def make(self, content_id: bytes, path: Path, size: str, second: float | None = None) -> bytes:
        """Return the thumbnail's JPEG, made now, even where it cannot be kept: on a full disk, say.

        Args and errors: as for ``get``.
        """
        jpeg = _jpeg(content_id, path, size, second)
        with suppress(OSError):
            self.keep(self.file(content_id, size, second), jpeg)
        return jpeg


def _jpeg(content_id: bytes, path: Path, size: str, second: float | None) -> bytes:
    from pixfind.decoding import safely  # most thumbnails are there

    if is_video_name(path.name):
        return safely.small_still(path, SIZES[size], second)
    content = read_bytes(path)
    if hashlib.sha256(content).digest() != content_id:
        raise PhotoReadError(path, reasons.CHANGED)
    return safely.small_jpeg(content, path, SIZES[size])
