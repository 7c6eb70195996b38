"""Copies of a catalog: consistent while others read and write, and names for what is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from pixfind.care.findings import Progress, silent
from pixfind.catalog import connections, replacing
from pixfind.catalog.database import BUSY_TIMEOUT_S, FILE_NAME
from pixfind.errors import LibraryAccessError, LibraryDamagedError

# Between two reports of progress.
PAGES = 4096
WORKING = ".care-"


def copy_catalog(folder: Path, target: Path, progress: Progress = silent) -> None:
    """Copy a library's catalog as it is at this moment, while others go on using it.

    Args:
        folder: the library's.
        target: a file that is not there yet; it will need no log beside it.
        progress: told how many of the pages are done.

    Raises:
        LibraryDamagedError: the catalog cannot be read.
        LibraryAccessError: it, or the copy, cannot be opened or written.
    """
    file = folder / FILE_NAME
    try:
        with closing(_reader(file)) as source, _new_database(file, target) as copy:
            # One moment for all pages: else every commit of another process would begin it anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(
                copy,
                pages=PAGES,
                progress=lambda _, left, total: progress("the catalog", total - left, total),
            )
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise LibraryAccessError(folder, str(error)) from error
    except connections.UNREADABLE as error:
        raise LibraryDamagedError(folder, str(error)) from error
    sync(target)


def copy_files(folder: Path, target: Path) -> None:
    """Copy the catalog's files byte for byte, whatever state they are in.

    Args:
        folder: the library's; the caller holds its lock, and keeps others from writing.
        target: what the copy of ``catalog.db`` is called; its log lies beside it.
    """
    file = folder / FILE_NAME
    log = connections.write_ahead_log(file)
    # First: who closes the catalog may write the log back meanwhile, and then remove it. To read
    # again what stands in the file already is no harm.
    with suppress(FileNotFoundError):
        if log.stat().st_size:
            _copy(log, connections.write_ahead_log(target))
    _copy(file, target)


def exchange(folder: Path, new: Path, why: str) -> Path | None:
    """Put another catalog in the place of the one that is there, which gets another name beside it.

    Its log goes with it, so that it can be opened under its new name. What has it open goes on
    reading that until it follows (``Catalog.follow``); nothing opens either while both change.

    Args:
        folder: the library's; the caller holds its lock, and keeps others from writing.
        new: the file of the catalog to come, on the same disk, without a log.
        why: what becomes of the one that is there, for its name.

    Returns:
        What that is called now; ``None`` if there was none.

    Raises:
        LibraryAccessError: the catalog to come has a log, as one that could not be written whole.
    """
    file, aside = folder / FILE_NAME, None
    _require_whole(folder, new)
    with replacing.exchanging(folder), _kept_open(file):
        if file.exists():
            aside = _set_aside(file, free_name(folder, why))
        set_log_aside(folder)
        new.replace(file)
    if aside is not None:
        _remove_empty_log(aside)
    return aside


def _require_whole(folder: Path, new: Path) -> None:
    # SQLite says nothing if a log cannot be written back while its database is closed.
    with suppress(FileNotFoundError):
        if connections.write_ahead_log(new).stat().st_size:
            raise LibraryAccessError(folder, "the new catalog could not be written")


def _set_aside(file: Path, aside: Path) -> Path:
    # A second name first: there is a catalog at every moment, whatever happens.
    try:
        os.link(file, aside)
    except OSError:  # a file system without links
        _copy(file, aside)
    # Who reads it still and who opens it under its new name agree about its log.
    for beside in (connections.write_ahead_log, connections.shared_memory):
        with suppress(FileNotFoundError):
            beside(file).replace(beside(aside))
    return aside


def set_log_aside(folder: Path) -> None:
    """Give another name to a log whose catalog is gone: no other catalog may be given its pages.

    Args:
        folder: the library's; the caller holds its lock.
    """
    file = folder / FILE_NAME
    aside = free_name(folder, "leftover")
    for beside in (connections.write_ahead_log, connections.rollback_journal):
        with suppress(FileNotFoundError):
            if beside(file).stat().st_size:
                beside(file).replace(beside(aside))
            else:
                beside(file).unlink()
    connections.shared_memory(file).unlink(missing_ok=True)


def free_name(folder: Path, why: str) -> Path:
    """Return a name for a catalog that is kept: what it is, and when, in local time."""
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    number, free = 1, folder / f"catalog.{why}-{now}.db"
    while free.exists() or connections.write_ahead_log(free).exists():
        number += 1
        free = folder / f"catalog.{why}-{now}-{number}.db"
    return free


@contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """Give a folder inside the library's for what is not finished; the caller holds the lock.

    What was left by one that was killed goes.
    """
    for old in folder.glob(f"{WORKING}*"):
        shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=WORKING, dir=folder) as made:
        yield Path(made)


def keep_access(like: Path, file: Path) -> None:
    """Let those use a file who may use another one, and its owner write it in any case."""
    found = like.stat()
    # A file system that knows no owners, or a user who may give nothing away.
    with suppress(OSError, AttributeError):
        os.chown(file, found.st_uid, found.st_gid)
    with suppress(OSError):
        file.chmod(mode_of(like))


def narrow_access(like: Path, file: Path) -> None:
    """Let nobody use a file who may not use another one."""
    with suppress(OSError):
        file.chmod(mode_of(file) & mode_of(like))


def mode_of(file: Path) -> int:
    """Return who may use a file, as bits of its mode; its owner always may."""
    return stat.S_IMODE(file.stat().st_mode) & 0o666 | 0o600


def sync(file: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def _reader(file: Path) -> sqlite3.Connection:
    with replacing.opening(file.parent, BUSY_TIMEOUT_S):
        if connections.is_writable(file):
            return connections.connect(file, BUSY_TIMEOUT_S)
        return connections.connect_read_only(file, BUSY_TIMEOUT_S)


@contextmanager
def _new_database(like: Path, file: Path) -> Iterator[sqlite3.Connection]:
    _make(like, file)
    with closing(sqlite3.connect(file)) as connection:
        yield connection


def _copy(file: Path, target: Path) -> None:
    _make(file, target)
    shutil.copyfile(file, target)
    sync(target)


def _make(like: Path, file: Path) -> None:
    """Make an empty file that nobody can open who may not open another one, at no moment."""
    with suppress(OSError):  # there already, or whoever writes to it says what is wrong
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        keep_access(like, file)


@contextmanager
def _kept_open(file: Path) -> Iterator[None]:
    """Write as much as possible of the log back, and keep a connection; a damaged one has none.

    Who closes a catalog as the last one removes its log by its name. So nobody is the last one.
    An empty one stays as it is: to open it is to begin it.
    """
    with ExitStack() as stack:
        with suppress(*connections.UNREADABLE):
            if file.exists() and file.stat().st_size:
                connection = stack.enter_context(closing(connections.connect(file, 1)))
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if os.name != "posix":
            stack.close()  # Windows replaces no file that is open, nor removes its log
        yield


def _remove_empty_log(file: Path) -> None:
    """Have SQLite remove a log with nothing in it, if nobody reads the catalog any more."""
    with suppress(*connections.UNREADABLE, FileNotFoundError):
        if not connections.write_ahead_log(file).stat().st_size:
            connections.connect(file, 1).close()
