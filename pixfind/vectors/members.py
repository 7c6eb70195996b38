"""Which ids an index holds, and what lets FAISS pass over all others."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

# The highest id for which a set is a bitmap, which is quicker than anything else: 4 MB.
MAX_BITS = 1 << 25
# Of so small a part of the ids, each is looked up rather than all be marked.
FEW_OF = 64


class Members:
    """The ids of an index, int64, each once; ``ids`` are ascending."""

    def __init__(self, ids: Ids) -> None:
        self.ids = np.sort(ids)
        self._has_bits = _fit_bits(self.ids)
        self._flags: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def among(self, allowed: Ids) -> Ids:
        """Return those of the ids that are members, ascending, each once."""
        if not len(self.ids) or not len(allowed):
            return self.ids[:0]
        if self._has_bits and FEW_OF * len(allowed) > len(self.ids):
            return self._marked(allowed)
        places = np.searchsorted(self.ids, allowed).clip(max=len(self.ids) - 1)
        # Not np.unique: it imports a fifteenth of a cold search.
        chosen = np.sort(allowed[self.ids[places] == allowed])
        return chosen[np.append(True, chosen[1:] != chosen[:-1])] if len(chosen) else chosen

    def without(self, gone: Ids) -> Members:
        """Return the members less some of them."""
        return Members(np.setdiff1d(self.ids, gone, assume_unique=True))

    def _marked(self, allowed: Ids) -> Ids:
        if self._flags is None:
            self._flags = _flags(self.ids)
        marked = np.zeros(len(self._flags), np.bool_)
        marked[allowed[(allowed >= 0) & (allowed < len(marked))]] = True
        marked &= self._flags
        return np.flatnonzero(marked)


def selector(ids: Ids) -> Any:
    """Return FAISS's selector of ascending ids: a bit for each, unless they lie too wide."""
    if not len(ids) or not _fit_bits(ids):
        return faiss.IDSelectorBatch(ids)
    return faiss.IDSelectorBitmap(np.packbits(_flags(ids), bitorder="little"))


def _fit_bits(ids: Ids) -> bool:
    return bool(len(ids)) and int(ids[0]) >= 0 and int(ids[-1]) <= MAX_BITS


def _flags(ids: Ids) -> npt.NDArray[np.bool_]:
    flags = np.zeros(int(ids[-1]) + 1, np.bool_)
    flags[ids] = True
    return flags
