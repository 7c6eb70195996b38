"""The catalog: its schema, its migrations, its transactions."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer import Summary
from pixfind.catalog import Catalog, assets, blurs, migrations, tags, words
from pixfind.catalog.database import FILE_NAME, bump_generation, set_setting, setting
from pixfind.catalog.migrations import MIGRATIONS
from pixfind.catalog.photos import photos_by_id
from pixfind.catalog.schema import (
    FROM_FILE,
    Asset,
    AssetTag,
    Base,
    Embedding,
    File,
    Model,
    Root,
    Tag,
)
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import LibraryAccessError, LibraryDamagedError, LibraryTooNewError
from pixfind.library import Library

# SQLite keeps the highest ids given out in a table of its own.
OWN_TABLES = {"sqlite_sequence"}
# The full-text index, which SQLAlchemy does not map, with what FTS5 keeps it in.
FULL_TEXT = {f"document{part}" for part in ("", "_config", "_content", "_data", "_docsize", "_idx")}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog.open(tmp_path)
    yield opened
    opened.close()


def rows(catalog: Catalog, sql: str) -> list[tuple[object, ...]]:
    with catalog.read() as session:
        return [tuple(row) for row in session.execute(text(sql))]


def asset(number: int = 1, **values: object) -> Asset:
    columns = {"byte_size": 1, "format": "JPEG", "width": 2, "height": 2} | values
    return Asset(content_id=bytes([number]) * 32, **columns)


def count_up(catalog: Catalog, times: int) -> None:
    for _ in range(times):
        with catalog.write() as session:
            bump_generation(session)


# Schema


def test_fresh_catalog_is_sound(catalog: Catalog) -> None:
    assert rows(catalog, "PRAGMA integrity_check") == [("ok",)]
    assert rows(catalog, "PRAGMA foreign_key_check") == []
    assert rows(catalog, "PRAGMA journal_mode") == [("wal",)]
    assert catalog.generation() == 0
    assert len(bytes.fromhex(catalog.library_id())) == 16


def test_catalog_is_sound_after_indexing(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    (photos / "red.jpg").unlink()
    (photos / "green.png").write_bytes(b"no picture")
    index(photos)
    assert rows(library.catalog, "PRAGMA integrity_check") == [("ok",)]
    assert rows(library.catalog, "PRAGMA foreign_key_check") == []


def test_two_catalogs_have_two_ids(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Catalog.open(tmp_path / "other")
    assert other.library_id() != catalog.library_id()
    other.close()


def test_tables_are_those_that_are_mapped(catalog: Catalog) -> None:
    names = {row[0] for row in rows(catalog, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names - OWN_TABLES - FULL_TEXT - {"migration"} == set(Base.metadata.tables)


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_columns_are_those_that_are_mapped(catalog: Catalog, table: str) -> None:
    made = {
        name: (bool(not_null or key), bool(key))
        for _, name, _, not_null, _, key in rows(catalog, f"PRAGMA table_info({table})")
    }
    mapped = {
        column.name: (not column.nullable, column.primary_key)
        for column in Base.metadata.tables[table].columns
    }
    assert made == mapped


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_foreign_keys_are_those_that_are_mapped(catalog: Catalog, table: str) -> None:
    made = {(row[3], row[2], row[4]) for row in rows(catalog, f"PRAGMA foreign_key_list({table})")}
    mapped = {
        (key.parent.name, key.column.table.name, key.column.name)
        for key in Base.metadata.tables[table].foreign_keys
    }
    assert made == mapped


def test_embedding_ids_are_never_used_twice(catalog: Catalog) -> None:
    with catalog.write() as session:
        model = assets.model_row(session, "fake", "f" * 64, 2)
        session.add(asset())
        session.flush()
        assets.add_embeddings(session, [1], model.id, np.array([[1, 0]], np.float32))
        session.execute(text("DELETE FROM embedding"))
        assets.add_embeddings(session, [1], model.id, np.array([[0, 1]], np.float32))
        assert session.scalars(select(Embedding.id)).all() == [2]


# Migrations


def test_migrations_are_recorded_in_order(catalog: Catalog) -> None:
    names = [migration.name for migration in MIGRATIONS]
    assert names == sorted(set(names))
    assert rows(catalog, "SELECT name FROM migration ORDER BY applied_at, name") == [
        (name,) for name in names
    ]


def test_opening_again_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    count_up(catalog, 3)
    catalog.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        before = list(database.iterdump())
    database.close()
    for _ in range(2):
        Catalog.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        assert list(database.iterdump()) == before
    database.close()


def test_catalog_of_a_later_version_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    with catalog.write() as session:
        session.execute(text("INSERT INTO migration VALUES ('9999_smell', '2099-01-01')"))
    catalog.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(LibraryTooNewError, match="9999_smell") as caught:
        Catalog.open(tmp_path)
    assert (caught.value.migration, caught.value.library) == ("9999_smell", tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


# Damage


@pytest.mark.parametrize("content", [b"no database " * 1000, bytes(range(256)) * 64])
def test_garbage_is_no_catalog(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(LibraryDamagedError, match="backup") as caught:
        Library.open(tmp_path)
    assert caught.value.library == tmp_path
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_catalog_with_a_hole_in_its_schema(catalog: Catalog, tmp_path: Path) -> None:
    catalog.close()
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    content[100:4096] = b"\xa5" * 3996
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(LibraryDamagedError):
        Catalog.open(tmp_path)


def test_folder_in_the_place_of_the_catalog(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(LibraryAccessError, match="permissions"):
        Library.create(tmp_path)


def test_damage_that_shows_later_is_named(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    library.close()
    file = library.folder / FILE_NAME
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(LibraryDamagedError):
        Library.open(library.folder).models()


def test_copy_of_a_closed_catalog_is_whole(
    library: Library, index: Callable[..., Summary], photos: Path, tmp_path: Path
) -> None:
    """All of it is in the one file, so that copying that is a backup."""
    index(photos)
    library.close()
    (tmp_path / "copy").mkdir()
    shutil.copy(library.folder / FILE_NAME, tmp_path / "copy")
    with Library.open(tmp_path / "copy") as copy:
        model = copy.model()
        assert model is not None
        assert len(copy.vectors(model).current()) == 3


# Transactions


def test_transaction_that_raises_leaves_nothing_behind(catalog: Catalog) -> None:
    def fail_halfway(session: Session) -> None:
        set_setting(session, "colour", "red")
        session.add(Root(path="/photos", whole=True))
        bump_generation(session)
        session.flush()
        raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"), catalog.write() as session:
        fail_halfway(session)
    assert rows(catalog, "SELECT * FROM root") == []
    assert rows(catalog, "SELECT * FROM setting WHERE key = 'colour'") == []
    assert catalog.generation() == 0
    count_up(catalog, 1)
    assert catalog.generation() == 1


def test_reading_does_not_wait_and_sees_whole_transactions(catalog: Catalog) -> None:
    with catalog.write() as session:
        bump_generation(session)
        session.flush()
        started = time.monotonic()
        assert catalog.generation() == 0
        assert time.monotonic() - started < 5
    assert catalog.generation() == 1


def test_reader_stays_in_one_state(catalog: Catalog) -> None:
    with catalog.read() as session:
        assert setting(session, "generation") == "0"
        count_up(catalog, 1)
        assert setting(session, "generation") == "0"
    assert catalog.generation() == 1


def test_threads_wait_for_each_other(catalog: Catalog) -> None:
    threads = [threading.Thread(target=count_up, args=(catalog, 25)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.generation() == 100


def test_writer_waits_for_a_long_one(catalog: Catalog) -> None:
    waiting = threading.Thread(target=count_up, args=(catalog, 1))
    with catalog.write() as session:
        waiting.start()
        time.sleep(0.3)
        assert waiting.is_alive()
        bump_generation(session)
    waiting.join()
    assert catalog.generation() == 2


COUNT_UP = """
import sys
from pathlib import Path
from pixfind.catalog import Catalog
from pixfind.catalog.database import bump_generation
catalog = Catalog.open(Path(sys.argv[1]))
for _ in range(40):
    with catalog.write() as session:
        bump_generation(session)
