"""From scores to ranks and probabilities, and from those to measures with confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Vectors

RESAMPLES = 1000
SEED = 0
PERCENTILES = (2.5, 97.5)
# Cosines of equal vectors differ by less, according to where they stand in a matrix or a batch.
EQUAL = 1e-6
WEIGHTS_AT_ONCE = 1_000_000  # 8 MB, whatever the number of ranks

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]
# Takes ranks (n,) and how often each was drawn in each resample (r, n); returns values (r,).
Measure = Callable[[Ranks, Floats], Floats]


@dataclass(frozen=True)
class Estimate:
    """A measure's value and the ends of its 95% confidence interval."""

    value: float
    low: float
    high: float


def first_right_ranks(scores: Vectors, right: Flags) -> Ranks:
    """Return for each row the rank, counted from 1, of the best-scored right column.

    A wrong column of equal score counts as ranked before it, and so does one whose score is no
    number: ties and broken vectors never help. A right column whose score is no number is never
    found; a row of no other has the rank after all wrong columns.

    Args:
        scores: float32 (n, m), cosines, higher is better; equal if they differ by 1e-6 at most.
        right: bool (n, m).

    Returns:
        int64 (n,).
    """
    usable = right & ~np.isnan(scores)
    best = np.where(usable, scores, -np.inf).max(axis=1, keepdims=True)
    # "Not less" rather than "at least": a score that is no number must not count as beaten.
    return np.asarray(1 + (~right & ~(scores < best - EQUAL)).sum(axis=1), np.int64)


def share_within(k: int) -> Measure:
    """Return the measure that is the share of ranks up to ``k``: recall@k, hit@k, top-k."""
    return lambda ranks, weights: _mean((ranks <= k).astype(np.float64), weights)


def mean_reciprocal_rank(ranks: Ranks, weights: Floats) -> Floats:
    """Return the mean of 1 / rank; see ``Measure``."""
    return _mean(1 / ranks, weights)


def median_rank(ranks: Ranks, weights: Floats) -> Floats:
    """Return the median, of an even number the mean of the middle two; see ``Measure``."""
    order = np.argsort(ranks)
    ordered = ranks[order]
    seen = np.cumsum(weights[:, order], axis=1)
    total = seen[:, -1:]
    lower, upper = ((seen <= middle // 2).sum(axis=1) for middle in (total - 1, total))
    return np.asarray((ordered[lower] + ordered[upper]) / 2, np.float64)


def calibration_error(
    probabilities: npt.ArrayLike, matches: npt.ArrayLike, bins: int = 15
) -> Measure:
    """Return the measure that is the expected calibration error (Guo et al. 2017).

    That is how far probabilities are from the share of matches among the pairs of their bin, on
    average over all pairs. It knows its cases beforehand and takes no notice of their ranks.

    On average chance adds to it, so few cases make it too large; drawing them again adds once
    more, so its interval lies too high, where the true error is small even above the value.

    Args:
        probabilities: of k pairs of each case, (n, k). One that is no number counts as certainty
            of what is wrong.
        matches: whether each pair is a match, of the same shape.
        bins: into how many of equal width the probabilities are sorted.
    """
    given, actual = np.asarray(probabilities, np.float64), np.asarray(matches, np.float64)
    given = np.where(np.isnan(given), 1 - actual, given)
    cases, pairs = given.shape
    chosen = np.minimum((given * bins).astype(np.int64), bins - 1)
    cells = np.arange(cases)[:, np.newaxis] * bins + chosen
    excess = np.bincount(cells.ravel(), (given - actual).ravel(), cases * bins)
    gaps = excess.reshape(cases, bins)

    def error(ranks: Ranks, weights: Floats) -> Floats:
        apart = np.abs(weights @ gaps).sum(axis=1)
        return np.asarray(apart / (pairs * weights.sum(axis=1)), np.float64)

    return error


def estimate(
    ranks: Ranks, measures: Mapping[str, Measure], clusters: Ranks | None = None
) -> dict[str, Estimate]:
    """Take measures of ranks, with 95% intervals by the percentile bootstrap (Efron 1979).

    It tells how the values would vary with other cases of the same kind, and nothing of a bias in
    their choice. Few cases make intervals too narrow, at worst a single point where all agree.

    Args:
        ranks: int64 (n,), n > 0.
        measures: by name.
        clusters: int64 (n,), equal for ranks that depend on each other, such as those of captions
            of one photo: they are drawn together. Without it each is drawn alone.

    Returns:
        by name; the same for the same input.
    """
    _, members = np.unique(np.arange(len(ranks)) if clusters is None else clusters,
                           return_inverse=True)  # fmt: skip
    whole = np.ones((1, len(ranks)))
    resampled: dict[str, list[Floats]] = {name: [] for name in measures}
    for weights in _resamples(members):
        for name, measure in measures.items():
            resampled[name].append(measure(ranks, weights))
    estimates = {}
    for name, measure in measures.items():
        low, high = np.percentile(np.concatenate(resampled[name]), PERCENTILES)
        estimates[name] = Estimate(float(measure(ranks, whole)[0]), float(low), float(high))
    return estimates


def _resamples(members: Ranks) -> Iterable[Floats]:
    """Draw clusters with replacement; yield how often each rank has come, (part, n)."""
    numbers = np.random.default_rng(SEED)
    drawn = int(members.max()) + 1
    step = max(1, WEIGHTS_AT_ONCE // len(members))
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        times = numbers.multinomial(drawn, np.full(drawn, 1 / drawn), size)
        yield times[:, members].astype(np.float64)


def _mean(values: Floats, weights: Floats) -> Floats:
    return np.asarray(weights @ values / weights.sum(axis=1), np.float64)
