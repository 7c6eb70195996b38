"""What lies on the disk, folder by folder, beside what the catalog knows of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pixfind.catalog import Catalog, files
from pixfind.catalog.files import DECODE_FAILURE, KnownFile, Place
from pixfind.durable import CACHE_TAG
from pixfind.photos.exif import VERSION
from pixfind.photos.formats import is_indexed_name, is_photo_folder_name


@dataclass(frozen=True)
class Scope:
    """What one run looks at: a root, and in it a folder, or files directly in that by name.

    ``start`` is relative to the root, with forward slashes, empty for all of it.
    """

    root_id: int
    root: Path
    start: str = ""
    only: frozenset[str] | None = None

    def is_within(self, other: Scope) -> bool:
        """Return whether the other looks at everything that this one does."""
        if self.root_id != other.root_id:
            return False
        if other.only is None:
            return _is_within(self.start, other.start)
        return self.start == other.start and self.only is not None and self.only <= other.only

    def covers(self, name: str) -> bool:
        """Return whether files of that name are looked at."""
        return self.only is None or name in self.only

    def path(self, place: Place) -> Path:
        """Return the absolute path of a file under the root."""
        return self.root / place.folder / place.name


@dataclass
class FolderState:
    """One folder compared with the catalog.

    The ``outdated`` are unchanged files whose metadata an older version has read.
    """

    folder: str
    todo: list[Place] = field(default_factory=list)
    outdated: list[Place] = field(default_factory=list)
    unchanged: int = 0
    gone: list[int] = field(default_factory=list)
    unreadable: str | None = None


@dataclass(frozen=True)
class Comparison:
    """How the disk is compared with the catalog: for which model, how strictly.

    ``with_regions`` counts what has been embedded only as a whole among what is to do.
    """

    catalog: Catalog
    model_id: int
    retry_failed: bool = False
    with_regions: bool = False

    def folders(self, scope: Scope) -> Iterator[FolderState]:
        """Walk the scope, one folder at a time; then come the known folders that are gone.

        Hidden files and folders and links to folders are passed over. A folder that cannot be
        read is reported, and what is known below it is left as it is.
        """
        visited = set()
        unreadable = []
        stack = [scope.start]
        while stack:
            folder = stack.pop()
            state, inner = self._folder(scope, folder)
            visited.add(folder)
            if state.unreadable is not None:
                unreadable.append(folder)
            if scope.only is None:
                stack.extend(reversed(inner))
            yield state
        if scope.only is None:
            yield from self._gone(scope, visited, unreadable)

    def _folder(self, scope: Scope, folder: str) -> tuple[FolderState, list[str]]:
        state = FolderState(folder)
        try:
            listing = _list(scope, folder)
        except OSError as error:
            state.unreadable = error.strerror or str(error)
            return state, []
        with self.catalog.read() as session:
            known = files.known_in(session, scope.root_id, folder, self.model_id)
        for name, place in sorted(listing.files.items()):
            file = known.get(name)
            if file is None or not self._is_unchanged(file, place):
                state.todo.append(place)
            elif file.metadata_version is not None and file.metadata_version < VERSION:
                state.outdated.append(place)
            else:
                state.unchanged += 1
        present = listing.files.keys() | listing.doubtful
        state.gone = [
            file.id for name, file in known.items() if name not in present and scope.covers(name)
        ]
        return state, sorted(listing.folders)

    def _is_unchanged(self, known: KnownFile, place: Place) -> bool:
        if (known.size, known.mtime_ns) != (place.size, place.mtime_ns):
            return False
        if known.failure_kind is not None:
            # The same bytes fail to decode again; reading may work the next time.
            return known.failure_kind == DECODE_FAILURE and not self.retry_failed
        return known.embedded and (known.has_parts or not self.with_regions)

    def _gone(
        self, scope: Scope, visited: set[str], unreadable: list[str]
    ) -> Iterator[FolderState]:
        with self.catalog.read() as session:
            known = files.folders_of(session, scope.root_id)
        for folder in known:
            if folder in visited or not _is_within(folder, scope.start):
                continue
            if any(_is_within(folder, closed) for closed in unreadable):
                continue
            with self.catalog.read() as session:
                inside = files.known_in(session, scope.root_id, folder, self.model_id)
            yield FolderState(folder, gone=[file.id for file in inside.values()])


@dataclass
class _Listing:
    """A folder's pictures by name, its folders, and files that the disk would not tell of."""

    files: dict[str, Place] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)


def _list(scope: Scope, folder: str) -> _Listing:
    listing = _Listing()
    with os.scandir(scope.root / folder) as entries:
        for entry in entries:
            # Our own thumbnails, wherever a library lies, and those of other programs.
            if entry.name == CACHE_TAG:
                return _Listing()
            if entry.is_dir(follow_symlinks=False):
                if is_photo_folder_name(entry.name):
                    listing.folders.append(f"{folder}/{entry.name}" if folder else entry.name)
            elif is_indexed_name(entry.name) and scope.covers(entry.name):
                _add_file(listing, scope.root_id, folder, entry)
    return listing


def _add_file(listing: _Listing, root_id: int, folder: str, entry: os.DirEntry[str]) -> None:
    try:
        if entry.is_file():
            stat = entry.stat()
            listing.files[entry.name] = Place(
                root_id, folder, entry.name, stat.st_size, stat.st_mtime_ns
            )
    except OSError as error:
        # A link in circles is no file. Anything else is the disk's trouble: what is known stays.
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            listing.doubtful.add(entry.name)


def _is_within(folder: str, parent: str) -> bool:
    return parent in ("", folder) or folder.startswith(f"{parent}/")
