"""Where in the frame a named thing is: the tile that it scores best in, if that is clear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from pixfind.encoders.base import Encoder
from pixfind.parts import Box, tiles, where

# Standard deviations of what a phrase scores in general: by so much must the best tile beat the
# tiles on the other side, and reach so much at least, for a side to be named.
CLEARLY, AT_LEAST = 1.2, 2.5
MIDDLE = 0.5


@dataclass(frozen=True)
class Place:
    """A box that shows a thing, and where that is in words: "left", "upper right"."""

    box: Box
    words: str


def tile_pictures(
    encoder: Encoder, image: Image.Image
) -> tuple[tuple[Box, ...], list[Image.Image]]:
    """Return a picture's tiles: their boxes and what each shows."""
    boxes = tiles(image.width, image.height, encoder.spec.image_size // 2)
    return boxes, [image.crop(box.pixels(image.width, image.height)) for box in boxes]


def place_of(boxes: tuple[Box, ...], above: npt.NDArray[np.float32]) -> Place | None:
    """Return where a thing is; ``None`` where it is not clear or in the middle.

    Args:
        boxes: of the tiles.
        above: how many standard deviations the thing scores above what it does in general in each
            tile, (n,).
    """
    best = int(np.argmax(above))
    box = boxes[best]
    if above[best] < AT_LEAST:
        return None
    across = _side([b.left + b.width / 2 for b in boxes], box.left + box.width / 2, above)
    down = _side([b.top + b.height / 2 for b in boxes], box.top + box.height / 2, above)
    if not across and not down:
        return None
    seen = Box(
        box.left if across else 0.0, box.top if down else 0.0,
        box.width if across else 1.0, box.height if down else 1.0,
    )  # fmt: skip
    words = where(seen)
    return None if words == "centre" else Place(box, words)


def _side(centres: list[float], own: float, above: npt.NDArray[np.float32]) -> bool:
    """Whether what lies on the other side of the middle scores clearly less."""
    if abs(own - MIDDLE) < 0.1:  # noqa: PLR2004 - it is in the middle
        return False
    other = np.array([(c - MIDDLE) * (own - MIDDLE) < 0 for c in centres])
    return bool(above[other].max() + CLEARLY < above.max())
