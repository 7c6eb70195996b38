"""What a request asks for besides the query, checked."""

from __future__ import annotations

from flask import request

from pixfind.errors import QueryError
from pixfind.messages import said
from pixfind.parts import Box

# The bundled server's threads are few: what a request may cost them is bounded here.
MAX_SHOWN = 1000
MAX_OFFSET = 10_000_000
DIGITS = 10  # no larger number is meant, and Python reads none of thousands of digits


def query() -> str:
    """Return the query as it was typed."""
    return request.args.get("q", "").strip()


def flag(name: str) -> bool:
    """Return whether ``?name=1`` is there.

    Raises:
        QueryError: it is neither 1 nor 0.
    """
    given = request.args.get(name) or "0"
    if given not in ("0", "1"):
        raise QueryError(
            said("%(name)s must be 1 or 0, not %(given)s", name=name, given=repr(given[:20]))
        )
    return given == "1"


def limit(default: int) -> int:
    """Return how many results are asked for.

    Raises:
        QueryError: it is no number, or out of bounds.
    """
    return _number("limit", default, 1, MAX_SHOWN)


def offset() -> int:
    """Return how many results are to be passed over.

    Raises:
        QueryError: it is no number, or out of bounds.
    """
    return _number("offset", 0, 0, MAX_OFFSET)


def cursor() -> str | None:
    """Return where the page before ended, if this is not the first."""
    return request.args.get("cursor") or None


def box() -> Box | None:
    """Return where in a photo the query was found, if the address tells.

    It is for the eye alone: what cannot be read as four shares is passed over.
    """
    try:
        shares = [float(share) for share in request.args.get("box", "").split(",")]
        left, top, width, height = shares
    except ValueError:
        return None
    if min(shares) < 0 or not (0 < left + width <= 1 and 0 < top + height <= 1):
        return None
    return Box(left, top, width, height)


def _number(name: str, default: int, low: int, high: int) -> int:
    given = request.args.get(name)
    if given is None:
        return default
    if given.isascii() and given.isdecimal() and len(given) <= DIGITS and low <= int(given) <= high:
        return int(given)
    raise QueryError(
        said(
            "the %(name)s must be a number from %(low)s to %(high)s, not %(given)s",
            name=name,
            low=low,
            high=high,
            given=repr(given[:20]),
        )
    )
