"""Assets in columns with what they score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Vectors
from pixfind.vectors import Ids
from search.fusion import Worths
from search.query.model import Numbers


@dataclass(frozen=True)
class Scored:
    """Assets, best first, with what is known of each.

    Args:
        ids: int64 (n,).
        similarity: of what is compared, float32 (n,); ``None`` if nothing is.
        probability: of a match, float32 (n,); ``None`` without a calibration, too.
    """

    ids: Ids
    similarity: Vectors | None = None
    probability: Vectors | None = None

    @property
    def scores(self) -> Worths:
        """What each is ranked by: the probability where it is known, else the similarity."""
        known = self.similarity if self.probability is None else self.probability
        return np.asarray(known, np.float64)

    def followed_by(self, others: Scored) -> Scored:
        """Return both, one behind the other."""
        return Scored(
            np.concatenate([self.ids, others.ids]),
            _joined(self.similarity, others.similarity),
            _joined(self.probability, others.probability),
        )

    def at(self, places: npt.NDArray[np.int64] | slice) -> Scored:
        """Return those at some places, in that order."""
        similarity, probability = self.similarity, self.probability
        return Scored(
            self.ids[places],
            None if similarity is None else similarity[places],
            None if probability is None else probability[places],
        )


NOBODY = Scored(np.empty(0, np.int64))


def worths(ids: Ids, worded: Mapping[int, float]) -> Worths:
    """Return how well the words match, the higher the better; NaN where they do not."""
    worths = np.full(len(ids), np.nan)
    if worded:
        known = np.fromiter(worded, np.int64, len(worded))
        bm25 = np.fromiter(worded.values(), np.float64, len(worded))
        order = np.argsort(known)
        places = order[np.searchsorted(known, ids, sorter=order).clip(max=len(known) - 1)]
        matches = known[places] == ids
        worths[matches] = -bm25[places[matches]]
    return worths


def within(scores: Worths, wanted: Numbers | None) -> npt.NDArray[np.bool_]:
    """Return which scores are wanted."""
    if wanted is None:
        return np.ones(len(scores), np.bool_)
    low = -np.inf if wanted.low is None else wanted.low
    high = np.inf if wanted.high is None else wanted.high
    above = scores >= low if wanted.low_included else scores > low
    return np.asarray(above & (scores <= high if wanted.high_included else scores < high))


def _joined(first: Vectors | None, second: Vectors | None) -> Vectors | None:
    return None if first is None or second is None else np.concatenate([first, second])
