"""What pocket's scores are worth: fitted on one split, checked on others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.calibration import Calibration, expected_calibration_error
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.model_files import CALIBRATION, Description, sha256_of
from pixfind.photos.decode import decode_file
from training.captions import Photo

BATCH = 32
# A covariance asks for more photos than an embedding has numbers, and not for many more.
BACKGROUND = 3000
# What a person looks at; among all pairs nearly every probability is nought, and right.
SHOWN = 10


@dataclass(frozen=True)
class Embedded:
    """Unit vectors of photos (n, dim) and texts (m, dim), and the photo of each text (m,)."""

    images: Vectors
    queries: Vectors
    owners: npt.NDArray[np.int64]


def calibrate(encoder: Encoder, dev: Sequence[Photo], background: Vectors) -> Calibration:
    """Fit on the sentences of ``dev``; ``background`` holds vectors of many kinds of photos."""
    known = embed(encoder, dev)
    return Calibration.fit(known.queries, known.images, known.owners, background)


def sample_background(encoder: Encoder, photos: Sequence[Photo], seed: int = 0) -> Vectors:
    """Return the vectors of a sample of photos, float32 (b, dim).

    The photos must be of many kinds. Measured against Flickr8k's alone, every photo of a room or a
    meal looks exceptional: the error (ece@10) on the everyday photos kept apart was 0.11, and 0.03
    against a sample of all photos that were trained on.
    """
    size = min(BACKGROUND, len(photos))
    chosen = np.random.default_rng(seed).choice(len(photos), size, replace=False)
    return embed_images(encoder, [photos[int(row)] for row in chosen])


def report(
    encoder: Encoder, calibration: Calibration, photos: Sequence[Photo], *, short: bool = False
) -> dict[str, float]:
    """Measure the calibration on photos and texts that it was not fitted on (see ``errors``)."""
    return errors(calibration, embed(encoder, photos, short=short))


def errors(calibration: Calibration, known: Embedded) -> dict[str, float]:
    """Return the calibration error of what a search shows, with one photo in n expected.

    Both errors are of the ten best photos of each text: "ece@10" with bins of equal width (Guo et
    al. 2017), "ece@10, equal mass" with bins of equally many pairs.
    """
    prior = 1 / len(known.images)
    likely, right = [], []
    for start in range(0, len(known.queries), 256):
        queries = known.queries[start : start + 256]
        owners = known.owners[start : start + 256, np.newaxis]
        scores = queries @ known.images.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
        shown = np.take_along_axis(scores, best, axis=1)
        likely.append(calibration.probability(queries, shown, prior))
        right.append(best == owners)
    probabilities, matches = np.concatenate(likely), np.concatenate(right)
    error = expected_calibration_error
    return {
        "ece@10": round(error(probabilities, matches), 4),
        "ece@10, equal mass": round(error(probabilities, matches, equal_mass=True), 4),
        "mean probability": round(float(probabilities.mean()), 4),
        "share of matches": round(float(matches.mean()), 4),
        "photos": len(known.images),
        "captions": len(known.queries),
    }


def embed(encoder: Encoder, photos: Sequence[Photo], *, short: bool = False) -> Embedded:
    """Embed photos with their sentences or, instead, their short queries."""
    texts: list[str] = []
    owners: list[int] = []
    for row, photo in enumerate(photos):
        of_it = [photo.query or ""] if short else photo.sentences
        texts.extend(of_it)
        owners.extend([row] * len(of_it))
    return Embedded(embed_images(encoder, photos), encoder.encode_texts(texts), np.array(owners))


def embed_images(encoder: Encoder, photos: Sequence[Photo]) -> Vectors:
    """Embed photos: float32 (n, dim)."""
    size = encoder.spec.image_size
    parts = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(photos), BATCH):
            files = [photo.path for photo in photos[start : start + BATCH]]
            decoded = pool.map(lambda file: decode_file(file, size).image, files)
            parts.append(encoder.encode_images(list(decoded)))
    return np.concatenate(parts)


def store(folder: Path, description: Description, calibration: Calibration) -> Description:
    """Write the calibration into the model's folder; return a description that names it."""
    calibration.save(folder / CALIBRATION)
    return replace(description, calibration=sha256_of(folder / CALIBRATION))
