"""Which frames of a video stand for it: one for every shot, neither too few nor too many."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from PIL import Image

from pixfind.videos.reading import Frame

BINS = 8
# Colours are counted on a picture of this edge.
LOOK_EDGE = 32
# Hellinger distance of colour histograms, 0 to 1, from which on a frame shows something else.
# Of cuts between photos that are panned, zoomed and lit unevenly, 98 in 100 are further apart than
# that, and 95 in 100 frames of one shot nearer.
CUT = 0.4
# Between two frames, seconds: time for a cut to settle. Flashes are over by then.
SETTLED = 1.0
FLOOR = 20.0
MINUTE = 60.0
PER_MINUTE = 12
MOST = 1000
# Longer videos, in seconds, are taken as if they were this long: everything is further apart.
FULL_DENSITY = MINUTE * (MOST / PER_MINUTE - 1)
# Of 255: in a black frame all is darker, but for such a share of specks.
BLACK = 40
SPECKS = 0.01

Histogram = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Seen:
    frame: Frame
    colours: Histogram

    def differs(self, other: _Seen) -> bool:
        return distance(self.colours, other.colours) > CUT


def chosen_frames(frames: Iterable[Frame], duration: float) -> Iterator[Frame]:
    """Yield a frame for each shot, in order, as they come: no more than two are held.

    A frame is chosen shortly after the colours have changed, and every ``FLOOR`` seconds at the
    latest; at most ``PER_MINUTE`` in any minute, ``MOST`` in all. Black frames show nothing: one
    is only chosen from a video that has no others.

    Args:
        frames: those to choose from, in order.
        duration: of the video, in seconds.
    """
    return islice(_chosen(frames, max(1.0, duration / FULL_DENSITY)), MOST)


def _chosen(frames: Iterable[Frame], stretch: float) -> Iterator[Frame]:
    spacing = _Spacing(stretch)
    black: Frame | None = None
    last: _Seen | None = None
    held: _Seen | None = None
    for frame in frames:
        if is_black(frame.image):
            black = black or frame
            continue
        seen = _Seen(frame, histogram(frame.image))
        choice = seen if last is None else _choice(last, held, seen, spacing)
        if choice is not None:
            last = choice
            spacing.add(choice.frame.second)
            yield choice.frame
        held = None if choice is seen else seen
    if last is None:
        if black is not None:
            yield black
    elif held is not None and held.differs(last) and spacing.allows(held.frame.second):
        yield held.frame


def _choice(last: _Seen, held: _Seen | None, seen: _Seen, spacing: _Spacing) -> _Seen | None:
    """Return which of the frames since the last chosen one to choose now, if any."""
    if held is None:
        return None
    since = held.frame.second - last.frame.second
    if held.differs(last):
        # Key frames are far apart, and begin a shot as often as not: no use in waiting.
        if seen.frame.second - held.frame.second > SETTLED:
            return held if spacing.allows(held.frame.second) else None
        if seen.differs(last) and spacing.allows(seen.frame.second):
            return seen
    # Frames are no further apart than three quarters of it, so that what is held is far enough.
    floor = FLOOR * spacing.stretch
    due = seen.frame.second - last.frame.second > floor
    return held if due and since >= floor / 4 else None


class _Spacing:
    """How soon another frame may follow: the more there are in the last minute, the later.

    With k frames in a minute, these are at least 1, 2, ... k - 1 times a 72nd of it apart, which
    leaves room for 12 (12 x 11 / 2 = 66 of 72 parts) and not for 13.
    """

    def __init__(self, stretch: float) -> None:
        self.stretch = stretch
        self._recent: deque[float] = deque(maxlen=PER_MINUTE)

    def allows(self, second: float) -> bool:
        minute = MINUTE * self.stretch
        count = sum(other > second - minute for other in self._recent)
        return second - self._recent[-1] >= count * minute * 2 / PER_MINUTE**2

    def add(self, second: float) -> None:
        self._recent.append(second)


def histogram(image: Image.Image) -> Histogram:
    """Count an RGB picture's colours in 8 x 8 x 8 bins: float64 (512,), of sum one.

    A colour counts for the bins around it, by how near it is to each: a little more light then
    changes little.
    """
    levels = _small(image).reshape(-1, 3) * ((BINS - 1) / 255)
    below = np.minimum(levels.astype(np.int64), BINS - 2)
    above = levels - below
    first = below @ (BINS**2, BINS, 1)
    shares = (1 - above, above)
    counts = np.zeros(BINS**3)
    for red, green, blue in np.ndindex(2, 2, 2):
        weights = shares[red][:, 0] * shares[green][:, 1] * shares[blue][:, 2]
        bins = first + (red * BINS**2 + green * BINS + blue)
        counts += np.bincount(bins, weights, BINS**3)
    return np.asarray(counts / counts.sum(), np.float64)


def distance(one: Histogram, other: Histogram) -> float:
    """Return the Hellinger distance, 0 (equal) to 1, from the Bhattacharyya coefficient."""
    return float(np.sqrt(max(0.0, 1.0 - np.sqrt(one * other).sum())))


def is_black(image: Image.Image) -> bool:
    """Return whether a picture shows nothing, as before a film begins."""
    brightest = _small(image).max(axis=2)
    return bool((brightest >= BLACK).mean() < SPECKS)


def _small(image: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(image.resize((LOOK_EDGE, LOOK_EDGE), Image.Resampling.BOX))
