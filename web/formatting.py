"""How facts read on a page."""

from __future__ import annotations

from datetime import datetime

from flask import Flask

from pixfind.catalog.photos import Photo
from pixfind.parts import Box, where
from pixfind.photos.thumbnails import GRID_EDGE
from pixfind.text import clock, printable, readable_size

# What is smaller, a page need not tell apart.
LEAST_SHOWN = 0.01


def register_filters(app: Flask) -> None:
    """Make the functions below known to the templates."""
    for function in (
        clock, facts, file_name, percentage, printable, shares, thumbnail_size, where
    ):  # fmt: skip
        app.add_template_filter(function)


def file_name(photo: Photo) -> str:
    """Return the photo's file name as it can be shown."""
    return printable(photo.paths[0].name)


def percentage(probability: float) -> str:
    """Return a probability in hundredths, never as none or all of them unless it is that."""
    if 0 < probability < LEAST_SHOWN:
        return "<1%"
    if 1 - LEAST_SHOWN < probability < 1:
        return ">99%"
    return f"{probability:.0%}"


def shares(box: Box) -> str:
    """Return a box as an address names it, left, top, width and height."""
    return ",".join(f"{share:g}" for share in (box.left, box.top, box.width, box.height))


def thumbnail_size(photo: Photo) -> tuple[int, int]:
    """Return the width and height of the photo's grid thumbnail, in pixels."""
    scale = min(1.0, GRID_EDGE / max(photo.width, photo.height))
    return max(1, round(photo.width * scale)), max(1, round(photo.height * scale))


def facts(photo: Photo) -> list[tuple[str, str]]:
    """Return what is known of a photo as labels and values, in reading order."""
    found = [
        ("Caption", photo.caption),
        ("Rating", _rating(photo.rating)),
        ("Taken", _date(photo.taken_at)),
        ("Camera", photo.camera),
        ("Lens", photo.lens),
        ("Exposure", _exposure(photo)),
        ("Position", _position(photo)),
        ("Altitude", f"{photo.altitude:.0f} m" if photo.altitude is not None else None),
        ("Length", clock(photo.duration) if photo.duration is not None else None),
        ("Size", f"{photo.width} x {photo.height} pixels, {readable_size(photo.byte_size)}"),
        ("Format", photo.format),
        ("Added", _day(photo.seen_at)),
    ]
    found += [("File", printable(str(path))) for path in photo.paths]
    return [(label, value) for label, value in found if value]


def _date(taken_at: str | None) -> str | None:
    if taken_at is None:
        return None
    taken = datetime.fromisoformat(taken_at)
    return f"{taken.day} {taken:%B %Y, %H:%M}"


def _day(moment: str | None) -> str | None:
    if moment is None:
        return None
    day = datetime.fromisoformat(moment)
    return f"{day.day} {day:%B %Y}"


def _rating(stars: int | None) -> str | None:
    if stars is None:
        return None
    if stars < 0:
        return "rejected"
    return "1 star" if stars == 1 else f"{stars} stars"


def _exposure(photo: Photo) -> str | None:
    parts = []
    if photo.exposure_time:
        slow = photo.exposure_time >= 0.4  # noqa: PLR2004 - where cameras stop writing fractions
        parts.append(
            f"{photo.exposure_time:g} s" if slow else f"1/{round(1 / photo.exposure_time)} s"
        )
    if photo.aperture:
        parts.append(f"f/{photo.aperture:g}")
    if photo.iso:
        parts.append(f"ISO {photo.iso}")
    if photo.focal_length:
        parts.append(f"{photo.focal_length:g} mm")
    return ", ".join(parts) or None


def _position(photo: Photo) -> str | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    north = f"{abs(photo.latitude):.5f}° {'N' if photo.latitude >= 0 else 'S'}"
    east = f"{abs(photo.longitude):.5f}° {'E' if photo.longitude >= 0 else 'W'}"
    return f"{north}, {east}"
