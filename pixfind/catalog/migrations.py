"""Every change of the schema, in order, by name.

A migration that has been released is never edited; a later one corrects it. Each runs in its own
transaction together with the row that says it ran.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
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


# The words under which a picture is found: one row of ``document`` an asset that lies in some file.
# Triggers keep it, so that no way of writing can forget to.
_FORGET_WORDS = "DELETE FROM document WHERE rowid = {asset};"
_PUT_WORDS = """
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace({path}, rtrim({path}, replace({path}, '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id),
        asset.caption
      FROM asset JOIN file ON file.asset_id = asset.id JOIN root ON root.id = file.root_id
      WHERE {{which}} GROUP BY asset.id;
""".format(path=r"rtrim(replace(root.path, '\', '/'), '/')")  # noqa: S608 - nobody's words are in it
_WORDS_TRIGGERS = (
    ("file_placed", "AFTER INSERT ON file", ("NEW.asset_id",)),
    (
        "file_changed",
        "AFTER UPDATE OF root_id, folder, name, asset_id ON file",
        ("OLD.asset_id", "NEW.asset_id"),
    ),
    ("file_gone", "AFTER DELETE ON file", ("OLD.asset_id",)),
    ("asset_described", "AFTER UPDATE OF caption ON asset", ("NEW.id",)),
    ("asset_tagged", "AFTER INSERT ON asset_tag", ("NEW.asset_id",)),
    ("asset_untagged", "AFTER DELETE ON asset_tag", ("OLD.asset_id",)),
)
_MOVED = (
    "CREATE TRIGGER words_of_root_moved AFTER UPDATE OF path ON root BEGIN "
    "DELETE FROM document WHERE rowid IN "
    "(SELECT asset_id FROM file WHERE root_id = NEW.id AND asset_id IS NOT NULL);"
    "{words} END"
)


def _words_triggers(put: str, conditions: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what makes the triggers that keep ``document``.

    Args:
        put: what puts the words of some assets there, with ``{which}``.
        conditions: by a trigger's name, when alone words can have changed.
    """
    moved = put.format(which="asset.id IN (SELECT asset_id FROM file WHERE root_id = NEW.id)")
    return (
        *(
            f"CREATE TRIGGER words_of_{name} {event} {(conditions or {}).get(name, '')} BEGIN "
            + "".join(
                _FORGET_WORDS.format(asset=asset) + put.format(which=f"asset.id = {asset}")
                for asset in assets
            )
            + " END"
            for name, event, assets in _WORDS_TRIGGERS
        ),
        _MOVED.format(words=moved),
    )


_NO_TRIGGERS = (
    *(f"DROP TRIGGER words_of_{name}" for name, _, _ in _WORDS_TRIGGERS),
    "DROP TRIGGER words_of_root_moved",
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
    *_words_triggers(_PUT_WORDS),
    _PUT_WORDS.format(which="TRUE"),
)


def _create_search(connection: Connection) -> None:
    for statement in _SEARCH:
        connection.exec_driver_sql(statement)


# Automatic tags stay out of the full text: they say what the embedding says, less exactly, and a
# word that is found there needs no probability. Rows of theirs are many, so they wake no trigger.
_SPOKEN_WORDS = _PUT_WORDS.replace(
    "WHERE asset_tag.asset_id = asset.id)",
    "WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic')",
)
_NOT_AUTOMATIC = {
    "asset_tagged": "WHEN NEW.source <> 'automatic'",
    "asset_untagged": "WHEN OLD.source <> 'automatic'",
}
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
    *_NO_TRIGGERS,
    *_words_triggers(_SPOKEN_WORDS, _NOT_AUTOMATIC),
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


# Each new copy of a picture has its words written anew. Of the files that a picture lies in, only
# the first give it words, so that many copies do not take the square of their number.
NAMED_FILES = 100
_FEW_WORDS = _SPOKEN_WORDS.replace(
    "JOIN file ON file.asset_id = asset.id",
    "JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id"  # noqa: S608 - nor here
    f" ORDER BY one.id LIMIT {NAMED_FILES})",
)
# How many files of the same picture come before one, as far as that matters.
_IS_NAMED = (
    "(SELECT count(*) FROM (SELECT 1 FROM file WHERE asset_id = {row}.asset_id"  # noqa: S608 - nor here
    f" AND id < {{row}}.id LIMIT {NAMED_FILES})) < {NAMED_FILES}"
)
_FEW_NAMES = (
    *_NO_TRIGGERS,
    *_words_triggers(
        _FEW_WORDS,
        {
            "file_placed": f"WHEN {_IS_NAMED.format(row='NEW')}",
            "file_changed": f"WHEN {_IS_NAMED.format(row='OLD')} OR {_IS_NAMED.format(row='NEW')}",
            "file_gone": f"WHEN {_IS_NAMED.format(row='OLD')}",
            **_NOT_AUTOMATIC,
        },
    ),
)


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


def write_words(connection: Connection) -> None:
    """Write the full-text index anew, as the triggers would have; the caller holds the transaction.

    Nothing that it holds is read: it may be damaged.
    """
    created = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'document'")
    ).scalar_one()
    connection.exec_driver_sql("DROP TABLE document")
    connection.exec_driver_sql(created)
    connection.exec_driver_sql(_FEW_WORDS.format(which="TRUE"))


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
