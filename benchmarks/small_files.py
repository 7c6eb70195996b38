"""Many tiny pictures, each another one, made quickly; and an encoder that gives them vectors.

A file is a PNG of 8 x 8 pixels that spell its number, some 270 bytes. ``padding`` adds bytes that
no decoder looks at. The encoder makes a vector of these pixels: more or less like one of some
texts, as photos are (the distribution of ``benchmarks/synthetic_library.py``).
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.synthetic_library import LIKENESS
from pixfind.encoders.base import Encoder, EncoderSpec, Vectors, unit

if TYPE_CHECKING:
    from pixfind.calibration import Calibration

EDGE = 8
DIM, CENTRES = 768, 1000
# A picture's noise is the sum of four rows of a table: as good as its own, and far cheaper.
NOISE_ROWS = 4096
# Numbers drawn for each picture: which centre, how much like it, which four rows.
DRAWN = 6
PER_FOLDER = 500


def make(root: Path, first: int, last: int, per_folder: int = PER_FOLDER, padding: int = 0) -> None:
    """Write the files with these numbers, ``last`` not among them, unless they are there.

    They lie in folders of ``per_folder`` below folders of a hundred of those, like albums of years.
    """
    for start in range(first - first % per_folder, last, per_folder):
        folder = root / f"{start // (100 * per_folder):03}" / f"album {start // per_folder:05}"
        folder.mkdir(parents=True, exist_ok=True)
        there = set(os.listdir(folder))  # noqa: PTH208 - names are enough, and quick
        for number in range(max(start, first), min(start + per_folder, last)):
            name = f"IMG_{number:07}.png"
            if name not in there:
                (folder / name).write_bytes(png(number, padding))


def png(number: int, padding: int = 0) -> bytes:
    """Return the picture of a number."""
    pixels = np.frombuffer(_digest(number, 3 * EDGE * EDGE), np.uint8).reshape(EDGE, 3 * EDGE)
    rows = np.zeros((EDGE, 1 + 3 * EDGE), np.uint8)
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", EDGE, EDGE, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 0))]
    if padding:
        chunks.append((b"paDd", bytes(padding)))
    chunks.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _digest(number: int, length: int) -> bytes:
    return hashlib.shake_128(number.to_bytes(8, "big")).digest(length)


class ClusteredEncoder(Encoder):
    """Vectors that lie as a library's do, at next to no cost.

    Args:
        centres: what they lie around, unit vectors, float32 (n, dim): of texts, or else random.
        model: makes vectors of texts, and is asked what scores are worth; else texts lie as
            pictures do, by their hash.
    """

    def __init__(self, centres: Vectors | None = None, model: Encoder | None = None) -> None:
        numbers = np.random.default_rng(0)
        self._centres = (
            unit(numbers.standard_normal((CENTRES, DIM), np.float32))
            if centres is None
            else centres
        )
        dim = self._centres.shape[1]
        self._noise = numbers.standard_normal((NOISE_ROWS, dim), np.float32)
        self._model = model
        self.seconds = 0.0
        self.spec = EncoderSpec(
            name="clustered",
            fingerprint=hashlib.sha256(self._centres.tobytes()).hexdigest(),
            dim=dim,
            image_size=EDGE,
            licence="MIT",
        )

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See ``Encoder``: by the first pixels of each picture. Adds to ``seconds``."""
        started = time.perf_counter()
        vectors = self._vectors([image.tobytes()[: 4 * DRAWN] for image in images])
        self.seconds += time.perf_counter() - started
        return vectors

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder``."""
        if self._model is not None:
            return self._model.encode_texts(texts)
        return self._vectors([hashlib.shake_128(t.encode()).digest(4 * DRAWN) for t in texts])

    @property
    def calibration(self) -> Calibration | None:
        """See ``Encoder``: the model's."""
        return None if self._model is None else self._model.calibration

    def _vectors(self, seeds: Sequence[bytes]) -> Vectors:
        drawn = np.frombuffer(b"".join(seeds), np.uint32).reshape(-1, DRAWN)
        noise = unit(self._noise[drawn[:, 2:] % NOISE_ROWS].sum(axis=1))
        least, most = LIKENESS
        share = least + (most - least) * (drawn[:, 1:2] / 2**32).astype(np.float32) ** 2
        own = self._centres[drawn[:, 0] % len(self._centres)]
        return unit(share * own + np.sqrt(1 - share**2) * noise)
