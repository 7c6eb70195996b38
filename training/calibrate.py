"""What pocket's scores are worth: fitted on photos that its heads were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pixfind.calibration import Calibration, Labelled
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.model_files import CALIBRATION, Description, sha256_of
from pixfind.evaluation.embedding import embed_photos, embed_texts
from training.captions import Photo

# A covariance asks for more photos than an embedding has numbers, and not for many more.
BACKGROUND = 3000


def calibrate(
    encoder: Encoder, sets: Sequence[Sequence[Photo]], background: Vectors
) -> Calibration:
    """Fit on the sentences and short queries of sets of photos, each of its own kind.

    Args:
        encoder: the model.
        sets: of about equally many photos each; a text meets those of its own set alone.
        background: see ``sample_background``.
    """
    return Calibration.fit([_embedded(encoder, photos) for photos in sets], background)


def sample_background(encoder: Encoder, photos: Sequence[Photo], seed: int = 0) -> Vectors:
    """Return the vectors of a sample of photos, float32 (b, dim).

    The photos must be of many kinds: measured against Flickr8k's alone, every photo of a room or a
    meal looks exceptional.
    """
    size = min(BACKGROUND, len(photos))
    chosen = np.random.default_rng(seed).choice(len(photos), size, replace=False)
    return embed_photos(encoder, [photos[int(row)].path for row in chosen])


def store(folder: Path, description: Description, calibration: Calibration) -> Description:
    """Write the calibration into the model's folder; return a description that names it."""
    calibration.save(folder / CALIBRATION)
    return replace(description, calibration=sha256_of(folder / CALIBRATION))


def _embedded(encoder: Encoder, photos: Sequence[Photo]) -> Labelled:
    texts: list[str] = []
    owners: list[int] = []
    for row, photo in enumerate(photos):
        of_it = [*photo.sentences, *([photo.query] if photo.query else [])]
        texts.extend(of_it)
        owners.extend([row] * len(of_it))
    images = embed_photos(encoder, [photo.path for photo in photos])
    return Labelled(embed_texts(encoder, texts), images, owners)
