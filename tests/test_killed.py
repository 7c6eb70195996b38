"""Processes that are killed: a round of some trials, and that these would notice a loss."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from indexer import Summary
from pixfind import durable
from pixfind.durable import replace_file
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from reliability import kill, kill_changes, kill_migrations
from reliability.checks import (
    Findings,
    age,
    check_index,
    check_kept,
    check_same,
    check_searches,
    check_soundness,
    final_state,
    held,
    leftovers,
)
from reliability.rounds import Rounds
from reliability.victim import Victim
from search import SearchEngine
from search.export.exporting import Destinations, answers, export

Index = Callable[..., Summary]

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")


# Kills


@linux
@pytest.mark.parametrize(
    ("trial", "arguments"),
    [
        (kill.run, ("1", "3", "40")),
        (kill_migrations.run, ("1", "0", "500")),
        (kill_changes.run, ("1", "0", "6")),
    ],
    ids=["index", "migrations", "changes"],
)
def test_nothing_is_lost(
    trial: Callable[..., None], arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    trial(*arguments)
    assert "promises broken: 0" in capsys.readouterr().out.splitlines()[-1]


@linux
def test_helpers_that_stay_are_counted(tmp_path: Path) -> None:
    program = "import subprocess, time; subprocess.Popen(['sleep', '60'], start_new_session=True)"
    victim = Victim([sys.executable, "-c", f"{program}; time.sleep(60)"], tmp_path / "log.txt")
    patience = 1000
    while "sleep" not in _commands() and patience:
        patience -= victim.sleep(0.1)
    assert victim.kill(with_helpers=True) == 0


def _commands() -> set[str]:
    found = set()
    for file in Path("/proc").glob("[0-9]*/comm"):
        try:
            found.add(file.read_text().strip())
        except OSError:
            continue
    return found


# The trials would notice


@pytest.fixture
def indexed(library: Library, index: Index, photos: Path) -> Path:
    index(photos)
    return library.folder


def broken(indexed: Path, sql: str, check: Callable[[Findings], object]) -> dict[str, int]:
    with closing(sqlite3.connect(indexed / "catalog.db")) as catalog, catalog:
        catalog.execute(sql)
    findings = Findings()
    check(findings)
    return dict(findings.broken)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("DELETE FROM asset WHERE id = 1", "an asset was lost"),
        ("DELETE FROM embedding WHERE id = 1", "a vector was lost"),
        ("UPDATE embedding SET vector = zeroblob(8) WHERE id = 1", "a vector was lost"),
        ("DELETE FROM file WHERE id = 1", "a file was forgotten"),
    ],
)
def test_losses_are_noticed(indexed: Path, sql: str, kind: str) -> None:
    before = held(indexed)
    assert len(before.assets) == len(before.vectors) == len(before.files) == 3
    assert broken(indexed, sql, lambda findings: check_kept(before, indexed, findings)) == {kind: 1}


def test_files_that_have_changed_are_no_losses(indexed: Path, photos: Path) -> None:
    before = held(indexed)
    Image.new("RGB", (9, 9)).save(photos / "red.jpg")
    (photos / "green.png").unlink()
    forget = "DELETE FROM file WHERE name <> 'blue.webp'"
    assert broken(indexed, forget, lambda findings: check_kept(before, indexed, findings)) == {}


def test_unsound_catalogs_are_noticed(indexed: Path) -> None:
    found = broken(
        indexed,
        "DELETE FROM asset WHERE id = 1",
        lambda findings: check_soundness(indexed, findings),
    )
    assert found == {"rows lead nowhere": 1, "embeddings without their asset": 1}


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("UPDATE asset SET width = 5 WHERE id = 1", "metadata differ in the end"),
        ("DELETE FROM embedding WHERE id = 1", "the final state lacks vectors"),
        ("UPDATE embedding SET vector = zeroblob(length(vector))", "vectors differ in the end"),
        ("UPDATE file SET mtime_ns = 5", "files differ in the end"),
        ("DELETE FROM document", "the final state lacks words"),
        ("INSERT INTO root (path, whole) VALUES ('/', 1)", "the final state has too many roots"),
    ],
)
def test_other_ends_are_noticed(indexed: Path, sql: str, kind: str) -> None:
    wanted = final_state(indexed)
    assert kind in broken(
        indexed, sql, lambda findings: check_same(final_state(indexed), wanted, findings)
    )


def test_a_wrong_index_is_noticed(indexed: Path) -> None:
    findings = Findings()
    check_searches(indexed, FakeEncoder(), findings, 0)
    assert not findings.broken
    with Library.open(indexed) as library:
        (model,) = library.models()
        index = library.vectors(model).current()
        index.remove(index.ids[:1])
        check_index(library, model.id, findings, 0)
    assert findings.broken == {
        "the index is not of the catalog's pictures": 1,
        "a photo's own vector does not find it first": 1,
    }


def test_a_broken_promise_ends_a_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = Rounds(tmp_path, 0, {"work": 1.0})
    rounds.complete([sys.executable, "-c", "raise SystemExit('the disk is full')"])
    with pytest.raises(SystemExit) as ended:
        rounds.report("nothing")
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert "BROKEN: the next run failed: the disk is full" in printed
    assert printed.endswith("promises broken: 1 (the next run failed: 1)\n")


# What killed processes leave


@pytest.fixture
def unknown_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has written nowhere yet."""
    monkeypatch.setattr(durable, "_leftovers", {})


def half_written(file: Path) -> Path:
    left = file.with_name(f".{file.name}.0a1b2c3d.tmp")
    left.write_bytes(b"half")
    return left


def write(file: Path) -> None:
    with replace_file(file) as temporary:
        temporary.write_bytes(b"whole")


def test_who_writes_a_file_again_removes_what_a_killed_process_left(
    tmp_path: Path, unknown_folders: None
) -> None:
    file = tmp_path / "photo.jpg.xmp"
    ours, others = half_written(file), half_written(tmp_path / "other.jpg.xmp")
    similar = tmp_path / ".photo.jpg.xmp.old.tmp"
    similar.touch()
    age([ours, others, similar])
    write(file)
    assert sorted(tmp_path.iterdir()) == sorted([file, others, similar])
    write(tmp_path / "other.jpg.xmp")
    assert leftovers(tmp_path) == [similar]


def test_what_another_process_may_be_writing_stays(tmp_path: Path, unknown_folders: None) -> None:
    file = tmp_path / "photo.jpg.xmp"
    young = half_written(file)
    write(file)
    assert leftovers(tmp_path) == [young]
    assert file.read_bytes() == b"whole"


@pytest.mark.parametrize("letter", ["a", "é", "漢"])
def test_a_name_that_is_as_long_as_can_be(tmp_path: Path, letter: str) -> None:
    file = tmp_path / (letter * (255 // len(letter.encode())))
    write(file)
    write(file)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"whole"]


def test_exports_that_were_killed_leave_nothing_behind(
    engine: SearchEngine, index: Index, photos: Path, tmp_path: Path, unknown_folders: None
) -> None:
    to = tmp_path / "to"
    to.mkdir()
    age([half_written(to / photo.name) for photo in photos.rglob("*.*")])
    assert len(leftovers(to)) == 3
    index(photos)
    export(answers(engine, "file:*"), Destinations(copy_to=to))
    assert sorted(file.name for file in to.iterdir()) == ["blue.webp", "green.png", "red.jpg"]
