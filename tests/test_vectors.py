"""The vector index: what is found, in both layouts, with and without a filter."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixfind.vectors import EXACT_LIMIT, Ids, VectorIndex, Vectors

DIM = 16
COUNT = 300
K = 10
# A cosine may be off by this much after float16, and after 8-bit codes.
PRECISION = {"exact": 1e-3, "lists": 0.02}

Create = Callable[..., VectorIndex]


def unit(vectors: np.ndarray) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(count: int, dim: int, clusters: int, seed: int = 0) -> Vectors:
    """Vectors that gather as photos of the same things do."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((clusters, dim)))
    noise = rng.standard_normal((count, dim)) * 0.6 / dim**0.5
    return unit(centres[rng.integers(0, clusters, count)] + noise)


def nearest(vectors: Vectors, ids: Ids, queries: Vectors, k: int) -> list[set[int]]:
    """The answer, by comparing everything with everything."""
    order = np.argsort(-(queries @ vectors.T), axis=1)[:, :k]
    return [set(row) for row in ids[order].tolist()]


def recall(found: Ids, wanted: list[set[int]]) -> float:
    shares = [len(set(f) & w) / len(w) for f, w in zip(found.tolist(), wanted, strict=True)]
    return float(np.mean(shares))


@pytest.fixture(params=["exact", "lists"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def create(layout: str) -> Create:
    """Make an empty index that stays exact, or one that soon goes over to inverted lists."""
    limit = EXACT_LIMIT if layout == "exact" else COUNT // 4

    def make(dim: int = DIM) -> VectorIndex:
        return VectorIndex.create(dim, exact_limit=limit)

    return make


@pytest.fixture
def vectors() -> Vectors:
    return clustered(COUNT, DIM, clusters=12)


@pytest.fixture
def ids() -> Ids:
    """Ids with gaps, in no order, some beyond 32 bits."""
    numbers = np.random.default_rng(1).permutation(COUNT).astype(np.int64) * 3 + 5
    numbers[:10] += 2**40
    return numbers


@pytest.fixture
def filled(create: Create, vectors: Vectors, ids: Ids) -> VectorIndex:
    index = create()
    index.add(ids, vectors)
    return index


def test_scores_are_cosines_best_first(
    filled: VectorIndex, vectors: Vectors, ids: Ids, layout: str
) -> None:
    queries = clustered(20, DIM, clusters=12, seed=3)
    scores, found = filled.search(queries, K)
    assert (scores.shape, scores.dtype) == ((20, K), np.float32)
    assert (found.shape, found.dtype) == ((20, K), np.int64)
    assert (np.diff(scores, axis=1) <= 0).all()
    row = {int(number): vector for number, vector in zip(ids, vectors, strict=True)}
    cosines = [[float(q @ row[i]) for i in line] for q, line in zip(queries, found, strict=True)]
    assert np.abs(scores - cosines).max() < PRECISION[layout]


def test_each_vector_finds_itself(filled: VectorIndex, vectors: Vectors, ids: Ids) -> None:
    scores, found = filled.search(vectors, 1)
    assert (found[:, 0] == ids).mean() > 0.98
    assert scores.min() > 0.97


def test_the_nearest_are_found(filled: VectorIndex, vectors: Vectors, ids: Ids) -> None:
    queries = clustered(40, DIM, clusters=12, seed=0)
    assert recall(filled.search(queries, K)[1], nearest(vectors, ids, queries, K)) > 0.95


@pytest.mark.parametrize("k", [COUNT, COUNT + 1, 10 * COUNT])
def test_asking_for_everything(filled: VectorIndex, vectors: Vectors, ids: Ids, k: int) -> None:
    _, found = filled.search(vectors[:3], k)
    assert found.shape == (3, COUNT)
    assert (np.sort(found) == np.sort(ids)).all()


def test_asking_for_nothing(filled: VectorIndex, vectors: Vectors) -> None:
    assert filled.search(vectors[:3], 0)[0].shape == (3, 0)
    assert filled.search(vectors[:0], K)[0].shape == (0, K)


def test_empty_index(create: Create, vectors: Vectors, ids: Ids) -> None:
    index = create()
    scores, found = index.search(vectors[:2], K)
    assert (scores.shape, found.shape, found.dtype) == ((2, 0), (2, 0), np.int64)
    assert index.search(vectors[:2], K, ids)[1].shape == (2, 0)
    assert (len(index), len(index.ids), index.remove(ids)) == (0, 0, 0)


def test_adding_and_removing_nothing(filled: VectorIndex, vectors: Vectors, ids: Ids) -> None:
    filled.add(ids[:0], vectors[:0])
    assert filled.remove(ids[:0]) == 0
    assert len(filled) == COUNT


def test_ids_ascend(filled: VectorIndex, ids: Ids) -> None:
    assert filled.ids.dtype == np.int64
    assert filled.ids.tolist() == sorted(ids.tolist())
    assert filled.dim == DIM


def test_removed_is_not_found(filled: VectorIndex, vectors: Vectors, ids: Ids) -> None:
    gone, kept = ids[:100], ids[100:]
    assert filled.remove(np.append(gone, [999_999])) == 100
    assert filled.ids.tolist() == sorted(kept.tolist())
    _, found = filled.search(vectors, COUNT)
    assert (np.sort(found) == np.sort(kept)).all()
    assert filled.remove(gone) == 0


def test_removing_everything_and_beginning_again(
    filled: VectorIndex, vectors: Vectors, ids: Ids
) -> None:
    assert filled.remove(ids) == COUNT
    assert len(filled) == len(filled.ids) == 0
    assert filled.search(vectors[:2], K)[1].shape == (2, 0)
    filled.add(ids[:5], vectors[:5])
    assert set(filled.search(vectors[:1], K)[1][0].tolist()) == set(ids[:5].tolist())


def test_added_bit_by_bit(create: Create, vectors: Vectors, ids: Ids) -> None:
    index = create()
    for start in range(0, COUNT, 40):
        index.add(ids[start : start + 40], vectors[start : start + 40])
    assert index.ids.tolist() == sorted(ids.tolist())
    assert (index.search(vectors, 1)[1][:, 0] == ids).mean() > 0.98


def test_saved_index_is_the_same(
    filled: VectorIndex, vectors: Vectors, ids: Ids, tmp_path: Path
) -> None:
    filled.save(tmp_path / "index.faiss")
    opened = VectorIndex.open(tmp_path / "index.faiss")
    assert (len(opened), opened.dim) == (COUNT, DIM)
    assert opened.ids.tolist() == filled.ids.tolist()
    for before, after in zip(filled.search(vectors, K), opened.search(vectors, K), strict=True):
        np.testing.assert_array_equal(before, after)
    opened.remove(ids[:1])
    opened.add(np.array([1], np.int64), vectors[:1])
    assert opened.search(vectors[:1], 1)[1].item() == 1


def test_saved_exact_index_goes_over_to_lists_when_it_has_grown(
    vectors: Vectors, ids: Ids, tmp_path: Path
) -> None:
    small = VectorIndex.create(DIM)
    small.add(ids[:50], vectors[:50])
    small.save(tmp_path / "index.faiss")
    opened = VectorIndex.open(tmp_path / "index.faiss", exact_limit=100)
    opened.add(ids[50:], vectors[50:])
    assert opened.ids.tolist() == sorted(ids.tolist())
    assert (opened.search(vectors, 1)[1][:, 0] == ids).mean() > 0.98


# Filters


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 1.0])
def test_filter_finds_the_nearest_of_the_allowed(
    filled: VectorIndex, vectors: Vectors, ids: Ids, share: float
) -> None:
    chosen = np.random.default_rng(4).permutation(COUNT)[: round(share * COUNT)]
    queries = clustered(40, DIM, clusters=12, seed=0)
    _, found = filled.search(queries, K, ids[chosen])
    assert found.shape == (40, min(K, len(chosen)))
    assert np.isin(found, ids[chosen]).all()
    assert recall(found, nearest(vectors[chosen], ids[chosen], queries, K)) > 0.95


