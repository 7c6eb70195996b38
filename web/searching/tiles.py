"""A result as a tile of the grid: its shape, its blurred preview, and why it is there."""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_left

from pixfind.catalog.photos import Photo
from pixfind.parts import where
from search import Result
from web.translation import gettext as _
from web.translation import translated

# Widths by heights, in hundredths, that a tile can have. The page's policy forbids to style one
# element, so each of these has a class in ``grid.css``. They are so close that no picture loses
# more than a thirtieth of itself; panoramas and the like are cut, or they would be threads.
RATIOS = (
    40, 42, 44, 46, 48, 50, 53, 56, 59, 62, 65, 67, 70, 73, 75, 78, 80, 83, 86, 89, 92, 96, 100,
    104, 108, 112, 116, 120, 125, 129, 133, 138, 144, 150, 155, 160, 166, 172, 178, 185, 192, 200,
    208, 216, 225, 235, 245, 255, 265, 275, 285, 300,
)  # fmt: skip
# From these probabilities on, a photo is said to look like what was asked for, or a little.
LIKE, ALIKE = 0.5, 0.1


def ratio(photo: Photo) -> int:
    """Return the one of ``RATIOS`` that is nearest to the photo's shape, by the factor between."""
    shape = 100 * photo.width / photo.height
    above = bisect_left(RATIOS, shape)
    near = RATIOS[max(0, above - 1) : above + 1]
    return min(near, key=lambda known: max(known / shape, shape / known))


def blur(photo: Photo) -> str | None:
    """Return the 4 x 4 colours of a photo in base64; ``None`` where they are not known."""
    return None if photo.blur is None else b64encode(photo.blur).decode("ascii")


def share(probability: float) -> int:
    """Return the one of 0, 2, ..., 100 hundredths that is nearest, as classes name widths."""
    return 2 * round(50 * probability)


def named(result: Result) -> str:
    """Return where the query's words stand as such, as a list to read; else nothing."""
    names = {"name": _("name"), "folder": _("folder"), "tags": _("tags"), "caption": _("caption")}
    return ", ".join(names.get(field, field) for field in result.fields)


def looks(result: Result) -> str:
    """Return how far the photo looks like what was asked for, and where in it; else nothing."""
    if result.similarity is None:
        return ""
    probable = result.probability
    if probable is None or probable >= LIKE:
        said = _("looks like it")
    elif result.fields:
        return ""  # the words have found it
    else:
        said = _("looks a little like it") if probable >= ALIKE else _("hardly looks like it")
    box = result.part.box if result.part else None
    return f"{said}, {translated(where(box))}" if box else said