catalog.close()
"""


def test_processes_make_and_write_one_catalog(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", COUNT_UP, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert (process.communicate()[1], process.returncode) == (b"", 0)
    catalog = Catalog.open(tmp_path)
    assert catalog.generation() == 120
    assert rows(catalog, "PRAGMA integrity_check") == [("ok",)]
    catalog.close()


# What the database refuses


def file(**values: object) -> File:
    place = {"root_id": 1, "folder": "", "name": "a.jpg", "size": 1, "mtime_ns": 1, "asset_id": 1}
    return File(**(place | values))


@pytest.mark.parametrize(
    "wrong",
    [
        file(asset_id=99),
        file(root_id=99),
        file(asset_id=None),  # neither a picture nor a failure
        file(failure_kind="read", failure_reason="both at once"),
        asset(number=1),  # the same content again
        Root(path="/photos", whole=True),
        Model(name="fake", fingerprint="f", dim=2),
        Embedding(asset_id=1, model_id=99, vector=b""),
        Embedding(asset_id=99, model_id=1, vector=b""),
        Embedding(asset_id=1, model_id=1, vector=b""),  # seen whole already
        Embedding(asset_id=1, model_id=1, kind="half", vector=b""),
    ],
)
def test_contradiction_is_refused(catalog: Catalog, wrong: Base) -> None:
    with catalog.write() as session:
        session.add_all(
            [Root(path="/photos", whole=True), asset(), Model(name="fake", fingerprint="f", dim=2)]
        )
        session.flush()
        session.add(Embedding(asset_id=1, model_id=1, vector=b""))
        session.flush()
    with pytest.raises(IntegrityError), catalog.write() as session:
        session.add(wrong)
        session.flush()


def test_right_file_is_taken(catalog: Catalog) -> None:
    with catalog.write() as session:
        session.add_all([Root(path="/photos", whole=True), asset()])
        session.flush()
        session.add(file())
    assert len(rows(catalog, "SELECT * FROM file")) == 1


# Embeddings


def test_embeddings_are_stored_as_float16(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    spec = FakeEncoder().spec
    with library.catalog.read() as session:
        stored = session.scalars(select(Embedding)).all()
    assert len(stored) == 3
    for embedding in stored:
        assert (embedding.kind, len(embedding.vector)) == ("whole", 2 * spec.dim)
        vector = np.frombuffer(embedding.vector, "<f2").astype(np.float32)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)


def test_embeddings_come_back_as_they_went_in(catalog: Catalog) -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 8), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with catalog.write() as session:
        model = assets.model_row(session, "fake", "f" * 64, 8)
        for number, vector in enumerate(vectors, 1):
            session.add(asset(number))
            session.flush()
            assets.add_embeddings(session, [number], model.id, vector[np.newaxis])
    with catalog.read() as session:
        ((ids, found),) = assets.vectors_of(session, [1, 2, 3, 4, 5, 99])
        assert list(assets.vectors_of(session, [98, 99])) == []
        assert assets.vector_of(session, 99, model.id) is None
        one = assets.vector_of(session, 3, model.id)
    assert (ids.dtype, found.dtype) == (np.int64, np.float32)
    assert np.abs(found[np.argsort(ids)] - vectors).max() < 1e-3
    assert one is not None
    np.testing.assert_array_equal(one, found[ids.tolist().index(3)])


# Tags and full text


def found_by(catalog: Catalog, words: str) -> list[object]:
    sql = f"SELECT rowid FROM document WHERE document MATCH '{words}' ORDER BY rowid"
    return [row[0] for row in rows(catalog, sql)]


def placed(session: Session, count: int) -> None:
    """That many assets, each in a file of its own."""
    session.add(Root(path="/photos", whole=True))
    session.flush()
    for number in range(1, count + 1):
        session.add(asset(number))
        session.flush()
        session.add(file(name=f"{number}.jpg", asset_id=number))
    session.flush()


def tagged(catalog: Catalog) -> dict[int, tuple[str, ...]]:
    with catalog.read() as session:
        return tags.tags_of(session, [1, 2, 3])


def test_tags_are_the_same_whatever_their_case_in_any_script(catalog: Catalog) -> None:
    with catalog.write() as session:
        placed(session, 3)
        tags.set_tags(session, {1: ["Été", "Москва", "sand", "STRASSE"], 2: ["SAND"]}, FROM_FILE)
    with catalog.write() as session:
        tags.set_tags(
            session, {3: ["ÉTÉ", "e\u0301te\u0301", "МОСКВА", "Sand", "Straße"]}, FROM_FILE
        )
    assert tagged(catalog) == {
        1: ("sand", "STRASSE", "Été", "Москва"),
        2: ("sand",),
        3: ("sand", "STRASSE", "Été", "Москва"),
    }
    assert rows(catalog, "SELECT count(*) FROM tag") == [(4,)]
    assert found_by(catalog, "ete") == [1, 3]
    assert found_by(catalog, "sands") == [1, 2, 3]


def test_tags_from_elsewhere_stay(catalog: Catalog) -> None:
    with catalog.write() as session:
        placed(session, 2)
        tags.set_tags(session, {1: ["dune", "sand"], 2: ["dune"]}, FROM_FILE)
        (dune,) = session.scalars(select(Tag.id).where(Tag.name == "dune"))
        session.add(AssetTag(asset_id=1, tag_id=dune, source="owner"))
        session.flush()
        tags.set_tags(session, {1: ["Gobi"]}, FROM_FILE)
    assert tagged(catalog) == {1: ("dune", "Gobi"), 2: ("dune",)}
    assert rows(catalog, "SELECT name FROM tag ORDER BY name") == [("dune",), ("Gobi",)]
    assert (found_by(catalog, "sand"), found_by(catalog, "gobi")) == ([], [1])


def test_picture_is_found_by_the_names_of_its_first_files(catalog: Catalog) -> None:
    """To write each copy's name beside all others would take the square of their number."""
    most = words.NAMED_FILES
    with catalog.write() as session:
        placed(session, 1)
        for number in range(2, most + 11):
            session.add(file(id=number, folder=f"trip{number}", name=f"copy{number}.jpg"))
            session.flush()
    assert found_by(catalog, f"copy{most} trip{most}") == [1]
    assert found_by(catalog, f"copy{most + 1}") == []
    assert found_by(catalog, f"trip{most + 1}") == []

    def change(statement: str) -> None:
        with catalog.write() as session:
            session.execute(text(statement))

    change("DELETE FROM file WHERE id IN (2, 3)")
    assert found_by(catalog, "copy2") == []
    assert found_by(catalog, f"copy{most + 2}") == [1]
    change(f"UPDATE file SET name = 'dune.jpg' WHERE id = {most + 3}")
    assert found_by(catalog, "dune") == []
    change("UPDATE file SET name = 'dune.jpg' WHERE id = 5")
    assert (found_by(catalog, "dune"), found_by(catalog, "copy5")) == ([1], [])
    change(f"DELETE FROM file WHERE id = {most + 9}")
    change("UPDATE root SET path = '/elsewhere'")
    assert found_by(catalog, f"elsewhere copy{most + 2}") == [1]
    assert found_by(catalog, f"copy{most + 3}") == []
    change("UPDATE asset SET caption = 'sand'")
    assert found_by(catalog, f"sand copy{most + 2}") == [1]


