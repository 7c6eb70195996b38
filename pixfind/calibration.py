"""What a model's score is worth: the probability that a photo is the one a text describes.

The cosine says little by itself: "a photo" is a little like every photo, "a red telephone box" like
few. So a score is measured against what the same query scores on photos in general, whose mean and
covariance are known (z-normalisation, as in speaker verification: Auckenthaler et al. 2000), and a
logistic link with a ceiling (Platt 1999; the ceiling is the lapse rate of psychometric functions)
turns that into a probability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pixfind.calibration_file import NUMBERS, read_bounded, read_parts

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Pairs = tuple[Doubles, npt.NDArray[np.bool_]]

QUERY_CHUNK = 256
# Far beyond what a fit needs: from anywhere it takes about ten.
MAX_STEPS = 100
CONVERGED = 1e-12
# Spreads and probabilities below these are rounding.
TINY_SPREAD = 1e-6
TINY = 1e-12
# Of the logit of the ceiling: nothing tells a ceiling beyond it from none.
MAX_CEILING_LOGIT = 12.0


@dataclass(frozen=True)
class Labelled:
    """Embedded photos of one kind, and texts that were each written for one of them.

    Args:
        queries: unit vectors of texts that the model was not trained on (m, dim), m > 0.
        images: unit vectors of the photos (n, dim), n > 1.
        owners: the row of ``images`` that each text was written for, int (m,).
    """

    queries: npt.ArrayLike
    images: npt.ArrayLike
    owners: npt.ArrayLike


@dataclass(frozen=True)
class Calibration:
    """The scores of a model in general, and the link from a standardised one to a probability.

    For a unit query q with score s, z = (s - q·mean) / sqrt(q·covariance·q), and at the ``prior``
    that the link was fitted at, the probability is ``ceiling * sigmoid(slope * z + intercept)``.

    Args:
        mean: of the embeddings of photos in general, float32 (dim,).
        covariance: of the same, float32 (dim, dim).
        slope: of the link, for a standard deviation.
        intercept: of the link, in logits.
        ceiling: what the probability comes close to for the highest scores, in (0, 1]. It is
            below one because several photos can fit a text as well as the one that it is of.
        prior: the share of matches among the pairs that the link was fitted on, in (0, 1).
    """

    mean: Floats
    covariance: Floats
    slope: float
    intercept: float
    ceiling: float
    prior: float

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.covariance.shape != (self.dim, self.dim):
            raise ValueError("the mean and the covariance do not fit each other")
        numbers = [getattr(self, name) for name in NUMBERS]
        if not all(np.isfinite(part).all() for part in (self.mean, self.covariance, numbers)):
            raise ValueError("it holds values that are no numbers")
        if not (0 < self.prior < 1 and 0 < self.ceiling <= 1):
            raise ValueError("the prior or the ceiling is no probability")
        if self.slope < 0:
            raise ValueError("with its slope a higher score would be less probable")

    @property
    def dim(self) -> int:
        """The length of an embedding."""
        return len(self.mean)

    def standardise(self, query: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
        """Return how many standard deviations scores lie above what the query scores in general.

        Args:
            query: a unit vector (dim,), or several (m, dim).
            scores: the query's cosines with photos (n,), or those of several queries (m, n).

        Returns:
            float32, of the shape of ``scores``.
        """
        return self._standardised(np.asarray(query), np.asarray(scores)).astype(np.float32)

    def probability(
        self, query: npt.ArrayLike, scores: npt.ArrayLike, prior: float | None = None
    ) -> Floats:
        """Return how likely each photo is the one that the query describes.

        Args:
            query: a unit vector (dim,), or several (m, dim).
            scores: the query's cosines with photos (n,), or those of several queries (m, n).
            prior: the share of photos that a query is expected to describe, for example one of
                ten thousand; ``None`` stands for the one that the link was fitted at. Another
                prior multiplies the odds of every photo by the same number.

        Returns:
            float32, of the shape of ``scores``.

        Raises:
            ValueError: the prior does not lie between 0 and 1.
        """
        asked = self.prior if prior is None else prior
        if not 0 < asked < 1:
            raise ValueError("the prior must lie between 0 and 1")
        z = self._standardised(np.asarray(query), np.asarray(scores))
        fitted = self.ceiling * _sigmoid(self.slope * z + self.intercept)
        shifted = _logit(fitted) + (_logit(asked) - _logit(self.prior))
        return np.asarray(_sigmoid(shifted), np.float32)

    @classmethod
    def fit(cls, sets: Sequence[Labelled], background: npt.ArrayLike) -> Calibration:
        """Fit the link on every pair of a query and an image of a set, by maximum likelihood.

        A pair is a match if the text was written for the photo. Other photos that fit the text
        count as misses, so what comes out is rather too low than too high.

        Each text weighs the same, so a set weighs what it has of them. The prior is the share of
        matches among all pairs; that is every set's own as long as they hold about equally many
        photos, and where they do not, the link is a compromise between their priors.

        Args:
            sets: pairs are formed within each; at least one.
            background: unit vectors of photos in general (b, dim), b > 1. The broader, the
                better: against a narrow background photos of other kinds look exceptional.
        """
        general = np.asarray(background, np.float64)
        mean, covariance = general.mean(axis=0), np.cov(general, rowvar=False)
        known = [
            (np.asarray(s.queries, np.float64), np.asarray(s.images, np.float64),
             np.asarray(s.owners)) for s in sets
        ]  # fmt: skip
        matches = sum(len(texts) for texts, _, _ in known)
        prior = matches / sum(len(texts) * len(photos) for texts, photos, _ in known)
        blank = cls(
            mean.astype(np.float32), covariance.astype(np.float32), 1.0, 0.0, 1.0, prior
        )  # fmt: skip

        def pairs() -> Iterator[Pairs]:
            for texts, photos, rows in known:
                for start in range(0, len(texts), QUERY_CHUNK):
                    part = slice(start, start + QUERY_CHUNK)
                    z = blank._standardised(texts[part], texts[part] @ photos.T)
                    yield z, np.arange(len(photos)) == rows[part, np.newaxis]

        slope, intercept, ceiling = _fitted_link(pairs, prior)
        return cls(blank.mean, blank.covariance, slope, intercept, ceiling, prior)

    def save(self, file: Path) -> None:
        """Write it to a file, the same bytes each time.

        Half of the symmetric covariance is kept, in float16 as shares of the largest value: the
        spread of a query's scores changes by about a hundred-thousandth.
        """
        scale = max(float(np.abs(self.covariance).max()), TINY)
        half = self.covariance[np.triu_indices(self.dim)] / scale
        parts: dict[str, Any] = {name: np.float64(getattr(self, name)) for name in NUMBERS}
        parts |= {"mean": self.mean, "covariance": half.astype(np.float16), "scale": scale}
        with file.open("wb") as opened:
            np.savez(opened, **parts)

    @classmethod
    def load(cls, file: Path, dim: int) -> Calibration:
        """Read what ``save`` has written.

        Args:
            file: of anybody's; no more of it is read than a calibration takes.
            dim: the length of the model's embeddings.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no calibration of such a model.
        """
        return cls.from_bytes(read_bounded(file, dim), dim)

    @classmethod
    def from_bytes(cls, content: bytes, dim: int) -> Calibration:
        """Read the content of a file that ``save`` has written.

        Args:
            content: anybody's; it takes no more memory than a calibration does.
            dim: the length of the model's embeddings.

        Raises:
            ValueError: it is no calibration of such a model.
        """
        try:
            parts = read_parts(content, dim)
            with np.errstate(all="ignore"):  # what is too large shows as infinite
                mean = parts["mean"].astype(np.float32)
                half = parts["covariance"].astype(np.float32) * parts["scale"].astype(np.float32)
                covariance = np.zeros((dim, dim), np.float32)
                covariance[np.triu_indices(dim)] = half
                covariance += np.triu(covariance, 1).T
            return cls(mean, covariance, **{name: float(parts[name]) for name in NUMBERS})
        except (MemoryError, OverflowError, ValueError) as error:
            raise ValueError(f"it is no calibration: {error}") from error

    def _standardised(self, query: npt.NDArray[Any], scores: npt.NDArray[Any]) -> Doubles:
        # Products in float32: the covariance is not known any better, and copying it takes longer.
        asked = np.atleast_2d(query).astype(np.float32)
        general = (asked @ self.mean).astype(np.float64)
        variance = ((asked @ self.covariance) * asked).sum(axis=1, dtype=np.float64)
        spread = np.maximum(np.sqrt(np.maximum(variance, 0.0)), TINY_SPREAD)
        several = np.atleast_2d(scores).astype(np.float64)
        z = (several - general[:, np.newaxis]) / spread[:, np.newaxis]
        return np.asarray(z.reshape(scores.shape), np.float64)


def _fitted_link(pairs: Callable[[], Iterator[Pairs]], prior: float) -> tuple[float, float, float]:
    """Return the slope, intercept and ceiling of greatest likelihood: Fisher scoring, damped."""
    # The ceiling as a logit, so that every step stays within bounds.
    link = np.array([1.0, float(_logit(prior)), 0.0])
    loss, gradient, information = _likelihood(pairs(), link)
    damping = 0.0
    for _ in range(MAX_STEPS):
        diagonal = np.diag(damping * np.diag(information) + TINY)
        tried = link + np.linalg.solve(information + diagonal, gradient)
        tried[2] = np.clip(tried[2], -MAX_CEILING_LOGIT, MAX_CEILING_LOGIT)
        got = _likelihood(pairs(), tried)
        if not got[0] <= loss:
            damping = max(10 * damping, 1e-3)
            continue
        damping /= 10
        gain = loss - got[0]
        link, (loss, gradient, information) = tried, got
        if gain <= CONVERGED * loss:
            break
    return float(link[0]), float(link[1]), float(_sigmoid(link[2]))


def _likelihood(pairs: Iterator[Pairs], link: Doubles) -> tuple[float, Doubles, Doubles]:
    """Return minus the log likelihood, its gradient's opposite, and Fisher's information."""
    slope, intercept, ceiling_logit = link
    ceiling, lacking = _sigmoid(ceiling_logit), _sigmoid(-ceiling_logit)
    loss, gradient, information = 0.0, np.zeros(3), np.zeros((3, 3))
    for z, match in pairs:
        x = slope * z + intercept
        below = _sigmoid(-x)
        yes = ceiling * _sigmoid(x)
        no = np.maximum(lacking + ceiling * below, TINY)
        loss += float((np.logaddexp(0, -x[match]) - np.log(ceiling)).sum())
        loss -= float(np.log(no[~match]).sum())
        towards = below / no
        slopes = np.stack([(towards * z).ravel(), towards.ravel(), (lacking / no).ravel()])
        gradient += slopes @ (match - yes).ravel()
        information += (slopes * (yes * no).ravel()) @ slopes.T
    return loss, gradient, information


def _sigmoid(x: Any) -> Any:
    # Of the side on which exp cannot overflow; the other side is one minus it.
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1.0, small) / (1 + small)


def _logit(probability: Any) -> Any:
    inside = np.clip(probability, TINY, 1 - TINY)
    return np.log(inside) - np.log1p(-inside)
