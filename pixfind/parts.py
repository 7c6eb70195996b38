"""Parts of pictures that have a vector of their own: boxes of photos, moments of videos."""

from __future__ import annotations

from dataclasses import dataclass

# Tiles a side, and how much of the side each takes: neighbours share a third of themselves or
# more, so that an object of that size lies whole in one of them.
COARSE, FINE = (2, 0.6), (3, 0.4)


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


def tiles(width: int, height: int, seen: int) -> tuple[Box, ...]:
    """Return overlapping tiles of a picture: two by two, and three by three where it is large.

    Args:
        width: of the upright picture, in pixels.
        height: the same.
        seen: the edge of the square that the model sees, in pixels: a smaller tile would show it
            nothing that it has not seen.
    """
    fine_edge = FINE[1] * min(width, height)
    return (*_grid(*COARSE), *(_grid(*FINE) if fine_edge >= seen else ()))


def _grid(count: int, share: float) -> tuple[Box, ...]:
    step = (1 - share) / (count - 1)
    return tuple(
        Box(round(column * step, 4), round(row * step, 4), share, share)
        for row in range(count)
        for column in range(count)
    )
