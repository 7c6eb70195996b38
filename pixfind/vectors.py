"""The FAISS index: which embeddings are nearest to a query, optionally among allowed ones only.

Vectors are unit length and compared by inner product, so a score is a cosine. Up to
``EXACT_LIMIT`` of them are compared one by one in float16, the precision they are stored in:
exact, and fast at that size. Beyond it, inverted lists of 8-bit codes are searched.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

EXACT_LIMIT = 200_000
# faiss: 4*sqrt(n) lists is its own guideline; an eighth of them finds >= 0.98 of the true top 20
# among clustered vectors (tests/test_vectors.py), and for captions among 14,377 photos that the
# bundled model embedded: texts lie apart from pictures, and a sixteenth finds 0.96 for them.
LISTS_PER_SQRT = 4
PROBED_SHARE = 8
TRAINING_VECTORS_PER_LIST = 64
# How many of the best are looked at first to find all above a score.
FIRST_ABOVE = 1024
# Among so small a part of all, it is faster to look vectors up than to pass over the others.
FEW_OF = 50
# The highest id for which a filter is a bitmap, which is quicker than a set: 4 MB.
MAX_BITS = 1 << 25


class VectorIndex:
    """Unit vectors under int64 ids, searched by inner product."""

    def __init__(self, index: Any, exact_limit: int = EXACT_LIMIT) -> None:
        self._index = index
        self._exact_limit = exact_limit
        self._sorted: Ids | None = None

    @classmethod
    def create(cls, dim: int, exact_limit: int = EXACT_LIMIT) -> VectorIndex:
        """Return an empty index for vectors of ``dim`` dimensions."""
        flat = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        return cls(faiss.IndexIDMap2(flat), exact_limit)

    @classmethod
    def open(cls, file: Path, exact_limit: int = EXACT_LIMIT) -> VectorIndex:
        """Read an index that ``save`` wrote.

        Raises:
            OSError: the file cannot be read, or is no FAISS index.
        """
        try:
            return cls(faiss.read_index(os.fspath(file)), exact_limit)
        except RuntimeError as error:
            raise OSError(f"no FAISS index in {file}") from error

    def copy(self) -> VectorIndex:
        """Return an index of its own with the same vectors."""
        return VectorIndex(faiss.clone_index(self._index), self._exact_limit)

    def save(self, file: Path) -> None:
        """Write the index to ``file``.

        Raises:
            OSError: it cannot be written.
        """
        try:
            faiss.write_index(self._index, os.fspath(file))
        except RuntimeError as error:
            raise OSError(f"the vectors cannot be written to {file}") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    @property
    def ids(self) -> Ids:
        """The ids in the index, int64, ascending."""
        if self._is_exact:
            return np.sort(faiss.vector_to_array(self._index.id_map))
        lists = self._index.invlists
        parts = [
            faiss.rev_swig_ptr(lists.get_ids(i), lists.list_size(i)).copy()
            for i in range(self._index.nlist)
        ]
        return np.sort(np.concatenate(parts))

    @property
    def _is_exact(self) -> bool:
        return isinstance(self._index, faiss.IndexIDMap2)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add unit vectors, float32 (n, dim), under new ids, int64 (n,)."""
        if not len(ids):
            return
        self._sorted = None
        self._index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(ids))
        if self._is_exact and len(self) > self._exact_limit:
            self._to_lists()

    def remove(self, ids: Ids) -> int:
        """Remove ids, int64 (n,); return how many there were."""
        if not len(ids):
            return 0
        self._sorted = None
        return int(self._index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids))))

    def search(self, queries: Vectors, k: int, allowed: Ids | None = None) -> tuple[Vectors, Ids]:
        """Find the nearest vectors of each query.

        Args:
            queries: unit vectors, float32 (q, dim).
            k: how many to find for each.
            allowed: if given, only these ids may be found, int64 (m,).

        Returns:
            Scores, float32, and ids, int64, both (q, min(k, candidates)), best first.
        """
        chosen = None if allowed is None else self.among(allowed)
        candidates = len(self) if chosen is None else len(chosen)
        k = int(min(k, candidates))
        if k <= 0:
            empty = (len(queries), 0)
            return np.empty(empty, np.float32), np.empty(empty, np.int64)
        queries = np.ascontiguousarray(queries, np.float32)
        if chosen is not None and self._is_exact and FEW_OF * len(chosen) < len(self):
            return self._among_few(queries, chosen, k)
        scores, ids = self._index.search(queries, k, params=self._parameters(chosen, candidates))
        if (ids < 0).any():  # the lists probed held too few allowed ones
            scores, ids = self._index.search(queries, k, params=self._parameters(chosen, 0))
        return scores, ids

    def _among_few(self, queries: Vectors, chosen: Ids, k: int) -> tuple[Vectors, Ids]:
        """Search among a few vectors, which are looked up rather than come by."""
        scores = queries @ self._index.reconstruct_batch(chosen).T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, order, axis=1), chosen[order]

    def above(
        self, query: Vectors, score: float, allowed: Ids | None = None
    ) -> tuple[Vectors, Ids]:
        """Find all vectors that score at least so much.

        Beyond ``exact_limit`` vectors a few may be missed, as by ``search``.

        Args:
            query: a unit vector, float32 (dim,).
            score: the lowest cosine.
            allowed: see ``search``.

        Returns:
            Scores, float32, and ids, int64, both (n,), best first.
        """
        # Not FAISS's own range search, which takes five times as long for float16.
        k = FIRST_ABOVE
        while True:
            scores, ids = self.search(query[np.newaxis], k, allowed)
            enough = scores[0] >= score
            if scores.shape[1] < k or not enough[-1]:
                return scores[0][enough], ids[0][enough]
            k *= 8

    def among(self, allowed: Ids) -> Ids:
        """Return those of the ids that are in the index, int64, ascending, each once."""
        if self._sorted is None:
            self._sorted = self.ids
        if not len(self._sorted):
            return self._sorted
        places = np.searchsorted(self._sorted, allowed).clip(max=len(self._sorted) - 1)
        # Not np.unique: it imports a fifteenth of a cold search.
        chosen = np.sort(allowed[self._sorted[places] == allowed])
        return chosen[np.append(True, chosen[1:] != chosen[:-1])] if len(chosen) else chosen

    def _parameters(self, chosen: Ids | None, candidates: int) -> Any:
        """Return how FAISS is to search: among which, and of inverted lists how many.

        The fewer are allowed, the further they lie: more lists, about as many comparisons. No
        candidates stand for all lists.
        """
        selector = None if chosen is None else _selector(chosen)
        if self._is_exact:
            return faiss.SearchParameters(sel=selector)
        share = len(self) / candidates / PROBED_SHARE if candidates else 1.0
        lists = self._index.nlist
        probed = min(lists, max(1, round(share * lists)))
        return faiss.SearchParametersIVF(sel=selector, nprobe=probed)

    def _to_lists(self) -> None:
        """Go over from exact comparison to inverted lists of 8-bit codes."""
        ids = faiss.vector_to_array(self._index.id_map)
        vectors = self._index.index.reconstruct_n(0, len(ids))
        lists = int(LISTS_PER_SQRT * len(ids) ** 0.5)
        quantiser = faiss.IndexFlatIP(self.dim)
        index = faiss.IndexIVFScalarQuantizer(
            quantiser,
            self.dim,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        index.own_fields = True
        quantiser.this.disown()
        sample = np.random.default_rng(0).permutation(len(ids))[: TRAINING_VECTORS_PER_LIST * lists]
        index.train(vectors[sample])
        index.add_with_ids(vectors, ids)
        self._index = index


def _selector(ids: Ids) -> Any:
    """Return what lets FAISS pass over all other ids: a bit for each, unless they lie too wide."""
    if int(ids[-1]) > MAX_BITS or int(ids[0]) < 0:
        return faiss.IDSelectorBatch(ids)
    flags = np.zeros(int(ids[-1]) + 1, np.bool_)
    flags[ids] = True
    return faiss.IDSelectorBitmap(np.packbits(flags, bitorder="little"))
