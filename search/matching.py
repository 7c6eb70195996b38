"""Which photos look like what a query asks for, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from pixfind.calibration import QUANTILE, Calibration
from pixfind.catalog import assets
from pixfind.encoders.base import Vectors
from pixfind.vectors import Ids, VectorIndex
from search.composition import Direction, Part

# How large a part of a library tells how a query scores on it.
SAMPLE = 2000
# Who excludes something has seen it among the results, so it is no rare thing there: of the photos
# that fit the rest of the query, about as many as not show it. Chosen on dev data
# (benchmarks/negatives.py).
NEGATIVE_ODDS = 0.1
# From which probability on a photo shows what was excluded.
EXCLUDED = 0.5


@dataclass(frozen=True)
class Matches:
    """Embeddings that were compared with a query, best first.

    Args:
        ids: of the embeddings, int64 (n,).
        similarities: cosines, float32 (n,).
        probabilities: of a match, float32 (n,); ``None`` without a calibration.
    """

    ids: Ids
    similarities: Vectors
    probabilities: Vectors | None

    def only(self, kept: npt.NDArray[np.bool_]) -> Matches:
        """Return those for which the flags, bool (n,), are set."""
        surely = None if self.probabilities is None else self.probabilities[kept]
        return replace(
            self, ids=self.ids[kept], similarities=self.similarities[kept], probabilities=surely
        )

    def ordered(self) -> Matches:
        """Return them best first: by probability, and by similarity where that is equal."""
        surely = self.similarities if self.probabilities is None else self.probabilities
        order = np.lexsort((self.ids, -self.similarities, -surely))
        return Matches(
            self.ids[order],
            self.similarities[order],
            None if self.probabilities is None else self.probabilities[order],
        )


class Sample:
    """A part of a library's photos, the same for every query: what is usual there."""

    def __init__(self, session: Session, index: VectorIndex) -> None:
        self.size = len(index)
        ids = index.ids
        if len(ids) > SAMPLE:
            ids = np.sort(np.random.default_rng(0).choice(ids, SAMPLE, replace=False))
        found = [vectors for _, vectors in assets.vectors_of(session, ids)]
        self._vectors = np.concatenate(found) if found else np.empty((0, index.dim), np.float32)

    def highest(self, vector: Vectors) -> float:
        """Return the cosine with a query (dim,) that few photos exceed (``QUANTILE``)."""
        if not len(self._vectors):
            return 0.0
        return float(np.quantile(self._vectors @ vector, QUANTILE))


class Scale:
    """What similarities to one direction are worth in one library.

    ``cutoff`` is the probability from which on a photo is shown unless another is asked for.
    """

    def __init__(self, calibration: Calibration, direction: Direction, sample: Sample) -> None:
        self.cutoff = calibration.cutoff
        self._calibration = calibration
        self._direction = direction
        self._prior = calibration.prior_in(
            direction.vector, sample.highest(direction.vector), sample.size, direction.pictures
        )

    def probabilities(self, similarities: Vectors) -> Vectors:
        """Return the probability of a match for each similarity, float32 (n,)."""
        return self._calibration.probability(
            self._direction.vector, similarities, self._prior, self._direction.pictures
        )

    def lowest(self, probability: float) -> float:
        """Return the lowest similarity that is a match with that probability."""
        return self._calibration.score_at(
            self._direction.vector, probability, self._prior, self._direction.pictures
        )


def without(
    session: Session, matches: Matches, unwanted: Sequence[Part], calibration: Calibration | None
) -> Matches:
    """Leave out what shows something unwanted, and let go down what perhaps does.

    With a calibration, a photo that shows it with a probability of at least ``EXCLUDED`` is left
    out, and the others' probabilities are multiplied by that of not showing it. Without one, a
    photo is left out if it is as similar to what is unwanted as to what is wanted.
    """
    if not unwanted or not len(matches.ids):
        return matches
    vectors = _vectors(session, matches.ids)
    kept = np.ones(len(matches.ids), np.bool_)
    clear = np.ones(len(matches.ids), np.float32)
    for part in unwanted:
        scores = vectors @ part.vector
        if calibration is None:
            kept &= scores < matches.similarities
            continue
        odds = NEGATIVE_ODDS * part.weight
        shown = calibration.probability(
            part.vector, scores, odds / (1 + odds), float(part.is_picture)
        )
        kept &= shown < EXCLUDED
        clear *= 1 - shown
    if matches.probabilities is not None:
        matches = replace(matches, probabilities=matches.probabilities * clear)
    return matches.only(kept).ordered()


def _vectors(session: Session, ids: Ids) -> Vectors:
    """Return the embeddings in the order of their ids, float32 (n, dim)."""
    parts = list(assets.vectors_of(session, ids))
    found = np.concatenate([batch for batch, _ in parts])
    vectors = np.concatenate([vectors for _, vectors in parts])
    order = np.argsort(found)
    places = np.searchsorted(found[order], ids).clip(max=len(found) - 1)
    return np.asarray(vectors[order[places]], np.float32)
