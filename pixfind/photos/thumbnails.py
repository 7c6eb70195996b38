"""Small JPEGs of the library's photos, by content: made once, and again if they are deleted."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from pathlib import Path

from PIL import Image

from pixfind.durable import replace_file
from pixfind.errors import PhotoReadError
from pixfind.photos import reasons
from pixfind.photos.decode import decode, read_bytes
from pixfind.photos.formats import is_video_name

GRID_EDGE = 400
PREVIEW_EDGE = 1600
SIZES = {"grid": GRID_EDGE, "preview": PREVIEW_EDGE}
# What a grid's thumbnail is made from: at 4:3 this edge gives its long side.
THUMBNAIL_SHORT_EDGE = 300
QUALITY = 82
BLUR_EDGE = 4


class Thumbnails:
    """The thumbnails of one library, in a folder that can be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
            file.parent.mkdir(parents=True, exist_ok=True)
            write_small(image, file, SIZES[size])
        return file

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
        return self.save(content_id, _opened(content_id, path, size, second), size, second)

    def make(self, content_id: bytes, path: Path, size: str, second: float | None = None) -> bytes:
        """Return the thumbnail's JPEG, made now, even where it cannot be kept: on a full disk, say.

        Args and errors: as for ``get``.
        """
        jpeg = _small(_opened(content_id, path, size, second), SIZES[size])
        file = self.file(content_id, size, second)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(file, sync=False) as temporary:
                temporary.write_bytes(jpeg)
        return jpeg


def write_small(image: Image.Image, file: Path, edge: int) -> None:
    """Write an RGB picture as a JPEG whose long edge is ``edge`` pixels at most, in one step."""
    jpeg = _small(image, edge)
    with replace_file(file, sync=False) as temporary:
        temporary.write_bytes(jpeg)


def _small(image: Image.Image, edge: int) -> bytes:
    small = image.copy()
    small.thumbnail((edge, edge), Image.Resampling.BICUBIC, reducing_gap=2.0)
    written = io.BytesIO()
    # Pillow hands on the photo's comment, which may be longer than JPEG's can be.
    small.save(written, "JPEG", quality=QUALITY, optimize=True, comment=None)
    return written.getvalue()


def _opened(content_id: bytes, path: Path, size: str, second: float | None) -> Image.Image:
    if is_video_name(path.name):
        from pixfind.videos.stills import still  # imports what photos have no use for

        return still(path, SIZES[size], second)
    content = read_bytes(path)
    if hashlib.sha256(content).digest() != content_id:
        raise PhotoReadError(path, reasons.CHANGED)
    return decode(content, path, SIZES[size]).image


def blur_of(image: Image.Image) -> bytes:
    """Return what an RGB picture looks like from far away, to be shown while it is loading.

    Returns:
        The means of ``BLUR_EDGE`` x ``BLUR_EDGE`` equal fields as 8-bit RGB, row by row: 48 bytes.
    """
    return image.resize((BLUR_EDGE, BLUR_EDGE), Image.Resampling.BOX).tobytes()
