"""The files that hold a picture, opened only if they still hold what was indexed.

Where photos lie others may write as well, and a name can be made a link to anything that the
system's user who runs pixfind can read. What is asked for by a picture's number is that picture,
so the file that was opened is compared with the catalog, and read from nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixfind.catalog.database import Catalog
from pixfind.catalog.schema import Asset, File, Root
from pixfind.errors import PhotoNotFoundError, PhotoReadError
from pixfind.photos import reasons

# What can be compared by its bytes each time that it is asked for: a twentieth of a second or two.
MOST_COMPARED = 64 * 2**20
PIECE = 2**20


@dataclass(frozen=True)
class Original:
    """A file as the catalog knows it.

    Args:
        root: the folder of the library that it lies in.
        path: where, absolute.
        size: its length in bytes.
        mtime_ns: when it was changed last, in nanoseconds.
        content_id: the SHA-256 of its bytes.
    """

    root: Path
    path: Path
    size: int
    mtime_ns: int
    content_id: bytes


def originals(session: Session, asset_id: int) -> list[Original]:
    """Return the files that hold a picture.

    Raises:
        PhotoNotFoundError: there are none.
    """
    rows = session.execute(
        select(Root.path, File.folder, File.name, File.size, File.mtime_ns, Asset.content_id)
        .join(File, File.root_id == Root.id)
        .join(Asset, Asset.id == File.asset_id)
        .where(Asset.id == asset_id)
        .order_by(Root.path, File.folder, File.name)
    )
    found = [
        Original(Path(root), Path(root, folder, name), size, mtime_ns, content_id)
        for root, folder, name, size, mtime_ns, content_id in rows
    ]
    if not found:
        raise PhotoNotFoundError(asset_id)
    return found


def open_original(catalog: Catalog, asset_id: int) -> BinaryIO:
    """Open the first file of a picture that can be, and is as it was indexed. Close it.

    Its ``name`` is the path by which it was found.

    Raises:
        PhotoNotFoundError: no file holds such a picture.
        PhotoReadError: none can be opened, or they have changed.
    """
    with catalog.read() as session:
        known = originals(session, asset_id)
    return opened(known)


def opened(known: Sequence[Original]) -> BinaryIO:
    """Do the same for files that are known.

    Raises:
        PhotoReadError: as above. Its cause is a ``FileNotFoundError`` if there are none.
    """
    problems: list[PhotoReadError] = []
    for original in known:
        try:
            return _opened(original)
        except PhotoReadError as error:
            problems.append(error)
    there = (one for one in problems if not isinstance(one.__cause__, FileNotFoundError))
    raise next(there, problems[0])


def _opened(original: Original) -> BinaryIO:
    path = original.path
    try:
        # Whatever comes of it, by this descriptor alone: the name may lead elsewhere by then.
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    except OSError as error:
        raise PhotoReadError(path, error.strerror or str(error)) from error
    try:
        is_same = _is_same(file, original)
    except OSError as error:
        file.close()
        raise PhotoReadError(path, error.strerror or str(error)) from error
    if not is_same:
        file.close()
        raise PhotoReadError(path, reasons.CHANGED)
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe by now, which nobody writes into."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _is_same(file: BinaryIO, original: Original) -> bool:
    """Whether it is the file that was indexed, as far as can be told in a moment.

    Size and time can be forged: who may write in the folder can have a picture of both indexed,
    and put a link to another file in its place. So what is reached by a link is compared by its
    bytes, and so is what was touched, or came back from a backup without its time. Beyond
    ``MOST_COMPARED`` that would take too long. So a large file elsewhere can be had by who can let
    a picture of the same length and time be indexed before; and who can write into a file itself
    could have copied it anyhow.
    """
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_size != original.size:
        return False
    is_small = found.st_size <= MOST_COMPARED
    if found.st_mtime_ns == original.mtime_ns:
        return not is_small or not _is_elsewhere(found, original) or _holds(file, original)
    return is_small and _holds(file, original)


def _is_elsewhere(found: os.stat_result, original: Original) -> bool:
    """Whether a link was followed on the way from the root to the file that was opened."""
    real = original.path.resolve()
    straight = original.root.resolve() / original.path.relative_to(original.root)
    with suppress(OSError):
        return real != straight or not os.path.samestat(real.stat(), found)
    return True


def _holds(file: BinaryIO, original: Original) -> bool:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    file.seek(0)
    return digest.digest() == original.content_id
