"""Inverted lists of 8-bit codes: a query is compared with the lists that are nearest to it.

The codes are those of the vectors' distances from their lists' centres (FAISS's scalar quantiser),
so a cosine is off by some 0.0003. An opened file is mapped, not read: the operating system brings
what searches touch. What is mapped cannot be changed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from pixfind.machine import cores
from pixfind.vectors.flat import Vectors, nothing
from pixfind.vectors.members import Ids, Members, selector
from pixfind.vectors.threads import in_threads

# Twice the root of the count: comparing with the lists' centres takes a tenth of a search then.
LISTS_PER_SQRT = 2
TRAINING_VECTORS_PER_LIST = 32
# A library that has grown so many times over needs lists of its own.
GROWTH = 4
# How many lists hold the nearest: PROBED * rank ** PROBED_POWER, where the rank is the place among
# all, allowed or not, of the last one that is asked for. Measured on 60,000 and a million vectors
# like those of photos and queries like those of texts, which lie apart from them (benchmarks:
# vectors): some 42 lists hold 0.985 of the first 20 whatever the number of vectors, 135 of 1,000.
PROBED, PROBED_POWER = 17, 0.3
# Among so few all lists are looked at.
FEW = 1000


LAST_ID, ID_BYTES = 2**63 - 1, 8


def list_count(vectors: int) -> int:
    """Return into how many lists so many vectors go."""
    return max(1, round(LISTS_PER_SQRT * math.sqrt(vectors)))


class Lists:
    """Unit vectors under int64 ids, in inverted lists.

    Args:
        index: FAISS's own.
        mapped: the file that it lies in, if it does; then it cannot be changed.
    """

    def __init__(self, index: Any, mapped: Path | None = None) -> None:
        self.index = index
        self.mapped = mapped
        held = faiss.downcast_InvertedLists(index.invlists)
        if hasattr(held, "prefetch_nthread"):  # it is really mapped
            # Else every search would start 32 threads, which take longer than what they read ahead.
            held.prefetch_nthread = 0
        self._members: Members | None = None

    @classmethod
    def train(cls, sample: Vectors, expected: int) -> Lists:
        """Return empty lists for so many vectors, of which a sample is given, float32 (n, dim)."""
        dim = sample.shape[1]
        lists = min(list_count(expected), len(sample))
        index = _empty(faiss.IndexFlatIP(dim), dim, lists)
        index.cp.min_points_per_centroid = 1
        index.cp.max_points_per_centroid = TRAINING_VECTORS_PER_LIST
        with in_threads(cores()):
            index.train(np.ascontiguousarray(sample))
        return cls(index)

    def writable(self) -> Lists:
        """Return lists of their own with the same vectors, in memory."""
        old = self.index
        new = _empty(faiss.clone_index(faiss.downcast_index(old.quantizer)), old.d, old.nlist)
        new.sq = old.sq
        new.is_trained = True
        old.copy_subset_to(new, faiss.InvertedLists.SUBSET_TYPE_ID_RANGE, 0, LAST_ID)
        return Lists(new)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors, float32 (n, dim), under new ids, int64 (n,)."""
        self._members = None
        with in_threads(cores()):
            self.index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(ids))

    def remove(self, ids: Ids) -> None:
        """Remove ids, int64 (n,)."""
        self._members = None
        self.index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids)))

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self.index.d)

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def file_bytes(self) -> int:
        """How long the file is at least in which mapped lists lie.

        To read beyond the end of a shorter one would end the process.
        """
        held = faiss.downcast_InvertedLists(self.index.invlists)
        places = [held.lists.at(number) for number in range(self.index.nlist)]
        each = held.code_size + ID_BYTES
        return max((place.offset + place.capacity * each for place in places), default=0)

    def suits(self, count: int) -> bool:
        """Return whether so many vectors may lie in these lists."""
        return list_count(count) <= math.sqrt(GROWTH) * int(self.index.nlist)

    @property
    def members(self) -> Members:
        """The ids."""
        if self._members is None:
            lists = self.index.invlists
            parts = [_ids_of(lists, number) for number in range(self.index.nlist)]
            self._members = Members(np.concatenate(parts))
        return self._members

    def search(
        self, queries: Vectors, k: int, chosen: Ids | None, gone: Ids, depth: int
    ) -> tuple[Vectors, Ids]:
        """Return scores and ids, both (q, k), best first; where there are too few, the ids are -1.

        Args:
            queries: unit vectors, float32 (q, dim).
            k: how many for each.
            chosen: the members among which to search, ascending; ``None`` for all but those gone.
            gone: members that may not be found, ascending; not among the chosen.
            depth: how many of the first must be right.
        """
        if k <= 0:
            return nothing(len(queries))
        candidates = len(self) - len(gone) if chosen is None else len(chosen)
        among = None if chosen is None else selector(chosen)
        if chosen is None and len(gone):
            among = faiss.IDSelectorNot(selector(gone))
        every = probed = int(self.index.nlist)
        if k < candidates and candidates > FEW:
            rank = depth * len(self) / candidates
            probed = min(every, math.ceil(PROBED * rank**PROBED_POWER))
        scores, ids = self._probe(queries, k, among, probed)
        if probed < every and (ids < 0).any():  # the lists probed held too few allowed ones
            scores, ids = self._probe(queries, k, among, every)
        return scores, ids

    def _probe(self, queries: Vectors, k: int, among: Any, probed: int) -> tuple[Vectors, Ids]:
        parameters = faiss.SearchParametersIVF(sel=among, nprobe=probed)
        found: tuple[Vectors, Ids] = self.index.search(queries, k, params=parameters)
        return found


def _empty(centres: Any, dim: int, lists: int) -> Any:
    index = faiss.IndexIVFScalarQuantizer(
        centres, dim, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.own_fields = True
    centres.this.disown()
    return index


def _ids_of(lists: Any, number: int) -> Ids:
    ids: Ids = faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
    return ids
