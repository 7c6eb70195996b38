"""Putting a backup back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine

from pixfind.care import copies
from pixfind.care.archive import CATALOG, Contents, Reader, opened_archive
from pixfind.care.backup import newest_in
from pixfind.care.findings import Progress, silent
from pixfind.catalog import Catalog, connections, migrations, replacing
from pixfind.catalog.database import FILE_NAME, is_empty
from pixfind.durable import is_cache_folder, replace_file
from pixfind.errors import (
    BackupDamagedError,
    BackupError,
    BackupTooNewError,
    LibraryReadOnlyError,
    PathNotFoundError,
)
from pixfind.library import VECTORS, Library, writer_lock
from pixfind.text import readable_size


@dataclass(frozen=True)
class Restored:
    """What was restored, and under which name the catalog that was there before is kept."""

    contents: Contents
    kept: Path | None


def restore(
    backup: Path, folder: Path, *, force: bool = False, progress: Progress = silent
) -> Restored:
    """Make the library in a folder that of a backup.

    Everything is checked before anything is changed. A catalog that is there keeps its bytes under
    another name. Thumbnails that the backup holds come to those that are there.

    Args:
        backup: the file.
        folder: the library's; made if it is not there.
        force: do so where there is a library already.
        progress: told of every step.

    Raises:
        PathNotFoundError: there is no such file.
        BackupDamagedError: it is no backup, or no whole one.
        BackupTooNewError: a later pixfind made it.
        BackupError: it is a folder, there is a library already, or no room for one.
        LibraryBusyError: another process is writing to the library.
        LibraryReadOnlyError: nothing can be written there.
    """
    if backup.is_dir():
        raise BackupError(_of_folder(backup))
    if not backup.is_file():
        raise PathNotFoundError(backup)
    with opened_archive(backup) as reader:
        _refuse_later(backup, reader.contents.migrations)
        if (folder / FILE_NAME).exists() and not is_empty(folder) and not force:
            raise BackupError(
                f"there is a library in {folder} already; to put the backup in its place, which "
                "keeps its catalog under another name, add --force"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise LibraryReadOnlyError(folder) from error
        with writer_lock(folder):
            reader.check(progress)
            _require_room(folder, reader.contents)
            return _restored(backup, folder, reader, progress)


def _restored(backup: Path, folder: Path, reader: Reader, progress: Progress) -> Restored:
    with copies.working_folder(folder) as made:
        new = made / FILE_NAME
        reader.extract(CATALOG, new)
        progress("checking the catalog", 0, 0)
        _require_ours(backup, new)
        # Brings it up to date with this program.
        Catalog.open(made).close()
        if (folder / FILE_NAME).exists():
            copies.keep_access(folder / FILE_NAME, new)
        else:
            copies.narrow_access(backup, new)
        copies.sync(new)
        with replacing.without_writers(folder):
            # They tell of another catalog, whose ids mean other photos. Where there was none, a
            # folder may be called so and be somebody else's.
            if (folder / FILE_NAME).exists() or is_cache_folder(folder / VECTORS):
                shutil.rmtree(folder / VECTORS, ignore_errors=True)
            kept = copies.exchange(folder, new, "replaced")
    for name in reader.contents.members:
        if name != CATALOG:
            _put(reader, name, folder / name)
    Library.create(folder).close()
    return Restored(reader.contents, kept)


def _of_folder(folder: Path) -> str:
    newest = newest_in(folder)
    if newest is None:
        return f"{folder} is a folder, and no backup lies in it; name a backup's file"
    return f"{folder} is a folder; restore its newest backup with: pixfind restore {newest}"


def _put(reader: Reader, name: str, file: Path) -> None:
    """Restore a thumbnail where there is none; its name has been matched with a pattern."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(file, sync=False) as temporary:
            reader.extract(name, temporary)


def _refuse_later(backup: Path, done: list[str]) -> None:
    known = {migration.name for migration in migrations.MIGRATIONS}
    for name in done:
        if name not in known:
            raise BackupTooNewError(backup, name)


def _require_ours(backup: Path, file: Path) -> None:
    """Refuse a database that pixfind would not have made: damaged, or with a schema of its own.

    Triggers and views of a stranger's would run whenever the library is used.
    """
    try:
        with closing(connections.connect_read_only(file, 0)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            schema = _schema(connection)
        done = connections.migrations_of(file)
        _refuse_later(backup, done)
        expected = _schema_after(done)
    except connections.UNREADABLE as error:
        raise BackupDamagedError(backup, str(error)) from error
    if said != "ok":
        raise BackupDamagedError(backup, " ".join(str(said).split()))
    if schema != expected:
        raise BackupDamagedError(backup, "its catalog has tables that pixfind does not make")


def _schema(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    # What ANALYZE leaves is nobody's program.
    return {tuple(row) for row in rows if not str(row[1]).startswith("sqlite_stat")}


def _schema_after(done: list[str]) -> set[tuple[object, ...]]:
    """Return the schema of a catalog that has been through these migrations."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: memory)
    try:
        with engine.connect() as connection:
            for migration in migrations.MIGRATIONS:
                if migration.name in done:
                    migrations.apply(connection, migration)
            connection.commit()
        return _schema(memory)
    finally:
        engine.dispose()
        memory.close()


def _require_room(folder: Path, contents: Contents) -> None:
    free = shutil.disk_usage(folder).free
    if free < contents.size:
        raise BackupError(
            f"restoring needs {readable_size(contents.size)} in {folder}, and there are "
            f"{readable_size(free)}; make room first"
        )
