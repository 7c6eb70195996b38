"""Zero-shot classification: which of a few labels is true of a picture, or none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.calibration.link import sigmoid
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import UncalibratedError
from search.tags.recognition import Background, Doubles, background, label_vectors
from search.tags.vocabulary import Vocabulary
from search.text_vectors import Working

# Where labels lie on photos of something else: in standard deviations above the usual. And how
# sharply these tell labels apart. On dev photos with lists of 3 to 30 things of which one or none
# is there, these told best whether one is (``python -m benchmarks classes``).
NONE_LEVEL, DEVIATION_TEMPERATURE = 1.25, 0.5
# Somebody who asks for a label has reason to expect it: one photo in so many shows it.
EXPECTED = 0.1
UNSURE = 0.5


@dataclass(frozen=True)
class Classification:
    """How probable labels are for one picture.

    Args:
        labels: the names, the most probable first.
        probabilities: float64 (labels,), in the same order. Of one choice, they sum to 1; where
            several may be true, each stands for itself.
        none: the probability that none of them is true, where several may be at most so much;
            ``None`` if the model has no calibration.
    """

    labels: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    none: float | None

    @property
    def is_none(self) -> bool:
        """Whether none of them is more likely than one of them."""
        return self.none is not None and self.none > UNSURE


class Classifier:
    """Tells labels of a vocabulary apart.

    Args:
        encoder: the model.
        vocabulary: the labels.
        cache: see ``search.text_vectors``.
        working: see there.
    """

    def __init__(
        self,
        encoder: Encoder,
        vocabulary: Vocabulary,
        cache: Path,
        working: Working = lambda done, total: None,
    ) -> None:
        self._encoder = encoder
        self._names = np.array([label.name for label in vocabulary.labels], object)
        self._labels = label_vectors(encoder, vocabulary, cache, working)
        self._background = background(encoder, self._labels, None)

    def choose(self, pictures: Vectors) -> list[Classification]:
        """Tell which one of the labels fits each picture, unit vectors (n, dim).

        The probabilities are the softmax of the cosines at the model's own temperature.
        """
        scores = (pictures @ self._labels.T).astype(np.float64)
        chosen = _softmax(scores / self._encoder.temperature)
        none = _none(self._background, scores)
        return [self._ranked(row, share) for row, share in zip(chosen, none, strict=True)]

    def each(self, pictures: Vectors) -> list[Classification]:
        """Tell of each label by itself whether it is true of each picture (n, dim).

        Raises:
            UncalibratedError: the model has no calibration, so there are no such probabilities.
        """
        calibration = self._encoder.calibration
        if calibration is None:
            raise UncalibratedError(self._encoder.spec.name)
        scores = pictures @ self._labels.T
        each = calibration.probability(self._labels, scores.T, EXPECTED).T.astype(np.float64)
        return [self._ranked(row, float(1 - row.max())) for row in each]

    def _ranked(self, probabilities: Doubles, none: float | None) -> Classification:
        order = np.argsort(-probabilities, kind="stable")
        return Classification(tuple(self._names[order]), probabilities[order], none)


def _none(usual: Background | None, scores: Doubles) -> Sequence[float | None]:
    """Return the probability that pictures show none of the labels, (n,).

    "Something else" is one class more, as likely as all labels together would be on a photo that
    shows none of them: the more labels there are, the higher one comes by chance.
    """
    if usual is None:
        return [None] * len(scores)
    evidence = usual.deviations(scores) / DEVIATION_TEMPERATURE
    highest = evidence.max(axis=1, keepdims=True)
    some = np.log(np.exp(evidence - highest).sum(axis=1)) + highest[:, 0]
    none = NONE_LEVEL / DEVIATION_TEMPERATURE + np.log(scores.shape[1])
    return [float(p) for p in sigmoid(none - some)]


def _softmax(scores: Doubles) -> Doubles:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
