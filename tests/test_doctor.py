"""``pixfind doctor``: what is wrong is found and mended, and nothing that can be read is lost."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import delete, event, text

from indexer import Summary
from pixfind.care import copies, repair, salvage
from pixfind.care.backup import back_up
from pixfind.care.catalog_checks import check_words, of_integrity
from pixfind.care.checkup import check_library
from pixfind.care.findings import Mend, silent
from pixfind.care.repair import Repair, repair_library
from pixfind.care.restore import restore
from pixfind.care.salvage import Saved
from pixfind.catalog.database import FILE_NAME
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryBusyError, LibraryDamagedError, LibraryNotFoundError
from pixfind.library import Library
from reliability.damages import DAMAGES, damage
from search import SearchEngine
from search.albums import save_album
from search.tags.owner import accept, reject
from web import create_app

Index = Callable[..., Summary]
PAGE = 8192


@pytest.fixture
def models(settings: Settings) -> ModelStore:
    return ModelStore(settings.models)


@pytest.fixture(autouse=True)
def fake_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here is the library; that its model is not there would be found, too."""
    from pixfind.care import folder_checks

    monkeypatch.setattr(folder_checks, "check_models", lambda *_: iter(()))


@pytest.fixture
def known(library: Library, index: Index, photos: Path) -> Library:
    index(photos)
    accept(library, "my garden", ["1", "2"])
    reject(library, "cat", ["3"])
    save_album(library, "Garden", "tag:'my garden'")
    return library


def said(library: Library) -> list[list[tuple[object, ...]]]:
    """What the owner said, by content."""
    questions = (
        "SELECT content_id, name, source FROM asset_tag JOIN asset ON asset.id = asset_id "
        "JOIN tag ON tag.id = tag_id ORDER BY 1, 2",
        "SELECT content_id, name FROM tag_rejection JOIN asset ON asset.id = asset_id "
        "JOIN tag ON tag.id = tag_id ORDER BY 1, 2",
        "SELECT name, query FROM album",
    )
    with library.catalog.read() as session:
        return [[tuple(row) for row in session.execute(text(q))] for q in questions]


