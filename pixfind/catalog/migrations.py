"""Every change of the schema, in order, by name.

A migration that has been released is never edited; a later one corrects it. Each runs in its own
transaction together with the row that says it ran.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class Migration:
    """A named step from one schema to the next."""

    name: str
    apply: Callable[[Connection], None]


_INITIAL = (
    """
    CREATE TABLE setting (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE root (
      id INTEGER PRIMARY KEY,
      path TEXT NOT NULL UNIQUE,
      whole INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE asset (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      content_id BLOB NOT NULL UNIQUE,
      byte_size INTEGER NOT NULL,
      format TEXT NOT NULL,
      width INTEGER NOT NULL,
      height INTEGER NOT NULL,
      taken_at TEXT,
      camera_make TEXT,
      camera_model TEXT,
      lens TEXT,
      iso INTEGER,
      focal_length REAL,
      aperture REAL,
      exposure_time REAL,
      latitude REAL,
      longitude REAL,
      altitude REAL
    )
    """,
    """
    CREATE TABLE file (
      id INTEGER PRIMARY KEY,
      root_id INTEGER NOT NULL REFERENCES root (id),
      folder TEXT NOT NULL,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      mtime_ns INTEGER NOT NULL,
      asset_id INTEGER REFERENCES asset (id),
      failure_kind TEXT,
      failure_reason TEXT,
      failed_at TEXT,
      UNIQUE (root_id, folder, name),
      CHECK ((asset_id IS NULL) = (failure_reason IS NOT NULL))
    )
    """,
    "CREATE INDEX file_by_asset ON file (asset_id)",
    """
    CREATE TABLE model (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      dim INTEGER NOT NULL,
      UNIQUE (name, fingerprint)
    )
    """,
    """
    CREATE TABLE embedding (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      asset_id INTEGER NOT NULL REFERENCES asset (id),
      model_id INTEGER NOT NULL REFERENCES model (id),
      kind TEXT NOT NULL CHECK (kind IN ('whole', 'region', 'frame')),
      box_left REAL,
      box_top REAL,
      box_width REAL,
      box_height REAL,
      second REAL,
      vector BLOB NOT NULL
    )
    """,
    "CREATE INDEX embedding_by_asset ON embedding (asset_id, model_id)",
    """
    CREATE UNIQUE INDEX embedding_whole ON embedding (asset_id, model_id)
      WHERE kind = 'whole'
    """,
    "INSERT INTO setting (key, value) VALUES ('generation', '0')",
)


def _create_tables(connection: Connection) -> None:
    for statement in _INITIAL:
        connection.execute(text(statement))
    connection.execute(
        text("INSERT INTO setting (key, value) VALUES ('library_id', :id)"),
        {"id": uuid.uuid4().hex},
    )


MIGRATIONS = (Migration("0001_initial", _create_tables),)

_CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) WITHOUT ROWID
"""


def applied(connection: Connection) -> list[str]:
    """Return the names of the migrations this catalog has been through, sorted."""
    exists = connection.execute(
        text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'")
    ).first()
    if exists is None:
        return []
    return [
        row.name for row in connection.execute(text("SELECT name FROM migration ORDER BY name"))
    ]


def apply(connection: Connection, migration: Migration) -> None:
    """Run one migration and record it; the caller holds the transaction."""
    connection.execute(text(_CREATE_LEDGER))
    migration.apply(connection)
    connection.execute(
        text("INSERT INTO migration (name, applied_at) VALUES (:name, :at)"),
        {"name": migration.name, "at": datetime.now(timezone.utc).isoformat(timespec="seconds")},
    )
