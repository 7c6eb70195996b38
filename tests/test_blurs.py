"""Blurs: the few colours that are shown in a photo's place while it is loading."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from clips import write
from PIL import Image
from PIL.ExifTags import Base
from sqlalchemy import text

from indexer import Indexer, Summary
from indexer.blurs import fill_blurs
from pixfind.catalog.photos import Photo, latest
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from pixfind.photos.small import blur_of
from pixfind.photos.thumbnails import Thumbnails
from search import SearchEngine
from search.serialization import photo_json, results_json

# Of 255; a thumbnail's JPEG moves colours by a few.
CLOSE = 6


def colours(blur: bytes | None) -> npt.NDArray[np.int64]:
    assert blur is not None
    return np.frombuffer(blur, np.uint8).reshape(4, 4, 3).astype(np.int64)


def found(library: Library) -> dict[str, Photo]:
    with library.catalog.read() as session:
        return {photo.path.stem: photo for photo in latest(session, 1000)}


def forget(library: Library, where: str = "TRUE") -> None:
    """Make the library one from before there were blurs."""
    with library.catalog.write() as session:
        session.execute(text(f"UPDATE asset SET blur = NULL WHERE {where}"))


def test_blur_is_sixteen_means_row_by_row() -> None:
    values = np.random.default_rng(0).integers(0, 256, (40, 80, 3), np.uint8)
    means = values.reshape(4, 10, 4, 20, 3).mean(axis=(1, 3))
    blur = blur_of(Image.fromarray(values))
    assert len(blur) == 48
    assert np.abs(colours(blur) - means).max() <= 1
    # The first three bytes are the upper left, the next ones what is to the right of it.
    image = Image.new("RGB", (8, 8), "black")
    image.paste("red", (2, 0, 4, 2))
    assert blur_of(image)[:9] == bytes([0, 0, 0, 255, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("size", [(2, 200), (3, 3), (401, 299)])
def test_blur_of_any_shape(size: tuple[int, int]) -> None:
    assert blur_of(Image.new("RGB", size, (10, 20, 30))) == bytes([10, 20, 30]) * 16


def test_indexing_keeps_the_blur_of_the_upright_photo(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    upright = Image.new("RGB", (300, 400), "blue")
    upright.paste("red", (0, 0, 150, 400))
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(photos / "turned.png", exif=exif)
    index(photos)
    blurs = {name: colours(photo.blur) for name, photo in found(library).items()}
    assert np.abs(blurs["blue"] - (0, 0, 255)).max() <= CLOSE
    assert np.abs(blurs["turned"][:, :2] - (255, 0, 0)).max() <= CLOSE
    assert np.abs(blurs["turned"][:, 2:] - (0, 0, 255)).max() <= CLOSE


def test_blur_of_a_video_is_that_of_its_thumbnail(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    write(photos / "clip.mp4", [("green", 1), ("red", 1)])
    index(photos)
    assert np.abs(colours(found(library)["clip"].blur) - (0, 128, 0)).max() <= 2 * CLOSE


def test_older_library_gets_its_blurs_from_its_thumbnails(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    before = {name: photo.blur for name, photo in found(library).items()}
    forget(library)
    assert {photo.blur for photo in found(library).values()} == {None}
    shutil.rmtree(photos)  # no photo is opened
    assert fill_blurs(library) == 3
    for name, photo in found(library).items():
        assert np.abs(colours(photo.blur) - colours(before[name])).max() <= CLOSE
    assert fill_blurs(library) == 0


def test_photo_without_a_sound_thumbnail_waits_for_one(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    forget(library)
    thumbnails = Thumbnails(library.thumbnails)
    red, green, _ = (found(library)[name] for name in ("red", "green", "blue"))
    thumbnails.file(red.content_id, "grid").unlink()
    thumbnails.file(green.content_id, "grid").write_bytes(b"damaged")
    assert fill_blurs(library) == 1
    assert {name for name, photo in found(library).items() if photo.blur is None} == {
        "red",
        "green",
    }
    thumbnails.get(red.content_id, red.path, "grid")
    assert fill_blurs(library) == 1


def test_blurs_that_are_there_stay(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    with library.catalog.write() as session:
        session.execute(text("UPDATE asset SET blur = x'01' WHERE id = 2"))
    forget(library, "id <> 2")
    assert fill_blurs(library) == 2
    assert {photo.blur for photo in found(library).values() if photo.id == 2} == {b"\x01"}


def test_filling_that_is_ended_goes_on_later(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(300):
        Image.new("RGB", (4, 4), (number % 256, number // 256, 0)).save(folder / f"{number}.png")
    Indexer(library, FakeEncoder()).run([folder])
    forget(library)
    steps = 0

    def end_behind_the_first() -> None:
        nonlocal steps
        steps += 1
        if steps > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_blurs(library, end_behind_the_first)
    missing = sum(photo.blur is None for photo in found(library).values())
    assert 0 < missing < 300
    assert fill_blurs(library) == missing


def test_next_run_fills_the_blurs(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    index(photos)
    forget(library)
    assert index(photos / "inner").embedded == 0
    assert all(len(photo.blur or b"") == 48 for photo in found(library).values())


def test_blur_is_for_pages_only(
    library: Library, index: Callable[..., Summary], photos: Path, engine: SearchEngine
) -> None:
    index(photos)
    photo = found(library)["red"]
    assert photo_json(photo) == photo_json(replace(photo, blur=None))
    assert json.dumps(results_json(engine.search("red"))).count('"blur"') == 0
