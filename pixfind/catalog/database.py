"""Opening the catalog: connections, transactions, migrations."""

from __future__ import annotations

import functools
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from pixfind.catalog import functions, migrations
from pixfind.catalog.schema import Setting
from pixfind.errors import LibraryAccessError, LibraryDamagedError, LibraryTooNewError

FILE_NAME = "catalog.db"
# How long a writer waits for another one's batch to be committed.
BUSY_TIMEOUT_S = 30
PAGE_BYTES = 8192
# ``os.fsdecode``, without its questions: every text that a row holds goes through it.
_DECODE = functools.partial(
    str, encoding=sys.getfilesystemencoding(), errors=sys.getfilesystemencodeerrors()
)


class Catalog:
    """A library's database: short read and write transactions, safe to use from many threads."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder

    @classmethod
    def open(cls, folder: Path) -> Catalog:
        """Open ``folder/catalog.db``, creating it or bringing its schema up to date.

        Raises:
            LibraryTooNewError: a later pixfind wrote it.
            LibraryDamagedError: it is not a usable SQLite database.
            LibraryAccessError: it cannot be read or written.
        """
        catalog = cls(_engine(folder / FILE_NAME), folder)
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
        with self._named_errors(), Session(self.engine, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed whole at the end, or not at all."""
        with (
            self._named_errors(),
            Session(self.engine, autoflush=False, expire_on_commit=False) as session,
        ):
            # Taking the write lock at once means waiting for it here, never half-way.
            session.connection(execution_options={"begin": "IMMEDIATE"})
            yield session
            session.commit()

    def generation(self) -> int:
        """Return the number that rises whenever what can be found changes."""
        with self.read() as session:
            return int(setting(session, "generation") or 0)

    def library_id(self) -> str:
        """Return the id that this catalog was born with, 32 hex digits."""
        with self.read() as session:
            return setting(session, "library_id") or ""

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Say what is wrong with the database in pixfind's own errors."""
        try:
            yield
        except OperationalError as error:
            raise LibraryAccessError(self.folder, str(error.orig)) from error
        except IntegrityError:
            raise  # a mistake of the program's
        except DatabaseError as error:
            raise LibraryDamagedError(self.folder, str(error.orig)) from error

    def _migrate(self) -> None:
        with self._named_errors():
            self._apply_migrations()

    def _apply_migrations(self) -> None:
        with self.engine.connect() as connection:
            done = migrations.applied(connection)
        known = [migration.name for migration in migrations.MIGRATIONS]
        for name in done:
            if name not in known:
                raise LibraryTooNewError(self.folder, name)
        if done == known:
            return
        for migration in migrations.MIGRATIONS:
            with self.engine.connect().execution_options(begin="IMMEDIATE") as connection:
                # Asked again under the lock: another process may have been faster.
                if migration.name not in migrations.applied(connection):
                    migrations.apply(connection, migration)
                connection.commit()


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


def _engine(path: Path) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path),
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=56,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "IMMEDIATE" else "BEGIN")

    return engine


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions begin where the engine's event says, not where the
    # driver guesses. Connections move between threads through the pool, one at a time.
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.text_factory = _DECODE
        # Of a new library. Of 768 dimensions five vectors with their rows fill such a page; of the
        # usual 4096 bytes, two would leave a quarter empty (``python -m benchmarks growth``).
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode, NORMAL loses no committed batch to a killed process and cannot corrupt; a
        # power cut may undo the last batches, which the next run then does again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        functions.register(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
