"""The files of one content as they are now: there or not, several or one under two names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pixfind.catalog.copies import StoredFile


@dataclass(frozen=True)
class FileCopy:
    """A file that holds a photo. ``there``: it is there now, as it was when it was indexed."""

    path: Path
    there: bool


def path_order(file: FileCopy) -> tuple[bool, int, str]:
    """Sort the files of one content: what is there first, then the shortest path.

    Copies mostly have longer ones: "IMG_1 (1).jpg", "Copy of IMG_1.jpg", "backup/2019/IMG_1.jpg".
    """
    path = str(file.path)
    return not file.there, len(path), path


def file_copies(stored: Sequence[StoredFile]) -> tuple[FileCopy, ...]:
    """Return the files of one content in the order in which to keep them.

    Names of one and the same file, by a link to it, count once: to delete one of them would free
    nothing, or leave a link that leads nowhere.
    """
    inodes: dict[Path, tuple[int, int] | None] = {one.path: _inode(one) for one in stored}
    files = [FileCopy(path, inode is not None) for path, inode in inodes.items()]
    kept: dict[tuple[int, int] | Path, FileCopy] = {}
    # A link is never the one that is kept of them: without the file it would be nothing.
    for file in sorted(files, key=lambda file: (file.path.is_symlink(), *path_order(file))):
        kept.setdefault(inodes[file.path] or file.path, file)
    return tuple(sorted(kept.values(), key=path_order))


def _inode(stored: StoredFile) -> tuple[int, int] | None:
    """Return what tells a file from others, or ``None`` if it is not there as it was indexed."""
    try:
        now = stored.path.stat()
    except OSError:
        return None
    if (now.st_size, now.st_mtime_ns) != (stored.size, stored.mtime_ns):
        return None
    return now.st_dev, now.st_ino
