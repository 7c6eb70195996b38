"""Catalogs of every released schema, as text: ``python tests/released.py`` writes those that lack.

``schemas/0003.sql`` is a catalog that has been through the first three migrations, with rows as
they were then. A file that is there is never written again: it is what was released.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from pixfind.catalog import migrations
from pixfind.catalog.migrations import MIGRATIONS

SCHEMAS = Path(__file__).parent / "schemas"
VECTORS = {5: (0.6, 0.8, 0.0, 0.0), 6: (0.0, 0.0, 1.0, 0.0), 9: (0.0, 0.6, 0.8, 0.0)}
BOX = {"box_left": 0.0, "box_top": 0.5, "box_width": 0.5, "box_height": 0.5}
SAID = "2026-01-02T03:04:05+00:00"
# Names as file systems have them: not UTF-8, and with a line's end.
ODD = os.fsdecode(b"caf\xe9\nmenu.jpg")


def _vector(number: int) -> bytes:
    return struct.pack("<4e", *VECTORS[number])


def _asset(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id": number, "content_id": bytes([number]) * 32, "byte_size": 10, "format": "JPEG",
        "width": 4, "height": 3, "taken_at": "2020-05-06T07:08:09", "metadata_version": 1, **facts,
    }  # fmt: skip


def _file(number: int, folder: str, name: str, asset: int | None) -> dict[str, Any]:
    failed = {"failure_kind": "decode", "failure_reason": "it is damaged", "failed_at": SAID}
    return {
        "id": number, "root_id": 1, "folder": folder, "name": name, "size": 10, "mtime_ns": 1,
        "asset_id": asset, **(failed if asset is None else {}),
    }  # fmt: skip


# In the order of what refers to what. A schema takes the tables and columns that it has.
ROWS: dict[str, list[dict[str, Any]]] = {
    "setting": [{"key": "model_id", "value": "1"}, {"key": "regions", "value": "yes"}],
    "root": [{"id": 1, "path": "/home/me/Holiday Pictures", "whole": 1}],
    "model": [{"id": 1, "name": "fake", "fingerprint": "f" * 64, "dim": 4}],
    "tag": [{"id": 1, "name": "Hündchen"}, {"id": 2, "name": "cat"}],
    "tag_run": [{"id": 1, "model_id": 1, "vocabulary": "photos", "started_at": SAID}],
    "album": [{"id": 1, "name": "Desert", "query": "dune", "saved_at": SAID}],
    "asset": [
        _asset(7, camera_model="NIKON D90", latitude=47.5, caption="a dune", rating=5,
               described_by="sidecar"),
        _asset(8, taken_at=None, format="PNG", blur=bytes(48)),
    ],
    "asset_tag": [
        {"asset_id": 7, "tag_id": 1, "source": "user", "said_at": SAID},
        {"asset_id": 8, "tag_id": 2, "source": "automatic", "score": 0.75, "run_id": 1},
    ],
    "tag_rejection": [{"asset_id": 7, "tag_id": 2, "rejected_at": SAID}],
    "tag_coverage": [{"asset_id": 7, "run_id": 1, "fingerprint": "abc"}],
    "description": [
        {"asset_id": 7, "model_id": 1, "alt": "A dune.", "sentence": "A dune in the sun.",
         "account": "{}", "written_at": SAID},
    ],
    "file": [
        _file(1, "Mongolia/Gobi", "dune.jpg", 7), _file(2, "", ODD, 7),
        _file(3, "", "camel.png", 8), _file(4, "", "bad.png", None),
    ],
    "embedding": [
        {"id": 5, "asset_id": 7, "model_id": 1, "kind": "whole", "vector": _vector(5)},
        {"id": 6, "asset_id": 8, "model_id": 1, "kind": "whole", "vector": _vector(6)},
        {"id": 9, "asset_id": 7, "model_id": 1, "kind": "region", "vector": _vector(9), **BOX},
    ],
}  # fmt: skip


def schema_file(count: int) -> Path:
    return SCHEMAS / f"{MIGRATIONS[count - 1].name[:4]}.sql"


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    return [name for (name,) in rows]


def _quoted(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if not isinstance(value, str):
        return repr(value)
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return f"CAST(x'{os.fsencode(value).hex()}' AS TEXT)"


def _text_of(count: int) -> str:
    """Return a catalog after so many migrations, with rows, as SQL."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: memory)
    with engine.connect() as connection:
        for migration in MIGRATIONS[:count]:
            migrations.apply(connection, migration)
        connection.commit()
    with closing(memory):
        schema = [sql for (sql,) in memory.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'document!_%'"
            " ESCAPE '!' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid")]  # fmt: skip
        rows = []
        for table, values in {**_own(memory), **ROWS}.items():
            known = columns_of(memory, table)
            for row in [*_own(memory).get(table, []), *(values if table in ROWS else [])]:
                there = {name: value for name, value in row.items() if name in known}
                if there:
                    names, quoted = ", ".join(there), ", ".join(map(_quoted, there.values()))
                    rows.append(f"INSERT INTO {table} ({names}) VALUES ({quoted})")
    engine.dispose()
    return "".join(f"{statement};\n" for statement in [*schema, *rows])


def _own(memory: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    """Return what a migration itself has written."""
    tables = {"migration": ("name", "applied_at"), "setting": ("key", "value")}
    return {
        table: [dict(zip(names, row, strict=True)) for row in memory.execute(
            f"SELECT {', '.join(names)} FROM {table} ORDER BY 1")]
        for table, names in tables.items()
    }  # fmt: skip


def main() -> None:
    SCHEMAS.mkdir(exist_ok=True)
    for count in range(1, len(MIGRATIONS) + 1):
        if not schema_file(count).exists():
            schema_file(count).write_text(_text_of(count), "utf-8")


if __name__ == "__main__":
    main()
