"""Unit vectors under ids, searched by inner product: a score is a cosine.

Up to ``EXACT_LIMIT`` of them are compared one by one: exact, and fast at that size. Beyond it most
lie in inverted lists in a mapped file, which stays as it is; what was added since then is compared
one by one, what was removed is passed over, and once that is much the lists are written anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import faiss
import numpy as np

from pixfind.vectors.flat import Flat, Vectors
from pixfind.vectors.lists import FEW, TRAINING_VECTORS_PER_LIST, Lists, list_count
from pixfind.vectors.members import Ids, Members

# Returns of ids, int64 (n,), those that it knows, (m,), and their vectors, float32 (m, dim).
Stored = Callable[[Ids], tuple[Ids, Vectors]]

# Beyond it lists answer ten times sooner, and find 0.99 and more of what is nearest.
EXACT_LIMIT = 50_000
# How many of the best of the lists are compared again with the vectors as they are stored.
COMPARED_AGAIN = 60
# Which part of what the lists hold may have changed before they are written anew.
CHANGED_SHARE = 0.05
# A library that has shrunk to so small a part of the limit is compared one by one again.
SHRUNK = 2
# Vectors that are handled at once.
BATCH = 10_000
# How many of the best are looked at first to find all above a score.
FIRST_ABOVE = 1024


class VectorIndex:
    """An index of unit vectors under int64 ids.

    Args:
        flat: all vectors, or those that are not in the lists.
        lists: the others.
        gone: what lies in the lists and must not be found, ascending.
        exact_limit: up to how many vectors there are no lists.
        stored: reads vectors in full precision, for what lists hold as 8-bit codes; without it
            the best of them are as exact as their codes.
    """

    def __init__(
        self,
        flat: Flat,
        lists: Lists | None = None,
        gone: Ids | None = None,
        *,
        exact_limit: int = EXACT_LIMIT,
        stored: Stored | None = None,
    ) -> None:
        self._flat = flat
        self._lists = lists
        self._gone: Ids = np.empty(0, np.int64) if gone is None else gone
        self._exact_limit = exact_limit
        self._stored = stored
        self._all: Ids | None = None
        self._listed: Members | None = None

    @classmethod
    def create(
        cls, dim: int, exact_limit: int = EXACT_LIMIT, stored: Stored | None = None
    ) -> VectorIndex:
        """Return an empty index for vectors of ``dim`` dimensions."""
        return cls(Flat.create(dim), exact_limit=exact_limit, stored=stored)

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
        lists = Lists.train(sample, expected)
        flat = Flat.create(sample.shape[1])
        return cls(flat, lists, exact_limit=exact_limit, stored=stored)

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
            index = faiss.read_index(os.fspath(file), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise OSError(f"no FAISS index in {file}") from error
        if isinstance(index, faiss.IndexIDMap2):
            return cls(Flat(index), exact_limit=exact_limit, stored=stored)
        flat = Flat.create(int(index.d))
        lists = Lists(index, mapped=file)
        opened = cls(flat, lists, exact_limit=exact_limit, stored=stored)
        if changes is not None:
            opened._apply(changes)
        return opened

    def copy(self) -> VectorIndex:
        """Return an index of its own with the same vectors; they share what lies in a file."""
        lists = self._lists
        if lists is not None and lists.mapped is None:
            lists = lists.writable()
        return VectorIndex(
            self._flat.copy(),
            lists,
            self._gone.copy(),
            exact_limit=self._exact_limit,
            stored=self._stored,
        )

    def save(self, file: Path) -> None:
        """Write the index to ``file``.

        Raises:
            OSError: it cannot be written.
        """
        index = self._flat.index if self._lists is None else self._whole_lists().index
        try:
            faiss.write_index(index, os.fspath(file))
        except RuntimeError as error:
            raise OSError(f"the vectors cannot be written to {file}") from error

    def __len__(self) -> int:
        listed = 0 if self._lists is None else len(self._lists) - len(self._gone)
        return len(self._flat) + listed

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self._flat.index.d)

    @property
    def ids(self) -> Ids:
        """The ids in the index, int64, ascending."""
        if self._lists is None:
            return self._flat.members.ids
        if self._all is None:
            self._all = np.sort(np.append(self._in_lists.ids, self._flat.members.ids))
        return self._all

    @property
    def is_exact(self) -> bool:
        """Whether all vectors are compared with a query, as they are stored."""
        return self._lists is None

    @property
    def file(self) -> Path | None:
        """The file that lists lie in; ``None`` while all is in memory."""
        return None if self._lists is None else self._lists.mapped

    @property
    def has_few_changes(self) -> bool:
        """Whether the lists lie in a file, and what has changed since can stay beside it."""
        return self.file is not None and not self._has_many_changes

    def suits(self, count: int) -> bool:
        """Return whether so many vectors may be added to what there is, or should lie otherwise."""
        if self._lists is None:
            return count <= self._exact_limit
        return self._lists.suits(count) and SHRUNK * count > self._exact_limit

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add unit vectors, float32 (n, dim), under new ids, int64 (n,)."""
        if not len(ids):
            return
        self._forget()
        if self._lists is not None and self._lists.mapped is None:
            self._lists.add(ids, vectors)
            return
        self._flat.add(ids, vectors)
        if self._lists is None and len(self._flat) > self._exact_limit:
            self._to_lists()
        elif self._has_many_changes:
            self._fold()

    def remove(self, ids: Ids) -> int:
        """Remove ids, int64 (n,); return how many there were."""
        if not len(ids):
            return 0
        before = len(self)
        in_lists = self._in_lists.among(ids)
        self._forget()
        self._flat.remove(ids)
        if self._lists is not None and self._lists.mapped is None:
            self._lists.remove(in_lists)
        elif len(in_lists):
            self._gone = np.union1d(self._gone, in_lists)
            if self._has_many_changes:
                self._fold()
        return before - len(self)

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
        if self._lists is None:
            chosen = None if allowed is None else self._flat.members.among(allowed)
            return self._compared(queries, k, chosen)
        return self._listed_search(queries, k, allowed)

    def _listed_search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[Vectors, Ids]:
        flat = listed = None
        candidates = len(self)
        if allowed is not None:
            flat, listed = self._flat.members.among(allowed), self._in_lists.among(allowed)
            candidates = len(flat) + len(listed)
        k = int(min(k, candidates))
        if k <= 0 or not len(queries):
            return _nothing(len(queries), max(k, 0))
        if candidates <= FEW and flat is not None and listed is not None:
            # Sooner read where they are stored than come by among all lists.
            found = self._looked_up(queries, k, np.sort(np.append(flat, listed)))
            if found is not None:
                return found
        # Of one query the first are put in the right order; of many, codes have to do.
        again = self._stored if len(queries) == 1 else None
        wanted = k if again is None else min(candidates, max(k, COMPARED_AGAIN))
        among_flat = self._compared(queries, wanted, flat)
        among_listed = self._probed(queries, wanted, listed, depth=k)
        scores, ids = _best([among_flat, among_listed], wanted)
        if again is not None:
            scores, ids = _in_order(scores, ids, again, queries)
        return scores[:, :k], ids[:, :k]

    def _compared(self, queries: Vectors, k: int, chosen: Ids | None) -> tuple[Vectors, Ids]:
        k = int(min(k, len(self._flat) if chosen is None else len(chosen)))
        if k <= 0 or not len(queries):
            return _nothing(len(queries), max(k, 0))
        return self._flat.search(queries, k, chosen)

    def _probed(
        self, queries: Vectors, k: int, listed: Ids | None, depth: int
    ) -> tuple[Vectors, Ids]:
        lists = self._lists
        held = 0 if lists is None else len(lists) - len(self._gone)
        k = int(min(k, held if listed is None else len(listed)))
        if lists is None or k <= 0:
            return _nothing(len(queries), 0)
        return lists.search(queries, k, listed, self._gone, min(depth, k))

    def _looked_up(self, queries: Vectors, k: int, chosen: Ids) -> tuple[Vectors, Ids] | None:
        """Search among a few, whose vectors are read, if they can be."""
        ids, vectors = (chosen[:0], None) if self._stored is None else self._stored(chosen)
        if vectors is None or len(ids) < len(chosen):
            return None
        scores = queries @ vectors.T
        return _sorted(scores, np.broadcast_to(ids, scores.shape), k)

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

    def cosine(self, single: Ids, vector: Vectors) -> float:
        """Return how alike a vector, float32 (dim,), and the one under an id, int64 (1,), are."""
        flat, query = self._flat.members.among(single), np.ascontiguousarray(vector[np.newaxis])
        scores, _ = (
            self._compared(query, 1, flat)
            if self._lists is None or len(flat)
            else self._probed(query, 1, self._in_lists.among(single), depth=1)
        )
        return float(scores[0, 0]) if scores.size else -1.0

    def among(self, allowed: Ids) -> Ids:
        """Return those of the ids that are in the index, int64, ascending, each once."""
        if self._lists is None:
            return self._flat.members.among(allowed)
        found = np.append(self._in_lists.among(allowed), self._flat.members.among(allowed))
        return np.sort(found)

    def save_changes(self, file: Path) -> None:
        """Write what has changed since the lists were written (``open`` reads both)."""
        ids = self._flat.members.ids
        vectors = self._flat.vectors(ids).astype(np.float16)
        with file.open("wb") as opened:
            np.savez(opened, ids=ids, vectors=vectors, gone=self._gone)

    def _apply(self, changes: Path) -> None:
        try:
            with np.load(changes, allow_pickle=False) as read:
                ids, vectors, gone = read["ids"], read["vectors"], read["gone"]
        except (ValueError, KeyError, EOFError, BadZipFile) as error:
            raise OSError(f"no vectors in {changes}") from error
        self._flat.add(ids, vectors.astype(np.float32))
        self._gone = gone

    @property
    def _in_lists(self) -> Members:
        """What may be found in the lists."""
        if self._listed is None:
            held = Members(np.empty(0, np.int64)) if self._lists is None else self._lists.members
            self._listed = held.without(self._gone) if len(self._gone) else held
        return self._listed

    @property
    def _has_many_changes(self) -> bool:
        if self._lists is None:
            return False
        return len(self._flat) + len(self._gone) > CHANGED_SHARE * len(self._lists)

    def _to_lists(self) -> None:
        ids = self._flat.members.ids
        self._lists = Lists.train(self._flat.vectors(drawn(ids)), len(ids))
        self._fold()

    def _fold(self) -> None:
        """Bring all changes into the lists, which are in memory then."""
        self._lists = self._whole_lists()
        self._flat, self._gone = Flat.create(self.dim), self._gone[:0]
        self._forget()

    def _whole_lists(self) -> Lists:
        """Return lists with all that has changed; others, unless nothing has."""
        if self._lists is None:
            raise ValueError("there are no lists")
        ids = self._flat.members.ids
        if not len(ids) and not len(self._gone):
            return self._lists
        lists = self._lists if self._lists.mapped is None else self._lists.writable()
        lists.remove(self._gone)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            lists.add(some, self._flat.vectors(some))
        return lists

    def _forget(self) -> None:
        self._all = self._listed = None


