"""The facts that the file holds beside its pixels: what the camera wrote, and what people did."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from pixfind.photos.descriptions import read_description

# Which reading this is. Raise it where a file would yield more or other facts than before:
# indexing then reads the metadata of older assets again.
VERSION = 1
MAX_TEXT = 200
EARLIEST_YEAR = 1826  # the first photograph; anything before is an unset clock


@dataclass(frozen=True)
class Metadata:
    """A file's facts, each ``None`` or empty where it is missing or makes no sense.

    ``taken_at`` is the camera's local time, ISO 8601. Latitude and longitude are degrees, north
    and east positive; altitude is metres above the sea; focal length millimetres; exposure time
    seconds; aperture the f-number. ``rating`` is 1 to 5 stars, or -1 for rejected; ``caption`` one
    line; ``keywords`` are distinct whatever their case.
    """

    taken_at: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    iso: int | None = None
    focal_length: float | None = None
    aperture: float | None = None
    exposure_time: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    rating: int | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()


def read_metadata(image: Image.Image) -> Metadata:
    """Read an open picture's EXIF, XMP and IPTC; damaged parts count as missing."""
    try:
        exif = image.getexif()
        top: Mapping[int, Any] = exif
        photo = exif.get_ifd(IFD.Exif)
        gps = exif.get_ifd(IFD.GPSInfo)
    except Exception:  # EXIF is written by anything; no damage in it may cost the picture
        top, photo, gps = {}, {}, {}
    written = read_description(image, top)
    return Metadata(
        taken_at=_taken_at(top, photo),
        camera_make=_text(top.get(Base.Make)),
        camera_model=_text(top.get(Base.Model)),
        lens=_text(photo.get(Base.LensModel)),
        iso=_iso(photo.get(Base.ISOSpeedRatings)),
        focal_length=_positive(photo.get(Base.FocalLength)),
        aperture=_positive(photo.get(Base.FNumber)),
        exposure_time=_positive(photo.get(Base.ExposureTime)),
        **_position(gps),
        rating=written.rating,
        caption=written.caption,
        keywords=written.keywords,
    )


def read_orientation(image: Image.Image) -> int:
    """Return an open picture's EXIF orientation, 1 to 8; 1, upright, where it says nothing."""
    try:
        value = image.getexif().get(Base.Orientation)
    except Exception:  # damaged EXIF counts as missing here too
        return 1
    return value if isinstance(value, int) and value in range(1, 9) else 1


def _taken_at(top: Mapping[int, Any], photo: Mapping[int, Any]) -> str | None:
    for value in (
        photo.get(Base.DateTimeOriginal),
        photo.get(Base.DateTimeDigitized),
        top.get(Base.DateTime),
    ):
        try:
            parsed = datetime.strptime(_text(value) or "", "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        if parsed.year >= EARLIEST_YEAR:
            return parsed.isoformat()
    return None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    printable = "".join(c for c in value.split("\0")[0] if c.isprintable())
    return " ".join(printable.split())[:MAX_TEXT] or None


def _number(value: object) -> float | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _positive(value: object) -> float | None:
    number = _number(value)
    return number if number and number > 0 else None


def _iso(value: object) -> int | None:
    number = _positive(value)
    return int(number) if number and number < 1e8 else None  # noqa: PLR2004 - no sensor has more


def _position(gps: Mapping[int, Any]) -> dict[str, float | None]:
    latitude = _degrees(gps.get(GPS.GPSLatitude), gps.get(GPS.GPSLatitudeRef), "S", 90)
    longitude = _degrees(gps.get(GPS.GPSLongitude), gps.get(GPS.GPSLongitudeRef), "W", 180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        latitude = longitude = None  # half a position, or the zeros of a receiver without a fix
    altitude = _number(gps.get(GPS.GPSAltitude))
    if altitude is not None and gps.get(GPS.GPSAltitudeRef) in (1, b"\x01"):
        altitude = -altitude
    return {"latitude": latitude, "longitude": longitude, "altitude": altitude}


def _degrees(value: object, reference: object, negative: str, limit: int) -> float | None:
    if not isinstance(value, tuple) or not value:
        return None
    parts = [_number(part) for part in value[:3]]
    degrees = 0.0
    for part, unit in zip(parts, (1, 60, 3600), strict=False):
        if part is None:
            return None
        degrees += part / unit
    if not 0 <= degrees <= limit:
        return None
    return -degrees if (_text(reference) or "").upper().startswith(negative) else degrees
