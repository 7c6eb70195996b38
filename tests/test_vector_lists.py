"""The index of a large library: lists in a mapped file, and beside it what has changed since."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, insert

from pixfind.catalog import assets
from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Model, Root
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from pixfind.vectors import Ids, VectorIndex, Vectors
from pixfind.vectors.cache import VectorCache

LIMIT = 200
FIRST = 300
K = 10


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixfind.vectors.cache.EXACT_LIMIT", LIMIT)


class Photos:
    """Photos of a library that have vectors and no files; twelve kinds of them."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.model: Model = library.add_model(FakeEncoder().spec)
        self.numbers = np.random.default_rng(0)
        self.kinds = unit(self.numbers.standard_normal((12, self.model.dim)))
        self.last = 0
        with library.catalog.write() as session:
            session.add(Root(id=1, path="/photos", whole=True))

    def like(self, count: int) -> Vectors:
        noise = self.numbers.standard_normal((count, self.model.dim)) * 0.5 / self.model.dim**0.5
        return unit(self.kinds[self.numbers.integers(0, 12, count)] + noise)

    def add(self, count: int) -> Ids:
        ids = range(self.last + 1, self.last + count + 1)
        self.last += count
        with self.library.catalog.write() as session:
            session.execute(insert(Asset), [_asset(number) for number in ids])
            session.execute(
                insert(Embedding),
                [
                    {"id": n, "asset_id": n, "model_id": self.model.id, "kind": WHOLE, "vector": v}
                    for n, v in zip(ids, stored(self.like(count)), strict=True)
                ],
            )
            session.execute(insert(File), [_file(number) for number in ids])
            bump_generation(session)
        return np.array(ids, np.int64)

    def remove(self, ids: Ids) -> None:
        with self.library.catalog.write() as session:
            session.execute(delete(File).where(File.asset_id.in_(ids.tolist())))
            bump_generation(session)

    def known(self) -> tuple[Ids, Vectors]:
        with self.library.catalog.read() as session:
            wanted = assets.searchable_ids(session, self.model.id)
            (read,) = assets.vectors_of(session, wanted)
        return read

    def cache(self) -> VectorCache:
        """As another process would have it."""
        return Library(self.library.folder, self.library.catalog).vectors(self.model)

    @property
    def folder(self) -> Path:
        return self.library.folder / "vectors"

    def files(self) -> dict[str, str]:
        """The names of the index's files by their kinds."""
        found = [file.name for file in self.folder.iterdir() if file.name != "CACHEDIR.TAG"]
        return {Path(name).suffix: name for name in found}


def unit(vectors: np.ndarray) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def stored(vectors: Vectors) -> list[bytes]:
    return [vector.tobytes() for vector in vectors.astype("<f2")]


def _asset(number: int) -> dict[str, object]:
    return {
        "id": number, "content_id": number.to_bytes(32, "big"), "byte_size": 1, "format": "JPEG",
        "width": 4, "height": 3, "metadata_version": 1,
    }  # fmt: skip


def _file(number: int) -> dict[str, object]:
    return {
        "root_id": 1, "folder": "", "name": f"{number}.jpg", "size": 1, "mtime_ns": 1,
        "asset_id": number,
    }  # fmt: skip


@pytest.fixture
def photos(library: Library) -> Photos:
    """A library that has gone over to lists and was saved."""
    photos = Photos(library)
    photos.add(FIRST)
    photos.cache().save()
    return photos


def check(photos: Photos, index: VectorIndex) -> None:
    """The index holds what the catalog holds, and finds the nearest with their cosines."""
    ids, vectors = photos.known()
    assert index.ids.tolist() == ids.tolist()
    for query in photos.like(8):
        scores, found = index.search(query[np.newaxis], K)
        cosines = vectors @ query
        nearest = ids[np.argsort(-cosines)[:K]]
        assert len(set(found[0].tolist()) & set(nearest.tolist())) >= K - 1
        by_id = dict(zip(ids.tolist(), cosines.tolist(), strict=True))
        np.testing.assert_allclose(scores[0], [by_id[i] for i in found[0].tolist()], atol=1e-6)


def test_a_large_library_lies_in_lists(photos: Photos) -> None:
    index = photos.cache().current()
    assert not index.is_exact
    assert index.file == photos.folder / photos.files()[".faiss"]
    check(photos, index)


def test_a_small_one_does_not(library: Library) -> None:
    photos = Photos(library)
    photos.add(LIMIT)
    cache = photos.cache()
    cache.save()
    assert cache.current().is_exact
    check(photos, cache.current())


def test_what_is_added_is_found_at_once_and_lies_beside_the_lists(photos: Photos) -> None:
    before = photos.files()
    cache = photos.cache()
    cache.current()
    added = photos.add(5)
    check(photos, cache.current())
    assert np.isin(added, cache.current().ids).all()
    cache.save()
    after = photos.files()
    assert after[".faiss"] == before[".faiss"]
    assert ".changes" in after
    check(photos, photos.cache().current())


def test_what_is_removed_is_not_found(photos: Photos) -> None:
    added = photos.add(5)
    photos.cache().save()
    gone = np.array([1, 7, added[0]], np.int64)
    photos.remove(gone)
    for _ in "once, and as another process has it":
        cache = photos.cache()
        index = cache.current()
        assert len(index) == FIRST + 5 - 3
        check(photos, index)
        query = photos.like(1)
        assert not np.isin(index.search(query, len(index))[1], gone).any()
        assert index.search(query, K, gone)[1].shape == (1, 0)
        cache.save()
    assert len(photos.files()) == 3


