"""A deterministic stand-in for a model: fast, meaningless, the same everywhere. For tests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pixfind.encoders.base import Encoder, EncoderSpec, Vectors, unit

if TYPE_CHECKING:
    from pixfind.calibration import Calibration


class FakeEncoder(Encoder):
    """Embeds a picture by its colours on a coarse grid and a text by its hash.

    Like pictures get like vectors, so ``similar`` behaves; a text that is a colour's name lands
    on plain pictures of that colour, so ``search`` can be tried. Nothing else means anything.
    """

    GRID = 4
    COLOURS: Mapping[str, tuple[int, int, int]] = {
        "red": (255, 0, 0),
        "green": (0, 255, 0),
        "blue": (0, 0, 255),
    }

    def __init__(
        self, name: str = "fake", version: int = 1, calibration: Calibration | None = None
    ) -> None:
        self.spec = EncoderSpec(
            name=name,
            fingerprint=hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
            dim=3 * self.GRID**2,
            image_size=self.GRID,
            licence="MIT",
        )
        self.images_encoded = 0
        self._calibration = calibration

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See ``Encoder``; also counts in ``images_encoded``."""
        self.images_encoded += len(images)
        grids = [np.asarray(self.prepare(image), np.float32).ravel() for image in images]
        return unit(np.array(grids, np.float32).reshape(len(images), self.spec.dim) - 127.5)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder``."""
        return unit(np.array([self._text(text) for text in texts], np.float32))

    @property
    def calibration(self) -> Calibration | None:
        """See ``Encoder``: the one that it was made with."""
        return self._calibration

    def prepare(self, image: Image.Image) -> Image.Image:
        """See ``Encoder``."""
        return image.resize((self.GRID, self.GRID), Image.Resampling.BOX)

    def _text(self, text: str) -> Vectors:
        if text in self.COLOURS:
            return np.tile(np.array(self.COLOURS[text], np.float32) - 127.5, self.GRID**2)
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.spec.dim, np.float32)
