"""Any number of vectors that lie as those of photos do, and queries as those of texts.

They stand on real ones: some thousand photos and captions of the training sets, embedded with the
bundled model. A made vector is a photo's, moved by differences between photos that are near it, so
that it leaves the photo only in directions in which photos differ, and a little in all others. Some
themes are far more frequent than others. Of 6,000 the median cosine with the nearest one is 0.72
(real photos: 0.70), that of a caption with the best 0.49 (0.51), and the standard deviation between
captions and photos 0.113 (0.117). Where the training sets are not, they stand on vectors around
those of made up texts (``synthetic_library.near``), and searches are for these.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.synthetic_library import LOOKS, PLACES, THINGS, near
from benchmarks.training_photos import TRAINING, captions, embedded, short_queries
from pixfind.config import Settings
from pixfind.encoders.base import Encoder, Vectors, unit
from pixfind.encoders.store import ModelStore

PHOTOS, QUERIES = 3000, 500
# Of how many near photos differences are taken, how many, and how far they move a vector.
NEAR, MOVES, SPREAD = 50, 4, 0.35
EVERYWHERE = 0.15
# The share of the theme of rank r falls with r to this power.
FREQUENCY = 0.5


class PhotoVectors:
    """Makes vectors; the same ones every time.

    Args:
        photos: vectors of real photos, float32 (n, dim).
        queries: those of texts, float32 (m, dim).
    """

    def __init__(self, photos: Vectors, queries: Vectors) -> None:
        self.queries = queries
        self._photos = photos
        alike = photos @ photos.T
        np.fill_diagonal(alike, -1)
        self._near = np.argpartition(-alike, NEAR, axis=1)[:, :NEAR]
        self._numbers = np.random.default_rng(0)
        shares = 1 / np.arange(1, len(photos) + 1) ** FREQUENCY
        self._shares = self._numbers.permutation(shares / shares.sum())

    @classmethod
    def embedded(cls, kept: Path) -> PhotoVectors:
        """Embed what they stand on, or read it from a file that a run before this one kept."""
        if not kept.exists():
            photos, queries = _embedded()
            np.savez(kept, photos=photos, queries=queries)
        with np.load(kept) as read:
            return cls(read["photos"], read["queries"])

    def make(self, count: int) -> Vectors:
        """Return the next so many, float32 (count, dim)."""
        numbers = self._numbers
        theme = numbers.choice(len(self._photos), count, p=self._shares)
        vectors = self._photos[theme].copy()
        for _ in range(MOVES):
            there, here = (
                self._photos[self._near[theme, numbers.integers(0, NEAR, count)]] for _ in "ab"
            )
            far = SPREAD * numbers.standard_normal((count, 1), np.float32)
            vectors += far * (there - here)
        vectors += EVERYWHERE * unit(numbers.standard_normal(vectors.shape, np.float32))
        return unit(vectors)


def _embedded() -> tuple[Vectors, Vectors]:
    encoder = ModelStore(Settings.load(None).models).load("pocket")
    if not TRAINING.is_dir():
        return _made_up(encoder)
    photos = [
        *islice(captions("train"), PHOTOS),
        *islice(short_queries(held_apart=False), PHOTOS),
    ]
    texts = [
        *islice(captions("dev").values(), QUERIES),
        *islice(short_queries(held_apart=True).values(), QUERIES),
    ]
    return embedded(encoder, photos), encoder.encode_texts(texts)


def _made_up(encoder: Encoder) -> tuple[Vectors, Vectors]:
    numbers = np.random.default_rng(0)
    texts = encoder.encode_texts(
        [f"a {look} {thing} on {place}" for thing in THINGS for look in LOOKS for place in PLACES]
    )
    photos = near(texts[numbers.integers(0, len(texts), 2 * PHOTOS)], numbers)
    return photos, texts[numbers.permutation(len(texts))[: 2 * QUERIES]]