def test_tag_that_nobody_has_may_be_spelt_anew(catalog: Catalog) -> None:
    with catalog.write() as session:
        placed(session, 1)
        tags.set_tags(session, {1: ["PARIS"]}, FROM_FILE)
        tags.set_tags(session, {1: []}, FROM_FILE)
        tags.set_tags(session, {1: ["Paris"]}, FROM_FILE)
    assert tagged(catalog) == {1: ("Paris",)}


def test_photo_tells_its_rating_caption_and_tags(catalog: Catalog) -> None:
    with catalog.write() as session:
        placed(session, 2)
        session.execute(text("UPDATE asset SET rating = 4, caption = 'A dune' WHERE id = 1"))
        tags.set_tags(session, {1: ["sand", "Gobi"]}, FROM_FILE)
    with catalog.read() as session:
        found = photos_by_id(session, [1, 2])
    first = found[1]
    assert (first.rating, first.caption, first.tags) == (4, "A dune", ("Gobi", "sand"))
    assert (found[2].rating, found[2].caption, found[2].tags) == (None, None, ())
    assert found[2].seen_at is None


def test_photo_tells_its_blur(catalog: Catalog) -> None:
    with catalog.write() as session:
        placed(session, 2)
        blurs.put(session, {2: bytes(range(48))})
    with catalog.read() as session:
        found = photos_by_id(session, [1, 2])
        assert (found[1].blur, found[2].blur) == (None, bytes(range(48)))
        assert blurs.missing(session, 0, 10) == {1: bytes([1]) * 32}
        assert blurs.missing(session, 1, 10) == {}


