"""What a file says of its picture, without decoding that where its format allows it."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from pixfind.photos.decode import decode
from pixfind.photos.exif import Metadata, read_metadata
from pixfind.photos.formats import FORMATS, prepare_pillow


def metadata_of(content: bytes) -> Metadata | None:
    """Return what ``decode`` would tell of a file beside the pixels; ``None`` if it cannot now."""
    prepare_pillow()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.format != "PNG":
                return read_metadata(opened)
        # Pillow comes to what follows a PNG's pixels, as EXIF and XMP may, only by decoding them.
        return decode(content, Path(), edge=1).metadata
    except Exception:  # whatever Pillow says now of a picture that it has read before
        return None
