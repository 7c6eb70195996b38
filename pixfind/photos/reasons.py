"""Why a file cannot be used: what is said of photos and of videos alike."""

from __future__ import annotations

from pixfind.messages import Message, said

NOT_REGULAR = said("it is not a regular file")
NO_MEMORY = said("it needs more memory than there is now")
CHANGED = said("it has changed since; run pixfind index again")


def damaged(detail: str) -> Message:
    """Return that a decoder gave up, and what it said."""
    return said("it is damaged or unsupported (%(detail)s)", detail=detail)


def no_picture(width: int, height: int) -> Message:
    """Return that so many pixels show nothing, or are a line."""
    return said("%(width)s x %(height)s pixels are not a picture", width=width, height=height)


def too_large(width: int, height: int, most: int) -> Message:
    """Return that there are more pixels than are decoded."""
    return said(
        "%(width)s x %(height)s pixels are more than %(most)s",
        width=width,
        height=height,
        most=f"{most:,}",
    )