def test_what_comes_back_is_found_again(photos: Photos) -> None:
    back = np.array([3, 4], np.int64)
    photos.remove(back)
    cache = photos.cache()
    cache.save()
    with photos.library.catalog.write() as session:
        session.execute(insert(File), [_file(number) for number in back.tolist()])
        bump_generation(session)
    for known in (cache, photos.cache()):
        check(photos, known.current())
        known.save()


def test_many_changes_are_written_into_the_lists(photos: Photos) -> None:
    before = photos.files()
    photos.add(5)
    photos.cache().save()
    photos.add(40)
    photos.cache().save()
    after = photos.files()
    assert after[".faiss"] != before[".faiss"]
    assert set(after) == {".faiss", ".json"}
    check(photos, photos.cache().current())


def test_an_index_in_use_does_not_change(photos: Photos) -> None:
    cache = photos.cache()
    held = cache.current()
    ids, query = held.ids.copy(), photos.like(1)
    answer = held.search(query, K)
    photos.remove(np.array([2], np.int64))
    photos.add(100)
    cache.save()
    assert len(cache.current()) == FIRST + 99
    assert held.ids.tolist() == ids.tolist()
    for before, after in zip(answer, held.search(query, K), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_search_does_not_wait_for_what_is_being_written(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = photos.cache()
    held = cache.current()
    photos.add(100)
    found: list[VectorIndex] = []
    save = VectorIndex.save

    def slowly(index: VectorIndex, file: Path) -> None:
        asking = threading.Thread(target=lambda: found.append(cache.current(at_once=False)))
        asking.start()
        asking.join(30)
        save(index, file)

    monkeypatch.setattr(VectorIndex, "save", slowly)
    cache.save()
    assert len(found) == 1
    assert len(held) == FIRST
    assert len(cache.current()) == FIRST + 100


def test_what_another_process_has_written_is_not_written_again(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = photos.cache()
    cache.current()
    photos.add(100)
    photos.cache().save()
    monkeypatch.delattr(VectorIndex, "save")
    assert len(cache.current()) == FIRST + 100
    cache.save()
    assert cache.is_saved


@pytest.mark.parametrize("count", [5 * FIRST, 30])
def test_a_library_of_another_size_is_laid_out_anew(photos: Photos, count: int) -> None:
    if count > FIRST:
        photos.add(count - FIRST)
    else:
        photos.remove(np.arange(count + 1, FIRST + 1))
    cache = photos.cache()
    cache.save()
    assert cache.current().is_exact == (count < LIMIT)
    check(photos, cache.current())
    check(photos, photos.cache().current())


@pytest.mark.parametrize("size", [1, 20, 250])
def test_filters_are_exact_about_what_they_allow(photos: Photos, size: int) -> None:
    photos.add(5)
    index = photos.cache().current()
    ids, vectors = photos.known()
    chosen = np.sort(photos.numbers.permutation(len(ids))[:size])
    query = photos.like(1)
    scores, found = index.search(query, size, ids[chosen])
    assert sorted(found[0].tolist()) == ids[chosen].tolist()
    assert (np.diff(scores[0]) <= 0).all()
    best = ids[chosen][np.argmax(vectors[chosen] @ query[0])]
    assert found[0, 0] == best


def test_many_queries_at_once(photos: Photos) -> None:
    photos.add(5)
    index = photos.cache().current()
    ids, vectors = photos.known()
    scores, found = index.search(vectors, 1)
    assert (found[:, 0] == ids).mean() > 0.98
    assert scores.min() > 0.98
    assert index.search(vectors[:0], K)[1].shape == (0, K)


# Damage


def remove(file: Path) -> None:
    file.unlink()


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [remove, truncate, flip])
@pytest.mark.parametrize("kind", [".faiss", ".changes"])
def test_damaged_files_are_written_anew(
    photos: Photos, damage: Callable[[Path], None], kind: str
) -> None:
    photos.add(5)
    photos.cache().save()
    damage(photos.folder / photos.files()[kind])
    check(photos, photos.cache().current())
    photos.cache().save()
    cache = photos.cache()
    check(photos, cache.current())
    assert cache.is_saved


def test_damage_far_behind_is_found_after_a_while(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = photos.folder / photos.files()[".faiss"]
    head = file.stat().st_size // 4
    monkeypatch.setattr("pixfind.vectors.manifest.HEAD_BYTES", head)
    monkeypatch.setattr("pixfind.vectors.cache.CHECKED_AFTER_S", 0.0)
    (photos.folder / photos.files()[".json"]).unlink()
    photos.cache().save()
    file = photos.folder / photos.files()[".faiss"]
    content = bytearray(file.read_bytes())
    content[-5] ^= 64
    file.write_bytes(content)
    cache = photos.cache()
    first = cache.current()
    patience = time.monotonic() + 30
    while cache.current() is first and time.monotonic() < patience:
        time.sleep(0.01)
    check(photos, cache.current())
    assert not cache.is_saved
    cache.save()
    check(photos, photos.cache().current())
