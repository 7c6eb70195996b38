"""The folders that may be added: those under roots that the owner named, and nothing else.

A folder is named by the number of its root and its path in it. Every part of the path must be the
name of a folder as its parent lists it, so that ``..``, links and hidden folders lead nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pixfind.config import normal_path
from pixfind.durable import CACHE_TAG
from pixfind.errors import FolderRefusedError
from pixfind.messages import said
from pixfind.photos.formats import is_indexed_name, is_photo_folder_name
from pixfind.text import printable

# A page, and the work for it: how many folders it lists, how many entries of one are counted, and
# of all of them together.
LISTED = 1000
COUNTED = 1000
COUNTED_IN_ALL = 50_000


@dataclass(frozen=True)
class IndexRoot:
    """A folder under which others may be added; ``name`` is its path to read."""

    number: int
    name: str
    available: bool


@dataclass(frozen=True)
class Pictures:
    """How many pictures and videos lie directly in a folder; ``None``: not counted.

    ``at_least`` says that counting stopped early.
    """

    count: int | None
    at_least: bool = False


@dataclass(frozen=True)
class Subfolder:
    """A folder to open or to choose.

    ``path`` is its place in the root, or ``None`` where an address cannot hold it, because its name
    is not UTF-8: it can be indexed with the folder that it lies in.
    """

    name: str
    path: str | None
    pictures: Pictures


@dataclass(frozen=True)
class Listing:
    """What lies in a folder.

    ``crumbs`` are the names and paths of the folders on the way to it, the root first;
    ``is_cut`` says that there are more folders than are listed.
    """

    root: IndexRoot
    path: str
    crumbs: tuple[tuple[str, str], ...]
    pictures: Pictures
    folders: tuple[Subfolder, ...]
    is_cut: bool


class IndexRoots:
    """The roots that the owner named; without any, no folder can be added."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(dict.fromkeys(normal_path(folder) for folder in folders))

    def __bool__(self) -> bool:
        return bool(self._folders)

    def all(self) -> list[IndexRoot]:
        """Return the roots in the order in which they were named."""
        return [self._root(number) for number in range(len(self._folders))]

    def resolve(self, root: int, path: str) -> Path:
        """Return the absolute path of a folder that may be added.

        Raises:
            FolderRefusedError: it is not under a root, hidden, behind a link, or not there.
        """
        if not self._folders:
            raise FolderRefusedError(
                said(
                    "no folder may be added from the browser; allow it with: "
                    "pixfind serve --allow-index FOLDER"
                )
            )
        if not 0 <= root < len(self._folders):
            raise _refused(path)
        folder = self._folders[root]
        if not folder.is_dir():
            raise FolderRefusedError(
                said("%(folder)s is not there now", folder=printable(str(folder)))
            )
        for part in path.split("/") if path else ():
            if part not in _folder_names(folder, path):
                raise _refused(path)
            folder = folder / part
        return folder

    def browse(self, root: int, path: str = "") -> Listing:
        """List the folders in a folder.

        Raises:
            FolderRefusedError: as for ``resolve``.
        """
        folder = self.resolve(root, path)
        names = sorted(_folder_names(folder, path), key=lambda name: (name.casefold(), name))
        budget = COUNTED_IN_ALL
        folders = []
        for name in names[:LISTED]:
            pictures, looked = _count(folder / name, min(COUNTED, budget))
            budget -= looked
            inner = f"{path}/{name}" if path else name
            is_utf8 = _is_text(name)
            folders.append(Subfolder(printable(name), inner if is_utf8 else None, pictures))
        own, _ = _count(folder, COUNTED)
        top = self._root(root)
        return Listing(
            top, path, tuple(_crumbs(top, path)), own, tuple(folders), len(names) > LISTED
        )

    def _root(self, number: int) -> IndexRoot:
        folder = self._folders[number]
        return IndexRoot(number, printable(str(folder)), folder.is_dir())


def _is_text(name: str) -> bool:
    """Return whether a name is text, which an address can hold."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _folder_names(folder: Path, asked: str) -> set[str]:
    """Return the names of the folders that a scan would enter."""
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name
                for entry in entries
                if is_photo_folder_name(entry.name) and entry.is_dir(follow_symlinks=False)
            }
    except OSError as error:
        reason = error.strerror or str(error)
        named = printable(asked) or said("this folder")
        raise FolderRefusedError(
            said("%(folder)s cannot be listed: %(reason)s", folder=named, reason=reason)
        ) from error


def _count(folder: Path, at_most: int) -> tuple[Pictures, int]:
    """Count pictures among so many entries; return how many were looked at, too."""
    if at_most <= 0:
        return Pictures(None), 0
    count = looked = 0
    with suppress(OSError):
        if (folder / CACHE_TAG).exists():  # thumbnails, which a run passes over
            return Pictures(0), 1
        with os.scandir(folder) as entries:
            for entry in entries:
                if looked == at_most:
                    return Pictures(count, at_least=True), looked
                looked += 1
                count += is_indexed_name(entry.name)
        return Pictures(count), looked
    return Pictures(None), looked


def _crumbs(root: IndexRoot, path: str) -> Iterator[tuple[str, str]]:
    yield root.name, ""
    parts = path.split("/") if path else []
    for count, part in enumerate(parts, 1):
        yield printable(part), "/".join(parts[:count])


def _refused(path: str) -> FolderRefusedError:
    return FolderRefusedError(
        said("there is no folder %(path)s that may be added", path=repr(printable(path)))
    )
