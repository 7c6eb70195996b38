"""What people wrote into the file: stars, a caption, keywords; from XMP, IPTC and EXIF."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image
from PIL.ExifTags import Base

from pixfind.photos.camera_texts import is_written_by_camera
from pixfind.photos.iptc import Iptc, read_iptc
from pixfind.photos.xmp import Xmp, read_xmp
from pixfind.text import JOINERS

MAX_CAPTION = 2000
MAX_KEYWORD = 100
MAX_KEYWORDS = 100
MOST_STARS = 5
REJECTED = -1


@dataclass(frozen=True)
class Description:
    """The three as ``exif.Metadata`` holds them."""

    rating: int | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()


def read_description(image: Image.Image, exif: Mapping[int, Any]) -> Description:
    """Read what people wrote into an open picture's file.

    Args:
        image: whose XMP and IPTC are read; damage in them counts as missing.
        exif: its main EXIF directory.
    """
    xmp, iptc = read_xmp(image), read_iptc(image)
    camera = [_exif_text(exif.get(tag)) for tag in (Base.Make, Base.Model)]
    captions = (cleaned(text, MAX_CAPTION) for text in _captions(xmp, iptc, exif))
    return Description(
        rating=_rating(xmp, exif),
        caption=next((c for c in captions if c and not is_written_by_camera(c, *camera)), None),
        keywords=_distinct([*xmp.subjects, *iptc.keywords, *_windows_keywords(exif)]),
    )


def _captions(xmp: Xmp, iptc: Iptc, exif: Mapping[int, Any]) -> Iterator[str]:
    """Yield what may be the caption, the best first.

    Descriptions come before titles, and where a file has both in several forms, the form that
    programs have kept up longest comes first: XMP, then IPTC, then EXIF, then Windows' own.
    """
    yield xmp.description or ""
    yield iptc.caption or ""
    yield _exif_text(exif.get(Base.ImageDescription))
    yield _windows_text(exif.get(Base.XPComment))
    yield xmp.title or ""
    yield iptc.title or ""
    yield _windows_text(exif.get(Base.XPTitle))
    yield _windows_text(exif.get(Base.XPSubject))


def _rating(xmp: Xmp, exif: Mapping[int, Any]) -> int | None:
    """Return the stars that the first of the fields with a meaning tells of."""
    for stars in (
        _stars(xmp.rating),
        _stars(exif.get(Base.Rating)),
        _stars_of_percent(exif.get(Base.RatingPercent)),
    ):
        if stars is not None:
            return stars or None  # 0 says that nobody has rated it
    return None


def _stars(value: object) -> int | None:
    number = _number(value)
    if number == REJECTED:
        return REJECTED
    return int(number + 0.5) if number is not None and 0 <= number <= MOST_STARS else None


def _stars_of_percent(value: object) -> int | None:
    """Read Windows' scale, where 1, 25, 50, 75 and 99 stand for one to five stars."""
    number = _number(value)
    if number is None or not 0 <= number <= 100:  # noqa: PLR2004 - per cent
        return None
    return 1 + int((number + 12) / 25) if number else 0


def _number(value: object) -> float | None:
    try:
        return float(value[:20] if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def cleaned(text: str, limit: int) -> str:
    """Return a text composed (NFC), in one line, without control characters, cut to the limit."""
    spaced = " ".join(text[: 4 * limit].split("\0", 1)[0].split())
    composed = unicodedata.normalize("NFC", spaced)
    return "".join(c for c in composed if c.isprintable() or c in JOINERS)[:limit].strip()


def _distinct(keywords: Iterable[str]) -> tuple[str, ...]:
    """Return the keywords without what differs in case only, in order, as many as are kept."""
    found: dict[str, str] = {}
    for keyword in keywords:
        if len(found) >= MAX_KEYWORDS:
            break
        if name := cleaned(keyword, MAX_KEYWORD):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())


def _exif_text(value: object) -> str:
    """Return a text of EXIF's: ASCII by the standard, UTF-8 by what programs write."""
    if isinstance(value, str):
        # Pillow has decoded the bytes as Latin-1, which loses none of them.
        value = value.split("\0", 1)[0][: 4 * MAX_CAPTION].encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _windows_text(value: object) -> str:
    """Return one of Windows' own texts: UTF-16 in a field of bytes."""
    try:
        return bytes(value)[: 8 * MAX_CAPTION].decode("utf-16-le", "ignore")  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return ""


def _windows_keywords(exif: Mapping[int, Any]) -> list[str]:
    return _windows_text(exif.get(Base.XPKeywords)).split("\0", 1)[0].split(";")