def test_filter_far_from_the_query_still_gives_k(filled: VectorIndex, vectors: Vectors) -> None:
    ids = filled.ids
    _, by_distance = filled.search(vectors[:1], len(ids))
    farthest = by_distance[0, -40:]
    scores, found = filled.search(vectors[:1], 40, farthest)
    assert set(found[0].tolist()) == set(farthest.tolist())
    assert (np.diff(scores[0]) <= 0).all()


@pytest.mark.parametrize("k", [150, 200])
def test_wide_filter_still_gives_all(
    filled: VectorIndex, vectors: Vectors, ids: Ids, k: int
) -> None:
    _, found = filled.search(vectors[:5], k, ids[:150])
    assert (np.sort(found) == np.sort(ids[:150])).all()


def test_filter_with_ids_that_are_not_there(
    filled: VectorIndex, vectors: Vectors, ids: Ids
) -> None:
    unknown = np.array([2**50, 2**51, 1], np.int64)
    assert filled.search(vectors[:2], K, unknown)[1].shape == (2, 0)
    _, found = filled.search(vectors[:2], K, np.concatenate([unknown, ids[:3], ids[:3]]))
    assert (np.sort(found) == np.sort(ids[:3])).all()


def test_filter_that_allows_nothing(filled: VectorIndex, vectors: Vectors, ids: Ids) -> None:
    assert filled.search(vectors[:2], K, ids[:0])[1].shape == (2, 0)


