"""Which photos look like what a query asks for, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from pixfind.calibration import QUANTILE, Calibration
from pixfind.catalog import assets
from pixfind.encoders.base import Vectors
from pixfind.vectors import Ids, VectorIndex
from search.composition import Direction, Part, spread

# How large a part of a library tells how a query scores on it.
SAMPLE = 2000
# Who excludes something has seen it among the results: about one photo in eleven shows it.
# And what shows it a little goes down, by so many standard deviations for each that it stands out.
# With these, dev photos' first ten held most wanted ones less twice the unwanted, which somebody
# has named after all (benchmarks/negatives.py).
NEGATIVE_ODDS = 0.1
LOWERED = 0.5
# From which probability on a photo shows what was excluded.
EXCLUDED = 0.5
# The lowest odds: those of the smallest weight that there is would be 0, which is no prior.
TINY = 1e-12


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
        # In this thread: BLAS would share so little work with others, and wait for them.
        scores = np.einsum("nd,d->n", self._vectors, vector)
        return _quantile(scores, QUANTILE)


def _quantile(scores: Vectors, share: float) -> float:
    """Return what ``np.quantile`` does, which would import a thirtieth of a cold search."""
    place = share * (len(scores) - 1)
    below, above = int(place), min(int(place) + 1, len(scores) - 1)
    ordered = np.partition(scores, (below, above))
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


class Scale:
    """What similarities to one direction are worth in one library.

    ``cutoff`` is the probability from which on a photo is shown unless another is asked for.
    """

    def __init__(self, calibration: Calibration, direction: Direction, sample: Sample) -> None:
        self.cutoff = calibration.cutoff
        self.spread = spread(direction.vector, calibration)
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

    def lowering(self, part: Part, scores: Vectors) -> Vectors:
        """Return by how much similarities fall for their scores with something unwanted."""
        above = self._calibration.standardise(part.vector, scores).clip(min=0)
        return np.asarray(LOWERED * part.weight * self.spread * above, np.float32)


@dataclass(frozen=True)
class Compared:
    """Embeddings and their cosines with a query: int64 (n,) and float32 (n,)."""

    ids: Ids
    similarities: Vectors


def judge(
    index: VectorIndex,
    compared: Compared,
    unwanted: Sequence[Part],
    calibration: Calibration | None,
    scale: Scale | None,
) -> Matches:
    """Tell how surely each photo matches, and leave out what shows something unwanted.

    With a calibration, a photo that shows it with a probability of at least ``EXCLUDED`` is left
    out, and of the others those that show it a little go down. Without one, a photo is left out
    that is as similar to what is unwanted as to what is wanted.

    Args:
        index: for the similarities to what is unwanted; about as exact as the others.
        compared: the photos, all of them in the index.
        unwanted: what they must not show.
        calibration: the model's.
        scale: of what is wanted; ``None`` if nothing is, or without a calibration.
    """
    ids, similarities = compared.ids, compared.similarities
    kept = np.ones(len(ids), np.bool_)
    lowered = similarities.copy()
    for part in unwanted if len(ids) else ():
        scores = _scores(index, part.vector, ids)
        if calibration is None:
            kept &= scores < similarities
        else:
            kept &= _shown(part, scores, calibration) < EXCLUDED
        if scale is not None:
            lowered -= scale.lowering(part, scores)
    surely = None if scale is None else scale.probabilities(lowered)[kept]
    order = np.lexsort((ids[kept], -lowered[kept]))
    return Matches(
        ids[kept][order], similarities[kept][order], None if surely is None else surely[order]
    )


def _shown(part: Part, scores: Vectors, calibration: Calibration) -> Vectors:
    """Return the probability that photos show something unwanted, float32 (n,)."""
    odds = max(NEGATIVE_ODDS * part.weight, TINY)
    return calibration.probability(part.vector, scores, odds / (1 + odds), float(part.is_picture))


def _scores(index: VectorIndex, vector: Vectors, ids: Ids) -> Vectors:
    """Return the cosines with a vector (dim,) in the order of the ids, float32 (n,)."""
    # From the index, which has them in memory: reading vectors from the catalog takes far longer.
    scores, found = index.search(vector[np.newaxis], len(ids), ids)
    order = np.argsort(found[0])
    return np.asarray(scores[0][order[np.searchsorted(found[0], ids, sorter=order)]], np.float32)
