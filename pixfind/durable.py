"""What lies on the disk: replaced in one step, or marked as derived."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Tells backup programs and scans for photos, ours too, to leave a folder alone
# (https://bford.info/cachedir/).
CACHE_TAG = "CACHEDIR.TAG"
CACHE_SIGNATURE = """Signature: 8a477f597d28d172789f06886806bc55
# pixfind makes what is in here again when it is missing.
"""
# What a killed process was writing is removed by who writes the same file again, unless another
# process may be writing it at this moment.
LEFTOVER_AGE_S = 3600.0
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp", re.DOTALL)
# Of names that file systems take, in bytes; the temporary name of a longer one is shortened.
LONGEST_NAME, SHORTENED = 255, 50
# By folder, what lay there when this process first wrote into it: temporary names by final ones.
_leftovers: dict[Path, dict[str, list[str]]] = {}


def make_cache_folder(folder: Path) -> None:
    """Make a folder for what can be derived again, marked as such."""
    folder.mkdir(parents=True, exist_ok=True)
    tag = folder / CACHE_TAG
    if not tag.exists():
        tag.write_text(CACHE_SIGNATURE, "utf-8")


def is_cache_folder(folder: Path) -> bool:
    """Tell whether a folder is marked as holding what pixfind can derive again."""
    with suppress(OSError, UnicodeDecodeError):
        return (folder / CACHE_TAG).read_text("utf-8") == CACHE_SIGNATURE
    return False


@contextmanager
def replace_file(file: Path, *, sync: bool = True, own: Path | None = None) -> Iterator[Path]:
    """Give a temporary name to write to, then put it in the place of ``file`` in one step.

    Args:
        file: what to replace; its folder must exist.
        sync: wait until the bytes are on the disk (not needed for what is cheap to make again).
        own: a folder of pixfind's own on the same disk to write it to first, if many different
            files are written: all that killed processes left there goes.
    """
    temporary = temporary_beside(file) if own is None else _temporary_in(own, file.name)
    try:
        yield temporary
        if sync:
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
        temporary.replace(file)
        if sync:
            _sync_folder(file.parent)
    except OSError as error:
        if error.errno is not None and error.filename is None:  # else who knows which disk is full
            error.filename = str(file)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(file: Path) -> Path:
    """Return a name to write to before the file gets its own; what a killed process left goes."""
    remove_leftovers(file)
    return _temporary(file.parent, _shortened(file.name))


def remove_leftovers(file: Path) -> None:
    """Remove what killed processes left that were writing a file, unless one may be at it."""
    _remove_leftovers(file.parent, _shortened(file.name))


def _shortened(name: str) -> str:
    is_long = len(os.fsencode(name)) > LONGEST_NAME - len("..12345678.tmp")
    return name[:SHORTENED] if is_long else name


def sweep(own: Path) -> None:
    """Remove what killed processes left in a folder of pixfind's own, whatever they were writing.

    Unless another process may be at it.
    """
    for left in list(_left_in(own)):
        _remove_leftovers(own, left)


def _temporary_in(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    return _temporary(folder, name)


def _temporary(folder: Path, name: str) -> Path:
    return folder / f".{name}.{uuid.uuid4().hex[:8]}.tmp"


def _left_in(folder: Path) -> dict[str, list[str]]:
    if folder not in _leftovers:
        found: dict[str, list[str]] = {}
        with suppress(OSError):
            for entry in os.listdir(folder):  # noqa: PTH208 - names are enough, and quick
                match = _TEMPORARY.fullmatch(entry)
                if match is not None:
                    found.setdefault(match[1], []).append(entry)
        _leftovers[folder] = found
    return _leftovers[folder]


def _remove_leftovers(folder: Path, name: str) -> None:
    """Remove what killed processes left of a file of that name."""
    for entry in _left_in(folder).pop(name, ()):
        with suppress(OSError):
            if time.time() - (folder / entry).stat().st_mtime > LEFTOVER_AGE_S:
                (folder / entry).unlink()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows has no handle on a folder to sync
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
