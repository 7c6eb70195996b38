"""What SQL is taught to ask of a row: whether its words match a pattern, how far away it lies."""

from __future__ import annotations

import functools
import math
import os
import re
import sqlite3
import unicodedata

EARTH_RADIUS_M = 6_371_009.0
# Names repeat within a library: cameras by the thousand, folders by the hundred.
REMEMBERED = 50_000


def register(connection: sqlite3.Connection) -> None:
    """Make the functions below known to a connection, under their own names."""
    for function, arguments in ((holds, 2), (equals, 2), (lies_in, 2), (distance, 4)):
        connection.create_function(function.__name__, arguments, function, deterministic=True)


def folded(text: str) -> str:
    """Return what all spellings of a text have in common: composed, and without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def holds(value: bytes | None, pattern: str) -> bool | None:
    """Whether a text holds a pattern's words; one with ``*`` must match the whole text."""
    return None if value is None else _matches(value, pattern, "*" not in _unescaped(pattern))


def equals(value: bytes | None, pattern: str) -> bool | None:
    """Whether a text is the pattern, apart from case; ``*`` stands for any characters."""
    return None if value is None else _matches(value, pattern, False)


@functools.lru_cache(REMEMBERED)
def lies_in(folder: bytes, pattern: str) -> bool:
    """Whether an absolute folder is, or lies below, folders of these names one in the other.

    A pattern that begins at a root (``/``, or a drive's letter) is looked for from there only.
    """
    path = folded(os.fsdecode(folder)).replace("\\", "/").rstrip("/") + "/"
    return _folders(pattern).search(path) is not None


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
def _matches(value: bytes, pattern: str, anywhere: bool) -> bool:
    compiled, text = _compiled(pattern), folded(os.fsdecode(value))
    return (compiled.search(text) if anywhere else compiled.fullmatch(text)) is not None


@functools.lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern, ".*"), re.DOTALL)


@functools.lru_cache(256)
def _folders(pattern: str) -> re.Pattern[str]:
    # A backslash separates folders unless it keeps a star from being a wildcard.
    names = re.sub(r"\\(?!\*)", "/", pattern)
    from_root = names.startswith("/") or names[1:2] == ":"
    inner = _expression(names.strip("/"), "[^/]*")
    return re.compile(f"{'^/?' if from_root else '(?:^|/)'}{inner}/" if inner else "")


def _expression(pattern: str, any_characters: str) -> str:
    parts = re.split(r"(\\\*|\*)", folded(pattern))
    return "".join(
        any_characters if part == "*" else re.escape("*" if part == r"\*" else part)
        for part in parts
    )


def _unescaped(pattern: str) -> str:
    return pattern.replace(r"\*", "")
