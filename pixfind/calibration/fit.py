"""Fitting a calibration: what queries score in general, and a link in libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pixfind.calibration import Calibration
from pixfind.calibration.link import TINY, Doubles, Link, logit, sigmoid

Flags = npt.NDArray[np.bool_]
# Minus the log likelihood at some parameters, its gradient's opposite, and Fisher's information.
Likelihood = Callable[[Doubles], tuple[float, Doubles, Doubles]]

# Far beyond what a fit needs: from anywhere it takes about ten.
MAX_STEPS = 100
CONVERGED = 1e-12
# Of a model of which nothing is known but its scores in general.
PLAIN = Link(1.0, 0.0, 0.5, base=0.0, per_highest=0.0, per_log_size=0.0, per_spread=0.0)


@dataclass(frozen=True)
class InLibrary:
    """A query in a library.

    Args:
        above: how far the scores lie above the query's mean in general, of the photos that are
            known to match or not (n,).
        matches: which of them do, bool (n,).
        highest: the same of the score that 2% of all photos of the library exceed.
        size: how many photos the library has.
        spread: the standard deviation of what the query scores in general.
    """

    above: Doubles
    matches: Flags
    highest: float
    size: int
    spread: float


def fit_general(background: npt.ArrayLike) -> Calibration:
    """Return a calibration that knows what queries score in general, and nothing else yet.

    Args:
        background: unit vectors of photos in general (b, dim), b > 1. The broader, the better:
            against a narrow background photos of other kinds look exceptional.
    """
    general = np.asarray(background, np.float64)
    mean, covariance = general.mean(axis=0), np.cov(general, rowvar=False)
    return Calibration(mean.astype(np.float32), covariance.astype(np.float32), PLAIN, PLAIN, 0.5)


def fit_in_libraries(cases: Sequence[InLibrary]) -> Link:
    """Fit a link in libraries, by maximum likelihood: a logistic regression.

    Its features are how far a score lies above the query's mean and the terms of ``Link``. The
    prior is the share of matches, and the link without its terms is that of the mean library.

    Args:
        cases: queries that match and queries that do not, in libraries of several sizes.
    """
    lengths = [len(case.above) for case in cases]
    above = np.concatenate([case.above for case in cases])
    matches = np.concatenate([case.matches for case in cases])
    terms = np.array([[case.highest, np.log(case.size), case.spread] for case in cases])
    features = np.column_stack([np.ones(len(above)), above, np.repeat(terms, lengths, axis=0)])
    prior = float(matches.mean())
    start = np.append(float(logit(prior)), np.zeros(features.shape[1] - 1))
    intercept, slope, *weights = _fitted(partial(_of_regression, features, matches), start)
    usual = float(terms.mean(axis=0) @ weights)
    per_highest, per_log_size, per_spread = map(float, weights)
    return Link(
        slope=float(slope), intercept=float(intercept) + usual, prior=prior,
        base=float(logit(prior)) - usual, per_highest=per_highest, per_log_size=per_log_size,
        per_spread=per_spread,
    )  # fmt: skip


def _fitted(likelihood: Likelihood, start: Doubles) -> Doubles:
    """Return the parameters of greatest likelihood: Fisher scoring, damped."""
    found = start
    loss, gradient, information = likelihood(found)
    damping = 0.0
    for _ in range(MAX_STEPS):
        diagonal = np.diag(damping * np.diag(information) + TINY)
        tried = found + np.linalg.solve(information + diagonal, gradient)
        got = likelihood(tried)
        if not got[0] <= loss:
            damping = max(10 * damping, 1e-3)
            continue
        damping /= 10
        gain = loss - got[0]
        found, (loss, gradient, information) = tried, got
        if gain <= CONVERGED * loss:
            break
    return found


def _of_regression(
    features: Doubles, matches: Flags, weights: Doubles
) -> tuple[float, Doubles, Doubles]:
    """See ``Likelihood``."""
    x = features @ weights
    likely = sigmoid(x)
    loss = float((np.logaddexp(0, x) - matches * x).sum())
    weighted = features * (likely * (1 - likely))[:, np.newaxis]
    return loss, features.T @ (matches - likely), weighted.T @ features
