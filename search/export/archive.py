"""Originals in one ZIP archive, made while it is sent: nothing of it is kept."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePath
from typing import BinaryIO

from pixfind.catalog.photos import Photo
from pixfind.errors import PhotoError, PhotoNotFoundError
from pixfind.text import printable

CHUNK = 1 << 18
# What some system takes for more than a part of a name, or refuses in one.
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST_NAME = 200
MISSING = "missing.txt"
EARLIEST, LATEST = 1980, 2107  # years that a ZIP can tell


class _Outlet:
    """What has been written since it was last emptied; nobody can go back in it."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Do nothing, as an archive asks for now and then."""

    def emptied(self) -> bytes:
        written = bytes(self._written)
        self._written.clear()
        return written


def archive(photos: Iterable[Photo], opened: Callable[[Photo], BinaryIO]) -> Iterator[bytes]:
    """Yield a ZIP archive of the photos' files in pieces, each as small as it can be.

    Photos are not compressed, which their formats have done. Files that have one name get
    numbers. Those that are not there, cannot be opened or have changed are listed in
    ``missing.txt``.

    Args:
        photos: what it is to hold.
        opened: opens the file of one, whose ``name`` is its path, or raises ``PhotoError`` or
            ``PhotoNotFoundError``.

    Raises:
        OSError: a file could be opened but not be read to its end; the archive is not whole.
    """
    outlet = _Outlet()
    missing: list[Path] = []
    with zipfile.ZipFile(outlet, "w") as made:  # type: ignore[call-overload]
        taken = {MISSING}
        for photo in photos:
            try:
                file = opened(photo)
            except (PhotoError, PhotoNotFoundError):
                missing.append(photo.path)
                continue
            with file:
                yield from _entry(made, outlet, file, _information(file, taken))
        if missing:
            lines = "".join(f"{printable(str(path))}\n" for path in missing)
            made.writestr(MISSING, lines)
    yield outlet.emptied()


def _entry(
    made: zipfile.ZipFile, outlet: _Outlet, file: BinaryIO, information: zipfile.ZipInfo
) -> Iterator[bytes]:
    with made.open(information, "w", force_zip64=True) as entry:
        while chunk := file.read(CHUNK):
            entry.write(chunk)
            yield outlet.emptied()
    yield outlet.emptied()


def _information(file: BinaryIO, taken: set[str]) -> zipfile.ZipInfo:
    information = zipfile.ZipInfo(_free_name(Path(file.name).name, taken))
    information.external_attr = 0o644 << 16
    with suppress(OSError, ValueError, OverflowError):
        changed = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime)
        if EARLIEST <= changed.year <= LATEST:
            information.date_time = changed.timetuple()[:6]
    return information


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name as every system can take it, with a number if another file has it."""
    safe = FORBIDDEN.sub("_", printable(name)).strip(". ") or "photo"
    if RESERVED.match(safe):
        safe = f"_{safe}"
    parts = PurePath(safe)
    stem, suffix = parts.stem[:LONGEST_NAME], parts.suffix
    free, number = f"{stem}{suffix}", 1
    while free.lower() in taken:
        number += 1
        free = f"{stem} ({number}){suffix}"
    taken.add(free.lower())
    return free
