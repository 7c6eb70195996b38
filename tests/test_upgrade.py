"""Catalogs of every released schema open and keep what they hold; later ones are left alone."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from released import ROWS, VECTORS, columns_of, schema_file
from sqlalchemy import event

from pixfind.catalog import Catalog, assets
from pixfind.catalog.database import FILE_NAME
from pixfind.catalog.migrations import MIGRATIONS
from pixfind.config import Settings
from pixfind.errors import LibraryTooNewError
from pixfind.library import VECTORS as VECTOR_FOLDER
from pixfind.library import Library
from web import create_app

COUNTS = range(1, len(MIGRATIONS) + 1)
KEYS = {
    "setting": ("key",), "asset_tag": ("asset_id", "tag_id"), "tag_rejection": ("asset_id",),
    "tag_coverage": ("asset_id",), "description": ("asset_id",),
}  # fmt: skip


def make(folder: Path, count: int) -> Path:
    """Make a library whose catalog has been through so many migrations."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema_file(count).read_text("utf-8"))
    return folder


def state(file: Path) -> dict[str, tuple[str, int]]:
    """What a catalog and what lies beside it hold, and when each was last written."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in file.parent.glob(f"{file.name}*")
    }


def dump(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        connection.text_factory = os.fsdecode
        return [
            repr(row)
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            ).fetchall()
            for row in connection.execute(f'SELECT * FROM "{table}"')
        ]


def schema(folder: Path) -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return {(*row[:3], " ".join((row[3] or "").split())) for row in rows}


@pytest.mark.parametrize("count", COUNTS)
def test_every_schema_has_a_catalog_of_its_time(count: int) -> None:
    """A new migration brings one: ``python tests/released.py``."""
    assert schema_file(count).is_file()
    names = [f"'{migration.name}'" for migration in MIGRATIONS]
    text = schema_file(count).read_text("utf-8")
    assert [name in text for name in names] == [n < count for n in range(len(names))]


@pytest.mark.parametrize("count", COUNTS)
def test_catalog_of_every_schema_keeps_what_it_holds(tmp_path: Path, count: int) -> None:
    folder = make(tmp_path / "old", count)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        columns = {table: columns_of(connection, table) for table in ROWS}
    Catalog.open(folder).close()
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        connection.text_factory = os.fsdecode
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for table, rows in ROWS.items():
            for row in rows:
                there = {name: value for name, value in row.items() if name in columns[table]}
                if there:
                    keys = KEYS.get(table, ("id",))
                    where = " AND ".join(f"{key} = ?" for key in keys)
                    found = connection.execute(
                        f"SELECT {', '.join(there)} FROM {table} WHERE {where}",
                        [there[key] for key in keys],
                    ).fetchall()
                    assert found == [tuple(there.values())], table


@pytest.mark.parametrize("count", COUNTS)
def test_catalog_of_every_schema_becomes_one_of_today(tmp_path: Path, count: int) -> None:
    folder = make(tmp_path / "old", count)
    Catalog.open(tmp_path / "old").close()
    (tmp_path / "new").mkdir()
    Catalog.open(tmp_path / "new").close()
    assert schema(folder) == schema(tmp_path / "new")
    before = dump(folder)
    written = state(folder / FILE_NAME)
    Catalog.open(folder).close()
    assert dump(folder) == before
    assert state(folder / FILE_NAME) == written


@pytest.mark.parametrize("count", COUNTS)
def test_old_library_can_be_searched(tmp_path: Path, count: int) -> None:
    folder = make(tmp_path, count)
    # Index files as the first release named them, which nothing here can read.
    (folder / VECTOR_FOLDER).mkdir()
    (folder / VECTOR_FOLDER / f"fake-{'f' * 12}.faiss").write_bytes(b"an older pixfind's")
    (folder / VECTOR_FOLDER / f"fake-{'f' * 12}.json").write_text('{"generation": 0}')
    with Library.open(folder) as library:
        model = library.model()
        if model is None:  # the rows of the first schema name it, too
            raise AssertionError
        index = library.index(model)
        assert sorted(index.ids.tolist()) == [5, 6]
        with library.catalog.read() as session:
            for asset_id, number in ((7, 5), (8, 6)):
                vector = assets.vector_of(session, asset_id, 1)
                assert vector == pytest.approx(VECTORS[number], abs=1e-3)
        left = {file.name for file in (folder / VECTOR_FOLDER).iterdir()}
    assert f"fake-{'f' * 12}.json" in left


# A process that is killed, or a disk that is full, in the middle


def test_migration_that_ends_anywhere_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, statements = 1, 1
    while True:
        folder = make(tmp_path / f"{statements}", count)
        before = dump(folder)
        with monkeypatch.context() as patch:
            done = _ends_after(patch, statements)
            try:
                Catalog.open(folder).close()
            except KilledError:
                pass
            else:
                break
        with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
            names = connection.execute("SELECT name FROM migration ORDER BY name").fetchall()
        # What was committed, migration by migration, and nothing between.
        whole = len(names)
        assert whole >= count
        assert done
        if whole == count:
            assert dump(folder) == before
        Catalog.open(folder).close()
        statements += 1
    assert statements > 1


class KilledError(BaseException):
    """The process ends here."""


def _ends_after(patch: pytest.MonkeyPatch, statements: int) -> list[str]:
    """Make a catalog's migrations end after so many statements that change something."""
    from pixfind.catalog import database

    real, seen = database._engine, []

    def engine(*arguments: Any) -> Any:
        made = real(*arguments)

        @event.listens_for(made, "after_cursor_execute")
        def executed(*details: Any) -> None:
            statement = details[2].split()[0].upper()
            if statement in {"ALTER", "CREATE", "DROP", "INSERT", "UPDATE", "DELETE"}:
                seen.append(statement)
                if len(seen) == statements:
                    raise KilledError

        return made

    patch.setattr(database, "_engine", engine)
    return seen


