"""From scores to probabilities and back, and what a library lets one expect of them.

The link is logistic (Platt 1999). Another share of matches shifts its log odds (Saerens et al.
2002).
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

# Probabilities nearer to nought or one than this are rounding.
TINY = 1e-12

# The largest library that links are fitted in (``training/simulated_library.py``). In those that
# people have, what matches grows with the rest: were ever less expected of larger ones, a short
# query would find its photo in 0.49 instead of 0.81 of libraries of 6,000, and in hardly any of
# 100,000 (benchmarks: larger_libraries).
LARGEST = 800


@dataclass(frozen=True)
class Link:
    """What the scores of one kind of query are worth, each as far as it is above its query's mean.

    At ``prior`` the probability is ``sigmoid(slope * above + intercept)``. What a query
    may expect in a library has the log odds ``base + per_highest * h + per_log_size * log(size) +
    per_spread * s``, with a size of ``LARGEST`` at most, where h is how far above that mean the
    score lies that 2% of the library's photos exceed, and s the standard deviation of what the
    query scores in general.

    Args:
        slope: in logits, for a cosine of 1.
        intercept: in logits.
        prior: the share of matches among the pairs that the link was fitted on, in (0, 1).
        base: in logits.
        per_highest: in logits, for a cosine of 1.
        per_log_size: in logits, for a library e times as large.
        per_spread: in logits, for a cosine of 1.
    """

    slope: float
    intercept: float
    prior: float
    base: float
    per_highest: float
    per_log_size: float
    per_spread: float

    def __post_init__(self) -> None:
        if not np.isfinite(astuple(self)).all():
            raise ValueError("it holds values that are no numbers")
        if not 0 < self.prior < 1:
            raise ValueError("the prior is no probability")
        if self.slope < 0:
            raise ValueError("with its slope a higher score would be less probable")

    def probability(self, above: npt.ArrayLike, prior: float) -> Doubles:
        """Return the probabilities of scores, of their shape, at a prior."""
        log_odds = self.slope * np.asarray(above, np.float64) + self.intercept
        return np.asarray(sigmoid(log_odds + self._shift(prior)), np.float64)

    def reached_at(self, probability: float, prior: float) -> float:
        """Return how far above the mean a score must lie for a probability at a prior.

        Returns:
            minus infinity if every score reaches it, infinity if none does.
        """
        if not 0 < probability < 1:
            return -math.inf if probability <= 0 else math.inf
        missing = float(logit(probability)) - self.intercept - self._shift(prior)
        if self.slope == 0:
            return -math.inf if missing <= 0 else math.inf
        return missing / self.slope

    def prior_in(self, highest: float, size: int, spread: float) -> float:
        """Return the share of a library's photos that is expected to match, in (0, 1).

        Args:
            highest: how far above the mean the score lies that 2% of its photos exceed.
            size: how many photos it has.
            spread: the standard deviation of what the query scores in general.
        """
        counted = min(max(size, 1), LARGEST)
        of_library = self.per_highest * highest + self.per_log_size * math.log(counted)
        log_odds = self.base + of_library + self.per_spread * spread
        return float(np.clip(sigmoid(log_odds), TINY, 1 - TINY))

    def towards(self, other: Link, part: float) -> Link:
        """Return the link whose numbers lie that part of the way to another's, in [0, 1]."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Link(*((1 - part) * own + part * theirs for own, theirs in pairs))

    def _shift(self, prior: float) -> float:
        return float(logit(prior) - logit(self.prior))


def sigmoid(x: Any) -> Any:
    """Return the probability that log odds stand for."""
    # Of the side on which exp cannot overflow; the other side is one minus it.
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1.0, small) / (1 + small)


def logit(probability: Any) -> Any:
    """Return the log odds of a probability, of nought and one those of what is nearly so."""
    inside = np.clip(probability, TINY, 1 - TINY)
    return np.log(inside) - np.log1p(-inside)
