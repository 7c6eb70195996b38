"""Photos put into a folder, beside what is there: nothing is overwritten, moved or changed."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from itertools import count
from pathlib import Path

from pixfind.catalog.photos import Photo
from pixfind.durable import remove_leftovers, temporary_beside
from pixfind.errors import LinksRefusedError

# What a system says that makes no symbolic links, or not for everybody (Windows).
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
PRIVILEGE_NOT_HELD = 1314


class Placing(Enum):
    """What became of a photo in a folder."""

    COPIED = "copied"
    LINKED = "linked"
    THERE = "there"


def copy_into(photo: Photo, folder: Path) -> Placing:
    """Copy a photo, with the name, times and permissions of its file.

    Where the folder has another file of that name, the copy is called ``name (2).jpg``, and so on;
    a file with the same content is left as it is.

    Raises:
        FileNotFoundError: none of the photo's files is there.
        OSError: it cannot be read, or the copy not written.
    """
    source = _source(photo, folder)
    if source is None or not _put(source, folder, _has_content, _copy):
        return Placing.THERE
    return Placing.COPIED


def link_into(photo: Photo, folder: Path) -> Placing:
    """Make a symbolic link to a photo's absolute path; names are those of ``copy_into``.

    Raises:
        LinksRefusedError: there can be no links.
        FileNotFoundError: none of the photo's files is there.
        OSError: the link cannot be written.
    """
    source = _source(photo, folder)
    if source is None or not _put(source, folder, _leads_to, _link):
        return Placing.THERE
    return Placing.LINKED


def _source(photo: Photo, folder: Path) -> Path | None:
    """Return the file to export; ``None`` if the folder has the only one.

    What an earlier export has left there may have been indexed since: a link to that would be one
    more each time.
    """
    there = [path for path in photo.paths if os.path.isfile(path)]  # noqa: PTH113 - never raises
    if not there:
        raise FileNotFoundError(errno.ENOENT, "it is not there any more", str(photo.paths[0]))
    inside = {folder, folder.resolve()}
    return next((path for path in there if path.parent not in inside), None)


def _put(
    source: Path,
    folder: Path,
    is_there: Callable[[Path, Path], bool],
    make: Callable[[Path, Path], None],
) -> bool:
    """Make something of the source under the first name that is free, unless it is there."""
    for name in _names(source.name):
        target = folder / name
        if os.path.lexists(target):
            if is_there(source, target):
                # Who was killed just after it gave a copy its name has left the other name.
                remove_leftovers(target)
                return False
            continue
        with suppress(FileExistsError):  # another program may be faster
            make(source, target)
            return True
    raise AssertionError("names do not end")


def _names(name: str) -> Iterator[str]:
    yield name
    path = Path(name)
    for number in count(2):
        yield f"{path.stem} ({number}){path.suffix}"


def _has_content(source: Path, target: Path) -> bool:
    if target.is_symlink() or not target.is_file():
        return False
    return filecmp.cmp(source, target, shallow=False)  # sizes first, then every byte


def _leads_to(source: Path, target: Path) -> bool:
    if not target.is_symlink():
        return False
    with suppress(OSError):  # it leads nowhere
        return source.samefile(target)
    return False


def _copy(source: Path, target: Path) -> None:
    """Copy a file; under the target's name it is whole at once, or not there."""
    temporary = temporary_beside(target)
    try:
        with source.open("rb") as original, temporary.open("xb") as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        with suppress(OSError):  # not every file system has all of them
            shutil.copystat(source, temporary)
        _publish(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, target: Path) -> None:
    """Give a file its name unless that is taken, which a rename would not ask."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links, as on cards and sticks
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "it is there already", str(target)) from None
        temporary.rename(target)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except NotImplementedError as error:
        raise LinksRefusedError(target.parent, "this system has none") from error
    except OSError as error:
        refused = getattr(error, "winerror", None) == PRIVILEGE_NOT_HELD
        if refused or error.errno in NO_LINKS:
            reason = error.strerror or str(error)
            raise LinksRefusedError(target.parent, reason) from error
        raise
