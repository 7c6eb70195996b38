"""Any number of vectors that lie as those of photos do, and queries as those of texts.

They stand on real ones: some thousand photos and captions of the training sets, embedded with the
bundled model. A made vector is a photo's, moved by differences between photos that are near it, so
that it leaves the photo only in directions in which photos differ, and a little in all others. Some
themes are far more frequent than others. Of 6,000 the median cosine with the nearest one is 0.72
(real photos: 0.70), that of a caption with the best 0.49 (0.51), and the standard deviation between
captions and photos 0.113 (0.117).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pixfind.config import Settings
from pixfind.encoders.base import Vectors, unit
from pixfind.encoders.store import ModelStore

TRAINING = Path("../shared/training")
HELD_APART = ("training/everyday_dev.txt", "training/everyday_test.txt")
PHOTOS, QUERIES = 3000, 500
BATCH = 64
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
    flickr, everyday = TRAINING / "flickr8k", TRAINING / "everyday"
    captions = [_rows(folder / "captions.tsv") for folder in (flickr, everyday)]
    apart = {name for file in HELD_APART for name in Path(file).read_text("utf-8").split()}
    dev = set((flickr / "split_dev.txt").read_text("utf-8").split())
    files = [
        flickr / "images" / name
        for name in (flickr / "split_train.txt").read_text("utf-8").split()[:PHOTOS]
    ]
    others = [everyday / "images" / row[0] for row in captions[1] if row[0] not in apart]
    vectors = []
    files += others[:PHOTOS]
    for start in range(0, len(files), BATCH):
        images = [Image.open(file).convert("RGB") for file in files[start : start + BATCH]]
        vectors.append(encoder.encode_images([encoder.prepare(image) for image in images]))
    texts = [row[1] for row in captions[0] if row[0] in dev][::5][:QUERIES]
    texts += [row[2] for row in captions[1] if row[0] in apart][:QUERIES]
    return np.concatenate(vectors), encoder.encode_texts(texts)


def _rows(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in file.read_text("utf-8").splitlines()]
