"""Parts of pictures that have a vector of their own: boxes of photos, moments of videos."""

from __future__ import annotations

from dataclasses import dataclass

from pixfind.messages import Message, said

# Tiles a side, and how much of the side each takes: neighbours overlap, so that what one of them
# cuts lies whole in another. Of dev photos with something on 4 to 8% of the area, the first ten
# results held 9% as wholes, 38% with the coarse tiles, 66% with the fine ones as well and 79% with
# the finest ones instead of these (benchmarks/regions.py).
COARSE, FINE, FINEST = (2, 0.6), (3, 0.4), (4, 0.34)
# Places in a picture, row by row.
THIRDS = (
    (said("upper left"), said("top"), said("upper right")),
    (said("left"), said("centre"), said("right")),
    (said("lower left"), said("bottom"), said("lower right")),
)


@dataclass(frozen=True)
class Box:
    """A rectangle as shares of the upright picture's width and height, each in [0, 1]."""

    left: float
    top: float
    width: float
    height: float

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom in a picture of that size; one pixel at least."""
        left, top = int(self.left * width), int(self.top * height)
        right = max(left + 1, round((self.left + self.width) * width))
        bottom = max(top + 1, round((self.top + self.height) * height))
        return left, top, min(right, width), min(bottom, height)


@dataclass(frozen=True)
class Part:
    """A box of a photo, or a moment of a video in seconds from its beginning."""

    box: Box | None = None
    second: float | None = None


def where(box: Box) -> Message:
    """Return where in a picture a box lies, in words: ``upper left``, ``centre``, ``right``."""
    return THIRDS[_third(box.top + box.height / 2)][_third(box.left + box.width / 2)]


def tiles(width: int, height: int, seen: int) -> tuple[Box, ...]:
    """Return overlapping tiles of a picture: two by two, and more and smaller ones of a large one.

    Args:
        width: of the upright picture, in pixels.
        height: the same.
        seen: the edge of the square that the model sees, in pixels: a smaller tile would show it
            nothing that it has not seen.
    """
    short = min(width, height)
    finer = next((grid for grid in (FINEST, FINE) if grid[1] * short >= seen), None)
    return (*_grid(*COARSE), *(_grid(*finer) if finer else ()))


def _grid(count: int, share: float) -> tuple[Box, ...]:
    step = (1 - share) / (count - 1)
    return tuple(
        Box(round(column * step, 4), round(row * step, 4), share, share)
        for row in range(count)
        for column in range(count)
    )


def _third(share: float) -> int:
    return min(int(3 * share), 2)
