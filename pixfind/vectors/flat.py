"""Every vector compared with the query, in float16, the precision that they are stored in."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from pixfind.vectors.members import Ids, Members, selector

Vectors = npt.NDArray[np.float32]

# Among so small a part of all, it is faster to look vectors up than to pass over the others.
FEW_OF = 50


class Flat:
    """Unit vectors under int64 ids, compared one by one: exact.

    Args:
        index: FAISS's own.
    """

    def __init__(self, index: Any) -> None:
        self.index = index
        self._members: Members | None = None

    @classmethod
    def create(cls, dim: int) -> Flat:
        """Return an empty one for vectors of ``dim`` dimensions."""
        codes = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        return cls(faiss.IndexIDMap2(codes))

    def copy(self) -> Flat:
        """Return one of its own with the same vectors."""
        return Flat(faiss.clone_index(self.index))

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self.index.d)

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def members(self) -> Members:
        """The ids."""
        if self._members is None:
            self._members = Members(faiss.vector_to_array(self.index.id_map))
        return self._members

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors, float32 (n, dim), under new ids, int64 (n,)."""
        self._members = None
        self.index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(ids))

    def remove(self, ids: Ids) -> int:
        """Remove ids, int64 (n,); return how many there were."""
        self._members = None
        return int(self.index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids))))

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under ids that are there, float32 (n, dim)."""
        return np.asarray(self.index.reconstruct_batch(ids), np.float32)

    def search(self, queries: Vectors, k: int, chosen: Ids | None) -> tuple[Vectors, Ids]:
        """Return scores and ids, both (q, min(k, candidates)), best first.

        Args:
            queries: unit vectors, float32 (q, dim).
            k: how many for each.
            chosen: the members among which to search, ascending; ``None`` for all.
        """
        k = int(min(k, len(self) if chosen is None else len(chosen)))
        if k <= 0 or not len(queries):
            return nothing(len(queries), max(k, 0))
        if chosen is not None and FEW_OF * len(chosen) < len(self):
            scores = queries @ self.vectors(chosen).T
            return best_first(scores, np.broadcast_to(chosen, scores.shape), k)
        among = None if chosen is None else selector(chosen)
        found: tuple[Vectors, Ids] = self.index.search(
            queries, k, params=faiss.SearchParameters(sel=among)
        )
        return found


def best_first(scores: Vectors, ids: Ids, k: int) -> tuple[Vectors, Ids]:
    """Return the k best scores and their ids, both (q, k), of scores and ids, both (q, n)."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


def nothing(queries: int, k: int = 0) -> tuple[Vectors, Ids]:
    """Return scores and ids, both (queries, k), that mean nothing: where one of both is 0."""
    return np.empty((queries, k), np.float32), np.empty((queries, k), np.int64)
