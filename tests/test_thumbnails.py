"""Thumbnails: small, upright, made once, and again when they are deleted."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import Base

from indexer import Summary
from pixfind import durable
from pixfind.catalog.photos import latest
from pixfind.decoding import safely
from pixfind.errors import PhotoDecodeError, PhotoReadError
from pixfind.library import Library
from pixfind.photos import thumbnails as making
from pixfind.photos.thumbnails import SIZES, Thumbnails

CONTENT = hashlib.sha256(b"a picture").digest()


@pytest.fixture
def thumbnails(tmp_path: Path) -> Thumbnails:
    return Thumbnails(tmp_path / "thumbs")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo that the camera was turned for: red on the left once it is upright."""
    upright = Image.new("RGB", (600, 900), "blue")
    upright.paste("red", (0, 0, 300, 900))
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "photo.jpg", exif=exif)
    return tmp_path / "photo.jpg"


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as opened:
        assert opened.format == "JPEG"
        return opened.size


def id_of(photo: Path) -> bytes:
    return hashlib.sha256(photo.read_bytes()).digest()


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("width", "height"), [(3000, 2000), (2000, 3000), (2500, 2500)])
def test_long_edge_is_the_size(thumbnails: Thumbnails, size: str, width: int, height: int) -> None:
    made = size_of(thumbnails.save(CONTENT, Image.new("RGB", (width, height)), size))
    assert max(made) == SIZES[size]
    assert made[0] / made[1] == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize("shape", [(64, 48), (3, 2), (200, 2)])
def test_small_picture_is_not_enlarged(thumbnails: Thumbnails, shape: tuple[int, int]) -> None:
    assert size_of(thumbnails.save(CONTENT, Image.new("RGB", shape))) == shape


def test_thin_picture_keeps_a_pixel(thumbnails: Thumbnails) -> None:
    assert size_of(thumbnails.save(CONTENT, Image.new("RGB", (2000, 3)))) == (400, 1)


def test_picture_handed_in_is_left_alone(thumbnails: Thumbnails) -> None:
    image = Image.new("RGB", (900, 600))
    thumbnails.save(CONTENT, image)
    assert image.size == (900, 600)


@pytest.mark.parametrize("size", SIZES)
def test_thumbnail_is_upright(thumbnails: Thumbnails, photo: Path, size: str) -> None:
    with Image.open(thumbnails.get(id_of(photo), photo, size)) as made:
        assert made.width < made.height
        red, _, blue = made.getpixel((10, 10))
        assert (red > 240, blue < 15) == (True, True)
        assert not made.getexif()


def test_each_size_has_its_file(thumbnails: Thumbnails, photo: Path) -> None:
    grid, preview = (thumbnails.get(id_of(photo), photo, size) for size in ("grid", "preview"))
    assert (size_of(grid), size_of(preview)) == ((267, 400), (600, 900))
    assert thumbnails.file(id_of(photo), "grid") == grid


def test_thumbnail_is_not_made_twice(
    thumbnails: Thumbnails, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = thumbnails.get(id_of(photo), photo, "grid")
    before = first.stat().st_mtime_ns
    monkeypatch.setattr(making, "read_bytes", None)
    monkeypatch.setattr(safely, "small_jpeg", None)
    assert thumbnails.get(id_of(photo), photo, "grid") == first
    assert thumbnails.save(id_of(photo), Image.new("RGB", (9, 9))) == first
    assert (first.stat().st_mtime_ns, size_of(first)) == (before, (267, 400))


def test_thumbnail_outlives_its_photo(thumbnails: Thumbnails, photo: Path) -> None:
    content_id = id_of(photo)
    thumbnails.get(content_id, photo, "grid")
    photo.unlink()
    assert thumbnails.get(content_id, photo, "grid").is_file()


def test_deleted_thumbnail_is_made_again(
    thumbnails: Thumbnails, photo: Path, tmp_path: Path
) -> None:
    first = thumbnails.get(id_of(photo), photo, "grid").read_bytes()
    shutil.rmtree(tmp_path / "thumbs")
    assert thumbnails.get(id_of(photo), photo, "grid").read_bytes() == first


def test_no_other_file_is_left(thumbnails: Thumbnails, photo: Path, tmp_path: Path) -> None:
    made = thumbnails.get(id_of(photo), photo, "grid")
    assert files_in(tmp_path / "thumbs") == [made]


def test_threads_that_want_the_same(thumbnails: Thumbnails, photo: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(thumbnails.get, id_of(photo), photo, "grid") for _ in range(8)]
        made = {job.result() for job in jobs}
    assert files_in(tmp_path / "thumbs") == list(made)
    assert size_of(made.pop()) == (267, 400)


def test_photo_that_is_gone_or_broken(thumbnails: Thumbnails, tmp_path: Path) -> None:
    with pytest.raises(PhotoReadError):
        thumbnails.get(CONTENT, tmp_path / "gone.jpg", "grid")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(PhotoDecodeError):
        broken = tmp_path / "broken.jpg"
        thumbnails.get(id_of(broken), broken, "grid")
    assert not (tmp_path / "thumbs").exists()


def test_photo_that_has_changed_gives_no_thumbnail_of_the_old(
    thumbnails: Thumbnails, photo: Path
) -> None:
    with pytest.raises(PhotoReadError, match="pixfind index"):
        thumbnails.get(CONTENT, photo, "grid")


def test_comment_of_the_photo_stays_behind(thumbnails: Thumbnails) -> None:
    image = Image.new("RGB", (9, 9))
    image.info["comment"] = "x" * 100_000
    with Image.open(thumbnails.save(CONTENT, image)) as made:
        assert "comment" not in made.info


def test_indexing_makes_the_grid(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    with library.catalog.read() as session:
        found = latest(session, 10)
    thumbnails = Thumbnails(library.thumbnails)
    expected = {thumbnails.file(one.content_id, "grid") for one in found}
    assert set(files_in(library.thumbnails / "grid")) == expected
    assert len(expected) == 3


def test_a_run_without_new_photos_removes_what_a_killed_one_left(
    library: Library, index: Callable[..., Summary], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(photos)
    left = library.thumbnails / ".ab.jpg.01234567.tmp"
    left.write_bytes(b"half a JP")
    os.utime(left, (0, 0))
    monkeypatch.setattr(durable, "_leftovers", {})  # as a process that has written nowhere yet
    assert index(photos).unchanged == 3
    assert not left.exists()


def test_what_killed_processes_left_goes(photo: Path, tmp_path: Path) -> None:
    thumbs = tmp_path / "thumbs"
    thumbs.mkdir()
    old, new = thumbs / ".ab.jpg.01234567.tmp", thumbs / ".cd.jpg.89abcdef.tmp"
    for left in (old, new):
        left.write_bytes(b"half a JP")
    os.utime(old, (0, 0))
    made = Thumbnails(thumbs).get(hashlib.sha256(photo.read_bytes()).digest(), photo, "grid")
    # The other may be one that another process is writing.
    assert sorted(files_in(thumbs)) == sorted([new, made])
