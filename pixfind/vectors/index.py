"""Unit vectors under ids, searched by inner product: a score is a cosine.

Up to ``EXACT_LIMIT`` of them are compared one by one: exact, and fast at that size. Beyond it most
lie in inverted lists.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from pixfind.machine import cores
from pixfind.vectors.flat import Flat, Vectors
from pixfind.vectors.listed import Listed, Stored
from pixfind.vectors.lists import TRAINING_VECTORS_PER_LIST, Lists, list_count
from pixfind.vectors.members import Ids, Members
from pixfind.vectors.threads import in_threads

# Beyond it lists answer ten times sooner, and find 0.99 and more of what is nearest.
EXACT_LIMIT = 50_000
# A library that has shrunk to so small a part of the limit is compared one by one again.
SHRUNK = 2
# How many of the best are looked at first to find all above a score.
FIRST_ABOVE = 1024
# And how many times more next, while the last of them is above it still.
WIDER = 8


class VectorIndex:
    """An index of unit vectors under int64 ids.

    Args:
        held: the vectors.
        exact_limit: up to how many vectors there are no lists.
        stored: reads vectors in full precision (``Listed``).
    """

    def __init__(
        self, held: Flat | Listed, exact_limit: int = EXACT_LIMIT, stored: Stored | None = None
    ) -> None:
        self._held = held
        self._exact_limit = exact_limit
        self._stored = stored

    @classmethod
    def create(
        cls, dim: int, exact_limit: int = EXACT_LIMIT, stored: Stored | None = None
    ) -> VectorIndex:
        """Return an empty index for vectors of ``dim`` dimensions."""
        return cls(Flat.create(dim), exact_limit, stored)

    @classmethod
    def with_lists(
        cls,
        sample: Vectors,
        expected: int,
        exact_limit: int = EXACT_LIMIT,
        stored: Stored | None = None,
    ) -> VectorIndex:
        """Return an empty index for more vectors than are compared one by one.

        Args:
            sample: some of them, drawn at random (``drawn``), float32 (n, dim).
            expected: how many there will be.
            exact_limit: see the class.
            stored: see the class.
        """
        return cls(_listed(Lists.train(sample, expected), stored), exact_limit, stored)

    @classmethod
    def open(
        cls,
        file: Path,
        changes: Path | None = None,
        exact_limit: int = EXACT_LIMIT,
        stored: Stored | None = None,
    ) -> VectorIndex:
        """Open an index that ``save`` wrote.

        Args:
            file: what was written.
            changes: what ``save_changes`` wrote since.
            exact_limit: see the class.
            stored: see the class.

        Raises:
            OSError: a file cannot be read, or is no FAISS index.
        """
        try:
            if _can_be_mapped(file):
                index = faiss.read_index(os.fspath(file), faiss.IO_FLAG_MMAP)
            else:
                with file.open("rb") as opened:
                    index = faiss.read_index(faiss.PyCallbackIOReader(opened.read))
        except RuntimeError as error:
            raise OSError(f"no FAISS index in {file}") from error
        if isinstance(index, faiss.IndexIDMap2):
            return cls(Flat(index), exact_limit, stored)
        lists = Lists(index, mapped=file)
        if _can_be_mapped(file) and lists.file_bytes > file.stat().st_size:
            raise OSError(f"no FAISS index in {file}: it ends too soon")
        held = _listed(lists, stored)
        if changes is not None:
            held.apply_changes(changes)
        return cls(held, exact_limit, stored)

    def copy(self) -> VectorIndex:
        """Return an index of its own with the same vectors; they share what lies in a file."""
        return VectorIndex(self._held.copy(), self._exact_limit, self._stored)

    def save(self, file: Path) -> None:
        """Write the index to ``file``.

        Raises:
            OSError: it cannot be written.
        """
        held = self._held.whole() if isinstance(self._held, Listed) else self._held
        try:
            if _can_be_mapped(file):
                faiss.write_index(held.index, os.fspath(file))
            else:
                with file.open("wb") as opened:
                    faiss.write_index(held.index, faiss.PyCallbackIOWriter(opened.write))
        except RuntimeError as error:
            raise OSError(f"the vectors cannot be written to {file}") from error

    def save_changes(self, file: Path) -> None:
        """Write what has changed since the lists were written, of an index that has them."""
        if isinstance(self._held, Listed):
            self._held.save_changes(file)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return self._held.lists.dim if isinstance(self._held, Listed) else self._held.dim

    @property
    def ids(self) -> Ids:
        """The ids in the index, int64, ascending."""
        return self._members.ids

    @property
    def _members(self) -> Members:
        return self._held.members

    @property
    def is_exact(self) -> bool:
        """Whether all vectors are compared with a query, as they are stored."""
        return isinstance(self._held, Flat)

    @property
    def file(self) -> Path | None:
        """The file that lists lie in; ``None`` while all is in memory."""
        return self._held.lists.mapped if isinstance(self._held, Listed) else None

    @property
    def has_few_changes(self) -> bool:
        """Whether the lists lie in a file, and what has changed since can stay beside it."""
        return isinstance(self._held, Listed) and not self._held.has_many_changes

    def suits(self, count: int) -> bool:
        """Return whether so many vectors may lie as these do, or should lie otherwise."""
        if isinstance(self._held, Flat):
            return count <= self._exact_limit
        return self._held.lists.suits(count) and SHRUNK * count > self._exact_limit

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add unit vectors, float32 (n, dim), under new ids, int64 (n,)."""
        if not len(ids):
            return
        self._held.add(ids, vectors)
        if isinstance(self._held, Flat) and len(self._held) > self._exact_limit:
            self._to_lists(self._held)

    def remove(self, ids: Ids) -> int:
        """Remove ids, int64 (n,); return how many there were."""
        return self._held.remove(ids) if len(ids) else 0

    def search(self, queries: Vectors, k: int, allowed: Ids | None = None) -> tuple[Vectors, Ids]:
        """Find the nearest vectors of each query.

        Args:
            queries: unit vectors, float32 (q, dim).
            k: how many to find for each.
            allowed: if given, only these ids may be found, int64 (m,).

        Returns:
            Scores, float32, and ids, int64, both (q, min(k, candidates)), best first.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        with in_threads(1 if len(queries) == 1 else cores()):
            if isinstance(self._held, Listed):
                return self._held.search(queries, k, allowed)
            return self._held.search(queries, k, None if allowed is None else self.among(allowed))

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

        def best(k: int) -> tuple[Vectors, Ids]:
            scores, ids = self.search(query[np.newaxis], k, allowed)
            return scores[0], ids[0]

        return all_above(score, best)

    def cosine(self, single: Ids, vector: Vectors) -> float:
        """Return how alike a vector, float32 (dim,), and what is held under an id (1,) are."""
        if isinstance(self._held, Listed):
            return self._held.cosine(single, vector)
        scores, _ = self.search(vector[np.newaxis], 1, single)
        return float(scores[0, 0]) if scores.size else -1.0

    def among(self, allowed: Ids) -> Ids:
        """Return those of the ids that are in the index, int64, ascending, each once."""
        return self._members.among(allowed)

    def _to_lists(self, flat: Flat) -> None:
        ids = flat.members.ids
        lists = Lists.train(flat.vectors(drawn(ids)), len(ids))
        lists.add(ids, flat.vectors(ids))
        self._held = _listed(lists, self._stored)


def all_above(score: float, best: Callable[[int], tuple[Vectors, Ids]]) -> tuple[Vectors, Ids]:
    """Return all scores, float32 (n,), that are at least so high, and their ids, best first.

    Not by FAISS's own range search, which takes five times as long for float16.

    Args:
        score: the lowest.
        best: returns so many of the best scores with their ids, or all if there are fewer.
    """
    k = FIRST_ABOVE
    while True:
        scores, ids = best(k)
        enough = scores >= score
        if len(scores) < k or not enough[-1]:
            return scores[enough], ids[enough]
        k *= WIDER


def drawn(ids: Ids) -> Ids:
    """Return enough of the ids to train lists for all of them: at random, ascending."""
    size = TRAINING_VECTORS_PER_LIST * list_count(len(ids))
    if size >= len(ids):
        return ids
    return np.sort(np.random.default_rng(0).choice(ids, size, replace=False))


def _can_be_mapped(file: Path) -> bool:
    """Return whether FAISS can: it maps nothing on Windows, and opens only names in UTF-8."""
    try:
        os.fspath(file).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return os.name == "posix"


def _listed(lists: Lists, stored: Stored | None) -> Listed:
    return Listed(lists, Flat.create(lists.dim), stored=stored)
