"""Regions: overlapping tiles of photos with vectors of their own: small things are found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result as CliResult
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select

import indexer.run
from indexer import Indexer, Summary
from indexer.progress import Silent
from pixfind.calibration import Calibration
from pixfind.calibration.link import Link
from pixfind.catalog import parts
from pixfind.catalog.schema import REGION, WHOLE, Embedding
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.parts import Box, tiles, where
from search import SearchEngine
from search import parts as search_parts
from web import create_app

Index = Callable[..., Summary]
SIZE = (200, 160)
# 200 x 160 pixels are large for a model that sees 4 x 4: two by two and four by four.
TILES = 4 + 16
GREY = (127, 128, 127)
RED_CORNER = Box(0.0, 0.0, 0.34, 0.34)


def picture(file: Path, colour: object = GREY, *spots: tuple[Box, object]) -> Path:
    """Write a picture of one colour with boxes of others."""
    image = Image.new("RGB", SIZE, colour)
    for box, other in spots:
        image.paste(other, box.pixels(*SIZE))
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)
    return file


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One with something small and red in a corner, and some without any red.

    Grey is nothing in particular to the fake encoder, and blue is far from red.
    """
    folder = tmp_path / "photos"
    picture(folder / "corner.png", (90, 128, 200), (RED_CORNER, "red"))
    picture(folder / "dim.png", (200, 128, 128))
    for number in range(4):
        picture(folder / f"blue{number}.png", (0, 10 * number, 255))
    return folder


def kinds(library: Library) -> dict[str, int]:
    with library.catalog.read() as session:
        rows = session.execute(select(Embedding.kind, func.count()).group_by(Embedding.kind))
        return {row[0]: row[1] for row in rows}


def found(engine: SearchEngine, query: str, **options: object) -> list[str]:
    return [result.photo.path.name for result in engine.search(query, **options).results]


def reopened(library: Library, encoder: FakeEncoder) -> SearchEngine:
    return SearchEngine(library, encoder)


# Where tiles lie


def covered(boxes: tuple[Box, ...], size: int = 100) -> np.ndarray:
    seen = np.zeros((size, size), int)
    for box in boxes:
        left, top, right, bottom = box.pixels(size, size)
        seen[top:bottom, left:right] += 1
    return seen


def test_tiles_cover_a_picture_and_overlap() -> None:
    coarse = tiles(400, 300, 260)
    assert len(coarse) == 4
    seen = covered(coarse)
    assert seen.min() == 1
    assert seen.max() == 4
    assert {(box.left, box.top) for box in coarse} == {(0, 0), (0.4, 0), (0, 0.4), (0.4, 0.4)}


def test_large_pictures_have_finer_tiles_as_well() -> None:
    assert tiles(1024, 768, 260)[:4] == tiles(400, 300, 260)
    assert len(tiles(1024, 768, 260)) == TILES
    assert covered(tiles(1024, 768, 260)[4:]).min() == 1
    assert len(tiles(4000, 649, 260)) == 4
    assert len(tiles(4000, 650, 260)) == 4 + 9
    assert covered(tiles(4000, 650, 260)[4:]).min() == 1
    assert len(tiles(4000, 764, 260)) == 4 + 9


def test_a_box_has_a_pixel_at_least_and_stays_inside() -> None:
    for box in tiles(4000, 4000, 1):
        for size in ((1, 1), (2, 3), (7, 5), (4001, 2999)):
            left, top, right, bottom = box.pixels(*size)
            assert 0 <= left < right <= size[0]
            assert 0 <= top < bottom <= size[1]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box(0, 0, 0.6, 0.6), "upper left"),
        (Box(0.4, 0, 0.6, 0.6), "upper right"),
        (Box(0.3, 0, 0.4, 0.4), "top"),
        (Box(0, 0.3, 0.4, 0.4), "left"),
        (Box(0.3, 0.3, 0.4, 0.4), "centre"),
        (Box(0.6, 0.3, 0.4, 0.4), "right"),
        (Box(0.3, 0.6, 0.4, 0.4), "bottom"),
        (Box(0.6, 0.6, 0.4, 0.4), "lower right"),
        (Box(1, 1, 0, 0), "lower right"),
    ],
)
def test_where_a_box_lies_in_words(box: Box, words: str) -> None:
    assert where(box) == words


# Indexing


