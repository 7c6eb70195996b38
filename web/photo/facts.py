"""What is known of a photo, in groups to read; what the query language can ask for is a link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask import url_for

from pixfind.catalog.photos import Photo
from pixfind.text import clock, printable, readable_size
from search.query import Area, Dates, Filter, Numbers, Query, Term, Text, Value, format_term
from search.query.naming import typeable
from web.localisation import day, moment
from web.searching.refinement import narrowed
from web.translation import gettext as _
from web.translation import ngettext, translated

NEAR_M = 1000.0
MAP = "https://www.openstreetmap.org/?mlat={0:.5f}&mlon={1:.5f}#map=16/{0:.5f}/{1:.5f}"
SLOW_S = 0.4  # where cameras stop writing fractions


@dataclass(frozen=True)
class Said:
    """A piece of a fact, and the address of what it leads to.

    Args:
        text: what is read.
        address: of the photos that have this in common, or of a map.
        outside: whether that is another server.
    """

    text: str
    address: str | None = None
    outside: bool = False


@dataclass(frozen=True)
class Fact:
    """What is known, and of what; the pieces are read one after the other."""

    label: str
    said: tuple[Said, ...]


@dataclass(frozen=True)
class FactGroup:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


def fact_groups(photo: Photo) -> tuple[FactGroup, ...]:
    """Return what is known of a photo or a video, in reading order; no group is empty."""
    groups = (
        FactGroup(_("In words"), tuple(_words(photo))),
        FactGroup(_("When and where"), tuple(_circumstances(photo))),
        FactGroup(_("Camera"), tuple(_taking(photo))),
        FactGroup(_("File"), tuple(_storing(photo))),
    )
    return tuple(group for group in groups if group.facts)


def _words(photo: Photo) -> Iterator[Fact]:
    if photo.caption:
        yield Fact(_("Caption"), (Said(printable(photo.caption)),))
    if photo.rating is not None and photo.rating < 0:
        yield Fact(_("Rating"), (Said(_("rejected")),))
    elif photo.rating is not None:
        stars = ngettext("%(num)s star", "%(num)s stars", photo.rating)
        yield Fact(_("Rating"), (_linked(stars, "rating", _number(photo.rating)),))


def _circumstances(photo: Photo) -> Iterator[Fact]:
    if photo.taken_at is not None:
        taken = _linked(moment(photo.taken_at), "date", _day(photo.taken_at))
        yield Fact(_("Taken"), (taken,))
    if photo.latitude is not None and photo.longitude is not None:
        near = Area(round(photo.latitude, 5), round(photo.longitude, 5), NEAR_M)
        address = MAP.format(photo.latitude, photo.longitude)
        yield Fact(
            _("Position"),
            (
                Said(_position(photo.latitude, photo.longitude), address, outside=True),
                Said(" · "),
                _linked(_("Photos near here"), "near", near),
            ),
        )
    if photo.altitude is not None:
        yield Fact(_("Altitude"), (Said(f"{photo.altitude:.0f} m"),))


def _taking(photo: Photo) -> Iterator[Fact]:
    if photo.camera:
        yield Fact(_("Camera"), (_named(photo.camera, "camera", photo.camera),))
    if photo.lens:
        yield Fact(_("Lens"), (_named(photo.lens, "lens", photo.lens),))
    exposure = _listed(list(_exposure(photo)))
    if exposure:
        yield Fact(_("Exposure"), exposure)


def _exposure(photo: Photo) -> Iterator[Said]:
    if photo.exposure_time:
        slow = photo.exposure_time >= SLOW_S
        shown = f"{photo.exposure_time:g}" if slow else f"1/{round(1 / photo.exposure_time)}"
        yield Said(f"{shown} s")
    if photo.aperture:
        yield _linked(f"f/{photo.aperture:g}", "aperture", _number(round(photo.aperture, 2)))
    if photo.iso:
        yield _linked(f"ISO {photo.iso}", "iso", _number(photo.iso))
    if photo.focal_length:
        length = _number(round(photo.focal_length, 2))
        yield _linked(f"{photo.focal_length:g} mm", "focal", length)


def _storing(photo: Photo) -> Iterator[Fact]:
    if photo.duration is not None:
        yield Fact(_("Length"), (_linked(clock(photo.duration), "type", Text("video")),))
    size = Filter("width", (_number(photo.width),)), Filter("height", (_number(photo.height),))
    pixels = _("%(width)s x %(height)s pixels", width=photo.width, height=photo.height)
    weight = Said(translated(readable_size(photo.byte_size)))
    yield Fact(_("Size"), (_leading_to(pixels, *size), Said(", "), weight))
    yield Fact(_("Format"), (Said(photo.format),))
    if photo.seen_at is not None:
        yield Fact(_("Added"), (_linked(day(photo.seen_at), "seen", _day(photo.seen_at)),))
    for path in photo.paths:
        yield Fact(_("File"), _parts_of(path))


def _parts_of(path: Path) -> tuple[Said, ...]:
    """Return a file's folder, which leads to what else lies there, and its name."""
    folder, name = str(path.parent), path.name
    separator = str(path)[len(folder) : len(str(path)) - len(name)]
    kept = _named(printable(folder), "folder", folder)
    return (kept, Said(printable(separator + name)))


def _listed(pieces: list[Said]) -> tuple[Said, ...]:
    """Return pieces with commas between them."""
    return tuple(piece for each in pieces for piece in (Said(", "), each))[1:]


def _linked(text: str, field: str, value: Value) -> Said:
    return _leading_to(text, Filter(field, (value,)))


def _named(text: str, field: str, value: str) -> Said:
    query = typeable(field, value)
    return Said(printable(text), query and url_for("search.index", q=query))


def _leading_to(text: str, *terms: Term) -> Said:
    query = narrowed(Query(), " ".join(format_term(term) for term in terms))
    return Said(printable(text), query and url_for("search.index", q=query))


def _number(value: float) -> Numbers:
    return Numbers(value, value)


def _day(iso: str) -> Dates:
    found = date.fromisoformat(iso[:10])
    return Dates(found, found)


def _position(latitude: float, longitude: float) -> str:
    north = f"{abs(latitude):.5f}° {_('N') if latitude >= 0 else _('S')}"
    east = f"{abs(longitude):.5f}° {_('E') if longitude >= 0 else _('W')}"
    return f"{north}, {east}"
