"""Making backups."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from pixfind import __version__
from pixfind.care import copies
from pixfind.care.archive import (
    CATALOG,
    Contents,
    is_backup,
    is_expected,
    new_archive,
    opened_archive,
)
from pixfind.care.findings import Progress, silent
from pixfind.catalog import connections, migrations
from pixfind.catalog.database import FILE_NAME, setting
from pixfind.catalog.places import asset_at
from pixfind.catalog.schema import Album, Asset, AssetTag, Base, File
from pixfind.config import normal_path
from pixfind.durable import LEFTOVER_AGE_S, replace_file
from pixfind.errors import (
    BackupDamagedError,
    BackupError,
    BackupTooNewError,
    LibraryDamagedError,
)
from pixfind.library import THUMBNAILS, Library
from pixfind.photos.thumbnails import SIZES
from pixfind.text import readable_size

SUFFIX = ".pixfind"
# What ``keep`` counts, and removes the oldest of: nothing that has another name.
NAME = re.compile(r"pixfind-\d{8}-\d{6}(-[0-9a-f]{8})?(-\d+)?\.pixfind")
# So much of a library's id tells its backups from those of others at a glance.
ID_DIGITS = 8
WORKING = ".pixfind-"
# What one that was killed leaves: a folder with a copy, and a backup that has no name yet.
_WORKING = re.compile(rf"{re.escape(WORKING)}\w{{8}}")
_TEMPORARY = re.compile(rf"\.{NAME.pattern}\.[0-9a-f]{{8}}\.tmp")
_COPY = {CATALOG, *(f"{CATALOG}-{log}" for log in ("wal", "shm", "journal"))}


@dataclass(frozen=True)
class Backup:
    """A backup that was made, and the older ones that gave way to it."""

    file: Path
    size: int
    contents: Contents
    removed: tuple[Path, ...] = ()


def back_up(
    library: Library,
    target: Path,
    *,
    thumbnails: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Backup:
    """Save a library to one file as it is at this moment, while others go on using it.

    The file holds the catalog: all that is known of photos, their vectors, tags, descriptions and
    albums. It holds neither the photos nor what is derived from the catalog. It is checked before
    it gets its name.

    Args:
        library: the library.
        target: the file, or a folder for one with the time and the library's id in its name.
        thumbnails: save thumbnails too, which otherwise are made again when they are shown.
        force: replace a backup that is there; nothing else is ever replaced.
        progress: told of every step.

    Raises:
        BackupError: the file is there already, its folder is not, or there is no room.
        LibraryDamagedError: the catalog is damaged.
    """
    file = _name(library, target) if target.is_dir() else target
    _remove_leftovers(file.parent)
    _require_place(library, file, thumbnails, force)
    mode = copies.mode_of(library.folder / FILE_NAME)
    with tempfile.TemporaryDirectory(prefix=WORKING, dir=file.parent) as made:
        copy = Path(made, CATALOG)
        copies.copy_catalog(library.folder, copy, progress)
        facts = _facts(library.folder, copy, progress)
        with replace_file(file) as temporary:
            with new_archive(temporary, mode, progress) as writer:
                writer.add(CATALOG, copy)
                copy.unlink(missing_ok=True)
                for name, small in _thumbnails(library) if thumbnails else ():
                    with suppress(FileNotFoundError):  # removed just now
                        writer.add(name, small)
                writer.finish(replace(facts, members=writer.members))
            with opened_archive(temporary) as reader:
                reader.check(progress)
                contents = reader.contents
            _require_free(library, file, force)  # another one may have been as quick
    return Backup(file, file.stat().st_size, contents)


def back_up_and_keep(
    library: Library,
    folder: Path,
    keep: int,
    *,
    thumbnails: bool = False,
    progress: Progress = silent,
) -> Backup:
    """Save a library to a file of its own in a folder, and remove the oldest of more than so many.

    Backups of other libraries that lie there, and what cannot be read, are left alone.

    Args and errors: as for ``back_up``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = back_up(library, folder, thumbnails=thumbnails, progress=progress)
    old = tuple(_earlier(made)[keep - 1 :])
    for file in old:
        file.unlink(missing_ok=True)
    return replace(made, removed=old)


def _earlier(made: Backup) -> list[Path]:
    """Return the other backups of the same library beside a backup, the newest first."""
    found: list[tuple[int, Path]] = []
    for file in made.file.parent.iterdir():
        if NAME.fullmatch(file.name) and file != made.file and not file.is_symlink():
            with (
                suppress(BackupDamagedError, BackupTooNewError, OSError),
                opened_archive(file) as reader,
            ):
                if _is_of_same(reader.contents, made.contents):
                    found.append((file.stat().st_mtime_ns, file))
    return [file for _, file in sorted(found, reverse=True)]


