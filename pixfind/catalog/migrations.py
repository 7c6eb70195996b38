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

from pixfind.catalog import words


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


_SEARCH = (
    "ALTER TABLE asset ADD COLUMN rating INTEGER",
    "ALTER TABLE asset ADD COLUMN caption TEXT",
    "ALTER TABLE asset ADD COLUMN seen_at TEXT",
    "ALTER TABLE asset ADD COLUMN metadata_version INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE)",
    """
    CREATE TABLE asset_tag (
      asset_id INTEGER NOT NULL REFERENCES asset (id),
      tag_id INTEGER NOT NULL REFERENCES tag (id),
      source TEXT NOT NULL,
      PRIMARY KEY (asset_id, tag_id, source)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX asset_tag_by_tag ON asset_tag (tag_id)",
    """
    CREATE TABLE album (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL COLLATE NOCASE UNIQUE,
      query TEXT NOT NULL,
      saved_at TEXT NOT NULL
    )
    """,
    """
    CREATE VIRTUAL TABLE document USING fts5 (
      name, folder, tags, caption, tokenize = 'porter unicode61 remove_diacritics 2'
    )
    """,
    *words.triggers(words.PUT),
    words.PUT.format(which="TRUE"),
)


def _create_search(connection: Connection) -> None:
    for statement in _SEARCH:
        connection.exec_driver_sql(statement)


_RECOGNITION = (
    "ALTER TABLE asset ADD COLUMN duration REAL",
    "ALTER TABLE asset ADD COLUMN described_by TEXT",
    "CREATE INDEX embedding_by_kind ON embedding (model_id, kind, asset_id)",
    """
    CREATE TABLE tag_run (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      model_id INTEGER NOT NULL REFERENCES model (id),
      vocabulary TEXT NOT NULL,
      started_at TEXT NOT NULL
    )
    """,
    "ALTER TABLE asset_tag ADD COLUMN score REAL",
    "ALTER TABLE asset_tag ADD COLUMN run_id INTEGER REFERENCES tag_run (id)",
    "ALTER TABLE asset_tag ADD COLUMN said_at TEXT",
    "CREATE INDEX asset_tag_by_run ON asset_tag (run_id) WHERE run_id IS NOT NULL",
    """
    CREATE TABLE tag_rejection (
      asset_id INTEGER NOT NULL REFERENCES asset (id),
      tag_id INTEGER NOT NULL REFERENCES tag (id),
      rejected_at TEXT NOT NULL,
      PRIMARY KEY (asset_id, tag_id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX tag_rejection_by_tag ON tag_rejection (tag_id)",
    """
    CREATE TABLE tag_coverage (
      asset_id INTEGER PRIMARY KEY REFERENCES asset (id),
      run_id INTEGER NOT NULL REFERENCES tag_run (id),
      fingerprint TEXT NOT NULL
    )
    """,
    "CREATE INDEX tag_coverage_by_run ON tag_coverage (run_id)",
    """
    CREATE TABLE description (
      asset_id INTEGER PRIMARY KEY REFERENCES asset (id),
      model_id INTEGER NOT NULL REFERENCES model (id),
      alt TEXT NOT NULL,
      sentence TEXT NOT NULL,
      account TEXT NOT NULL,
      written_at TEXT NOT NULL
    )
    """,
    *words.NO_TRIGGERS,
    *words.triggers(words.PUT_SPOKEN, words.SPOKEN),
)


def _create_recognition(connection: Connection) -> None:
    for statement in _RECOGNITION:
        connection.exec_driver_sql(statement)


def _create_blur(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE asset ADD COLUMN blur BLOB")


def _create_index_by_date(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE INDEX asset_by_date ON asset (taken_at, id)")


def _change_indexes(connection: Connection) -> None:
    # Whoever asks for embeddings names their kind, too, and so is served by another index.
    connection.exec_driver_sql("DROP INDEX embedding_by_asset")
    # Each run asks for these, of which there are none as a rule.
    connection.exec_driver_sql("CREATE INDEX asset_without_blur ON asset (id) WHERE blur IS NULL")


_FEW_NAMES = (*words.NO_TRIGGERS, *words.triggers(words.PUT_FEW, words.FEW))


def _bound_names(connection: Connection) -> None:
    # What is written already stays until a picture's words change: it finds no less than this does.
    for statement in _FEW_NAMES:
        connection.exec_driver_sql(statement)


MIGRATIONS = (
    Migration("0001_initial", _create_tables),
    Migration("0002_search", _create_search),
    Migration("0003_recognition", _create_recognition),
    Migration("0004_blur", _create_blur),
    Migration("0005_by_date", _create_index_by_date),
    Migration("0006_indexes", _change_indexes),
    Migration("0007_few_names", _bound_names),
)

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
