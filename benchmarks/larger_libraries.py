"""Does a query still find its photo by default in a larger library, and how many others with it?

``python -m benchmarks larger_libraries`` takes photos of the training sets with a caption, or a
short query, of each, and asks for 200 of them in libraries of 124 to 6,000 of these photos, drawn
anew for each query, with the photo that was described among them. As built, the share of photos
that is expected to match falls with the library's size only up to the largest that the calibration
was fitted in; the baseline lets it fall on. Photos that were trained on are found more easily than
others: what counts is the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from unittest.mock import patch

import numpy as np

from benchmarks import machine
from benchmarks.training_photos import captions, embedded, short_queries
from pixfind.calibration import QUANTILE, Calibration
from pixfind.config import DEFAULT_MODEL, Settings
from pixfind.encoders.base import Vectors
from pixfind.encoders.store import ModelStore

EACH, ASKED, SAMPLE = 3000, 200, 2000
SIZES = (124, 800, 3000, 6000)
WITHOUT_END = 10**12


def run() -> None:
    """Measure and print."""
    encoder = ModelStore(Settings.load(None).models).load(DEFAULT_MODEL)
    known = encoder.calibration
    if known is None:
        raise SystemExit("the model has no calibration")
    described = dict(islice(captions("train").items(), EACH))
    named = dict(islice(short_queries(held_apart=False).items(), EACH))
    photos = embedded(encoder, [*described, *named])
    sets = (("captions", described, 0), ("short queries", named, len(described)))
    for kind, texts, first in sets:
        chosen = np.random.default_rng(0).permutation(len(texts))[:ASKED]
        asked = encoder.encode_texts([list(texts.values())[i] for i in chosen])
        for size in SIZES:
            built = _asked(known, photos, asked, chosen + first, size)
            with patch("pixfind.calibration.link.LARGEST", WITHOUT_END):
                falling = _asked(known, photos, asked, chosen + first, size)
            print(f"{kind}, {size:,} photos: as built {built}; falling on {falling}")
    print(machine.describe())


def _asked(
    known: Calibration, photos: Vectors, asked: Vectors, own: Sequence[int], size: int
) -> str:
    numbers = np.random.default_rng(1)
    found, shown = [], []
    for query, photo in zip(asked, own, strict=True):
        library = np.append(numbers.permutation(len(photos))[: size - 1], photo)
        scores = photos[library] @ query
        highest = float(np.quantile(numbers.permutation(scores)[:SAMPLE], QUANTILE))
        lowest = known.score_at(query, known.cutoff, known.prior_in(query, highest, size))
        found.append(scores[-1] >= lowest)
        shown.append((scores >= lowest).sum())
    return f"found {np.mean(found):.2f}, shown {np.median(shown):.0f}"
