"""A part of a photo, as somebody without a script or a mouse says where it is."""

from __future__ import annotations

import math

from flask import request

from pixfind.errors import QueryError
from pixfind.messages import said
from pixfind.parts import Box

SIDES = {
    "left": said("left"),
    "top": said("top"),
    "width": said("width"),
    "height": said("height"),
}
WHOLE = 100
DIGITS = 3  # of a share; a thousandth of a picture is a few pixels


def asked_part() -> Box:
    """Return the part that ``left``, ``top``, ``width`` and ``height`` name, in percent.

    What reaches over the edge is cut there.

    Raises:
        QueryError: one of them is no number, or nothing of the photo is inside.
    """
    left, top, width, height = (_share(side) for side in SIDES)
    width, height = min(width, 1 - left), min(height, 1 - top)
    if min(round(width, DIGITS), round(height, DIGITS)) <= 0:
        raise QueryError(
            said("the part lies outside of the photo, or nothing is in it; choose another")
        )
    return Box(*(round(share, DIGITS) for share in (left, top, width, height)))


def _share(side: str) -> float:
    given = request.args.get(side, "")
    try:
        percent = float(given)
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= WHOLE:
        raise QueryError(
            said(
                "the %(side)s of the part must be from 0 to %(most)s, not %(given)s",
                side=SIDES[side],
                most=WHOLE,
                given=repr(given[:20]),
            )
        )
    return percent / WHOLE
