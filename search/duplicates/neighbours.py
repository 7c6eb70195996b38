"""Which vectors lie close to each other: every pair above a cosine, compared block by block.

``VectorIndex`` answers the same question one photo at a time. For all of them at once, products of
blocks are several times as fast, need no more memory than a block, and miss nothing at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixfind.catalog.assets import Ids, Vectors
from pixfind.catalog.copies import StoredVectors

# A block of scores, float32, is 16 MiB. Were every one of them above the threshold, their
# positions would take ten times as much.
BLOCK_ROWS = 1024
BLOCK_COLUMNS = 4096

Working = Callable[[int, int], None]


@dataclass(frozen=True)
class Pairs:
    """Positions of vectors, int64 (m,) each, the first the lower, and their cosines (m,)."""

    first: Ids
    second: Ids
    cosines: Vectors

    def __len__(self) -> int:
        return len(self.first)

    def only(self, chosen: npt.NDArray[np.bool_] | Ids) -> Pairs:
        """Return the pairs that a mask or positions choose."""
        return Pairs(self.first[chosen], self.second[chosen], self.cosines[chosen])


def close_pairs(
    vectors: StoredVectors,
    cosine: float,
    most: int,
    working: Working = lambda done, total: None,
) -> Pairs:
    """Return the pairs of vectors with at least that cosine.

    Args:
        vectors: unit vectors, float16 (n, dim).
        cosine: the least cosine of a pair.
        most: how many later vectors a vector is paired with, the closest ones, so that pairs stay
            fewer than ``most * n`` however alike the vectors are.
        working: called with how many vectors are done and how many there are.
    """
    count = len(vectors)
    found = [_none()]
    for start in range(0, count, BLOCK_ROWS):
        found.append(_pairs_of_block(vectors, start, cosine, most))
        working(min(start + BLOCK_ROWS, count), count)
    return _joined(found)


def _pairs_of_block(vectors: StoredVectors, start: int, cosine: float, most: int) -> Pairs:
    """Return the pairs of a block of rows with what follows each of them."""
    rows = vectors[start : start + BLOCK_ROWS].astype(np.float32)
    kept = _none()
    for offset in range(start, len(vectors), BLOCK_COLUMNS):
        scores = rows @ vectors[offset : offset + BLOCK_COLUMNS].astype(np.float32).T
        row, column = np.nonzero(scores >= cosine)
        found = Pairs(row + start, column + offset, scores[row, column])
        found = found.only(found.first < found.second)
        if len(found):
            kept = _closest(_joined([kept, found]), most)
    return kept


def _closest(pairs: Pairs, most: int) -> Pairs:
    """Return for each first vector the pairs with the highest cosines."""
    order = np.lexsort((pairs.second, -pairs.cosines, pairs.first))
    ordered = pairs.only(order)
    rank = np.arange(len(ordered)) - np.searchsorted(ordered.first, ordered.first)
    return ordered.only(rank < most)


def _none() -> Pairs:
    return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def _joined(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.cosines for part in parts]),
    )
