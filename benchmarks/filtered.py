"""Do filters inside the search find what an exact search among the allowed photos finds?

``python -m benchmarks filtered [PHOTOS]`` indexes so many vectors (100,000), in clusters with noise
as those of real photos are; searches among a half, a hundredth and a ten-thousandth of them, chosen
at random; and compares with exact search in float32 among the allowed ones.

Both layouts of the index are measured: exact, and inverted lists as used beyond 50,000 photos, here
without a catalog that has the vectors in full precision. The baseline takes the best 1,000 of all
photos and filters afterwards.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from pixfind.vectors import Ids, VectorIndex, Vectors

DIM = 768
CLUSTERS = 2000
# Of a photo's distance from its cluster's centre, against the centre's length.
NOISE = 0.8
SHARES = (0.5, 0.01, 0.0001)
QUERIES = 50
K = 20
FILTERED_AFTERWARDS = 1000


def run(photos: str = "100000") -> None:
    """Measure and print recall, the fewest results and median times."""
    numbers = np.random.default_rng(0)
    centres = _unit(numbers.standard_normal((CLUSTERS, DIM)).astype(np.float32))
    vectors = _around(centres, int(photos), numbers)
    queries = _around(centres, QUERIES, numbers)
    ids = np.arange(1, len(vectors) + 1)
    for layout, limit in (("exact", len(vectors)), ("inverted lists", 1)):
        index = VectorIndex.create(DIM, exact_limit=limit)
        index.add(ids, vectors)
        for share in SHARES:
            allowed = np.sort(numbers.choice(ids, max(1, round(share * len(ids))), replace=False))
            truth = _truth(queries, vectors, allowed)
            print(f"{layout}, {share:.2%} allowed ({len(allowed):,})")
            ways = {
                "  inside the search": partial(_inside, index, allowed),
                "  filtered afterwards": partial(_afterwards, index, allowed),
            }
            for name, search in ways.items():
                _report(name, queries, truth, search)


def _around(centres: Vectors, count: int, numbers: np.random.Generator) -> Vectors:
    own = centres[numbers.integers(0, len(centres), count)]
    noise = numbers.standard_normal((count, DIM)).astype(np.float32)
    return _unit(own + NOISE * _unit(noise))


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _truth(queries: Vectors, vectors: Vectors, allowed: Ids) -> list[Ids]:
    """Return the ids of the nearest allowed vectors, by float32 products with all of them."""
    scores = queries @ vectors[allowed - 1].T
    return [allowed[np.argsort(-row)[:K]] for row in scores]


def _inside(index: VectorIndex, allowed: Ids, query: Vectors) -> Ids:
    return index.search(query, K, allowed)[1][0]


def _afterwards(index: VectorIndex, allowed: Ids, query: Vectors) -> Ids:
    found = index.search(query, FILTERED_AFTERWARDS)[1][0]
    return found[np.isin(found, allowed)][:K]


def _report(
    name: str, queries: Vectors, truth: list[Ids], search: Callable[[Vectors], Ids]
) -> None:
    recalls, counts, times = [], [], []
    for query, right in zip(queries, truth, strict=True):
        started = time.perf_counter()
        found = search(query[np.newaxis])
        times.append(1e3 * (time.perf_counter() - started))
        recalls.append(len(np.intersect1d(found, right)) / len(right))
        counts.append(len(found))
    print(
        f"{name:22} recall@{K} {np.mean(recalls):.3f}, fewest results {min(counts)} "
        f"of {len(truth[0])}, median {statistics.median(times):.1f} ms"
    )
