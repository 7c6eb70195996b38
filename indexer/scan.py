"""What lies on the disk, folder by folder, beside what the catalog knows of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
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

    ``with_regions`` counts what has been embedded only as a whole among what is to do. With
    ``only_failed_below``, nothing is to do but what failed before in one of these folders, or is
    one of these files.
    """

    catalog: Catalog
    model_id: int
    retry_failed: bool = False
    with_regions: bool = False
    only_failed_below: tuple[Path, ...] | None = None

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
        try:
            entries = _list(scope.root / folder)
            inner = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            state = self._compared(scope, folder, entries)
        except OSError as error:
            return FolderState(folder, unreadable=error.strerror or str(error)), []
        entered = sorted(filter(is_photo_folder_name, inner))
        return state, [f"{folder}/{name}" if folder else name for name in entered]

    def _compared(self, scope: Scope, folder: str, entries: list[os.DirEntry[str]]) -> FolderState:
        state = FolderState(folder)
        known = self._known(scope, folder)
        failed = {name for name in known if known[name].failure_kind is not None}
        only = scope.only
        # Every file of a library comes through here in every run.
        for entry in entries:
            name = entry.name
            if not is_indexed_name(name) or (only is not None and name not in only):
                continue
            try:
                if not entry.is_file():
                    continue
                stat = entry.stat()
            except OSError as error:
                # A link in circles is no file. Anything else is the disk's trouble: what is known
                # stays.
                if error.errno not in (errno.ENOENT, errno.ELOOP):
                    known.pop(name, None)
                continue
            file = known.pop(name, None)
            size, mtime_ns = stat.st_size, stat.st_mtime_ns
            if (
                file is None
                or file.size != size
                or file.mtime_ns != mtime_ns
                or not self._is_settled(file)
            ):
                state.todo.append(Place(scope.root_id, folder, name, size, mtime_ns))
            elif file.metadata_version is not None and file.metadata_version < VERSION:
                state.outdated.append(Place(scope.root_id, folder, name, size, mtime_ns))
            else:
                state.unchanged += 1
        state.todo.sort(key=attrgetter("name"))
        state.outdated.sort(key=attrgetter("name"))
        state.gone = [file.id for file in known.values() if scope.covers(file.name)]
        return state if self.only_failed_below is None else self._retried(scope, state, failed)

    def _retried(self, scope: Scope, state: FolderState, failed: set[str]) -> FolderState:
        """Keep of a folder what failed before, where somebody wants it looked at again."""
        below = self.only_failed_below or ()
        again = [
            place
            for place in state.todo
            if place.name in failed
            and any(scope.path(place).is_relative_to(path) for path in below)
        ]
        return FolderState(state.folder, again, unreadable=state.unreadable)

    def _known(self, scope: Scope, folder: str) -> dict[str, KnownFile]:
        with self.catalog.read() as session:
            return files.known_in(
                session, scope.root_id, folder, self.model_id, with_parts=self.with_regions
            )

    def _is_settled(self, known: KnownFile) -> bool:
        """Return whether an unchanged file need not be opened for the model's sake."""
        if known.failure_kind is not None:
            # The same bytes fail to decode again; reading may work the next time.
            return known.failure_kind == DECODE_FAILURE and not self.retry_failed
        return known.embedded and (known.has_parts or not self.with_regions)

    def _gone(
        self, scope: Scope, visited: set[str], unreadable: list[str]
    ) -> Iterator[FolderState]:
        if self.only_failed_below is not None:
            return
        with self.catalog.read() as session:
            known = files.folders_of(session, scope.root_id)
        for folder in known:
            if folder in visited or not _is_within(folder, scope.start):
                continue
            if any(_is_within(folder, closed) for closed in unreadable):
                continue
            inside = self._known(scope, folder)
            yield FolderState(folder, gone=[file.id for file in inside.values()])


def _list(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies in a folder; of one that a program keeps what it can make again, nothing."""
    with os.scandir(folder) as opened:
        entries = list(opened)
    # Our own thumbnails, wherever a library lies, and those of other programs.
    return [] if CACHE_TAG in [entry.name for entry in entries] else entries


def _is_within(folder: str, parent: str) -> bool:
    return parent in ("", folder) or folder.startswith(f"{parent}/")