def drawn(ids: Ids) -> Ids:
    """Return enough of the ids to train lists for all of them: at random, ascending."""
    size = TRAINING_VECTORS_PER_LIST * list_count(len(ids))
    if size >= len(ids):
        return ids
    return np.sort(np.random.default_rng(0).choice(ids, size, replace=False))


def _nothing(queries: int, k: int) -> tuple[Vectors, Ids]:
    return np.empty((queries, k), np.float32), np.empty((queries, k), np.int64)


def _best(found: Sequence[tuple[Vectors, Ids]], k: int) -> tuple[Vectors, Ids]:
    """Return the best k of several findings, each best first."""
    filled = [part for part in found if part[1].shape[1]]
    if len(filled) == 1:
        return filled[0][0][:, :k], filled[0][1][:, :k]
    scores = np.concatenate([part[0] for part in found], axis=1)
    return _sorted(scores, np.concatenate([part[1] for part in found], axis=1), k)


def _sorted(scores: Vectors, ids: Ids, k: int) -> tuple[Vectors, Ids]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


def _in_order(scores: Vectors, ids: Ids, stored: Stored, query: Vectors) -> tuple[Vectors, Ids]:
    """Compare the first again with one query (1, dim), in full precision."""
    first = np.sort(ids[0, :COMPARED_AGAIN])
    known, vectors = stored(first)
    exact = dict(zip(known.tolist(), (vectors @ query[0]).tolist(), strict=True))
    better = scores.copy()
    for place, number in enumerate(ids[0, :COMPARED_AGAIN].tolist()):
        better[0, place] = exact.get(number, better[0, place])
    return _sorted(better, ids, ids.shape[1])
