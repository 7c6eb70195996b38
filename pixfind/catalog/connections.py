"""Connections to ``catalog.db``: to read and write, or to read where nothing can be written."""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

from pixfind.catalog import functions

PAGE_BYTES = 8192
# What SQLite says of a file that it may not write, of a folder where it may make none, and of a
# disk that has no room for what it needs to open a file.
NOT_WRITABLE = ("readonly", "unable to open", "disk I/O error")
# What comes of a file that is no whole database. Python cannot decode what SQLite says of it where
# that quotes what is no text.
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
# ``os.fsdecode``, without its questions: every text that a row holds goes through it.
_DECODE = functools.partial(
    str, encoding=sys.getfilesystemencoding(), errors=sys.getfilesystemencodeerrors()
)


def write_ahead_log(file: Path) -> Path:
    """Return where SQLite keeps what has been committed and is not yet in the database's file."""
    return file.with_name(f"{file.name}-wal")


def rollback_journal(file: Path) -> Path:
    """Return where SQLite keeps what a catalog was, before it is one with a log."""
    return file.with_name(f"{file.name}-journal")


def shared_memory(file: Path) -> Path:
    """Return where the processes that have the database open agree about its log."""
    return file.with_name(f"{file.name}-shm")


def is_writable(file: Path) -> bool:
    """Tell whether a catalog, there or not, can be written, as far as permissions tell."""
    return os.access(file.parent, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))


def connect(file: Path, timeout_s: float) -> sqlite3.Connection:
    """Open a catalog to read and write, making an empty one where there is none.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """
    connection = _opened(str(file), timeout_s)
    try:
        # Of a new library. Of 768 dimensions five vectors with their rows fill such a page; of the
        # usual 4096 bytes, two would leave a quarter empty (``python -m benchmarks growth``).
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode, NORMAL loses no committed batch to a killed process and cannot corrupt; a
        # power cut may undo the last batches, which the next run then does again.
        connection.execute("PRAGMA synchronous = NORMAL")
        return _prepared(connection)
    except BaseException:
        connection.close()
        raise


def connect_read_only(file: Path, timeout_s: float) -> sqlite3.Connection:
    """Open a catalog without writing anything, not even beside it.

    Where there is a log, as while another one has it open, SQLite reads both, which takes the
    shared memory too. Where there is none, the file is all there is: it is read as one that stays
    as it is, because in WAL mode SQLite opens a database in no other way without writing.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """
    has_log = write_ahead_log(file).exists()
    parameters = "mode=ro" if has_log else "mode=ro&immutable=1"
    connection = _opened(f"{file.absolute().as_uri()}?{parameters}", timeout_s)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        return _prepared(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if has_log and _says_not_writable(error) and not write_ahead_log(file).stat().st_size:
            return _without_empty_log(file, timeout_s)
        raise
    except BaseException:
        connection.close()
        raise


def migrations_of(file: Path) -> list[str]:
    """Return the migrations that a catalog has been through, changing nothing in or beside it.

    What cannot be read so has been through none: whoever opens it says what is wrong with it.
    """
    with suppress(*UNREADABLE, OSError):
        if file.is_file() and file.stat().st_size:
            with closing(connect_read_only(file, 0)) as connection:
                rows = connection.execute("SELECT name FROM migration ORDER BY name").fetchall()
                return [str(name) for (name,) in rows]
    return []


def cannot_write(error: sqlite3.Error, file: Path) -> bool:
    """Tell whether a catalog that is there cannot be opened because it cannot be written."""
    return _says_not_writable(error) and file.is_file() and os.access(file, os.R_OK)


def state_of(file: Path) -> tuple[int, ...]:
    """Return what changes when another process changes the catalog's file, or opens it."""
    with suppress(OSError):
        found = file.stat()
        log = write_ahead_log(file)
        is_there = int(log.exists())
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, is_there
    return ()


def identity_of(file: Path) -> tuple[int, ...]:
    """Return what tells a catalog's file from one that takes its place: how its state begins."""
    with suppress(OSError):
        found = os.stat(file)  # noqa: PTH116 - every reading asks, and this is quicker
        return found.st_dev, found.st_ino
    return ()


def _without_empty_log(file: Path, timeout_s: float) -> sqlite3.Connection:
    return _prepared(_opened(f"{file.absolute().as_uri()}?mode=ro&immutable=1", timeout_s))


def _opened(name: str, timeout_s: float) -> sqlite3.Connection:
    # isolation_level=None: transactions begin where the engine's event says, not where the
    # driver guesses. Connections move between threads through the pool, one at a time.
    connection = sqlite3.connect(
        name,
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=False,
        uri=name.startswith("file:"),
    )
    connection.text_factory = _DECODE
    return connection


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA foreign_keys = ON")
    functions.register(connection)
    return connection


def _says_not_writable(error: sqlite3.Error) -> bool:
    return any(said in str(error) for said in NOT_WRITABLE)
