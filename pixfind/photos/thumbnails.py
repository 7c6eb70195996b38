"""Small JPEGs of the library's photos, by content: made once, and again if they are deleted."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from pixfind.durable import replace_file
from pixfind.errors import PhotoReadError
from pixfind.photos.decode import decode, read_bytes

GRID_EDGE = 400
PREVIEW_EDGE = 1600
SIZES = {"grid": GRID_EDGE, "preview": PREVIEW_EDGE}
QUALITY = 82


class Thumbnails:
    """The thumbnails of one library, in a folder that can be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, content_id: bytes, size: str) -> Path:
        """Return where the thumbnail of a picture is or would be."""
        name = content_id.hex()
        return self._folder / size / name[:2] / f"{name}.jpg"

    def save(self, content_id: bytes, image: Image.Image, size: str = "grid") -> Path:
        """Write the thumbnail of an upright RGB picture, unless it is there; return its file."""
        file = self.file(content_id, size)
        if not file.exists():
            small = image.copy()
            small.thumbnail((SIZES[size], SIZES[size]), Image.Resampling.BICUBIC, reducing_gap=2.0)
            file.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(file, sync=False) as temporary:
                # Pillow hands on the photo's comment, which may be longer than JPEG's can be.
                small.save(temporary, "JPEG", quality=QUALITY, optimize=True, comment=None)
        return file

    def get(self, content_id: bytes, path: Path, size: str) -> Path:
        """Return the thumbnail's file, making it from the photo at ``path`` if need be.

        Raises:
            PhotoError: the photo cannot be read or decoded, or is another one by now.
        """
        file = self.file(content_id, size)
        if file.exists():
            return file
        content = read_bytes(path)
        if hashlib.sha256(content).digest() != content_id:
            raise PhotoReadError(path, "it has changed since; run pixfind index again")
        return self.save(content_id, decode(content, path, SIZES[size]).image, size)
