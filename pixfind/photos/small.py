"""A picture made small: as a JPEG to be looked at, and as the blur that is shown before it."""

from __future__ import annotations

import io

from PIL import Image

QUALITY = 82
BLUR_EDGE = 4
BLUR_BYTES = BLUR_EDGE * BLUR_EDGE * 3


def jpeg_of(image: Image.Image, edge: int) -> bytes:
    """Return an RGB picture as a JPEG whose long edge is ``edge`` pixels at most."""
    small = image.copy()
    small.thumbnail((edge, edge), Image.Resampling.BICUBIC, reducing_gap=2.0)
    written = io.BytesIO()
    # Pillow hands on the photo's comment, which may be longer than JPEG's can be.
    small.save(written, "JPEG", quality=QUALITY, optimize=True, comment=None)
    return written.getvalue()


def blur_of(image: Image.Image) -> bytes:
    """Return what an RGB picture looks like from far away, to be shown while it is loading.

    Returns:
        The means of ``BLUR_EDGE`` x ``BLUR_EDGE`` equal fields as 8-bit RGB, row by row: 48 bytes.
    """
    return image.resize((BLUR_EDGE, BLUR_EDGE), Image.Resampling.BOX).tobytes()