def test_regions_are_embedded_only_if_asked_for(
    index: Index, library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    assert index(photos).embedded == 6
    assert kinds(library) == {WHOLE: 6}
    assert encoder.images_encoded == 6
    assert not (library.folder / "vectors" / "parts").exists()


def test_regions_of_a_library_that_had_none(index: Index, library: Library, photos: Path) -> None:
    index(photos)
    index(photos, regions=True)
    assert kinds(library) == {WHOLE: 6, REGION: 6 * TILES}
    with library.catalog.read() as session:
        (asset_id,) = session.scalars(
            select(Embedding.asset_id).where(Embedding.kind == REGION).distinct().limit(1)
        )
        model = library.model()
        assert model is not None
        ids = parts.of_assets(session, model.id, [asset_id]).tolist()
        boxes = [part.box for owner, part in parts.owners(session, ids).values()]
    assert boxes == list(tiles(*SIZE, FakeEncoder().spec.image_size))


def test_later_runs_go_on_making_them_and_nothing_is_done_twice(
    index: Index, library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    index(photos, regions=True)
    before = encoder.images_encoded
    assert index().unchanged == 6
    assert index(regions=True).unchanged == 6
    assert encoder.images_encoded == before
    picture(photos / "new.png", "yellow")
    assert index().embedded == 1
    assert encoder.images_encoded == before + 1 + TILES
    assert kinds(library) == {WHOLE: 7, REGION: 7 * TILES}


def test_moved_and_copied_files_cost_nothing(
    index: Index, library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    index(photos, regions=True)
    before = encoder.images_encoded
    (photos / "copy.png").write_bytes((photos / "corner.png").read_bytes())
    (photos / "dim.png").rename(photos / "moved.png")
    summary = index()
    assert (summary.embedded, summary.known) == (0, 2)
    assert encoder.images_encoded == before
    assert kinds(library)[REGION] == 6 * TILES


def test_no_regions_drops_them_and_their_files(
    index: Index, library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    index(photos, regions=True)
    folder = library.folder / "vectors" / "parts"
    assert list(folder.glob("*.faiss"))
    before = encoder.images_encoded
    index(regions=False)
    assert kinds(library) == {WHOLE: 6}
    assert not list(folder.glob("*"))
    assert encoder.images_encoded == before
    engine = reopened(library, encoder)
    assert all(result.part is None for result in engine.search("red").results)
    picture(photos / "new.png", "yellow")
    index()
    assert kinds(library) == {WHOLE: 7}
    index(regions=True)
    assert kinds(library) == {WHOLE: 7, REGION: 7 * TILES}
    assert engine.search("red").results[0].part is not None


def test_another_model_sees_regions_too(index: Index, library: Library, photos: Path) -> None:
    index(photos, regions=True)
    newer = FakeEncoder(version=2)
    Indexer(library, newer).run()
    assert kinds(library) == {WHOLE: 12, REGION: 12 * TILES}
    first = SearchEngine(library, newer).search("red").results[0]
    assert first.photo.path.name == "corner.png"
    assert first.part is not None


def test_a_photo_has_all_its_vectors_or_none(
    index: Index, library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = parts.add

    def fails(*arguments: object) -> None:
        original(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(parts, "add", fails)
    assert index(photos, regions=True).interrupted
    assert kinds(library) == {}
    monkeypatch.setattr(parts, "add", original)
    assert index().embedded == 6
    assert kinds(library) == {WHOLE: 6, REGION: 6 * TILES}


def test_an_interrupted_run_goes_on(
    index: Index, library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer.run, "BATCH_WITH_REGIONS", 2)
    original, calls = parts.add, []

    def fails_later(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) > 2:
            raise KeyboardInterrupt
        original(*arguments)

    index(photos)
    monkeypatch.setattr(parts, "add", fails_later)
    assert index(regions=True).interrupted
    assert kinds(library) == {WHOLE: 6, REGION: 2 * TILES}
    monkeypatch.setattr(parts, "add", original)
    assert index().embedded == 4
    assert kinds(library) == {WHOLE: 6, REGION: 6 * TILES}


def test_vectors_that_take_long_to_write_are_written_seldom(
    library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    written = []
    for number in range(12):
        Image.new("RGB", (9, 9), (number, 0, 0)).save(photos / f"{number}.png")

    class MinuteABatch(Silent):
        def working(self, done: int, total: int) -> None:
            nonlocal clock
            clock += 61

    def save(model: object) -> None:
        nonlocal clock
        clock += 12
        written.append(clock)

    monkeypatch.setattr("indexer.run.time.monotonic", lambda: clock)
    monkeypatch.setattr("indexer.run.BATCH_WITH_REGIONS", 1)
    monkeypatch.setattr(library, "save_vectors", save)
    Indexer(library, FakeEncoder(), regions=True, progress=MinuteABatch()).run([photos])
    assert len(written) > 3
    assert (np.diff(written[:-1]) >= 20 * 12).all()


def test_parts_files_that_are_lost_are_derived_again(
    index: Index, library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    index(photos, regions=True)
    for file in (library.folder / "vectors" / "parts").iterdir():
        file.write_bytes(b"damaged")
    with Library.open(library.folder) as again:
        first = SearchEngine(again, encoder).search("red").results[0]
        assert first.part is not None
        assert len(again.parts_index(again.model())) == 6 * TILES


# Searching


@pytest.fixture
def regions(index: Index, photos: Path, encoder: FakeEncoder, library: Library) -> SearchEngine:
    index(photos, regions=True)
    return SearchEngine(library, encoder)


def test_something_small_is_found_and_shown(
    index: Index, photos: Path, library: Library, encoder: FakeEncoder
) -> None:
    index(photos)
    engine = SearchEngine(library, encoder)
    assert found(engine, "red")[0] == "dim.png"
    index(regions=True)
    first = engine.search("red").results[0]
    assert first.photo.path.name == "corner.png"
    assert first.part is not None
    assert first.part.box == RED_CORNER
    assert first.similarity == pytest.approx(1 - search_parts.UNKNOWN_SPREAD, abs=0.01)


def test_a_photo_that_matches_as_a_whole_is_not_pointed_into(regions: SearchEngine) -> None:
    plain = [r for r in regions.search("blue").results if r.photo.path.name == "blue0.png"]
    assert plain[0].part is None


def test_photos_are_counted_once(regions: SearchEngine) -> None:
    results = regions.search("red", with_facets=True)
    assert results.total == len(results.results) == 6
    assert results.facets is not None
    assert [value.count for value in results.facets.folder] == [6]


def test_pages_do_not_overlap(index: Index, tmp_path: Path, regions: SearchEngine) -> None:
    numbers = np.random.default_rng(0)
    more = tmp_path / "more"
    for number in range(30):
        place = Box(*numbers.uniform(0, 0.6, 2), 0.4, 0.4)
        colours = [tuple(int(c) for c in numbers.integers(0, 256, 3)) for _ in range(2)]
        picture(more / f"{number}.png", colours[0], (place, colours[1]))
    index(more)
    whole = found(regions, "red", limit=100)
    assert len(whole) == len(set(whole)) == 36
    pages = [found(regions, "red", limit=7, offset=7 * page) for page in range(6)]
    assert [name for page in pages for name in page] == whole


def test_pages_are_the_same_where_not_all_parts_are_looked_at(
    regions: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_parts, "LOOKED_AT", 3)
    whole = found(regions, "red")
    assert whole[0] == "corner.png"
    assert [found(regions, "red", limit=1, offset=n) for n in range(6)] == [[n] for n in whole]


@pytest.mark.parametrize("named", [0, search_parts.NAMED])
def test_filters_hold_for_parts(
    regions: SearchEngine, index: Index, tmp_path: Path, named: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(search_parts, "NAMED", named)
    index(picture(tmp_path / "beside" / "other.png", "blue", (RED_CORNER, "red")).parent)
    inside = f'folder:"{tmp_path / "beside"}"'
    assert found(regions, f"red {inside}") == ["other.png"]
    assert set(found(regions, f"red -{inside}")).isdisjoint({"other.png"})
    assert found(regions, f"red -{inside}")[0] == "corner.png"


def test_what_is_excluded_stays_out(regions: SearchEngine) -> None:
    assert "blue0.png" in found(regions, "red")
    names = found(regions, "red -blue")
    assert names[0] == "corner.png"
    assert "blue0.png" not in names


def test_pictures_are_compared_as_wholes(regions: SearchEngine, photos: Path) -> None:
    tile = picture(photos.parent / "asked.png", "red")
    results = regions.similar(tile).results
    assert results[0].photo.path.name == "dim.png"
    assert all(result.part is None for result in results)


def test_a_photo_that_is_gone_is_not_found_by_its_parts(
    regions: SearchEngine, index: Index, photos: Path, library: Library
) -> None:
    (photos / "corner.png").unlink()
    index()
    assert "corner.png" not in found(regions, "red")
    assert regions.search("red").total == 5
    assert len(library.parts_index(library.model())) == 5 * TILES


def test_the_order_by_date_or_name_is_kept(regions: SearchEngine) -> None:
    names = found(regions, "red sort:name")
    assert names == sorted(names)


# With a cutoff

LINK = Link(
    slope=20.0, intercept=-12.0, prior=0.1,
    base=-2.2, per_highest=0.0, per_log_size=0.0, per_spread=0.0,
)  # fmt: skip
# What a query scores in general deviates by so much.
SPREAD = 0.05


@pytest.fixture
def cut_off(index: Index, photos: Path, library: Library) -> SearchEngine:
    """As ``regions``, with probabilities: what scores as high as a plain picture surely matches."""
    index(photos, regions=True)
    dim = FakeEncoder().spec.dim
    known = Calibration(
        np.zeros(dim, np.float32), SPREAD**2 * np.eye(dim, dtype=np.float32), LINK, LINK, 0.5
    )
    return SearchEngine(library, FakeEncoder(calibration=known))


def test_the_cutoff_holds_for_what_a_part_is_worth(cut_off: SearchEngine) -> None:
    answer = cut_off.search("red")
    assert [result.photo.path.name for result in answer.results] == ["corner.png"]
    (only,) = answer.results
    assert answer.total == 1
    assert only.part is not None
    assert only.part.box == RED_CORNER
    expected = 1 - search_parts.MARGIN * SPREAD
    assert only.similarity == pytest.approx(expected, abs=0.01)


def test_with_a_cutoff_filters_and_exclusions_hold(
    cut_off: SearchEngine, index: Index, tmp_path: Path
) -> None:
    index(picture(tmp_path / "beside" / "other.png", "blue", (RED_CORNER, "red")).parent)
    inside = f'folder:"{tmp_path / "beside"}"'
    assert found(cut_off, f"red {inside}") == ["other.png"]
    assert found(cut_off, f"red -{inside}") == ["corner.png"]
    assert found(cut_off, "red -blue") == ["corner.png"]
    assert found(cut_off, f"green {inside}") == []


def test_the_nearest_know_their_parts(cut_off: SearchEngine) -> None:
    answer = cut_off.search("red score:>0.9999999")
    assert answer.total == 0
    assert answer.nearest[0].photo.path.name == "corner.png"


def test_all_is_ranked_by_parts_too(cut_off: SearchEngine) -> None:
    whole = found(cut_off, "red", everything=True)
    assert len(whole) == 6
    assert whole[0] == "corner.png"
    assert [found(cut_off, "red", everything=True, limit=1, offset=n) for n in range(6)] == [
        [name] for name in whole
    ]


def test_words_find_a_photo_besides(cut_off: SearchEngine) -> None:
    assert found(cut_off, "dim") == ["dim.png"]


# Fronts


def test_the_command_line_tells_where(
    pixfind: Callable[..., CliResult],
    photos: Path,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ModelStore, "load", lambda store, name: encoder)
    assert pixfind("index", photos, "--regions", "--json").exit_code == 0
    lines = pixfind("search", "red").stdout.splitlines()
    assert lines[0].endswith("corner.png  [upper left]")
    (first, *_) = json.loads(pixfind("search", "red", "--json").stdout)["results"]
    assert first["box"] == {"left": 0, "top": 0, "width": 0.34, "height": 0.34}
    assert first["second"] is None
    assert pixfind("index", "--no-regions").exit_code == 0
    (first, *_) = json.loads(pixfind("search", "red", "--json").stdout)["results"]
    assert first["box"] is None


@pytest.fixture
def client(
    regions: SearchEngine, settings: Settings, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    monkeypatch.setattr(ModelStore, "load", lambda store, name: encoder)
    app = create_app(settings)
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


def rectangles(page: str) -> list[tuple[float, ...]]:
    """The rectangles that a page draws, as shares of what they are drawn on."""
    drawn = re.findall(
        r'<svg class="frame" viewBox="0 0 (\d+) (\d+)"[^>]*aria-hidden="true">'
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/></svg>',
        page,
    )
    return [
        (float(x) / int(w), float(y) / int(h), float(width) / int(w), float(height) / int(h))
        for w, h, x, y, width, height in drawn
    ]


def test_pages_show_where(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": "red"}).text
    assert rectangles(page)[0] == pytest.approx((0, 0, 0.34, 0.34))
    assert ", upper left</span>" in page
    (address, *_) = re.findall(r'href="(/photos/\d+[^"]*)"', page)
    page = client.get(unescape(address)).text
    assert rectangles(page)[0] == pytest.approx((0, 0, 0.34, 0.34))
    assert "Match: upper left" in page
    assert "style=" not in page  # the page's policy forbids it


def test_photo_page_without_a_query_points_nowhere(client: FlaskClient) -> None:
    assert rectangles(client.get("/photos/1").text) == []


@pytest.mark.parametrize(
    "box", ["", "0.1", "a,b,c,d", "0,0,nan,1", "0,0,inf,1", "-1,0,1,1", "0.5,0,0.6,1", "0,0,0,0"]
)
def test_an_address_that_names_no_box_points_nowhere(client: FlaskClient, box: str) -> None:
    page = client.get("/photos/1", query_string={"q": "red", "box": box})
    assert page.status_code == 200
    assert "Match:" not in page.text


def test_the_web_api_tells_where(client: FlaskClient) -> None:
    (first, *_) = client.get("/api/v1/search", query_string={"q": "red"}).json["results"]
    assert first["box"] == {"left": 0, "top": 0, "width": 0.34, "height": 0.34}