# A catalog of a later pixfind


@pytest.fixture(params=["whole", "with a log"])
def later(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A catalog that a later pixfind has written, closed, or left with a log by being killed."""
    settings.library.mkdir()
    file = settings.library / FILE_NAME
    made = tmp_path / "made.db"
    connection = sqlite3.connect(made)
    connection.execute("PRAGMA page_size = 16384")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE migration (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)")
    connection.execute("INSERT INTO migration VALUES ('9999_smell', '2099-01-01')")
    connection.execute("CREATE TABLE smell (id INTEGER PRIMARY KEY)")
    connection.commit()
    if request.param == "whole":
        connection.close()
        made.rename(file)
    else:
        for suffix in ("", "-wal"):
            Path(f"{file}{suffix}").write_bytes(Path(f"{made}{suffix}").read_bytes())
        connection.close()
    yield file


COMMANDS = (
    "search red", "status", "index", "albums list", "tags list", "doctor", "doctor --repair",
    "backup {to}", "export red --copy-to {to}", "dupes",
)  # fmt: skip


def test_later_catalog_is_refused_by_every_command_and_not_touched(
    later: Path, pixfind: Callable[..., Result], tmp_path: Path
) -> None:
    before = {name: seen for name, seen in state(later).items() if not name.endswith("-shm")}
    for command in COMMANDS:
        done = pixfind(*command.format(to=tmp_path / "there").split())
        assert done.exit_code == 1, (command, done.output)
        assert "9999_smell" in done.output, command
        assert "update pixfind" in done.output, command
        now = {name: seen for name, seen in state(later).items() if not name.endswith("-shm")}
        assert now == before, command


def test_later_catalog_is_refused_by_the_web_and_not_touched(
    later: Path, settings: Settings
) -> None:
    before = {name: seen for name, seen in state(later).items() if not name.endswith("-shm")}
    client = create_app(settings).test_client()
    for address in ("/", "/?q=red", "/api/v1/search?q=red", "/library/"):
        answer = client.get(address)
        if answer.status_code != 200:
            assert answer.status_code == 503
            assert "9999_smell" in answer.text
    now = {name: seen for name, seen in state(later).items() if not name.endswith("-shm")}
    assert now == before


def test_later_catalog_names_the_migration(later: Path) -> None:
    with pytest.raises(LibraryTooNewError) as caught:
        Catalog.open(later.parent)
    assert caught.value.migration == "9999_smell"