# A catalog of the first release


FIRST_RELEASE = (
    "INSERT INTO root (id, path, whole) VALUES (1, '/home/me/Holiday Pictures', 1)",
    """INSERT INTO asset (id, content_id, byte_size, format, width, height, camera_model, latitude)
      VALUES (7, x'07', 10, 'JPEG', 4, 3, 'NIKON D90', 47.5), (8, x'08', 11, 'PNG', 2, 2, NULL, 1),
        (9, x'09', 12, 'PNG', 2, 2, NULL, NULL)""",
    """INSERT INTO file (root_id, folder, name, size, mtime_ns, asset_id, failure_reason)
      VALUES (1, 'Mongolia/Gobi', 'dune.jpg', 10, 1, 7, NULL), (1, '', 'copy.jpg', 10, 1, 7, NULL),
        (1, '', 'camel.png', 11, 1, 8, NULL), (1, '', 'bad.png', 5, 1, NULL, 'it is damaged')""",
    "INSERT INTO model (id, name, fingerprint, dim) VALUES (1, 'fake', 'f', 2)",
    "INSERT INTO embedding (id, asset_id, model_id, kind, vector) VALUES (5, 7, 1, 'whole', x'00')",
)


def test_catalog_of_the_first_release_keeps_everything_and_is_found_by_its_words(
    tmp_path: Path,
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / FILE_NAME}")
    with engine.begin() as connection:
        migrations.apply(connection, MIGRATIONS[0])
        for statement in FIRST_RELEASE:
            connection.execute(text(statement))
        names = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        )
        before = {
            name: list(connection.execute(text(f"SELECT * FROM {name}")))
            for name in names.scalars().all()
        }
    engine.dispose()
    assert len(before["file"]) == 4
    catalog = Catalog.open(tmp_path)
    for name, old in before.items():
        width = len(old[0])
        now = {row[:width] for row in rows(catalog, f"SELECT * FROM {name}")}
        assert {tuple(row) for row in old} <= now, name
        assert len(now) == len(old) + (len(MIGRATIONS) - 1 if name == "migration" else 0)
    added = rows(catalog, "SELECT rating, caption, seen_at, metadata_version FROM asset")
    assert set(added) == {(None, None, None, 0)}
    assert found_by(catalog, "dune") == found_by(catalog, "mongolia") == [7]
    assert found_by(catalog, "copy AND gobi") == [7]
    assert found_by(catalog, "holiday") == [7, 8]  # not 9, which lies in no file
    assert found_by(catalog, "bad") == []
    with catalog.read() as session:
        first = photos_by_id(session, [7])[7]
    assert (first.camera, first.latitude, len(first.paths)) == ("NIKON D90", 47.5, 2)
    assert rows(catalog, "PRAGMA foreign_key_check") == []
    catalog.close()


@pytest.mark.parametrize("count", range(1, len(MIGRATIONS)))
def test_catalog_of_any_earlier_release_becomes_one_of_today(tmp_path: Path, count: int) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / FILE_NAME}")
    with engine.begin() as connection:
        for migration in MIGRATIONS[:count]:
            migrations.apply(connection, migration)
        for statement in FIRST_RELEASE:
            connection.execute(text(statement))
    engine.dispose()
    (tmp_path / "new").mkdir()
    old, new = Catalog.open(tmp_path), Catalog.open(tmp_path / "new")
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    assert rows(old, schema) == rows(new, schema)
    with old.read() as session:
        found = photos_by_id(session, [7, 8])
    assert [(photo.id, photo.width, photo.blur) for photo in found.values()] == [
        (7, 4, None),
        (8, 2, None),
    ]
    assert found_by(old, "dune") == [7]
    old.close()
    new.close()
