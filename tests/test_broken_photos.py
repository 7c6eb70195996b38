"""Broken photos: none of them stops a run, and each is listed with its reason."""

from __future__ import annotations

import errno
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from indexer import Indexer, Summary
from pixfind.catalog import files
from pixfind.catalog.files import DECODE_FAILURE, READ_FAILURE, Failure
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import PhotoDecodeError
from pixfind.library import Library
from pixfind.photos.decode import decode
from pixfind.photos.formats import is_indexed_name
from search import SearchEngine

Index = Callable[..., Summary]
FOLDERS = ("broken", "formats", "library")


def failures_of(library: Library) -> list[Failure]:
    with library.catalog.read() as session:
        return files.failures(session)


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """A library of every real photo, good and bad, and the run that made it."""
    folder = tmp_path_factory.mktemp("broken") / "library"
    with Library.create(folder) as library:
        summary = Indexer(library, FakeEncoder()).run([shared / name for name in FOLDERS])
    return folder, summary


def test_run_over_broken_photos_finishes(real: tuple[Path, Summary], shared: Path) -> None:
    _, summary = real
    pictures = [
        file for name in FOLDERS for file in (shared / name).iterdir() if is_indexed_name(file.name)
    ]
    assert not summary.interrupted
    assert summary.unreadable == []
    assert summary.failed > 50
    assert summary.embedded + summary.known + summary.failed == len(pictures)


def test_every_failure_has_a_reason_in_one_line(real: tuple[Path, Summary], shared: Path) -> None:
    folder, summary = real
    with Library.open(folder) as library:
        found = failures_of(library)
    assert len(found) == summary.failed
    for failure in found:
        assert failure.root == str(shared / "broken")
        assert (shared / "broken" / failure.path).is_file()
        assert failure.kind == DECODE_FAILURE
        assert failure.reason.isprintable()
        assert failure.reason.strip()
        assert failure.failed_at


def test_status_lists_the_failures(
    real: tuple[Path, Summary], pixfind: Callable[..., Result]
) -> None:
    folder, summary = real
    with Library.open(folder) as library:
        expected = {f"{f.root}/{f.path}": f.reason for f in failures_of(library)}
    status = json.loads(pixfind("--library", folder, "status", "--json").stdout)
    assert {f["path"]: f["reason"] for f in status["failures"]} == expected
    assert status["photos"] == summary.photos
    text = pixfind("--library", folder, "status", "--failures").stdout
    assert all(path in text for path in expected)


def test_photos_beside_broken_ones_are_all_found(real: tuple[Path, Summary], shared: Path) -> None:
    with Library.open(real[0]) as library:
        results = SearchEngine(library, FakeEncoder()).search("red", limit=1000).results
    found = {path for result in results for path in result.photo.paths}
    assert set((shared / "library").iterdir()) <= found
    assert {file for file in (shared / "formats").iterdir() if is_indexed_name(file.name)} <= found


def test_broken_photos_are_not_tried_again(real: tuple[Path, Summary], shared: Path) -> None:
    folder, summary = real
    with Library.open(folder) as library:
        again = Indexer(library, FakeEncoder()).run()
        assert (again.embedded, again.failed, again.removed) == (0, 0, 0)
        retried = Indexer(library, FakeEncoder(), retry_failed=True).run()
        assert (retried.embedded, retried.failed) == (0, summary.failed)
        assert len(failures_of(library)) == summary.failed


def test_copies_of_a_broken_photo_each_have_their_failure(
    index: Index, photos: Path, library: Library
) -> None:
    for name in ("one.jpg", "two.jpg", "inner/three.jpg"):
        (photos / name).write_bytes(b"\xff\xd8 not really")
    assert index(photos).failed == 3
    assert [f.path for f in failures_of(library)] == ["one.jpg", "two.jpg", "inner/three.jpg"]


def test_photo_that_cannot_be_read_is_tried_again(
    index: Index, photos: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with monkeypatch.context() as failing_disk:
        failing_disk.setattr(Path, "read_bytes", refuse)
        assert index(photos).failed == 3
    assert {(f.kind, f.reason) for f in failures_of(library)} == {
        (READ_FAILURE, "Input/output error")
    }
    assert index(photos).embedded == 3
    assert failures_of(library) == []


def test_photo_that_vanishes_during_a_run_is_no_failure(
    index: Index, photos: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(path: Path) -> bytes:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))

    monkeypatch.setattr(Path, "read_bytes", vanish)
    summary = index(photos)
    assert (summary.embedded, summary.failed) == (0, 0)
    assert failures_of(library) == []


def test_photo_that_becomes_broken_leaves_the_results(
    index: Index, photos: Path, engine: SearchEngine, library: Library
) -> None:
    index(photos)
    (photos / "red.jpg").write_bytes(b"\xff\xd8 not any more")
    summary = index(photos)
    assert (summary.failed, summary.photos) == (1, 2)
    assert len(engine.search("red").results) == 2


@pytest.mark.parametrize("name", ["long.png", "long.gif"])
def test_comment_too_long_for_a_thumbnail_does_not_stop_the_run(
    index: Index, photos: Path, name: str
) -> None:
    comment = "so much to say " * 7000
    notes = PngInfo()
    notes.add_text("comment", comment)
    options = {"pnginfo": notes} if name.endswith("png") else {"comment": comment}
    Image.new("RGB", (64, 48), "yellow").save(photos / name, **options)
    summary = index(photos)
    assert (summary.embedded, summary.failed) == (4, 0)


def jpeg_in_scans(edge: int, *, progressive: bool) -> bytes:
    """A few bytes that say they are a large JPEG whose pixels come in more than one scan."""
    written = io.BytesIO()
    small = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
    small.save(written, "JPEG", progressive=progressive, subsampling=0)
    content = bytearray(written.getvalue())
    frame = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", edge, edge)
    if not progressive:  # the first scan has one colour of three
        scan = content.index(b"\xff\xda")
        (length,) = struct.unpack(">H", content[scan + 2 : scan + 4])
        head = struct.pack(">HHB", 0xFFDA, 8, 1) + content[scan + 5 : scan + 7] + b"\0\x3f\0"
        content[scan : scan + 2 + length] = head
    return bytes(content)


@pytest.mark.parametrize("progressive", [True, False])
def test_jpeg_that_is_held_whole_is_refused_by_its_header(progressive: bool) -> None:
    content = jpeg_in_scans(20_000, progressive=progressive)
    with pytest.raises(PhotoDecodeError, match="20000 x 20000"):
        decode(content, Path("large.jpg"), 300)
    # What is not too large is a picture as before, though most of it is missing.
    assert decode(jpeg_in_scans(64, progressive=True), Path("small.jpg"), 32).width == 64


def test_jpeg_in_one_scan_is_scaled_while_it_is_decoded() -> None:
    written = io.BytesIO()
    Image.new("L", (13_000, 13_000)).save(written, "JPEG")
    assert decode(written.getvalue(), Path("large.jpg"), 300).width == 13_000
