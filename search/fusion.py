"""Two rankings as one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pixfind.vectors import Ids

Worths = npt.NDArray[np.float64]

# Cormack, Clarke & Büttcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank
# Learning Methods (SIGIR 2009), where 60 was found to work on everything.
RRF_K = 60


def fuse(ids: Ids, *rankings: Worths) -> npt.NDArray[np.int64]:
    """Return the places of all ids that some ranking has, best first, by reciprocal rank fusion.

    Args:
        ids: int64 (n,).
        rankings: what each is worth in that ranking, the higher the better, float64 (n,); NaN if it
            is not in it. Equal worth is an equal rank. The first ranking decides where the sums are
            equal, then the lower id.
    """
    worth = np.zeros(len(ids))
    for ranking in rankings:
        there = ~np.isnan(ranking)
        falling = np.sort(-ranking[there])
        worth[there] += 1 / (RRF_K + 1 + np.searchsorted(falling, -ranking[there]))
    first = np.where(np.isnan(rankings[0]), np.inf, -rankings[0])
    order = np.lexsort((ids, first, -worth))
    return order[worth[order] > 0]
