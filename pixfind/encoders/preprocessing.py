"""How a photo becomes the square of pixels that a model looks at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

Fit = Literal["squash", "shortest", "longest"]
FITS: tuple[Fit, ...] = ("squash", "shortest", "longest")
FILTERS = ("bicubic", "bilinear")
# Models look at 224 to 1024 pixels; a description may be anybody's, and a batch holds 32 squares.
MAX_SIZE = 2048
WHITE = 255

# Pillow shrinks by whole factors first when the target is this many times smaller: no visible
# difference, and several times faster on large photos.
REDUCING_GAP = 3.0


@dataclass(frozen=True)
class Preprocessing:
    """The geometry and the normalisation that a model was trained with.

    ``fit`` says how any shape becomes a square of ``size`` pixels: ``squash`` stretches the whole
    picture, ``shortest`` scales the short edge and crops the centre, ``longest`` scales the long
    edge and pads with ``fill``. ``mean`` and ``std`` are per RGB channel, for values in 0..1;
    exported graphs apply them themselves and take bytes.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fit: Fit = "squash"
    interpolation: str = "bicubic"
    fill: int = 0

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise ValueError(f"fit must be one of {', '.join(FITS)}, not {self.fit!r}")
        if self.interpolation not in FILTERS:
            raise ValueError(f"interpolation must be one of {', '.join(FILTERS)}")
        for key, most in (("size", MAX_SIZE), ("fill", WHITE)):
            value = getattr(self, key)
            if type(value) is not int or not (key == "size") <= value <= most:
                raise ValueError(f"{key} must be a whole number up to {most}")
        if not all(map(math.isfinite, (*self.mean, *self.std))) or 0 in self.std:
            raise ValueError("mean and std must be numbers, and std none that is 0")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preprocessing:
        """Read back what ``dataclasses.asdict`` wrote to ``model.json``."""
        channels = {}
        for key in ("mean", "std"):
            red, green, blue = values[key]
            channels[key] = (float(red), float(green), float(blue))
        return cls(**{**values, **channels})

    def fitted(self, image: Image.Image) -> Image.Image:
        """Return ``image`` (upright RGB) as a ``size`` x ``size`` picture; an exact one as is."""
        if image.size == (self.size, self.size):
            return image
        if self.fit == "squash":
            return self._resized(image, self.size, self.size)
        edge = min(image.size) if self.fit == "shortest" else max(image.size)
        width, height = (self._scaled(length, edge) for length in image.size)
        return self._centred(self._resized(image, width, height))

    def _scaled(self, length: int, edge: int) -> int:
        # Truncation for the crop and rounding for the pad are torchvision's and open_clip's.
        exact = self.size * length / edge
        return max(1, int(exact) if self.fit == "shortest" else round(exact))

    def _resized(self, image: Image.Image, width: int, height: int) -> Image.Image:
        from PIL import Image  # takes a while, and a search for words does without

        chosen = Image.Resampling[self.interpolation.upper()]
        return image.resize((width, height), chosen, reducing_gap=REDUCING_GAP)

    def _centred(self, image: Image.Image) -> Image.Image:
        left = round((image.width - self.size) / 2.0)
        top = round((image.height - self.size) / 2.0)
        if self.fit == "shortest":
            return image.crop((left, top, left + self.size, top + self.size))
        from PIL import Image

        square = Image.new("RGB", (self.size, self.size), (self.fill,) * 3)
        square.paste(image, (-left, -top))
        return square

    def pixels(self, images: Sequence[Image.Image]) -> npt.NDArray[np.uint8]:
        """Return the fitted images as one ``uint8`` array of shape (n, size, size, 3)."""
        batch = np.empty((len(images), self.size, self.size, 3), dtype=np.uint8)
        for row, image in zip(batch, images, strict=True):
            row[...] = np.asarray(self.fitted(image))
        return batch
