"""Disks, names, clocks and permissions as they should not be: one clear line, and nothing lost.

Elsewhere: links in circles, names that are not UTF-8, unplugged drives and two indexers at once
(``test_indexing.py``), files that vanish or cannot be read (``test_broken_photos.py``), damaged
index files (``test_vector_cache.py``, ``test_vector_lists.py``), sidecars in a folder that takes
nothing (``test_sidecars.py``). Full and read-only disks, signals, and clients beside an index take
processes and a file system of their own: ``python -m reliability``.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from indexer import Indexer, Summary
from indexer.progress import Control, Phase, Standing
from pixfind.catalog import files
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from reliability import fuzz_index
from reliability.checks import Findings, check_same, final_state
from reliability.running import pixfind as run_pixfind
from search import SearchEngine
from search.sidecars.writing import Options, write_sidecars
from search.tags import owner

Index = Callable[..., Summary]
Pixfind = Callable[..., Result]

linux = pytest.mark.skipif(sys.platform != "linux", reason="gives up privileges as Linux has them")
DAY_NS = 24 * 3600 * 10**9

# Names

LONG = "n" * 251 + ".jpg"
NAMES = [
    pytest.param("two\nlines.jpg", id="newline"),
    pytest.param("\r\n.jpg", id="only line ends"),
    pytest.param("tab\tand\x1b[31mred.jpg", id="control characters"),
    pytest.param("\u202egnp.jpg", id="right to left"),
    pytest.param("שלום عالم.jpg", id="scripts"),
    pytest.param("-rf.jpg", id="a dash first"),
    pytest.param("--help.jpg", id="an option"),
    pytest.param(" .jpg", id="blank"),
    pytest.param("%s %00 ' \" ; DROP TABLE file --.jpg", id="quotes"),
    pytest.param("back\\slash*?.jpg", id="patterns"),
    pytest.param(LONG, id="255 bytes"),
    pytest.param("漢" * 83 + "..jpg", id="255 bytes of another script"),
    pytest.param("e\u0301.jpg", id="decomposed"),
    pytest.param(os.fsdecode(b"\xff\xfe\x80.jpg"), id="no text"),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_indexed_once_found_and_shown(
    pixfind: Pixfind, index: Index, engine: SearchEngine, photos: Path, name: str
) -> None:
    folder = photos / name.removesuffix(".jpg")[:100]
    try:
        folder.mkdir()
        (photos / "red.jpg").rename(folder / name)
        (folder / f"{name[:50]}.bad.jpg").write_bytes(b"no picture")
    except (OSError, UnicodeError):
        pytest.skip("this file system does not take such a name")
    assert (index(photos).photos, index(photos).unchanged) == (3, 4)
    found = engine.search("red").results[0].photo
    assert found.path == folder / name
    shown = pixfind("status", "--failures")
    (line,) = [line for line in shown.output.splitlines() if ".bad.jpg" in line]
    assert shown.exit_code == 0
    assert line.isprintable()
    (folder / name).unlink()
    assert index(photos).removed == 1


def test_a_name_that_leaves_no_room_for_a_sidecars(
    library: Library, index: Index, photos: Path
) -> None:
    """One has room for its sidecar's, but for no temporary one beside that; another has none."""
    fits = photos / f"{'f' * 247}.jpg"
    (photos / "red.jpg").rename(fits)
    (photos / "green.png").rename(photos / f"{'g' * 251}.png")
    index(photos)
    owner.accept(library, "holiday", ["1", "2", "3"])
    done = write_sidecars(library, None, Options())
    assert done.written == 2
    assert fits.with_name(f"{fits.name}.xmp").stat().st_size
    (trouble,) = done.failures
    assert trouble.reason == f"cannot be written ({os.strerror(errno.ENAMETOOLONG)})"
    assert [file.name for file in photos.glob(".*")] == []


def test_ten_thousand_files_in_one_folder(index: Index, photos: Path, library: Library) -> None:
    crowd = photos / "crowd"
    crowd.mkdir()
    for number in range(10_000):
        kind = crowd / f"{number % 200}.png"
        if number < 200:
            Image.new("RGB", (8, 8), (number, 0, 0)).save(kind)
        else:
            os.link(kind, crowd / f"{number}.png")
    summary = index(photos)
    assert (summary.embedded, summary.known, summary.failed) == (203, 9_800, 0)
    assert index(photos).unchanged == 10_003
    for file in crowd.iterdir():
        file.unlink()
    assert index(photos).removed == 10_000
    with library.catalog.read() as session:
        assert files.count_files(session) == 3


# Links