def test_filter_leaves_out_what_was_removed(
    filled: VectorIndex, vectors: Vectors, ids: Ids
) -> None:
    filled.remove(ids[:5])
    _, found = filled.search(vectors[:2], K, ids[:8])
    assert (np.sort(found) == np.sort(ids[5:8])).all()


# Recall of the inverted lists


@pytest.fixture(scope="module")
def many() -> tuple[Vectors, VectorIndex]:
    vectors = clustered(6000, 32, clusters=60)
    lists = VectorIndex.create(32, exact_limit=len(vectors) - 1)
    lists.add(np.arange(len(vectors)), vectors)
    return vectors, lists


def test_recall_of_inverted_lists(many: tuple[Vectors, VectorIndex]) -> None:
    vectors, lists = many
    queries = unit(
        vectors[::60] + np.random.default_rng(8).standard_normal((100, 32)) * 0.3 / 32**0.5
    )
    wanted = nearest(vectors, np.arange(len(vectors)), queries, 20)
    assert recall(lists.search(queries, 20)[1], wanted) >= 0.98


def test_recall_for_queries_that_lie_apart(many: tuple[Vectors, VectorIndex]) -> None:
    """As texts do: a good part of such a query points to no picture at all."""
    vectors, lists = many
    away = np.random.default_rng(9).standard_normal((100, 32)) / 32**0.5
    queries = unit(vectors[::60] + 2.0 * away)
    wanted = nearest(vectors, np.arange(len(vectors)), queries, 20)
    assert recall(lists.search(queries, 20)[1], wanted) >= 0.97


@pytest.mark.parametrize("share", [0.01, 0.06, 0.2, 0.5])
def test_recall_with_a_filter(many: tuple[Vectors, VectorIndex], share: float) -> None:
    vectors, lists = many
    rng = np.random.default_rng(10)
    allowed = rng.permutation(len(vectors))[: round(share * len(vectors))]
    queries = unit(rng.standard_normal((100, 32)))
    wanted = nearest(vectors[allowed], allowed, queries, 20)
    floor = 0.98 if share <= 0.2 else 0.93
    assert recall(lists.search(queries, 20, allowed)[1], wanted) >= floor


# Files


@pytest.mark.parametrize("content", [b"", b"no index", bytes(range(256)) * 40])
def test_file_that_is_no_index(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.faiss").write_bytes(content)
    with pytest.raises(OSError, match="no FAISS index"):
        VectorIndex.open(tmp_path / "index.faiss")


def test_truncated_index(filled: VectorIndex, tmp_path: Path) -> None:
    file = tmp_path / "index.faiss"
    filled.save(file)
    whole = file.read_bytes()
    for share in (0.1, 0.5, 0.9):
        file.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(OSError, match="no FAISS index"):
            VectorIndex.open(file)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_folder_whose_name_is_no_text(
    filled: VectorIndex, vectors: Vectors, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    filled.save(folder / "index.faiss")
    opened = VectorIndex.open(folder / "index.faiss")
    for before, after in zip(filled.search(vectors, K), opened.search(vectors, K), strict=True):
        np.testing.assert_array_equal(before, after)


def test_missing_index(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        VectorIndex.open(tmp_path / "gone.faiss")


def test_folder_that_cannot_be_written_to(filled: VectorIndex, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written"):
        filled.save(tmp_path / "gone" / "index.faiss")
