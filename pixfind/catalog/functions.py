"""What SQL is taught to ask of a row: whether its words match a pattern, how far away it lies."""

from __future__ import annotations

import functools
import math
import os
import re
import sqlite3

from pixfind.catalog.names import camera_name, folded

EARTH_RADIUS_M = 6_371_009.0
DRIVE_CHARS = 2  # C:
# Names repeat within a library: cameras by the thousand, folders by the hundred.
REMEMBERED = 50_000


def register(connection: sqlite3.Connection) -> None:
    """Make the functions below known to a connection, under their own names."""
    taught = ((holds, 2), (equals, 2), (is_camera, 3), (lies_in, 2), (distance, 4))
    for function, arguments in taught:
        connection.create_function(function.__name__, arguments, function, deterministic=True)


def holds(value: bytes | None, pattern: bytes) -> bool | None:
    """Whether a text holds a pattern's words; one with ``*`` must match the whole text.

    Values and patterns are bytes, as names of files are: SQLite's driver takes no text that is not
    UTF-8.
    """
    return None if value is None else _matches(value, pattern, True)


def equals(value: bytes | None, pattern: bytes) -> bool | None:
    """Whether a text is the pattern, apart from case; ``*`` stands for any characters."""
    return None if value is None else _matches(value, pattern, False)


@functools.lru_cache(REMEMBERED)
def is_camera(make: bytes | None, model: bytes | None, pattern: bytes) -> bool | None:
    """Whether a camera's name ``holds`` a pattern: as shown, as make and model, or the model alone.

    A pattern that begins with ``=`` must be the whole name as it is shown.
    """
    written = [os.fsdecode(part) for part in (make, model) if part]
    shown = camera_name(*(None if part is None else os.fsdecode(part) for part in (make, model)))
    if shown is None:
        return None
    if pattern.startswith(b"="):
        return _fits(folded(shown), _pieces(pattern[1:]))
    pieces = _pieces(pattern)
    return any(_holds(folded(name), pieces) for name in (shown, " ".join(written), written[-1]))


@functools.lru_cache(REMEMBERED)
def lies_in(folder: bytes, pattern: bytes) -> bool:
    """Whether an absolute folder is, or lies below, folders of these names one in the other.

    A pattern that begins at a root (``/``, or a drive's letter) is looked for from there only.
    """
    names, from_root = _folders(pattern)
    # However many slashes a root ends with: drives, shares and / itself bring their own.
    parts = [part for part in re.split(r"[/\\]", folded(os.fsdecode(folder))) if part]
    places = len(parts) - len(names) + 1
    return any(
        all(map(_fits, parts[start : start + len(names)], names))
        for start in range(min(places, 1) if from_root else places)
    )


def distance(
    latitude: float | None, longitude: float | None, from_latitude: float, from_longitude: float
) -> float | None:
    """The metres between two places in degrees, on a sphere (haversine; Sinnott 1984)."""
    if latitude is None or longitude is None:
        return None
    here, there = math.radians(latitude), math.radians(from_latitude)
    half = math.sin((here - there) / 2) ** 2
    half += (
        math.cos(here)
        * math.cos(there)
        * math.sin(math.radians(longitude - from_longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


@functools.lru_cache(REMEMBERED)
def _matches(value: bytes, pattern: bytes, anywhere: bool) -> bool:
    text, pieces = folded(os.fsdecode(value)), _pieces(pattern)
    return _holds(text, pieces) if anywhere else _fits(text, pieces)


def _holds(text: str, pieces: tuple[str, ...]) -> bool:
    return pieces[0] in text if len(pieces) == 1 else _fits(text, pieces)


def _fits(text: str, pieces: tuple[str, ...]) -> bool:
    """Whether a text is these pieces with anything between them.

    No regular expression: with several wildcards, one tries every way to share out the text.
    """
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    at, end = len(first), len(text) - len(last)
    if at > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@functools.lru_cache(256)
def _pieces(pattern: bytes) -> tuple[str, ...]:
    return _split(os.fsdecode(pattern))


def _split(pattern: str) -> tuple[str, ...]:
    """Return what stands around the wildcards of a pattern: one piece if there are none."""
    pieces = re.split(r"(?<!\\)\*+", folded(pattern))
    return tuple(piece.replace(r"\*", "*") for piece in pieces)


@functools.lru_cache(256)
def _folders(pattern: bytes) -> tuple[tuple[tuple[str, ...], ...], bool]:
    # A backslash separates folders unless it keeps a star from being a wildcard.
    parts = re.split(r"/|\\(?!\*)", os.fsdecode(pattern))
    names = [part for part in parts if part]
    drive = bool(names) and len(names[0]) == DRIVE_CHARS and names[0].endswith(":")
    return tuple(map(_split, names)), drive or (len(parts) > 1 and not parts[0])
