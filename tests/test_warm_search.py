"""A search that follows others: what it does not ask again, and what it must see all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import pytest
from PIL import Image
from sqlalchemy import event

from indexer import Summary
from pixfind.catalog.photos import photos_by_id
from pixfind.encoders.base import Encoder
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.onnx import OnnxEncoder
from pixfind.encoders.store import bundled_models
from pixfind.library import Library
from pixfind.vectors import VectorIndex
from pixfind.vectors.flat import Flat
from search import SearchEngine
from search import indexes as indexes_module
from search.composition import Part, compose
from tests.test_search import calibration
from web import remembered

Index = Callable[..., Summary]
COLOURS = ("red", "blue", "lime", "white", "black")
# Which photos hold the words, the photos, their tags, and where the words stand.
ASKED = 4


@contextmanager
def statements(library: Library) -> Iterator[list[str]]:
    """Collect what a library's catalog is asked."""
    asked: list[str] = []

    def note(*call: Any) -> None:
        if not call[2].startswith("PRAGMA"):
            asked.append(call[2])

    event.listen(library.catalog.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(library.catalog.engine, "before_cursor_execute", note)


@pytest.fixture
def album(tmp_path: Path, index: Index) -> Path:
    folder = tmp_path / "Photos"
    folder.mkdir()
    for colour in COLOURS:
        Image.new("RGB", (64, 48), colour).save(folder / f"{colour} thing.jpg")
    index(folder)
    return folder


def names(engine: SearchEngine, query: str) -> list[str]:
    return [result.photo.path.name for result in engine.search(query).results]


def test_a_search_that_follows_others_asks_the_catalog_little(
    library: Library, engine: SearchEngine, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes_module, "UNASKED_S", 1e6)
    for colour in COLOURS:
        engine.search(colour)
    with statements(library) as asked:
        found = engine.search("a red picture")
    assert found.results
    assert len([statement for statement in asked if statement != "BEGIN"]) <= ASKED, asked


def test_a_search_sees_what_has_been_indexed_since_the_last(
    engine: SearchEngine, album: Path, index: Index
) -> None:
    before = names(engine, "red")
    Image.new("RGB", (60, 60), "red").save(album / "another.jpg")
    index(album)
    assert set(names(engine, "red")) == {*before, "another.jpg"}
    (album / "another.jpg").unlink()
    index(album)
    assert names(engine, "red") == before


def test_an_index_that_was_behind_is_noticed_without_another_change(
    library: Library,
    engine: SearchEngine,
    album: Path,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(indexes_module, "UNASKED_S", 0)
    model = library.model()
    assert model is not None
    old = library.index(model)
    Image.new("RGB", (60, 60), "red").save(album / "another.jpg")
    index(album)
    with monkeypatch.context() as resting:
        resting.setattr(library, "index", lambda _: old)
        assert "another.jpg" not in names(engine, "red")
    assert "another.jpg" in names(engine, "red")


def test_many_searches_at_once_find_what_each_finds_alone(
    engine: SearchEngine, album: Path
) -> None:
    queries = [f"{colour} {word}" for colour in COLOURS for word in ("car", "house", "sky")]
    alone = [names(engine, query) for query in queries]
    assert len({tuple(found) for found in alone}) > 1
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda query: names(engine, query), queries)) == alone


def test_a_search_leaves_the_threads_of_others_as_they_are(
    engine: SearchEngine, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    search = Flat.search

    def noted(self: Flat, *asked: Any) -> Any:
        used.append(faiss.omp_get_max_threads())
        return search(self, *asked)

    engine.search("blue")
    monkeypatch.setattr(Flat, "search", noted)
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        engine.search("red")
        assert used
        assert set(used) == {1}
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_what_comes_nearest_is_not_compared_again(
    library: Library, album: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(encoder), "calibration", calibration(cutoff=0.999999))
    searches: list[int] = []
    search = VectorIndex.search

    def noted(self: VectorIndex, *asked: Any) -> Any:
        searches.append(asked[1])
        return search(self, *asked)

    engine = SearchEngine(library, encoder)
    engine.search("a night at sea")
    monkeypatch.setattr(VectorIndex, "search", noted)
    found = engine.search("a day at sea")
    assert not found.results
    assert found.nearest
    assert len(searches) == 1


def test_one_term_alone_is_its_own_direction(pocket: Encoder) -> None:
    (text,) = pocket.encode_texts(["a dog on grass"])
    for calibrated in (None, pocket.calibration):
        alone = compose([Part(text, 0.3, False)], [], calibrated)
        twice = compose([Part(text, 0.3, False), Part(text, 2, False)], [], calibrated)
        assert alone is not None
        assert twice is not None
        assert alone.vector == pytest.approx(text, abs=1e-6)
        assert twice.vector == pytest.approx(text, abs=1e-6)
        assert alone.pictures == twice.pictures == 0


def test_an_encoder_for_many_callers_encodes_texts_alike(pocket: Encoder) -> None:
    assert isinstance(pocket, OnnxEncoder)
    assert pocket.folder.parent == bundled_models()
    many = pocket.for_threads()
    assert many is not None
    texts = ["a dog on grass", "two people and a red boat, seen from far away"]
    assert many.encode_texts(texts) == pytest.approx(pocket.encode_texts(texts), abs=1e-5)


def test_which_model_there_is_is_never_remembered_for_long(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOMENT_S", -1)  # as if reading took long
    monkeypatch.setattr(remembered, "REST", 1e9)
    known = remembered.Remembered(library.catalog)
    kept = {now: known.get(now, lambda _: library.model(), never_old=now) for now in (True, False)}
    assert kept == {True: None, False: None}
    library.add_model(FakeEncoder().spec)
    assert known.get(False, lambda _: library.model()) is None
    assert known.get(True, lambda _: library.model(), never_old=True) is not None


def test_nothing_is_asked_of_no_photos(library: Library) -> None:
    with statements(library) as asked, library.catalog.read() as session:
        assert photos_by_id(session, []) == {}
    assert asked == []
