"""Opening the catalog: connections, transactions, migrations."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from pixfind.catalog import connections, migrations, replacing
from pixfind.catalog.schema import Setting
from pixfind.errors import (
    LibraryAccessError,
    LibraryDamagedError,
    LibraryReadOnlyError,
    LibraryTooNewError,
)

FILE_NAME = "catalog.db"
# Index files, those over parts of pictures among them.
INDEXES = "vectors/**/*.faiss"
# How long a writer waits for another one's batch to be committed.
BUSY_TIMEOUT_S = 30
# So much of a catalog's state tells its file from others.
IDENTITY = 2
# What SQLite says of a table or column that a whole catalog has.
MISSING = ("no such ", "unsupported file format", "vtable constructor failed")


class Catalog:
    """A library's database: short read and write transactions, safe to use from many threads.

    Where its file or folder cannot be written, as on a disc or somebody else's share, it
    ``is_read_only``: it can be read, nothing is made beside it, and ``write`` says so. Where
    another file is put in its place, it is that one which is read and written from then on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / FILE_NAME
        self.is_read_only = self._file.exists() and not connections.is_writable(self._file)
        self._state = self._state_of_file()
        self._following = threading.Lock()
        self.engine = _engine(self._connect)

    @classmethod
    def open(cls, folder: Path) -> Catalog:
        """Open ``folder/catalog.db``, creating it or bringing its schema up to date.

        Raises:
            LibraryTooNewError: a later pixfind wrote it.
            LibraryDamagedError: it is not a usable SQLite database, or it has been emptied.
            LibraryAccessError: it cannot be read or written.
        """
        # Asked first without changing anything: even to open a catalog may write to it.
        with replacing.opening(folder, BUSY_TIMEOUT_S):
            if is_empty(folder) and has_indexes(folder):
                raise LibraryDamagedError(folder, f"{FILE_NAME} is empty")
            _refuse_later(folder, connections.migrations_of(folder / FILE_NAME))
        catalog = cls(folder)
        try:
            catalog._migrate()
        except BaseException:
            catalog.close()
            raise
        return catalog

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session on one consistent state of the catalog."""
        self.follow()
        with self._named_errors(), Session(self.engine, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed whole at the end, or not at all.

        Raises:
            LibraryReadOnlyError: nothing can be written where the library lies.
            LibraryBeingReplacedError: it is being repaired, or a backup put in its place.
        """
        self.require_writable()
        with (
            self._staying(),
            self._named_errors(),
            Session(self.engine, autoflush=False, expire_on_commit=False) as session,
        ):
            # Taking the write lock at once means waiting for it here, never half-way.
            session.connection(execution_options={"begin": "IMMEDIATE"})
            yield session
            session.commit()

    def follow(self) -> tuple[int, ...]:
        """See to it that the file is read that is there now; return what tells it from others.

        It is opened anew if another one has taken its place or, where it can only be read, if
        somebody who can write has changed it or is about to.
        """
        state = self._state_of_file()
        if state and state != self._state:
            with self._following:
                if state != self._state:
                    self.engine.dispose()
                    # Last: until then, who asks waits here for connections to the new one.
                    self._state = state
        return state[:IDENTITY]

    def generation(self) -> int:
        """Return the number that rises whenever what can be found changes."""
        with self.read() as session:
            return int(setting(session, "generation") or 0)

    def library_id(self) -> str:
        """Return the id that this catalog was born with, 32 hex digits."""
        with self.read() as session:
            return setting(session, "library_id") or ""

    def require_writable(self) -> None:
        """Say so where nothing can be written, after another try: what was wrong may have passed.

        Raises:
            LibraryReadOnlyError: nothing can.
        """
        if self.is_read_only and not self._is_writable_again():
            raise LibraryReadOnlyError(self.folder)

    def _connect(self) -> sqlite3.Connection:
        with replacing.opening(self.folder, BUSY_TIMEOUT_S):
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        if not self.is_read_only:
            try:
                return connections.connect(self._file, BUSY_TIMEOUT_S)
            except sqlite3.OperationalError as error:
                if not connections.cannot_write(error, self._file):
                    raise
        connection = connections.connect_read_only(self._file, BUSY_TIMEOUT_S)
        # Permissions do not tell everything. If it cannot be read either, as when no more files can
        # be opened, nothing is said of writing.
        self.is_read_only = True
        return connection

    def _is_writable_again(self) -> bool:
        if not (self._file.is_file() and connections.is_writable(self._file)):
            return False
        try:
            with replacing.opening(self.folder, BUSY_TIMEOUT_S):
                connections.connect(self._file, BUSY_TIMEOUT_S).close()
        except connections.UNREADABLE:
            return False
        self.is_read_only = False
        self.engine.dispose()  # else those that only read would be asked to write
        return True

    def _state_of_file(self) -> tuple[int, ...]:
        if self.is_read_only:
            return connections.state_of(self._file)
        return connections.identity_of(self._file)

    @contextmanager
    def _staying(self) -> Iterator[None]:
        """Write to the file that is there now, whose place none takes meanwhile."""
        with replacing.writing(self.folder, BUSY_TIMEOUT_S):
            self.follow()
            yield

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Say what is wrong with the database in pixfind's own errors."""
        try:
            yield
        except OperationalError as error:
            reason = str(error.orig)
            if reason.startswith(MISSING):
                raise LibraryDamagedError(self.folder, reason) from error
            if reason.startswith("attempt to write a readonly"):
                raise LibraryReadOnlyError(self.folder) from error
            raise LibraryAccessError(self.folder, reason) from error
        except IntegrityError:
            raise  # a mistake of the program's
        except DatabaseError as error:
            raise LibraryDamagedError(self.folder, str(error.orig)) from error
        except MemoryError as error:
            # A page in the wrong place can make SQLite ask for any amount.
            raise LibraryDamagedError(self.folder, "SQLite runs out of memory") from error
        except UnicodeDecodeError as error:
            # What SQLite says of a damaged schema quotes it (``connections.UNREADABLE``).
            raise LibraryDamagedError(self.folder, "what it holds is no text") from error

    def _migrate(self) -> None:
        with self._named_errors():
            self._apply_migrations()

    def _apply_migrations(self) -> None:
        with self.engine.connect() as connection:
            done = migrations.applied(connection)
        _refuse_later(self.folder, done)
        if done == [migration.name for migration in migrations.MIGRATIONS]:
            return
        self.require_writable()
        with self._staying():
            self._apply_those_missing()

    def _apply_those_missing(self) -> None:
        for migration in migrations.MIGRATIONS:
            with self.engine.connect().execution_options(begin="IMMEDIATE") as connection:
                # Asked again under the lock: another process may have been faster.
                if migration.name not in migrations.applied(connection):
                    migrations.apply(connection, migration)
                connection.commit()


def is_empty(folder: Path) -> bool:
    """Tell whether a folder's catalog is there without a byte: just begun, or emptied."""
    try:
        return not (folder / FILE_NAME).stat().st_size
    except OSError:
        return False


def has_indexes(folder: Path) -> bool:
    """Tell whether a folder has index files, which are only written of a catalog with photos."""
    return any(folder.glob(INDEXES))


def setting(session: Session, key: str) -> str | None:
    """Return one fact about the library, or ``None``."""
    return session.scalar(select(Setting.value).where(Setting.key == key))


def set_setting(session: Session, key: str, value: str) -> None:
    """Write one fact about the library."""
    session.merge(Setting(key=key, value=value))
    session.flush()


def bump_generation(session: Session) -> None:
    """Say that what can be found has changed, in the transaction that changes it."""
    current = int(setting(session, "generation") or 0)
    session.execute(
        update(Setting).where(Setting.key == "generation").values(value=str(current + 1))
    )


def _refuse_later(folder: Path, done: list[str]) -> None:
    known = {migration.name for migration in migrations.MIGRATIONS}
    for name in done:
        if name not in known:
            raise LibraryTooNewError(folder, name)


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=56,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "IMMEDIATE" else "BEGIN")

    return engine
