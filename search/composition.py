"""Several words and pictures as one direction to look in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixfind.calibration import Calibration
from pixfind.encoders.base import Vectors, unit

Doubles = npt.NDArray[np.float64]
# Relevance feedback after Rocchio (1971), with the weights of Manning, Raghavan & Schütze,
# Introduction to Information Retrieval (2008), section 9.1.1: of the words, of the pictures that
# are liked, and of those that are not.
WORDS, LIKED, DISLIKED = 1.0, 0.75, 0.15
TINY = 1e-6


@dataclass(frozen=True)
class Part:
    """An embedded term of a query: a unit vector (dim,) and how much it counts."""

    vector: Vectors
    weight: float
    is_picture: bool


@dataclass(frozen=True)
class Direction:
    """A unit vector (dim,) and the share of it that comes from pictures, in [0, 1]."""

    vector: Vectors
    pictures: float


def compose(
    wanted: Sequence[Part], unwanted: Sequence[Part], calibration: Calibration | None
) -> Direction | None:
    """Return where to look for what is wanted; ``None`` if nothing is.

    Each part is scaled so that scores on photos in general spread alike: then the sum of the parts
    scores a photo by the sum of how far each part stands out, and no part drowns the others
    because its cosines vary more. Words that are unwanted exclude (``matching``) and do not steer;
    pictures that are unwanted do both.
    """
    if len(wanted) == 1 and not any(part.is_picture for part in unwanted):
        alone = wanted[0]  # in whichever unit, it points where it points
        return Direction(unit(alone.vector[np.newaxis])[0], float(alone.is_picture))
    words = _centre([part for part in wanted if not part.is_picture], calibration)
    liked = _centre([part for part in wanted if part.is_picture], calibration)
    disliked = _centre([part for part in unwanted if part.is_picture], calibration)
    if words is None and liked is None:
        return None
    shares = (0.0 if words is None else WORDS, 0.0 if liked is None else LIKED)
    total = np.zeros(len(wanted[0].vector))
    for share, centre in zip((*shares, -DISLIKED), (words, liked, disliked), strict=True):
        if centre is not None:
            total += share * centre
    vector = unit(np.asarray(total, np.float32)[np.newaxis])[0]
    return Direction(vector, shares[1] / sum(shares))


def _centre(parts: Sequence[Part], calibration: Calibration | None) -> Doubles | None:
    """Return the weighted mean of the parts, each in units of its scores' spread."""
    if not parts:
        return None
    # As shares of the largest: a product with the smallest weight that there is would be nought.
    largest = max(part.weight for part in parts)
    shares = np.array([part.weight / largest for part in parts])
    spreads = np.array([spread(part.vector, calibration) for part in parts])
    vectors = np.stack([part.vector for part in parts]).astype(np.float64)
    return np.asarray((shares / spreads) @ vectors / shares.sum(), np.float64)


def spread(vector: Vectors, calibration: Calibration | None) -> float:
    """Return the standard deviation of a query's scores on photos in general; 1 if unknown."""
    if calibration is None:
        return 1.0
    low, high = calibration.standardise(vector, np.array([0.0, 1.0]))
    return 1.0 / max(float(high - low), TINY)
