"""What lies on the disk: replaced in one step, or marked as derived."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Tells backup programs and scans for photos, ours too, to leave a folder alone
# (https://bford.info/cachedir/).
CACHE_TAG = "CACHEDIR.TAG"
CACHE_SIGNATURE = """Signature: 8a477f597d28d172789f06886806bc55
# pixfind makes what is in here again when it is missing.
"""


def make_cache_folder(folder: Path) -> None:
    """Make a folder for what can be derived again, marked as such."""
    folder.mkdir(parents=True, exist_ok=True)
    tag = folder / CACHE_TAG
    if not tag.exists():
        tag.write_text(CACHE_SIGNATURE, "utf-8")


@contextmanager
def replace_file(file: Path, *, sync: bool = True) -> Iterator[Path]:
    """Give a temporary name to write to, then put it in the place of ``file`` in one step.

    Args:
        file: what to replace; its folder must exist.
        sync: wait until the bytes are on the disk (not needed for what is cheap to make again).
    """
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        if sync:
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
        temporary.replace(file)
        if sync:
            _sync_folder(file.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows has no handle on a folder to sync
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
