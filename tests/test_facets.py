"""Facets: counts of what the whole result has in common, as the library is at that moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from indexer import Summary
from pixfind.catalog import roots
from pixfind.catalog.photos import Photo
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from search import SearchEngine, overview
from search.tags.owner import accept, reject
from tests import clips


def photo(file: Path, colour: str, year: int, camera: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[Base.Model] = camera
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = f"{year}:05:01 10:00:00"
    Image.new("RGB", (64, 48), colour).save(file, exif=exif)
    return file


@pytest.fixture(params=["read by themselves", "read with all"])
def engine(
    request: pytest.FixtureRequest,
    library: Library,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> SearchEngine:
    """Whether the few photos of a test count as few or as many must not matter."""
    if request.param == "read with all":
        monkeypatch.setattr(overview, "FEW", 0)
    return SearchEngine(library, encoder)


@pytest.fixture
def album(tmp_path: Path, index: Callable[..., Summary]) -> Path:
    """Five photos, one of which lies in two places, and a video."""
    folder = tmp_path / "Photos"
    photo(folder / "a.jpg", "red", 2001, "Box")
    photo(folder / "trip/b.jpg", "blue", 2001, "BOX")
    photo(folder / "trip/day 2/c.jpg", "#0f0", 2003, "Box")
    again = photo(folder / "trip/day 1/d.jpg", "#ff0", 2003, "Reflex").read_bytes()
    (folder / "trip/day 2/d again.jpg").write_bytes(again)
    Image.new("RGB", (64, 48), "white").save(folder / "plain.png")
    clips.write(folder / "trip/film.mp4", [("red", 1)])
    index(folder)
    return folder


def counted(engine: SearchEngine, query: str) -> dict[str, dict[str, int]]:
    facets = engine.search(query, with_facets=True).facets
    assert facets is not None
    return {name: {v.value: v.count for v in values} for name, values in vars(facets).items()}


def by_hand(photos: Collection[Photo]) -> dict[str, dict[str, int]]:
    """Count what photos say of themselves, one by one."""
    holding = {path.parent for each in photos for path in each.paths}
    cameras = Counter(each.camera.lower() for each in photos if each.camera)
    spelt = Counter(each.camera for each in photos if each.camera)
    return {
        "year": Counter(each.taken_at[:4] for each in photos if each.taken_at),
        "camera": {
            max((s for s in spelt if s.lower() == name), key=lambda s: (spelt[s], s)): count
            for name, count in cameras.items()
        },
        "folder": {
            str(folder): sum(any(folder in p.parents for p in each.paths) for each in photos)
            for folder in holding
        },
        "tag": Counter(tag for each in photos for tag in each.tags),
        "type": Counter("photo" if each.duration is None else "video" for each in photos),
    }


def assert_right(engine: SearchEngine, query: str = "-file:nothing") -> None:
    photos = [result.photo for result in engine.search(query, 100).results]
    assert photos
    assert counted(engine, query) == by_hand(photos)


def test_types(engine: SearchEngine, album: Path) -> None:
    facets = engine.search("-file:nothing", 1, with_facets=True).facets
    assert facets is not None
    assert [(v.value, v.count, v.filter) for v in facets.type] == [
        ("photo", 5, "type:photo"), ("video", 1, "type:video"),
    ]  # fmt: skip
    assert counted(engine, "type:video")["type"] == {"video": 1}


def test_counts_are_those_of_the_photos(engine: SearchEngine, album: Path) -> None:
    assert_right(engine)
    assert_right(engine, "camera:box")
    assert_right(engine, 'folder:"day 2"')
    assert counted(engine, "camera:box")["camera"] == {"Box": 3}
    # One photo lies in both folders below, and counts once here.
    assert counted(engine, "-file:nothing")["folder"][str(album / "trip")] == 4


def test_tags_given_elsewhere_count_at_once(
    engine: SearchEngine, album: Path, library: Library
) -> None:
    assert_right(engine)
    with Library.open(library.folder) as elsewhere:
        accept(elsewhere, "ours", [str(album / "a.jpg"), str(album / "trip/b.jpg")])
        assert counted(engine, "-file:nothing")["tag"] == {"ours": 2}
        accept(elsewhere, "theirs", [str(album / "a.jpg")])
        # As many rows as before.
        reject(elsewhere, "ours", [str(album / "a.jpg")])
        assert counted(engine, "-file:nothing")["tag"] == {"ours": 1, "theirs": 1}
    assert_right(engine)
    accept(library, "ours", [str(album / "plain.png")])
    assert counted(engine, "-file:nothing")["tag"] == {"ours": 2, "theirs": 1}


def test_files_that_come_and_go_count_at_once(
    engine: SearchEngine, album: Path, library: Library, index: Callable[..., Summary]
) -> None:
    assert_right(engine)
    photo(album / "new/e.jpg", "#123456", 2010, "Phone")
    (album / "trip/day 1/d.jpg").unlink()
    (album / "plain.png").unlink()
    index(album)
    assert counted(engine, "-file:nothing")["year"] == {"2001": 2, "2003": 2, "2010": 1}
    assert_right(engine)


def test_a_folder_that_moves_counts_under_its_new_name(
    engine: SearchEngine, album: Path, library: Library
) -> None:
    assert_right(engine)
    moved = album.rename(album.with_name("Elsewhere"))
    with library.catalog.write() as session:
        roots.move(session, album, moved)
    assert counted(engine, "-file:nothing")["folder"][str(moved)] == 6
    assert_right(engine)
