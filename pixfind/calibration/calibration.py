"""What a model's score is worth: the probability that a photo is one that a query describes.

The cosine says little by itself: "a photo" is a little like every photo, "a red telephone box" like
few. So a score is measured against what the same query scores on photos in general, whose mean and
covariance are known (as scores are normalised in speaker verification: Auckenthaler et al. 2000),
and against what it scores in the library at hand; a link turns that into a probability. Pictures
are more alike than a picture and a text, so a query that is a picture has a link of its own.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pixfind.calibration.file import LINKS, VERSION, read_bounded, read_parts
from pixfind.calibration.link import TINY, Doubles, Link

Floats = npt.NDArray[np.float32]

# Of a library's scores, which one tells how many matches to expect. High enough to say how far the
# photos go that come nearest, low enough that a handful of matches does not decide it.
QUANTILE = 0.98
# A spread below this is rounding.
TINY_SPREAD = 1e-6
# Queries whose mean and spread are known by heart.
REMEMBERED = 64


@dataclass(frozen=True)
class Calibration:
    """The scores of a model in general, and the links from scores to probabilities.

    A unit query q scores q·mean in general, with the standard deviation sqrt(q·covariance·q).

    Args:
        mean: of the embeddings of photos in general, float32 (dim,).
        covariance: of the same, float32 (dim, dim).
        text: the link of queries that are texts.
        image: the link of queries that are pictures. There is no calibration without: with the
            link of texts nearly every picture would be like every other.
        cutoff: the probability from which on a photo is shown unless another is asked for, in
            (0, 1): the strictest that costs next to nothing of the best F1.
    """

    mean: Floats
    covariance: Floats
    text: Link
    image: Link
    cutoff: float
    _asked_before: dict[bytes, tuple[Doubles, Doubles]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.covariance.shape != (self.dim, self.dim):
            raise ValueError("the mean and the covariance do not fit each other")
        if not all(np.isfinite(part).all() for part in (self.mean, self.covariance)):
            raise ValueError("it holds values that are no numbers")
        if not 0 < self.cutoff < 1:
            raise ValueError("the cutoff is no probability")

    @property
    def dim(self) -> int:
        """The length of an embedding."""
        return len(self.mean)

    def in_general(self, query: npt.ArrayLike) -> tuple[Doubles, Doubles]:
        """Return the mean and the standard deviation of what a query scores on photos in general.

        Args:
            query: a unit vector (dim,), or several (m, dim).

        Returns:
            cosines, two float64 (m,); of a single query (1,).
        """
        # Products in float32: the covariance is not known any better, and copying it takes longer.
        asked = np.atleast_2d(np.asarray(query)).astype(np.float32)
        # One search asks half a dozen times about the same query.
        key = asked.tobytes() if len(asked) == 1 else b""
        known = self._asked_before.get(key)  # in one step: another thread may clear them
        if known is not None:
            return known
        general = (asked @ self.mean).astype(np.float64)
        # Of one query in this thread: BLAS would share so little work, and wait for others.
        varied = np.einsum("ij,nj->ni", self.covariance, asked) if key else asked @ self.covariance
        variance = (varied * asked).sum(axis=1, dtype=np.float64)
        found = general, np.maximum(np.sqrt(np.maximum(variance, 0.0)), TINY_SPREAD)
        if key:
            if len(self._asked_before) >= REMEMBERED:
                self._asked_before.clear()
            self._asked_before[key] = found
        return found

    def standardise(self, query: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
        """Return how many standard deviations scores lie above what the query scores in general.

        Args:
            query: a unit vector (dim,), or several (m, dim).
            scores: the query's cosines with photos (n,), or those of several queries (m, n).

        Returns:
            float32, of the shape of ``scores``.
        """
        _, spread = self.in_general(query)
        above = np.atleast_2d(self.above(query, scores))
        return (above / spread[:, np.newaxis]).reshape(np.shape(scores)).astype(np.float32)

    def above(self, query: npt.ArrayLike, scores: npt.ArrayLike) -> Doubles:
        """Return how far scores lie above the mean of what the query scores in general.

        Args:
            query: a unit vector (dim,), or several (m, dim).
            scores: the query's cosines with photos (n,), or those of several queries (m, n).

        Returns:
            differences of cosines, float64, of the shape of ``scores``.
        """
        general, _ = self.in_general(query)
        several = np.atleast_2d(np.asarray(scores, np.float64))
        return np.asarray((several - general[:, np.newaxis]).reshape(np.shape(scores)))

    def probability(
        self,
        query: npt.ArrayLike,
        scores: npt.ArrayLike,
        prior: float | None = None,
        pictures: float = 0.0,
    ) -> Floats:
        """Return how likely each photo is one that the query describes.

        Args:
            query: a unit vector (dim,), or several (m, dim).
            scores: the query's cosines with photos (n,), or those of several queries (m, n).
            prior: the share of photos that a query is expected to describe, for example one of
                ten thousand, or what ``prior_in`` returns; ``None`` stands for the one that the
                link was fitted at. Another prior multiplies the odds of every photo by the same
                number.
            pictures: the share of the query that is pictures, from 0 for a text to 1 for a
                picture.

        Returns:
            float32, of the shape of ``scores``.

        Raises:
            ValueError: the prior does not lie between 0 and 1, or ``pictures`` outside.
        """
        link = self._link(pictures)
        asked = _checked(link.prior if prior is None else prior)
        return link.probability(self.above(query, scores), asked).astype(np.float32)

    def prior_in(
        self, query: npt.ArrayLike, highest: float, size: int, pictures: float = 0.0
    ) -> float:
        """Return the share of a library's photos that a query is expected to describe.

        A library may hold nothing that a query asks for, and many photos that come a little near:
        the higher these reach and the more photos there are, the less a high score says.

        Args:
            query: a unit vector (dim,).
            highest: the cosine that 2% of the library's photos exceed (``QUANTILE``, linear).
            size: how many photos the library has.
            pictures: see ``probability``.

        Raises:
            ValueError: ``pictures`` lies outside of 0 and 1.
        """
        general, spread = (float(of[0]) for of in self.in_general(query))
        return self._link(pictures).prior_in(highest - general, size, spread)

    def score_at(
        self, query: npt.ArrayLike, probability: float, prior: float, pictures: float = 0.0
    ) -> float:
        """Return the lowest cosine whose probability reaches one: the inverse of ``probability``.

        Args:
            query: a unit vector (dim,).
            probability: of 0 or below, every cosine reaches it.
            prior: see ``probability``.
            pictures: see ``probability``.

        Returns:
            a cosine, perhaps beyond 1; minus infinity if every one reaches the probability,
            infinity if none does.

        Raises:
            ValueError: the prior does not lie between 0 and 1, or ``pictures`` outside.
        """
        above = self._link(pictures).reached_at(probability, _checked(prior))
        general, _ = self.in_general(query)
        return float(general[0] + above)

    def save(self, file: Path) -> None:
        """Write it to a file, the same bytes each time.

        Half of the symmetric covariance is kept, in float16 as shares of the largest value: the
        spread of a query's scores changes by about a hundred-thousandth.
        """
        scale = max(float(np.abs(self.covariance).max()), TINY)
        half = self.covariance[np.triu_indices(self.dim)] / scale
        parts: dict[str, Any] = {name: np.array(astuple(getattr(self, name))) for name in LINKS}
        parts |= {"cutoff": np.float64(self.cutoff), "version": np.float64(VERSION)}
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
                # By a mask: the numbers of these rows and columns take four times as long.
                upper = ~np.tri(dim, k=-1, dtype=np.bool_)
                covariance = np.empty((dim, dim), np.float32)
                covariance[upper] = covariance.T[upper] = half
            text, image = (Link(*map(float, parts[name])) for name in LINKS)
            return cls(mean, covariance, text, image, float(parts["cutoff"]))
        except (MemoryError, OverflowError, ValueError) as error:
            raise ValueError(f"it is no calibration: {error}") from error

    def _link(self, pictures: float) -> Link:
        if not 0 <= pictures <= 1:
            raise ValueError("the share of pictures must lie between 0 and 1")
        if pictures in (0, 1):
            return self.image if pictures else self.text
        return self.text.towards(self.image, pictures)


def _checked(prior: float) -> float:
    if not 0 < prior < 1:
        raise ValueError("the prior must lie between 0 and 1")
    return prior