def test_links_to_files_are_files_and_links_to_folders_are_not_entered(
    index: Index, photos: Path, tmp_path: Path, engine: SearchEngine
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    Image.new("RGB", (64, 48), "yellow").save(outside / "yellow.png")
    Image.new("RGB", (64, 48), "purple").save(outside / "purple.png")
    (photos / "link.png").symlink_to(outside / "yellow.png")
    (photos / "folder").symlink_to(outside)
    (photos / "nowhere.jpg").symlink_to(tmp_path / "nothing.jpg")
    (photos / "inner" / "all.jpg").symlink_to("/")
    assert index(photos).photos == 4
    assert {str(r.photo.path.name) for r in engine.search("yellow", limit=9).results} == {
        "red.jpg", "green.png", "blue.webp", "link.png",
    }  # fmt: skip
    (outside / "yellow.png").unlink()
    assert index(photos).removed == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has none")
def test_what_is_no_file_is_not_opened(index: Index, photos: Path) -> None:
    os.mkfifo(photos / "pipe.jpg")  # would be waited for until somebody writes to it
    (photos / "folder.jpg").mkdir()
    assert (index(photos).photos, index(photos).failed) == (3, 0)


# Clocks


@pytest.mark.parametrize("mtime_ns", [0, -1, -40 * 365 * DAY_NS, 1, 300 * 365 * DAY_NS // 2, 2**62])
def test_any_time_of_a_file_is_remembered(
    index: Index, photos: Path, library: Library, mtime_ns: int
) -> None:
    try:
        os.utime(photos / "red.jpg", ns=(mtime_ns, mtime_ns))
    except OSError:
        pytest.skip("this file system has no such time")
    assert index(photos).embedded == 3
    assert index(photos).unchanged == 3


def test_a_clock_that_goes_backwards(index: Index, photos: Path, engine: SearchEngine) -> None:
    red = photos / "red.jpg"
    index(photos)
    seen = red.stat()
    content = (photos / "green.png").read_bytes()
    red.write_bytes(content + bytes(seen.st_size - len(content)))  # as large as before
    assert red.stat().st_size == seen.st_size
    os.utime(red, ns=(seen.st_mtime_ns - DAY_NS, seen.st_mtime_ns - DAY_NS))
    summary = index(photos)
    assert (summary.embedded, summary.unchanged) == (1, 2)
    assert engine.search("red").results[0].score < 0.9


# Files that change meanwhile


class Meddler(Control):
    """Does something when the files have been counted and are about to be read."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        self._meddle = meddle
        self._is_done = False

    def stands(self, standing: Standing) -> None:
        if standing.phase is Phase.LOOKING and not self._is_done and standing.looked:
            self._is_done = True
            self._meddle()


@pytest.mark.parametrize("change", ["rewritten", "truncated", "gone", "a folder", "a link"])
def test_a_file_that_changes_after_it_was_counted(
    library: Library, photos: Path, tmp_path: Path, change: str
) -> None:
    red = photos / "red.jpg"

    def meddle() -> None:
        content = red.read_bytes()
        red.unlink()
        if change == "rewritten":
            Image.new("RGB", (64, 48), "yellow").save(red)
        elif change == "truncated":
            red.write_bytes(content[:200])
        elif change == "a folder":
            red.mkdir()
        elif change == "a link":
            red.symlink_to(tmp_path / "nothing")

    encoder = FakeEncoder()
    Indexer(library, encoder, control=Meddler(meddle)).run([photos])
    Indexer(library, encoder).run()
    with Library.create(tmp_path / "fresh") as fresh:
        Indexer(fresh, encoder).run([photos])
    findings = Findings()
    check_same(final_state(library.folder), final_state(tmp_path / "fresh"), findings)
    assert not findings.broken


# Permissions


@linux
def test_what_may_not_be_read_is_told_and_read_when_it_may(photos: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    closed, red = photos / "inner", photos / "red.jpg"
    closed.chmod(0)
    red.chmod(0)
    try:
        said = run_pixfind(library, "index", str(photos), bound=True)
    finally:
        closed.chmod(0o755)
        red.chmod(0o644)
    assert said.code == 0
    assert f"not readable: {closed}: Permission denied" in said.err
    assert "1 embedded" in said.out
    assert "1 failed" in said.out
    with Library.open(library) as opened, opened.catalog.read() as session:
        (failure,) = files.failures(session)
    assert (failure.path, failure.reason) == ("red.jpg", "Permission denied")
    said = run_pixfind(library, "index", bound=True)
    assert said.out.startswith("2 embedded")


@linux
def test_a_library_that_may_not_be_made(photos: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    said = run_pixfind(closed / "library", "index", str(photos), bound=True)
    closed.chmod(0o755)
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert line.startswith("Error: ")
    assert "Permission denied" in line


# Damaged index files


@pytest.mark.parametrize("form", ["small", "lists"])
def test_damaged_index_files_give_no_wrong_answer(tmp_path: Path, form: str) -> None:
    findings = Findings()
    with fuzz_index.form_of(form):
        trial = fuzz_index.Trial(tmp_path, 1, findings)
        for _ in range(8):
            trial.round()
    assert trial.rebuilt
    assert not findings.broken
