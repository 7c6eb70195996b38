"""What a video's file says beside its frames: when, where and with which camera it was taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from pixfind.photos.descriptions import cleaned
from pixfind.photos.exif import MAX_TEXT, Metadata

MAX_CAPTION = 2000
# Clocks of containers count from 1904 or from 1970, so these are clocks that were never set.
FIRST_YEAR = 1971
_APPLE = "com.apple.quicktime."
_DATES = (f"{_APPLE}creationdate", "date", "creation_time")
_PLACES = (f"{_APPLE}location.iso6709", "location", "location-eng")
_MAKES = (f"{_APPLE}make", "com.android.manufacturer", "make")
_MODELS = (f"{_APPLE}model", "com.android.model", "model")
_CAPTIONS = (f"{_APPLE}description", "description", f"{_APPLE}title", "title")
# ISO 6709 in the form that phones write: decimal degrees, and metres above the sea if known.
_PLACE = re.compile(
    r"(?P<latitude>[+-]\d{1,2}(\.\d+)?)(?P<longitude>[+-]\d{1,3}(\.\d+)?)"
    r"(?P<altitude>[+-]\d{1,6}(\.\d+)?)?(CRS.*)?/?"
)


def metadata_of_tags(written: Mapping[str, str]) -> Metadata:
    """Return the facts among a container's tags; what makes no sense counts as missing.

    A time that is given in UTC, as most are, becomes local time of this machine's zone: the
    camera's own is not known, and the owner's is the best guess.
    """
    tags = {name.lower(): value for name, value in written.items()}
    latitude, longitude, altitude = _position(_first(tags, _PLACES, MAX_TEXT) or "")
    return Metadata(
        taken_at=next((time for time in map(_local, _those(tags, _DATES)) if time), None),
        camera_make=_first(tags, _MAKES, MAX_TEXT),
        camera_model=_first(tags, _MODELS, MAX_TEXT),
        caption=_first(tags, _CAPTIONS, MAX_CAPTION),
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
    )


def _those(tags: Mapping[str, str], names: Iterable[str]) -> Iterable[str]:
    return (tags[name] for name in names if name in tags)


def _first(tags: Mapping[str, str], names: Iterable[str], limit: int) -> str | None:
    texts = (cleaned(text, limit) for text in _those(tags, names))
    return next((text for text in texts if text), None)


def _local(text: str) -> str | None:
    try:
        # The forms that Python before 3.11 cannot read: "Z", and an offset without its colon.
        spelled = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.strip().replace("Z", "+00:00"))
        time = datetime.fromisoformat(spelled)
        if len(spelled) <= len("2024-05-06") or time.year < FIRST_YEAR:
            return None
        # Only Apple's own date has the camera's offset: its clock is the local time already.
        if time.tzinfo is not None and not time.utcoffset():
            time = time.astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    return time.replace(tzinfo=None, microsecond=0).isoformat()


def _position(text: str) -> tuple[float | None, float | None, float | None]:
    """Return latitude, longitude and altitude."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return None, None, None
    latitude, longitude = float(found["latitude"]), float(found["longitude"])
    if abs(latitude) > 90 or abs(longitude) > 180 or latitude == longitude == 0:  # noqa: PLR2004
        return None, None, None
    return latitude, longitude, float(found["altitude"]) if found["altitude"] else None
