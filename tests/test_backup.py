"""Backups: what comes back is what was there, and nothing else is let in."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

from indexer import Indexer, Summary
from pixfind.care import copies
from pixfind.care.archive import Reader
from pixfind.care.backup import back_up, back_up_and_keep
from pixfind.care.repair import repair_library
from pixfind.care.restore import restore
from pixfind.catalog import database, replacing
from pixfind.catalog.database import FILE_NAME, bump_generation, set_setting, setting
from pixfind.catalog.migrations import MIGRATIONS
from pixfind.catalog.watch import Watch
from pixfind.config import Settings
from pixfind.durable import LEFTOVER_AGE_S
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import (
    BackupDamagedError,
    BackupError,
    BackupTooNewError,
    LibraryBeingReplacedError,
    LibraryBusyError,
    LibraryDamagedError,
)
from pixfind.library import Library
from search import SearchEngine
from search.albums import save_album
from search.tags.owner import accept, reject

Index = Callable[..., Summary]
OWN = {"migration", "sqlite_sequence"}


@pytest.fixture
def known(library: Library, index: Index, photos: Path) -> Library:
    """A library of which an owner has said something."""
    index(photos)
    accept(library, "my garden", ["1", "2"])
    reject(library, "cat", ["3"])
    save_album(library, "Garden", "tag:'my garden'")
    with library.catalog.write() as session:
        set_setting(session, "regions", "yes")
    return library


def everything(folder: Path) -> dict[str, list[str]]:
    """All rows of a library's catalog, bit for bit."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'document%'"
        ).fetchall()
        return {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
            for (name,) in tables
        }


def test_round_trip(known: Library, encoder: FakeEncoder, tmp_path: Path) -> None:
    made = back_up(known, tmp_path / "b.pixfind", thumbnails=True)
    assert (made.contents.photos, made.contents.albums) == (3, 1)
    before = everything(known.folder)
    restored = restore(made.file, tmp_path / "other")
    assert restored.kept is None
    assert everything(tmp_path / "other") == before
    small = {f.relative_to(known.folder) for f in known.thumbnails.rglob("*.jpg")}
    assert len(small) == 3
    assert {f.relative_to(tmp_path / "other") for f in (tmp_path / "other").rglob("*.jpg")} == small
    with Library.open(tmp_path / "other") as other:
        found = SearchEngine(other, encoder).search("red", everything=True)
        assert len(found.results) == 3
        with other.catalog.read() as session:
            words = session.connection().exec_driver_sql(
                "SELECT count(*) FROM document WHERE document MATCH 'garden'"
            )
            assert words.scalar() == 2