def change(library: Library, *statements: str) -> None:
    with closing(sqlite3.connect(library.folder / FILE_NAME)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_healthy_library(known: Library, models: ModelStore) -> None:
    SearchEngine(known, FakeEncoder()).search("red")
    checkup = check_library(known.folder, models)
    assert checkup.findings == []
    assert checkup.is_healthy
    assert "catalog" in checkup.looked_at


def test_there_is_nothing_to_check(settings: Settings, models: ModelStore) -> None:
    with pytest.raises(LibraryNotFoundError):
        check_library(settings.library / "nowhere", models)


BROKEN = {
    "UPDATE embedding SET vector = x'0000' WHERE id = 1": Mend.VECTORS,
    "UPDATE embedding SET vector = zeroblob(length(vector)) WHERE id = 2": Mend.VECTORS,
    "DELETE FROM asset WHERE id = 2": Mend.ORPHANS,
    "UPDATE asset SET width = 'wide' WHERE id = 1": Mend.VALUES,
    "UPDATE asset SET taken_at = x'00ff' WHERE id = 1": Mend.VALUES,
    "UPDATE setting SET value = 'x' WHERE key = 'generation'": Mend.SETTINGS,
    "DELETE FROM setting WHERE key = 'model_id'": Mend.SETTINGS,
    "DELETE FROM document WHERE rowid = 2": Mend.WORDS,
    "UPDATE document_data SET block = x'ff00ff00ff' WHERE id > 10": Mend.WORDS,
}


@pytest.mark.parametrize("statement", BROKEN)
def test_what_is_broken_is_found_and_mended(
    known: Library, models: ModelStore, index: Index, photos: Path, statement: str
) -> None:
    change(known, statement)
    before = (known.folder / FILE_NAME).read_bytes()
    found = check_library(known.folder, models)
    assert BROKEN[statement] in found.mends()
    assert not found.is_healthy
    assert all("pixfind doctor --repair" in finding.advice for finding in found.findings[:1])
    repair = repair_library(known.folder, models)
    assert repair.after.is_healthy, repair.after.findings
    assert len(repair.kept) == 1
    with closing(sqlite3.connect(repair.kept[0])) as kept:
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert before
    index(photos)
    assert len(SearchEngine(known, FakeEncoder()).search("red", everything=True).results) == 3


def test_derived_files_are_found_and_made_anew(
    known: Library, models: ModelStore, encoder: FakeEncoder
) -> None:
    SearchEngine(known, encoder).search("red")
    (vectors,) = (known.folder / "vectors").glob("*.faiss")
    content = bytearray(vectors.read_bytes())
    content[len(content) // 2] ^= 1
    vectors.write_bytes(content)
    small = sorted(known.thumbnails.rglob("*.jpg"))
    small[0].write_bytes(b"")
    small[1].write_bytes(small[1].read_bytes()[:-20])
    found = check_library(known.folder, models)
    assert found.mends() == [Mend.FAISS, Mend.THUMBNAILS]
    assert "2 thumbnails" in found.findings[1].problem
    repair = repair_library(known.folder, models)
    assert repair.after.is_healthy
    assert repair.kept == []  # the catalog was not touched
    assert sorted(known.thumbnails.rglob("*.jpg")) == small[2:]


def test_nothing_is_repaired_while_another_one_writes(known: Library, models: ModelStore) -> None:
    change(known, "DELETE FROM document WHERE rowid = 2")
    with known.writing(), pytest.raises(LibraryBusyError):
        repair_library(known.folder, models)


def test_a_library_that_is_written_to_is_not_called_damaged(
    known: Library, models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote = []

    @event.listens_for(known.catalog.engine, "before_cursor_execute")
    def write(_: object, __: object, statement: str, *more: object) -> None:
        # Between the first question and the next ones.
        if "EXCEPT SELECT asset_id FROM file" in statement:
            change(known, "UPDATE setting SET value = value + 1 WHERE key = 'generation'")
            wrote.append(statement)

    assert list(check_words(known.catalog, silent)) == []
    assert len(wrote) == 1
    monkeypatch.setattr("pixfind.catalog.database.BUSY_TIMEOUT_S", 0.05)
    with known.catalog.write():
        checkup = check_library(known.folder, models)
    assert checkup.is_healthy
    assert checkup.mends() == []
    assert [finding.advice for finding in checkup.findings] == ["check again later"]


NOT_VALIDATED = "unable to validate the inverted index for FTS5 table main.document: "


@pytest.mark.parametrize(
    ("said", "mends"),
    [
        (["malformed inverted index for FTS5 table main.document"], [Mend.WORDS]),
        (
            [f"{NOT_VALIDATED}SQL logic error", "row 3 missing from index ix_file_asset_id"],
            [Mend.INDEXES, Mend.WORDS],
        ),
        ([f"{NOT_VALIDATED}database is locked"], []),
        (["Tree 5 page 7: btreeInitPage() returns error code 11"], [Mend.SALVAGE]),
    ],
)
def test_lines_of_the_integrity_check(said: list[str], mends: list[Mend]) -> None:
    assert [finding.mend for finding in of_integrity(said)] == mends


# A catalog that SQLite calls malformed


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_what_can_be_read_of_a_damaged_catalog_is_saved(
    known: Library, models: ModelStore, index: Index, photos: Path, kind: str, seed: int
) -> None:
    known.close()
    file = known.folder / FILE_NAME
    content = bytearray(file.read_bytes())
    DAMAGES[kind](content, random.Random(seed))
    file.write_bytes(content)
    repair = repair_library(known.folder, models)
    assert repair.after.is_healthy, repair.after.findings
    if repair.saved:
        assert bytes(content) in [kept.read_bytes() for kept in repair.kept]
    index(photos)
    with Library.open(known.folder) as library:
        found = SearchEngine(library, FakeEncoder()).search("red", everything=True)
    assert {result.photo.path.name for result in found.results} == {
        "red.jpg", "green.png", "blue.webp"
    }  # fmt: skip


def damaged(library: Library, *pages: int) -> None:
    library.close()
    with (library.folder / FILE_NAME).open("rb+") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(b"\xa5" * 16)


def root_of(library: Library, table: str) -> int:
    with library.catalog.read() as session:
        question = text("SELECT rootpage FROM sqlite_master WHERE name = :name")
        return int(session.execute(question, {"name": table}).scalar_one())


@pytest.mark.parametrize("table", ["asset", "asset_tag", "tag", "tag_rejection", "file", "root"])
def test_what_the_owner_said_outlives_the_loss_of_a_table(
    known: Library, models: ModelStore, index: Index, photos: Path, table: str
) -> None:
    before = said(known)
    damaged(known, root_of(known, table))
    repair = repair_library(known.folder, models)
    assert isinstance(repair, Repair)
    assert repair.after.is_healthy
    index(photos)
    with Library.open(known.folder) as library:
        now = said(library)
        with library.catalog.read() as session:
            shapes = {
                tuple(row) for row in session.execute(text("SELECT width, height FROM asset"))
            }
    tags, rejections, albums = before
    assert [tag[:2] for tag in now[0]] == [tag[:2] for tag in tags]
    assert now[1:] == [rejections, albums]
    assert shapes == {(64, 48)}


def test_what_the_owner_said_outlives_the_loss_of_the_schema(
    known: Library, models: ModelStore
) -> None:
    before = said(known)
    known.close()
    file = known.folder / FILE_NAME
    content = file.read_bytes()
    file.write_bytes(bytes(PAGE) + content[PAGE:])
    repair = repair_library(known.folder, models)
    assert repair.after.is_healthy
    with Library.open(known.folder) as library:
        assert said(library) == before


def test_what_was_deleted_does_not_come_back(known: Library, models: ModelStore) -> None:
    with known.catalog.write() as session:
        session.execute(delete(_table("album")))
    damaged(known, root_of(known, "tag_run"), root_of(known, "album"))
    repair_library(known.folder, models)
    with Library.open(known.folder) as library:
        assert said(library)[2] == []


def _table(name: str):  # type: ignore[no-untyped-def]
    from pixfind.care.values import TABLES

    return TABLES[name]


def test_what_is_written_while_a_catalog_is_salvaged_is_in_the_new_one(
    known: Library, models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(known, root_of(known, "embedding"))
    done = threading.Event()

    def write() -> None:
        save_album(known, "Meanwhile", "red")
        done.set()

    writer = threading.Thread(target=write)
    salvage = repair.salvage

    def meanwhile(*given: Any) -> list[Saved]:
        writer.start()
        assert not done.wait(0.3)
        return salvage(*given)

    monkeypatch.setattr(repair, "salvage", meanwhile)
    assert repair_library(known.folder, models).saved
    writer.join()
    assert {name for name, _ in said(known)[2]} == {"Garden", "Meanwhile"}
    with Library.open(known.folder) as library:
        assert said(library) == said(known)


def test_a_copy_is_whole_though_the_log_is_written_back_meanwhile(
    known: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copies._copy
    log = known.folder / f"{FILE_NAME}-wal"
    assert log.stat().st_size

    def copied(file: Path, target: Path) -> None:
        copy(file, target)
        known.close()  # the last one, who writes the log back and removes it
        assert not log.exists()

    monkeypatch.setattr(copies, "_copy", copied)
    copies.copy_files(known.folder, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("SELECT name FROM album").fetchall() == [("Garden",)]


@pytest.mark.parametrize("table", ["asset", "model"])
def test_rows_that_go_with_what_they_belong_to_are_counted_as_lost(
    known: Library, models: ModelStore, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    # As if neither the pages nor an index told of them.
    monkeypatch.setattr(salvage, "rows_in_pages", lambda *_: iter(()))
    monkeypatch.setattr(salvage, "IN_INDEXES", {})
    damaged(known, root_of(known, table))
    repair = repair_library(known.folder, models)
    embeddings = next(saved for saved in repair.saved if saved.table == "embedding")
    with Library.open(known.folder) as library, library.catalog.read() as session:
        left = session.execute(text("SELECT count(*) FROM embedding")).scalar()
    assert (embeddings.saved, embeddings.lost) == (left, 3) == (0, 3)


# A catalog that is empty, or gone


@pytest.fixture
def emptied(known: Library, encoder: FakeEncoder) -> Path:
    """The folder of a library whose catalog has no byte left."""
    SearchEngine(known, encoder).search("red")
    known.close()
    (known.folder / FILE_NAME).write_bytes(b"")
    assert list((known.folder / "vectors").glob("*.faiss"))
    return known.folder


def test_an_emptied_catalog_is_damaged(emptied: Path, pixfind: Callable[..., Result]) -> None:
    for begin in (Library.open, Library.create):
        with pytest.raises(LibraryDamagedError, match=r"catalog\.db is empty"):
            begin(emptied)
    told = pixfind("doctor")
    assert told.exit_code == 1
    assert "catalog.db is empty" in told.output
    assert "pixfind restore FILE" in told.output
    assert (emptied / FILE_NAME).stat().st_size == 0


def test_a_library_killed_at_its_creation_is_new(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    Library.create(tmp_path).close()
    Library.open(tmp_path).close()


def test_an_emptied_catalog_is_kept_and_a_new_one_begun(
    emptied: Path, pixfind: Callable[..., Result]
) -> None:
    done = pixfind("doctor", "--repair")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "healthy")
    assert "saved    nothing" in done.output
    assert [file.stat().st_size for file in emptied.glob("catalog.damaged-*.db")] == [0]
    with Library.open(emptied) as library:
        assert library.model() is None


def test_a_backup_takes_the_place_of_an_emptied_catalog(
    known: Library, encoder: FakeEncoder, tmp_path: Path
) -> None:
    file = back_up(known, tmp_path / "b").file
    SearchEngine(known, encoder).search("red")
    known.close()
    (known.folder / FILE_NAME).write_bytes(b"")
    assert restore(file, known.folder).kept is not None
    with Library.open(known.folder) as library:
        assert len(SearchEngine(library, encoder).search("red", everything=True).results) == 3


def test_a_catalog_that_is_gone_is_not_taken_for_no_library(
    emptied: Path, pixfind: Callable[..., Result]
) -> None:
    (emptied / FILE_NAME).unlink()
    for command in ("doctor", "status", "search red"):
        told = pixfind(*command.split())
        assert told.exit_code == 1
        assert "is gone" in told.output
        assert "pixfind restore FILE" in told.output
        assert len(told.output.strip().splitlines()) == 1
    with Library.create(emptied) as library:
        assert library.model() is None
    assert not list((emptied / "vectors").glob("*.faiss"))


# Whoever meets the damage


def test_every_command_names_the_doctor(
    known: Library, pixfind: Callable[..., Result], tmp_path: Path
) -> None:
    known.close()
    file = known.folder / FILE_NAME
    content = bytearray(file.read_bytes())
    for place in range(PAGE, len(content), PAGE):
        content[place : place + 16] = b"\xa5" * 16
    file.write_bytes(content)
    for command in ("search red", "status", "index", "albums list", f"backup {tmp_path / 'b'}"):
        done = pixfind(*command.split())
        assert done.exit_code == 1, (command, done.output)
        assert "pixfind doctor" in done.output, command
        assert len(done.output.strip().splitlines()) == 1
    done = pixfind("doctor")
    assert (done.exit_code, "--repair" in done.output) == (1, True)


def test_the_web_names_the_doctor(known: Library, settings: Settings) -> None:
    damaged(known, *(root_of(known, table) for table in ("setting", "asset", "file")))
    client = create_app(settings).test_client()
    answer = client.get("/?q=red")
    assert answer.status_code == 503
    assert "pixfind doctor" in answer.text


def test_schema_that_is_no_text_is_named(known: Library) -> None:
    known.close()
    file = known.folder / FILE_NAME
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE album", b"CREA\xd4E TABLE album"))
    with pytest.raises(LibraryDamagedError, match="pixfind doctor"):
        Library.open(known.folder)


def test_vectors_that_are_none_are_named(known: Library, encoder: FakeEncoder) -> None:
    change(known, "UPDATE embedding SET vector = x'00' WHERE id = 1")
    shutil.rmtree(known.folder / "vectors")
    with pytest.raises(LibraryDamagedError, match="pixfind doctor"):
        SearchEngine(known, encoder).search("red")


def test_command(known: Library, pixfind: Callable[..., Result]) -> None:
    healthy = pixfind("doctor")
    assert healthy.exit_code == 0
    assert healthy.output.splitlines()[-1] == "healthy"
    change(known, "DELETE FROM document WHERE rowid = 2")
    wrong = json.loads(pixfind("doctor", "--json").output)
    assert wrong["healthy"] is False
    assert wrong["findings"][0]["can_be_repaired"] is True
    done = pixfind("doctor", "--repair")
    assert done.exit_code == 0
    assert "catalog.before-repair-" in done.output
    assert pixfind("doctor").exit_code == 0


def test_harness_damages_what_it_says(tmp_path: Path) -> None:
    """A trial that damages nothing would find nothing."""
    for kind in DAMAGES:
        content = bytearray(random.Random(0).randbytes(40 * PAGE))
        before = bytes(content)
        DAMAGES[kind](content, random.Random(1))
        assert bytes(content) != before, kind
    (tmp_path / "empty").write_bytes(b"")
    assert damage(tmp_path / "empty", random.Random(1))
    shutil.rmtree(tmp_path)
