"""What the IPTC block of a JPEG or TIFF says of a picture: press agencies' fields of the nineties.

IPTC-NAA Information Interchange Model, version 4. Not Pillow's ``getiptcinfo``: it loses every
field to one wrong byte after them, and looks at a block of any length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image
from PIL.TiffImagePlugin import IPTC_NAA_CHUNK, TiffImageFile

MAX_BYTES = 1 << 20
_IPTC_RESOURCE = 0x0404  # among Photoshop's
_MARK = 0x1C
_APPLICATION_RECORD = 2
_TITLE, _KEYWORD, _CAPTION = 5, 25, 120
_LONG_FIELD = 0x8000  # for pictures and the like: no text is that long


@dataclass(frozen=True)
class Iptc:
    """The texts of a block as they stand there; ``None`` or empty where it has none."""

    caption: str | None = None
    title: str | None = None
    keywords: tuple[str, ...] = ()


def read_iptc(image: Image.Image) -> Iptc:
    """Read an open picture's IPTC block; what follows damage in it counts as missing."""
    try:
        block = _block(image)
    except Exception:  # no damage may cost the picture
        return Iptc()
    if not isinstance(block, bytes) or len(block) > MAX_BYTES:
        return Iptc()
    texts: dict[int, list[str]] = {}
    for dataset, value in _fields(block):
        texts.setdefault(dataset, []).append(_decoded(value))
    return Iptc(
        caption=texts.get(_CAPTION, [None])[0],
        title=texts.get(_TITLE, [None])[0],
        keywords=tuple(texts.get(_KEYWORD, ())),
    )


def _block(image: Image.Image) -> object:
    if isinstance(image, TiffImageFile):
        # Pillow's own way too: as numbers, which the tag is often declared as, it would be lost.
        return image.tag_v2._tagdata.get(IPTC_NAA_CHUNK)
    return image.info.get("photoshop", {}).get(_IPTC_RESOURCE)


def _fields(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers and values of the fields that describe a picture."""
    position = 0
    while position + 5 <= len(block) and block[position] == _MARK:
        record, dataset, size = struct.unpack_from(">BBH", block, position + 1)
        if size & _LONG_FIELD:
            return
        position += 5
        if record == _APPLICATION_RECORD:
            yield dataset, block[position : position + size]
        position += size


def _decoded(value: bytes) -> str:
    """Decode a text; the field that should tell its encoding is seldom there, or right."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
