"""Colours and brightness, measured: no model is asked what can be counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

EDGE = 64
# Hues in degrees up to which a colour has its name.
HUES = ((15, "red"), (42, "orange"), (70, "yellow"), (165, "green"), (255, "blue"),
        (290, "purple"), (340, "pink"), (361, "red"))  # fmt: skip
COLOURLESS, DARK, PALE = 0.18, 0.2, 0.8
# A dark orange is brown.
BROWN_BELOW = 0.65
# Shares of the pixels: what counts as a colour of the picture, and what makes it one of greys.
MUCH, GREYS_ONLY = 0.15, 0.995
NO_COLOUR_AT_ALL = 0.06
MOST_COLOURS = 3
DARK_PICTURE, BRIGHT_PICTURE = 0.22, 0.78


@dataclass(frozen=True)
class Pixels:
    """What the pixels say.

    Args:
        colours: names of the colours that take much of the picture, the largest first.
        black_and_white: whether it has no colours at all.
        brightness: the mean of the luma, from 0, black, to 1, white.
    """

    colours: tuple[str, ...]
    black_and_white: bool
    brightness: float

    @property
    def light(self) -> str | None:
        """``dark`` or ``bright`` where that is striking."""
        if self.brightness < DARK_PICTURE:
            return "dark"
        return "bright" if self.brightness > BRIGHT_PICTURE else None


def measure(image: Image.Image) -> Pixels:
    """Measure an upright RGB picture."""
    small = image.convert("RGB").resize((EDGE, EDGE), Image.Resampling.BOX)
    hue, saturation, value = np.moveaxis(np.asarray(small.convert("HSV"), np.float32) / 255, 2, 0)
    names = _names(hue * 360, saturation, value)
    found, counts = np.unique(names, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    colours = [str(found[i]) for i in order if counts[i] >= MUCH * names.size]
    grey = bool((saturation * value < NO_COLOUR_AT_ALL).mean() >= GREYS_ONLY)
    luma = float(np.asarray(small.convert("L"), np.float32).mean() / 255)
    return Pixels(() if grey else tuple(colours[:MOST_COLOURS]), grey, luma)


def _names(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    limits = np.array([limit for limit, _ in HUES])
    names = np.array([name for _, name in HUES])[np.searchsorted(limits, hue, side="right")]
    names = np.where((names == "orange") & (value < BROWN_BELOW), "brown", names)
    colourless = saturation < COLOURLESS
    names = np.where(colourless, "grey", names)
    names = np.where(colourless & (value > PALE), "white", names)
    return np.where(value < DARK, "black", names)
