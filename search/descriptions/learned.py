"""What was learned from captions: how usual phrases are, and what a model's vectors say of them.

``training/phrases.py`` makes the file, of numbers for each phrase of the inventory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Vectors

Floats = npt.NDArray[np.float32]
FILE = "learned.npz"
# Of phrases that no caption was counted for.
UNUSUAL = -7.0
LEVELS = 127


@dataclass(frozen=True)
class Learned:
    """Numbers for phrases.

    Args:
        keys: of the phrases, ``Phrase.key``.
        usual: the log odds that a caption mentions them, (n,).
        pairs: rows of phrases, int16 (m, 2).
        together: how much more often captions mention both of a pair than by chance, log, (m,).
        fingerprint: of the model that the following belong to.
        left: (n, rank).
        right: (rank, dim); ``left @ right`` are weights of a logistic regression.
        bias: (n,).
    """

    keys: tuple[str, ...]
    usual: Floats
    pairs: npt.NDArray[np.int16]
    together: Floats
    fingerprint: str
    left: Floats
    right: Floats
    bias: Floats
    _affinity: dict[tuple[str, str], float] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for (one, other), value in zip(self.pairs.tolist(), self.together.tolist(), strict=True):
            first, second = sorted((self.keys[one], self.keys[other]))
            self._affinity[first, second] = value

    def log_odds(self, image: Vectors) -> Floats:
        """Return the log odds that a caption of a photo mentions the phrases, (n,).

        Args:
            image: its vector (dim,) of the model that ``fingerprint`` belongs to.
        """
        return np.asarray(self.left @ (self.right @ image) + self.bias, np.float32)

    def affinity(self, one: str, other: str) -> float:
        """Return how much more often two phrases are said together than by chance, log."""
        first, second = sorted((one, other))
        return self._affinity.get((first, second), 0.0)

    def save(self, file: Path) -> None:
        """Write it, the same bytes each time; weights in eight bits, others in half precision."""
        left, left_scale = _small(self.left)
        right, right_scale = _small(self.right)
        with file.open("wb") as opened:
            np.savez_compressed(
                opened,
                keys=np.array(self.keys),
                usual=self.usual.astype(np.float16),
                pairs=self.pairs,
                together=self.together.astype(np.float16),
                fingerprint=np.array(self.fingerprint),
                left=left, left_scale=left_scale, right=right, right_scale=right_scale,
                bias=self.bias.astype(np.float16),
            )  # fmt: skip

    @classmethod
    def load(cls, file: Path) -> Learned:
        """Read what ``save`` has written."""
        with np.load(file, allow_pickle=False) as parts:
            return cls(
                tuple(parts["keys"].tolist()),
                parts["usual"].astype(np.float32),
                parts["pairs"],
                parts["together"].astype(np.float32),
                str(parts["fingerprint"]),
                parts["left"] * parts["left_scale"],
                parts["right"] * parts["right_scale"],
                parts["bias"].astype(np.float32),
            )


@cache
def learned() -> Learned:
    """Read the numbers that ship with the program."""
    return Learned.load(Path(str(resources.files("pixfind_data"))) / "descriptions" / FILE)


def _small(weights: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    scale = np.abs(weights).max(axis=1, keepdims=True).astype(np.float32) / LEVELS
    return np.rint(weights / np.maximum(scale, 1e-12)).astype(np.int8), scale
