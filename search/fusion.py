"""Two rankings as one."""

from __future__ import annotations

from collections.abc import Mapping

# Cormack, Clarke & Büttcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank
# Learning Methods (SIGIR 2009), where 60 was found to work on everything.
RRF_K = 60


def fuse(*rankings: Mapping[int, float]) -> list[int]:
    """Return every id that some ranking has, best first, by reciprocal rank fusion.

    Args:
        rankings: by id what it is worth in that ranking, the higher the better. Equal worth is an
            equal rank. The first ranking decides where the sums are equal, then the lower id.
    """
    worth: dict[int, float] = {}
    for ranking in rankings:
        rank, previous = 0, None
        for position, key in enumerate(sorted(ranking, key=lambda i: -ranking[i]), 1):
            if ranking[key] != previous:
                rank, previous = position, ranking[key]
            worth[key] = worth.get(key, 0.0) + 1 / (RRF_K + rank)
    first = rankings[0]
    return sorted(worth, key=lambda i: (-worth[i], -first.get(i, -float("inf")), i))
