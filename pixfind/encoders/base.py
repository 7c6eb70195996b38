"""What every encoder offers: pictures and texts to unit vectors of one space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

    from pixfind.calibration import Calibration

Vectors = npt.NDArray[np.float32]
# CLIP's, which its training keeps from falling any lower (Radford et al. 2021, section 2.3).
USUAL_TEMPERATURE = 0.01


@dataclass(frozen=True)
class EncoderSpec:
    """What identifies a model and what it may be used for.

    ``fingerprint`` is a SHA-256 over the weights and the preprocessing: vectors are comparable
    exactly when it is equal. ``image_size`` is the edge of the square it sees, in pixels.
    """

    name: str
    fingerprint: str
    dim: int
    image_size: int
    licence: str


class Encoder(ABC):
    """A model. Implementations are safe to call from several threads."""

    spec: EncoderSpec

    @abstractmethod
    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Embed upright RGB pictures of any size: float32 (n, dim), L2-normalised rows."""

    @abstractmethod
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: float32 (n, dim), L2-normalised rows."""

    @property
    def temperature(self) -> float:
        """What cosines are divided by before a softmax tells classes apart (CLIP's own: 0.01)."""
        return USUAL_TEMPERATURE

    @property
    def calibration(self) -> Calibration | None:
        """What the model's scores are worth; read when first asked for. ``None``: not known.

        Raises:
            ModelDamagedError: its file is missing or is another one.
        """
        return None

    def preload_texts(self) -> None:  # noqa: B027 - an offer that need not be taken up
        """Begin to load what ``encode_texts`` needs, where that can go on beside other work."""

    def for_threads(self) -> Encoder | None:
        """Return the same model for many callers at once, each computing in its own thread alone.

        So small pieces of work, encoding and decoding alike, fill all cores without waiting for
        each other. ``None`` where a call takes all cores, or a device, by itself.
        """
        return None

    def prepare(self, image: Image.Image) -> Image.Image:
        """Shrink an upright RGB picture to what ``encode_images`` would look at.

        Encoding the result gives the same vector as encoding the picture. A decoding thread calls
        it so that full-size pictures need not be kept until their batch is complete.
        """
        return image


def unit(vectors: Vectors) -> Vectors:
    """Return the rows scaled to length one; rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