def test_restore_over_a_library_keeps_it(known: Library, index: Index, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    before = everything(known.folder)
    accept(known, "beach", ["1"])
    later = everything(known.folder)
    known.close()
    with pytest.raises(BackupError, match="--force"):
        restore(file, known.folder)
    assert everything(known.folder) == later
    kept = restore(file, known.folder, force=True).kept
    assert everything(known.folder) == before
    assert kept is not None
    assert kept.parent == known.folder
    (tmp_path / "kept").mkdir()
    kept.rename(tmp_path / "kept" / FILE_NAME)
    assert everything(tmp_path / "kept") == later


def test_index_files_of_the_catalog_before_are_not_believed(
    known: Library, encoder: FakeEncoder, index: Index, tmp_path: Path
) -> None:
    """The ids of what came after the backup are given out again, for other photos."""
    file = back_up(known, tmp_path).file
    SearchEngine(known, encoder).search("red")
    with known.catalog.write() as session:
        bump_generation(session)
    known.close()
    restore(file, known.folder, force=True)
    assert not list((known.folder / "vectors").glob("*.faiss"))
    with Library.open(known.folder) as library:
        assert len(SearchEngine(library, encoder).search("red", everything=True).results) == 3


def test_backup_while_another_one_writes_is_of_one_moment(known: Library, tmp_path: Path) -> None:
    go_on = threading.Event()

    def write() -> None:
        with Library.open(known.folder) as other:
            for n in range(10_000):
                if go_on.is_set():
                    return
                with other.catalog.write() as session:
                    set_setting(session, "one", str(n))
                    set_setting(session, "other", str(n))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        files = [back_up(known, tmp_path / f"{n}.pixfind").file for n in range(3)]
    finally:
        go_on.set()
        writer.join()
    for n, file in enumerate(files):
        restore(file, tmp_path / f"of {n}")
        with Library.open(tmp_path / f"of {n}") as library, library.catalog.read() as session:
            assert setting(session, "one") == setting(session, "other")


def test_nothing_is_overwritten(known: Library, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("mine")
    for force in (False, True):
        with pytest.raises(BackupError, match=r"no backup.*give another name"):
            back_up(known, file, force=force)
    assert file.read_text() == "mine"
    made = back_up(known, tmp_path / "b").file
    before = made.read_bytes()
    with pytest.raises(BackupError, match="--force"):
        back_up(known, made)
    assert made.read_bytes() == before
    accept(known, "beach", ["1"])
    back_up(known, made, force=True)
    assert made.read_bytes() != before
    restore(made, tmp_path / "other")
    with pytest.raises(BackupError, match="make it first"):
        back_up(known, tmp_path / "nowhere" / "b")
    assert not list(tmp_path.glob(".*"))


def test_a_photo_is_never_overwritten(known: Library, photos: Path, tmp_path: Path) -> None:
    photo = photos / "red.jpg"
    before = photo.read_bytes()
    with pytest.raises(BackupError, match="no backup of pixfind's; give another name"):
        back_up(known, photo, force=True)
    assert photo.read_bytes() == before
    # Such a file can be both: a zip archive is read from its end.
    both = before + back_up(known, tmp_path / "b").file.read_bytes()
    photo.write_bytes(both)
    alias = tmp_path / "alias"
    alias.symlink_to(photo)
    for target in (photo, alias):
        with pytest.raises(BackupError, match="no backup of pixfind's"):
            back_up(known, target, force=True)
    assert photo.read_bytes() == both
    unknown = tmp_path / "unknown.jpg"
    unknown.write_bytes(both)
    back_up(known, unknown, force=True)


def test_a_folder_of_backups_names_the_newest(known: Library, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with pytest.raises(BackupError, match="is a folder, and no backup lies in it"):
        restore(folder, tmp_path / "other")
    newer = back_up(known, folder / "a.pixfind").file
    older = back_up(known, folder / "z.pixfind").file
    rewritten(older, made_at="2001-01-01T00:00:00+00:00")
    (folder / "none.pixfind").write_text("none")
    with pytest.raises(BackupError) as refused:
        restore(folder, tmp_path / "other")
    assert str(refused.value).endswith(f"pixfind restore {newer}")
    assert not (tmp_path / "other").exists()


def rewritten(backup: Path, **facts: str) -> None:
    """Change what a backup's manifest tells."""
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    members["manifest.json"] = json.dumps({**manifest, **facts}).encode()
    with zipfile.ZipFile(backup, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_oldest_give_way(known: Library, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "pixfind-mine.pixfind").write_text("another name")
    made = [back_up_and_keep(known, folder, 2) for _ in range(4)]
    assert [len(m.removed) for m in made] == [0, 0, 1, 1]
    assert {f.name for f in folder.iterdir()} == {
        "pixfind-mine.pixfind", made[2].file.name, made[3].file.name
    }  # fmt: skip


def test_backups_of_other_libraries_stay(known: Library, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    with Library.create(tmp_path / "second") as second:
        of_second = [back_up_and_keep(second, folder, 2).file for _ in range(2)]
        first = back_up_and_keep(known, folder, 1)
        assert first.file.name[: -len(".pixfind")].endswith(known.catalog.library_id()[:8])
        # One that cannot be read, and one that a later pixfind made.
        broken = folder / "pixfind-20200101-000000.pixfind"
        broken.write_bytes(first.file.read_bytes()[:100])
        later = altered(first.file, lambda manifest, _: manifest["migrations"].append("9999_smell"))
        later = later.rename(folder / "pixfind-20200102-000000.pixfind")
        again = back_up_and_keep(known, folder, 1)
    assert again.removed == (first.file,)
    assert set(folder.iterdir()) == {*of_second, broken, later, again.file}


def test_what_killed_backups_left_is_removed(known: Library, tmp_path: Path) -> None:
    left, fresh, foreign = (
        tmp_path / f".pixfind-{name}" for name in ("aaaaaaaa", "bbbb_bbb", "cccccccc")
    )
    unnamed = tmp_path / ".pixfind-20200101-000000-01234567.pixfind.0123abcd.tmp"
    unnamed.touch()
    for folder in (left, fresh, foreign):
        folder.mkdir()
        (folder / "catalog.db").touch()
        (folder / "catalog.db-journal").touch()
    (foreign / "letter.txt").touch()
    long_ago = time.time() - 2 * LEFTOVER_AGE_S
    for path in (unnamed, *left.iterdir(), left, *foreign.iterdir(), foreign, fresh):
        os.utime(path, (long_ago, long_ago))
    back_up(known, tmp_path / "b.pixfind")
    assert [path.exists() for path in (left, unnamed, fresh, foreign)] == [False, False, True, True]
    assert len(list(foreign.iterdir())) == 3


def test_the_librarys_own_catalog_is_no_target(known: Library, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(known.folder, target_is_directory=True)
    before = everything(known.folder)
    for target in (link / FILE_NAME, known.folder / "Catalog.DB-wal"):
        with pytest.raises(BackupError, match="own"):
            back_up(known, target, force=True)
    assert everything(known.folder) == before


def test_a_log_whose_catalog_is_gone_is_not_replayed(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    before = everything(known.folder)
    catalog = known.folder / FILE_NAME
    with closing(sqlite3.connect(catalog)) as open_still:
        open_still.execute("PRAGMA wal_autocheckpoint = 0")
        open_still.execute("UPDATE album SET name = 'another'")
        open_still.commit()
        log = catalog.with_name("catalog.db-wal").read_bytes()
    known.close()
    catalog.rename(tmp_path / "moved.db")
    catalog.with_name("catalog.db-wal").write_bytes(log)
    restore(file, known.folder)
    assert everything(known.folder) == before
    (kept,) = known.folder.glob("catalog.leftover-*-wal")
    assert kept.read_bytes() == log


def test_a_thumbnail_is_whole_or_not_there(
    known: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = back_up(known, tmp_path, thumbnails=True).file
    whole = Reader.extract

    def cut_short(self: Reader, name: str, target: Path) -> None:
        if name.endswith(".jpg"):
            target.write_bytes(b"half of it")
            raise KeyboardInterrupt
        whole(self, name, target)

    monkeypatch.setattr(Reader, "extract", cut_short)
    with pytest.raises(KeyboardInterrupt):
        restore(file, tmp_path / "other")
    assert not [path for path in (tmp_path / "other" / "thumbs").rglob("*") if path.is_file()]


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")
def test_who_may_read_the_catalog_may_read_its_copies_and_nobody_else(
    known: Library, settings: Settings, tmp_path: Path
) -> None:
    catalog = known.folder / FILE_NAME

    def mode(file: Path) -> int:
        return stat.S_IMODE(file.stat().st_mode)

    known.close()
    catalog.chmod(0o600)
    file = back_up(known, tmp_path).file
    known.close()
    assert mode(file) == 0o600
    restore(file, tmp_path / "other")
    assert mode(tmp_path / "other" / FILE_NAME) == 0o600
    catalog.chmod(0o640)
    restore(file, known.folder, force=True)
    assert mode(catalog) == 0o640
    content = catalog.read_bytes()
    catalog.write_bytes(bytes(8192) + content[8192:])
    repair = repair_library(known.folder, ModelStore(settings.models))
    assert repair.saved
    assert [mode(path) for path in (catalog, *repair.kept)] == [0o640, 0o640]
    with Library.open(known.folder) as library, library.catalog.write() as session:
        session.connection().exec_driver_sql("DELETE FROM document WHERE rowid = 2")
    catalog.chmod(0o600)
    (kept,) = repair_library(known.folder, ModelStore(settings.models)).kept
    assert (mode(catalog), mode(kept)) == (0o600, 0o600)


def test_backup_of_a_damaged_catalog_is_none(known: Library, tmp_path: Path) -> None:
    known.close()
    file = known.folder / FILE_NAME
    content = bytearray(file.read_bytes())
    content[3 * 8192 :] = bytes(len(content) - 3 * 8192)
    file.write_bytes(content)
    with (
        pytest.raises(LibraryDamagedError, match="pixfind doctor"),
        Library.open(known.folder) as library,
    ):
        back_up(library, tmp_path / "b.pixfind")
    assert not list(tmp_path.glob("*b.pixfind*"))


def test_restore_waits_for_nobody(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    before = everything(known.folder)
    with known.writing(), pytest.raises(LibraryBusyError):
        restore(file, known.folder, force=True)
    assert everything(known.folder) == before


# Beside those who write and read

WINDOW_S = 0.3


def albums_in(file: Path) -> set[str]:
    """The names of searches that a sound catalog holds, asked of SQLite alone."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {name for (name,) in connection.execute("SELECT name FROM album")}


@pytest.mark.parametrize("is_open", [True, False], ids=["open before", "opened meanwhile"])
def test_a_write_in_the_middle_of_a_restore_goes_into_the_restored_catalog(
    known: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_open: bool
) -> None:
    file = back_up(known, tmp_path).file
    for number in range(30):
        save_album(known, f"later {number}", "red")
    done = threading.Event()

    def write() -> None:
        library = known if is_open else Library.open(known.folder)
        for number in range(30):
            save_album(library, f"meanwhile {number}", "red")
        done.set()
        if not is_open:
            library.close()

    writer = threading.Thread(target=write)
    in_the_middle = copies.set_log_aside

    def wait_there(folder: Path) -> None:
        writer.start()
        assert not done.wait(WINDOW_S)
        in_the_middle(folder)

    monkeypatch.setattr(copies, "set_log_aside", wait_there)
    kept = restore(file, known.folder, force=True).kept
    writer.join()
    meanwhile = {f"meanwhile {number}" for number in range(30)}
    assert albums_in(known.folder / FILE_NAME) == {"Garden"} | meanwhile
    assert kept is not None
    assert albums_in(kept) == {"Garden"} | {f"later {number}" for number in range(30)}
    known.close()
    assert albums_in(known.folder / FILE_NAME) == {"Garden"} | meanwhile


def test_nothing_that_was_acknowledged_is_lost(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    stop = threading.Event()
    acknowledged: set[str] = set()
    broken: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with Library.open(known.folder) as library:
                for number in range(10_000):
                    if stop.is_set():
                        return
                    save_album(library, f"{name} {number}", "red")
                    acknowledged.add(f"{name} {number}")
        except BaseException as error:
            broken.append(error)

    writers = [threading.Thread(target=write, args=[str(n)]) for n in range(3)]
    for writer in writers:
        writer.start()
    found: set[str] = set()
    try:
        for _ in range(8):
            before = len(acknowledged)
            while len(acknowledged) < before + 5 and not broken:
                time.sleep(0.001)
            kept = restore(file, known.folder, force=True).kept
            assert kept is not None
            found |= albums_in(kept)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert not broken
    assert acknowledged <= found | albums_in(known.folder / FILE_NAME)


def test_who_reads_goes_on_and_then_follows(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    accept(known, "beach", ["1"])
    watch = Watch(known.catalog)
    before, version = known.catalog.generation(), watch.version()
    with known.catalog.read() as session:
        assert setting(session, "generation") == str(before)
        kept = restore(file, known.folder, force=True).kept
        # The same session, though the log of what it reads has another name by now.
        tags = session.connection().exec_driver_sql("SELECT name FROM tag WHERE name = 'beach'")
        assert tags.fetchall() == [("beach",)]
    assert watch.version() != version
    with known.catalog.read() as session:
        tags = session.connection().exec_driver_sql("SELECT name FROM tag WHERE name = 'beach'")
        assert tags.fetchall() == []
    known.close()
    assert kept is not None
    assert albums_in(kept) == albums_in(known.folder / FILE_NAME) == {"Garden"}


def test_vectors_in_memory_are_not_believed_either(
    known: Library, encoder: FakeEncoder, tmp_path: Path
) -> None:
    """The same id, and the same generation, of another photo."""
    file = back_up(known, tmp_path).file

    def add(colour: str) -> list[tuple[Path, float]]:
        (tmp_path / "more").mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), colour).save(tmp_path / "more" / f"{colour}.png")
        with Library.open(known.folder) as other:
            Indexer(other, encoder).run([tmp_path / "more" / f"{colour}.png"])
            return found(SearchEngine(other, encoder))

    def found(engine: SearchEngine) -> list[tuple[Path, float]]:
        results = engine.search("black", everything=True).results
        return [(result.photo.path, round(result.score, 4)) for result in results]

    engine = SearchEngine(known, encoder)
    black, generation = add("black"), known.catalog.generation()
    assert found(engine) == black
    restore(file, known.folder, force=True)
    yellow = add("yellow")
    assert known.catalog.generation() == generation
    assert found(engine) == yellow


def test_who_cannot_write_for_long_is_told_why(
    known: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    is_held, go_on = threading.Event(), threading.Event()

    def replace() -> None:
        with replacing.without_writers(known.folder):
            is_held.set()
            go_on.wait()

    replacer = threading.Thread(target=replace)
    replacer.start()
    try:
        assert is_held.wait(30)
        with pytest.raises(LibraryBeingReplacedError, match="repaired or restored; try again"):
            save_album(known, "Red", "red")
        with Library.open(known.folder) as other:  # which is no write
            assert other.catalog.library_id() == known.catalog.library_id()
    finally:
        go_on.set()
        replacer.join()
    save_album(known, "Red", "red")


def test_a_writer_who_does_not_end_keeps_the_catalog(
    known: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = back_up(known, tmp_path).file
    monkeypatch.setattr(replacing, "PATIENCE_S", 0.05)
    is_writing, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with known.catalog.write() as session:
            set_setting(session, "slow", "yes")
            is_writing.set()
            go_on.wait()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert is_writing.wait(30)
        with pytest.raises(LibraryBusyError):
            restore(file, known.folder, force=True)
    finally:
        go_on.set()
        writer.join()
    assert not list(known.folder.glob("catalog.replaced*"))
    with known.catalog.read() as session:
        assert setting(session, "slow") == "yes"


# What others may have made


def altered(file: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """A backup as somebody could write it who knows how: its checksums are right."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    for name, content in members.items():
        if name in manifest["members"] or manifest.get("all"):
            digest = hashlib.sha256(content).hexdigest()
            manifest["members"][name] = {"size": len(content), "sha256": digest}
    other = file.with_name("altered.pixfind")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))
    return other


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg", "/tmp/evil.jpg", "thumbs/../../evil.jpg", "thumbs/grid/aa/evil.jpg",
        "catalog.db-wal", "writer.lock", "C:\\evil.jpg", "thumbs/grid/aa/", "vectors/x.faiss",
        f"thumbs/grid/bb/aa{'0' * 62}.jpg", f"thumbs/grid/aa/aa{'0' * 62}.jpg/../x",
    ],
)  # fmt: skip
def test_other_names_are_refused(known: Library, tmp_path: Path, name: str) -> None:
    def add(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[name] = b"evil"
        manifest["all"] = True

    file = altered(back_up(known, tmp_path).file, add)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupDamagedError, match="nothing has been changed"):
        restore(file, tmp_path / "other")
    assert sorted(tmp_path.rglob("*")) == before


def test_bombs_and_links_are_refused(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    small = f"thumbs/grid/aa/aa{'0' * 62}.jpg"
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        catalog = archive.read("catalog.db")
    content = bytes(1 << 20)
    manifest["members"][small] = {
        "size": len(content), "sha256": hashlib.sha256(content).hexdigest()
    }  # fmt: skip
    info = zipfile.ZipInfo(small)
    for kind, method in ((stat.S_IFREG, zipfile.ZIP_DEFLATED), (stat.S_IFLNK, zipfile.ZIP_STORED)):
        info.external_attr, info.compress_type = (kind | 0o644) << 16, method
        with zipfile.ZipFile(tmp_path / "bomb", "w") as archive:
            archive.writestr("catalog.db", catalog)
            archive.writestr(info, content, method)
            archive.writestr("manifest.json", json.dumps(manifest))
        with pytest.raises(BackupDamagedError, match="no plain file"):
            restore(tmp_path / "bomb", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_every_bit_counts(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file
    content = file.read_bytes()
    for place in range(60, len(content) - 3000, len(content) // 25):
        damaged = bytearray(content)
        damaged[place] ^= 16
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(BackupError):
            restore(tmp_path / "damaged", tmp_path / "other")
    for end in (0, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "damaged").write_bytes(content[:end])
        with pytest.raises(BackupError):
            restore(tmp_path / "damaged", tmp_path / "other")
    assert not (tmp_path / "other" / FILE_NAME).exists()


def _changed(sql: str, tmp_path: Path) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        file = tmp_path / "changed.db"
        file.write_bytes(members["catalog.db"])
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(sql)
        members["catalog.db"] = file.read_bytes()

    return change


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER evil AFTER INSERT ON tag BEGIN DELETE FROM asset; END",
        "CREATE VIEW evil AS SELECT 1",
        "DROP TABLE album",
    ],
)
def test_a_catalog_with_a_program_of_its_own_is_refused(
    known: Library, tmp_path: Path, sql: str
) -> None:
    file = altered(back_up(known, tmp_path).file, _changed(sql, tmp_path))
    with pytest.raises(BackupDamagedError, match="does not make"):
        restore(file, tmp_path / "other")


def test_a_later_backup_is_refused(known: Library, tmp_path: Path) -> None:
    file = back_up(known, tmp_path).file

    def told(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
        manifest["migrations"].append("9999_smell")

    with pytest.raises(BackupTooNewError, match="update pixfind"):
        restore(altered(file, told), tmp_path / "other")
    hidden = _changed("INSERT INTO migration VALUES ('9999_smell', '2099')", tmp_path)
    with pytest.raises(BackupTooNewError, match="9999_smell"):
        restore(altered(file, hidden), tmp_path / "other")

    def version(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
        manifest["version"] = 2

    with pytest.raises(BackupTooNewError):
        restore(altered(file, version), tmp_path / "other")
    assert MIGRATIONS[-1].name != "9999_smell"


# The command line


def test_commands(known: Library, pixfind: Callable[..., Result], tmp_path: Path) -> None:
    known.close()
    made = pixfind("backup", tmp_path / "b.pixfind")
    assert made.exit_code == 0
    assert "the photos themselves are not in it" in made.output
    assert pixfind("backup", tmp_path / "b.pixfind").exit_code == 1
    told = json.loads(pixfind("backup", "--keep", 1, tmp_path / "all", "--json").output)
    assert (told["photos"], told["thumbnails"], told["removed"]) == (3, 0, [])
    refused = pixfind("restore", tmp_path / "b.pixfind")
    assert (refused.exit_code, "--force" in refused.output) == (1, True)
    done = json.loads(pixfind("restore", tmp_path / "b.pixfind", "--force", "--json").output)
    assert Path(done["kept"]).is_file()
    assert json.loads(pixfind("status", "--json").output)["photos"] == 3
    assert "nothing at" in pixfind("restore", tmp_path / "none").output


def test_a_folder_called_like_pixfinds_and_somebody_elses_stays(
    library: Library, index: Index, photos: Path, tmp_path: Path
) -> None:
    index(photos)
    backup = back_up(library, tmp_path / "saved.pixfind").file
    for number, make in enumerate((Library.create, lambda folder: restore(backup, folder))):
        folder = tmp_path / f"project{number}"
        (folder / "vectors").mkdir(parents=True)
        (folder / "vectors" / "fonts.svg").write_text("the owner's")
        made = make(folder)
        if isinstance(made, Library):
            made.close()
        assert (folder / "vectors" / "fonts.svg").read_text() == "the owner's"
