"""What the image tower is shown of a photo: two views in use, more of them in training."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor, nn

from training.towers import PREPROCESSING, normalised

SIZE = PREPROCESSING.size
# Of each edge: enlarging the middle shows the tower smaller things.
CENTRE = 0.8
# A crop keeps at least this share of the area, and changes the aspect by at most e^0.35 = 1.42.
SMALLEST_AREA = 0.45
ASPECT = 0.35
# Brightness, contrast and saturation change by at most this share.
JITTER = 0.25

View = Callable[[Image.Image, np.random.Generator], Image.Image]


class TwoViews(nn.Module):
    """Bytes to what the tower takes: uint8 (n, 260, 260, 3) -> float32 (2n, 3, 260, 260).

    First all photos whole, then all their enlarged centres, mirrored.
    """

    def forward(self, pixels: Tensor) -> Tensor:
        """Return both views of every photo."""
        whole = normalised(pixels)
        edge = round(SIZE * (1 - CENTRE) / 2)
        middle = whole[:, :, edge : SIZE - edge, edge : SIZE - edge]
        centre = nn.functional.interpolate(
            middle, size=(SIZE, SIZE), mode="bilinear", align_corners=False
        )
        return torch.cat([whole, centre.flip(3)])


def whole(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Return the photo as it is."""
    return PREPROCESSING.fitted(image)


def mirrored(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Return the photo with left and right exchanged."""
    return whole(image, _).transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def centre(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Return the enlarged centre, from the file's own pixels; ``TwoViews`` enlarges fitted ones."""
    margin = (1 - CENTRE) / 2
    return _cropped(image, margin, margin, CENTRE, CENTRE)


def varied(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a random crop of another aspect, perhaps mirrored, perhaps in other light.

    The training photos are squashed to squares, each by another factor; changing the aspect again
    keeps the heads from relying on it.
    """
    area, aspect = rng.uniform(SMALLEST_AREA, 1), math.exp(rng.uniform(-ASPECT, ASPECT))
    width, height = min(1.0, math.sqrt(area * aspect)), min(1.0, math.sqrt(area / aspect))
    crop = _cropped(image, rng.uniform(0, 1 - width), rng.uniform(0, 1 - height), width, height)
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.5:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            crop = enhance(crop).enhance(rng.uniform(1 - JITTER, 1 + JITTER))
    return crop


# Each photo is seen in all of these ways; numbers after a name only change what is drawn.
TRAINING: dict[str, View] = {
    "whole": whole,
    "mirrored": mirrored,
    "centre": centre,
    "varied 1": varied,
    "varied 2": varied,
    "varied 3": varied,
    "varied 4": varied,
}


def _cropped(
    image: Image.Image, left: float, top: float, width: float, height: float
) -> Image.Image:
    box = (
        left * image.width,
        top * image.height,
        (left + width) * image.width,
        (top + height) * image.height,
    )
    return image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box)