def newest_in(folder: Path) -> Path | None:
    """Return the backup in a folder that was made last, as its manifest tells; or ``None``."""
    found: list[tuple[str, Path]] = []
    for file in folder.glob(f"*{SUFFIX}"):
        if file.is_file():
            with (
                suppress(BackupDamagedError, BackupTooNewError, OSError),
                opened_archive(file) as reader,
            ):
                found.append((reader.contents.made_at, file))
    return max(found, default=("", None))[1]


def _is_of_same(contents: Contents, made: Contents) -> bool:
    # A later pixfind's is not for this one to judge.
    is_known = set(contents.migrations) <= set(made.migrations)
    return is_known and contents.library_id == made.library_id != ""


def _name(library: Library, folder: Path) -> Path:
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    of = re.fullmatch("[0-9a-f]{32}", library.catalog.library_id())
    stem = f"pixfind-{now}-{of[0][:ID_DIGITS]}" if of else f"pixfind-{now}"
    number, free = 1, folder / f"{stem}{SUFFIX}"
    while free.exists():
        number += 1
        free = folder / f"{stem}-{number}{SUFFIX}"
    return free


def _remove_leftovers(folder: Path) -> None:
    """Remove what backups that were killed have left, unless another one may be at it."""
    for path in list(folder.glob(f"{WORKING}*")):
        with suppress(OSError):  # another one is as quick
            if _TEMPORARY.fullmatch(path.name) and _is_left(path):
                path.unlink()
            elif _WORKING.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                inside = list(path.iterdir())
                if {file.name for file in inside} <= _COPY and _is_left(path, *inside):
                    shutil.rmtree(path)


def _is_left(*paths: Path) -> bool:
    changed = max(path.lstat().st_mtime for path in paths)
    return time.time() - changed > LEFTOVER_AGE_S


def _require_place(library: Library, file: Path, thumbnails: bool, force: bool) -> None:
    if not file.parent.is_dir():
        raise BackupError(f"there is no folder {file.parent}; make it first")
    _require_free(library, file, force)
    # Not by its name: a link leads there too.
    is_inside = file.parent.samefile(library.folder)
    if is_inside and file.name.casefold().startswith("catalog."):
        raise BackupError(f"{file} is the library's own; take another name")
    size = (library.folder / FILE_NAME).stat().st_size
    small = sum(path.stat().st_size for _, path in _thumbnails(library)) if thumbnails else 0
    needed, free = 2 * size + small, shutil.disk_usage(file.parent).free
    if free < needed:
        raise BackupError(
            f"the backup needs {readable_size(needed)} in {file.parent} while it is made, and "
            f"there are {readable_size(free)}; make room, or name another folder"
        )


def _require_free(library: Library, file: Path, force: bool) -> None:
    if not file.exists():
        return
    # A pipe would be waited for.
    if not file.is_file() or not is_backup(file) or _is_photo(library, file):
        if force:
            raise BackupError(f"{file} is no backup of pixfind's; give another name")
        raise BackupError(f"{file} is there already, and is no backup; give another name")
    if not force:
        raise BackupError(f"{file} is there already; take another name, or replace it with --force")


def _is_photo(library: Library, file: Path) -> bool:
    """Tell whether the catalog knows a file, by this name or by the one that it leads to."""
    with library.catalog.read() as session:
        return any(asset_at(session, place) for place in (normal_path(file), file.resolve()))


def _thumbnails(library: Library) -> Iterator[tuple[str, Path]]:
    """Yield the thumbnails that are there, with their names in a backup."""
    for size in SIZES:
        for inner, _, names in os.walk(library.thumbnails / size):
            for name in names:
                member = f"{THUMBNAILS}/{size}/{Path(inner).name}/{name}"
                if is_expected(member):
                    yield member, Path(inner, name)


def _facts(folder: Path, copy: Path, progress: Progress) -> Contents:
    """Return what a copy of a catalog holds.

    Raises:
        LibraryDamagedError: it is damaged, and so is the catalog.
    """
    progress("checking the copy", 0, 0)
    engine = create_engine("sqlite://", creator=lambda: connections.connect_read_only(copy, 0))
    try:
        with Session(engine) as session:
            said = session.scalar(text("PRAGMA quick_check(1)"))
            if said != "ok":
                raise LibraryDamagedError(folder, " ".join(str(said).split()))
            return Contents(
                pixfind=__version__,
                made_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
                library_id=setting(session, "library_id") or "",
                migrations=migrations.applied(session.connection()),
                photos=_count(session, Asset),
                files=_count(session, File),
                tags=_count(session, AssetTag),
                albums=_count(session, Album),
                members={},
            )
    except (DatabaseError, UnicodeDecodeError) as error:
        raise LibraryDamagedError(folder, str(getattr(error, "orig", error))) from error
    finally:
        engine.dispose()


def _count(session: Session, kind: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(kind)) or 0
