"""How surely each label of a vocabulary is true of a photo.

Zero-shot recognition by prompts (Radford et al. 2021, section 3.1.4): a label is the mean vector of
several prompts. Its cosine says little by itself, for common wording is a little like every photo.
So it is measured against what the label scores on photos in general, in standard deviations, and
joined with how often people name the label at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Encoder, Vectors, unit
from search.tags.vocabulary import Label, Vocabulary, shipped
from search.text_vectors import Working, embed_cached

Doubles = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

PROMPTS = ("{}", "a photo of {}", "a photo showing {}")
# Of a label that no caption names, and of one's own labels, which are there because they matter.
LEAST_USAGE, OWN_USAGE = 5e-4, 2e-3
# Fitted by ``python -m training.tag_usage`` on captioned photos that the bundled model has not
# seen: log odds for a standard deviation above the usual, for a usage e times as high, and at none.
# A usage counts for half of what captions say: they prefer "dog" to "dachshund", owners less so.
PER_DEVIATION, PER_LOG_USAGE, BIAS = 1.45, 0.58, -2.97
# Fewer photos than these do not tell what is usual.
ENOUGH_PHOTOS = 50
TINY_SPREAD = 1e-6


@dataclass(frozen=True)
class Background:
    """What labels score on photos in general: mean and standard deviation, both (labels,)."""

    mean: Doubles
    spread: Doubles

    def of(self, rows: Rows) -> Background:
        """Return the same of some labels only."""
        return Background(self.mean[rows], self.spread[rows])

    def deviations(self, scores: npt.ArrayLike) -> Doubles:
        """Return how many standard deviations scores (n, labels) lie above the usual."""
        return np.asarray((np.asarray(scores, np.float64) - self.mean) / self.spread)


def background(encoder: Encoder, labels: Vectors, photos: Vectors | None) -> Background | None:
    """Return what labels score in general, as far as that is known.

    Args:
        encoder: the model, whose calibration knows.
        labels: unit vectors, float32 (labels, dim).
        photos: for a model without calibration, those of photos (n, dim) to learn it from.

    Returns:
        ``None`` if there is no calibration and there are too few photos.
    """
    if encoder.calibration is not None:
        return Background(*encoder.calibration.in_general(labels))
    if photos is None or len(photos) < ENOUGH_PHOTOS:
        return None
    scores = (photos @ labels.T).astype(np.float64)
    return Background(scores.mean(axis=0), np.maximum(scores.std(axis=0), TINY_SPREAD))


def directions(encoder: Encoder, labels: Vectors, photos: Vectors | None) -> Vectors:
    """Return a unit vector for each label whose products are the correlations of their scores.

    Args: as for ``background``, which knows as much.

    Returns:
        float32 (labels, n).
    """
    if encoder.calibration is not None:
        values, axes = np.linalg.eigh(encoder.calibration.covariance)
        return unit(labels @ (axes * np.sqrt(np.maximum(values, 0.0))))
    if photos is None:
        raise ValueError("there is nothing to tell what is usual")
    scores = labels @ photos.T
    return unit(scores - scores.mean(axis=1, keepdims=True))


def label_vectors(
    encoder: Encoder,
    vocabulary: Vocabulary,
    cache: Path,
    working: Working = lambda done, total: None,
) -> Vectors:
    """Return a unit vector for each label, float32 (labels, dim): the mean of its prompts.

    Args:
        encoder: the model.
        vocabulary: the labels.
        cache: see ``embed_cached``.
        working: see ``embed_cached``.
    """
    texts = [text for label in vocabulary.labels for text in _prompts(label)]
    vectors = embed_cached(encoder, texts, cache, working)
    return unit(vectors.reshape(len(vocabulary), 1 + len(PROMPTS), -1).sum(axis=1))


def _prompts(label: Label) -> tuple[str, ...]:
    return label.name, *(prompt.format(label.phrase) for prompt in PROMPTS)


def log_odds(deviations: Doubles, usage: Doubles) -> Doubles:
    """Return the log odds that labels are true of photos.

    Args:
        deviations: see ``Background.deviations``, (n, labels).
        usage: the share of photos of which people name each label, (labels,).
    """
    return np.asarray(PER_DEVIATION * deviations + PER_LOG_USAGE * np.log(usage) + BIAS)


def usage_of(vocabulary: Vocabulary) -> Doubles:
    """Return how often people name each label, as shares of photos, float64 (labels,)."""
    known, shipped_names = _usage()
    return np.array(
        [
            max(known.get(label.name, 0.0), LEAST_USAGE)
            if label.name in shipped_names
            else OWN_USAGE
            for label in vocabulary.labels
        ]
    )


@cache
def _usage() -> tuple[Mapping[str, float], frozenset[str]]:
    file = resources.files("pixfind_data") / "vocabulary" / "usage.tsv"
    rows = (line.split("\t") for line in file.read_text("utf-8").splitlines())
    return (
        {name: float(share) for name, share in rows},
        frozenset(label.name for label in shipped().labels),
    )
