"""Lists that lie in a file, which stays as it is, and beside them what has changed since.

What was added is compared one by one, what was removed is passed over. Once that is much, all of it
goes into lists in memory, which take further changes themselves until they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pixfind.vectors.flat import Flat, Vectors, best_first, nothing
from pixfind.vectors.lists import FEW, Lists
from pixfind.vectors.members import Ids, Members

# Returns of ids, int64 (n,), those that it knows, (m,), and their vectors, float32 (m, dim).
Stored = Callable[[Ids], tuple[Ids, Vectors]]

# How many of the best of the lists are compared again with the vectors as they are stored.
COMPARED_AGAIN = 32
# Which part of what the lists hold may have changed before they are written anew.
CHANGED_SHARE = 0.05
# Vectors that are handled at once.
BATCH = 10_000


class Listed:
    """Unit vectors under int64 ids: most in lists.

    Args:
        lists: most of them.
        flat: those that came later.
        gone: what lies in the lists and must not be found, ascending.
        stored: reads vectors in full precision, for what lists hold as 8-bit codes; without it
            the best of them are as exact as their codes.
    """

    def __init__(
        self, lists: Lists, flat: Flat, gone: Ids | None = None, stored: Stored | None = None
    ) -> None:
        self.lists = lists
        self._flat = flat
        self._gone: Ids = np.empty(0, np.int64) if gone is None else gone
        self._stored = stored
        self._members: Members | None = None
        self._in_lists: Members | None = None

    def copy(self) -> Listed:
        """Return what can be changed by itself; both share what lies in a file."""
        lists = self.lists.writable() if self.lists.mapped is None else self.lists
        return Listed(lists, self._flat.copy(), self._gone.copy(), self._stored)

    def __len__(self) -> int:
        return len(self._flat) + len(self.lists) - len(self._gone)

    @property
    def members(self) -> Members:
        """The ids."""
        if self._members is None:
            self._members = Members(np.append(self.in_lists.ids, self._flat.members.ids))
        return self._members

    @property
    def in_lists(self) -> Members:
        """What may be found in the lists."""
        if self._in_lists is None:
            held = self.lists.members
            self._in_lists = held.without(self._gone) if len(self._gone) else held
        return self._in_lists

    @property
    def has_many_changes(self) -> bool:
        """Whether it is time to write the lists anew, or they are in memory."""
        changed = len(self._flat) + len(self._gone)
        return self.lists.mapped is None or changed > CHANGED_SHARE * len(self.lists)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors, float32 (n, dim), under new ids, int64 (n,)."""
        self._forget()
        if self.lists.mapped is None:
            self.lists.add(ids, vectors)
            return
        self._flat.add(ids, vectors)
        self._fold_much()

    def remove(self, ids: Ids) -> int:
        """Remove ids, int64 (n,); return how many there were."""
        before, in_lists = len(self), self.in_lists.among(ids)
        self._forget()
        if self.lists.mapped is None:
            self.lists.remove(in_lists)
            return before - len(self)
        self._flat.remove(ids)
        self._gone = np.union1d(self._gone, in_lists)
        after = len(self)
        self._fold_much()
        return before - after

    def search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[Vectors, Ids]:
        """Return scores and ids, both (q, min(k, candidates)), best first (``VectorIndex``)."""
        flat = listed = None
        candidates = len(self)
        if allowed is not None:
            flat, listed = self._flat.members.among(allowed), self.in_lists.among(allowed)
            candidates = len(flat) + len(listed)
        k = int(min(k, candidates))
        if k <= 0 or not len(queries):
            return nothing(len(queries), k)
        if candidates <= FEW and flat is not None and listed is not None:
            # Sooner read where they are stored than come by among all lists.
            found = self._looked_up(queries, k, np.append(flat, listed))
            if found is not None:
                return found
        # Of one query the first are put in the right order; of many, codes have to do.
        again = self._stored if len(queries) == 1 else None
        wanted = k if again is None else min(candidates, max(k, COMPARED_AGAIN))
        among_lists = self._probed(queries, wanted, listed, depth=k)
        found = _best([among_lists, self._flat.search(queries, wanted, flat)], wanted)
        if again is not None:
            found = _in_order(*found, again, queries)
        return found[0][:, :k], found[1][:, :k]

    def cosine(self, single: Ids, vector: Vectors) -> float:
        """Return how alike a vector, float32 (dim,), and what is held under an id (1,) are."""
        query, flat = np.ascontiguousarray(vector[np.newaxis]), self._flat.members.among(single)
        scores, _ = (
            self._flat.search(query, 1, flat)
            if len(flat)
            else self._probed(query, 1, self.in_lists.among(single), depth=1)
        )
        return float(scores[0, 0]) if scores.size else -1.0

    def whole(self) -> Lists:
        """Return lists with all that has changed; others, unless nothing has."""
        ids = self._flat.members.ids
        if self.lists.mapped is None or (not len(ids) and not len(self._gone)):
            return self.lists
        lists = self.lists.writable()
        lists.remove(self._gone)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            lists.add(some, self._flat.vectors(some))
        return lists

    def save_changes(self, file: Path) -> None:
        """Write what has changed since the lists were written."""
        ids = self._flat.members.ids
        vectors = self._flat.vectors(ids).astype(np.float16)
        with file.open("wb") as opened:
            np.savez(opened, ids=ids, vectors=vectors, gone=self._gone)

    def apply_changes(self, file: Path) -> None:
        """Make the changes that ``save_changes`` wrote.

        Raises:
            OSError: the file cannot be read, or is another one.
        """
        try:
            with np.load(file, allow_pickle=False) as read:
                ids, vectors, gone = read["ids"], read["vectors"], read["gone"]
        except (ValueError, KeyError, EOFError, BadZipFile) as error:
            raise OSError(f"no vectors in {file}") from error
        self._forget()
        self._flat.add(ids, vectors.astype(np.float32))
        self._gone = gone

    def _probed(
        self, queries: Vectors, k: int, listed: Ids | None, depth: int
    ) -> tuple[Vectors, Ids]:
        held = len(self.lists) - len(self._gone) if listed is None else len(listed)
        k = min(k, held)
        return self.lists.search(queries, k, listed, self._gone, min(depth, k))

    def _looked_up(self, queries: Vectors, k: int, chosen: Ids) -> tuple[Vectors, Ids] | None:
        """Search among a few, whose vectors are read, if they can be."""
        if self._stored is None:
            return None
        ids, vectors = self._stored(chosen)
        if len(ids) < len(chosen):
            return None
        scores = queries @ vectors.T
        return best_first(scores, np.broadcast_to(ids, scores.shape), k)

    def _fold_much(self) -> None:
        """Take lists in memory that hold everything, if much has changed."""
        if self.has_many_changes:
            self.lists = self.whole()
            self._flat, self._gone = Flat.create(self._flat.dim), self._gone[:0]
            self._forget()

    def _forget(self) -> None:
        self._members = self._in_lists = None


def _best(found: Sequence[tuple[Vectors, Ids]], k: int) -> tuple[Vectors, Ids]:
    """Return the best k of several findings, each best first."""
    filled = [part for part in found if part[1].shape[1]]
    if len(filled) == 1:
        return filled[0][0][:, :k], filled[0][1][:, :k]
    scores = np.concatenate([part[0] for part in found], axis=1)
    return best_first(scores, np.concatenate([part[1] for part in found], axis=1), k)


def _in_order(scores: Vectors, ids: Ids, stored: Stored, query: Vectors) -> tuple[Vectors, Ids]:
    """Compare the first again with one query (1, dim), in full precision."""
    first = np.sort(ids[0, :COMPARED_AGAIN])
    known, vectors = stored(first)
    exact = dict(zip(known.tolist(), (vectors @ query[0]).tolist(), strict=True))
    better = scores.copy()
    for place, number in enumerate(ids[0, :COMPARED_AGAIN].tolist()):
        better[0, place] = exact.get(number, better[0, place])
    return best_first(better, ids, ids.shape[1])
