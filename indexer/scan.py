"""What lies on the disk, folder by folder, beside what the catalog knows of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pixfind.catalog import Catalog, files
from pixfind.catalog.files import DECODE_FAILURE, KnownFile, Place
from pixfind.photos.formats import is_picture_name

# Folders that programs keep beside photos: previews, bins.
IGNORED_FOLDERS = frozenset(
    {"@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)


@dataclass(frozen=True)
class Scope:
    """What one run looks at: a root, and in it a folder or a single file.

    ``start`` is relative to the root, with forward slashes, empty for all of it.
    """

    root_id: int
    root: Path
    start: str = ""
    only: str | None = None

    def is_within(self, other: Scope) -> bool:
        """Return whether the other looks at everything that this one does."""
        if self.root_id != other.root_id:
            return False
        if other.only is not None:
            return self == other
        return _is_within(self.start, other.start)

    def path(self, place: Place) -> Path:
        """Return the absolute path of a file under the root."""
        return self.root / place.folder / place.name


@dataclass
class FolderState:
    """One folder compared with the catalog."""

    folder: str
    todo: list[Place] = field(default_factory=list)
    unchanged: int = 0
    gone: list[int] = field(default_factory=list)
    unreadable: str | None = None


@dataclass(frozen=True)
class Comparison:
    """How the disk is compared with the catalog: for which model, how strictly."""

    catalog: Catalog
    model_id: int
    excluded: Path
    retry_failed: bool = False

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
        found, inner = {}, []
        try:
            with os.scandir(scope.root / folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if self._is_entered(entry):
                            inner.append(f"{folder}/{entry.name}" if folder else entry.name)
                    elif is_picture_name(entry.name) and scope.only in (None, entry.name):
                        place = _place(scope.root_id, folder, entry)
                        if place is not None:
                            found[entry.name] = place
        except OSError as error:
            state.unreadable = error.strerror or str(error)
            return state, []
        with self.catalog.read() as session:
            known = files.known_in(session, scope.root_id, folder, self.model_id)
        for name in sorted(found):
            if self._is_unchanged(known.get(name), found[name]):
                state.unchanged += 1
            else:
                state.todo.append(found[name])
        state.gone = [
            file.id
            for name, file in known.items()
            if name not in found and scope.only in (None, name)
        ]
        return state, sorted(inner)

    def _is_entered(self, entry: os.DirEntry[str]) -> bool:
        return entry.name not in IGNORED_FOLDERS and Path(entry.path) != self.excluded

    def _is_unchanged(self, known: KnownFile | None, place: Place) -> bool:
        if known is None or (known.size, known.mtime_ns) != (place.size, place.mtime_ns):
            return False
        if known.failure_kind is not None:
            # The same bytes fail to decode again; reading may work the next time.
            return known.failure_kind == DECODE_FAILURE and not self.retry_failed
        return known.embedded

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


def _place(root_id: int, folder: str, entry: os.DirEntry[str]) -> Place | None:
    try:
        if not entry.is_file():
            return None
        stat = entry.stat()
    except OSError:  # gone again, or a link in circles
        return None
    return Place(root_id, folder, entry.name, stat.st_size, stat.st_mtime_ns)


def _is_within(folder: str, parent: str) -> bool:
    return parent in ("", folder) or folder.startswith(f"{parent}/")
