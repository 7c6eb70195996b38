"""Why a file cannot be used: what is said of photos and of videos alike."""

from __future__ import annotations

from pixfind.messages import Message, said

NOT_REGULAR = said("it is not a regular file")
NO_MEMORY = said("it needs more memory than there is now")
TOO_MUCH = said("it needs more memory than a picture may take")
CHANGED = said("it has changed since; run pixfind index again")


def damaged(detail: str) -> Message:
    """Return that a decoder gave up, and what it said."""
    return said("it is damaged or unsupported (%(detail)s)", detail=detail)


def too_slow(seconds: float) -> Message:
    """Return that nobody waits longer than this for a picture."""
    return said("decoding it took longer than %(seconds)s s", seconds=f"{seconds:g}")


def crashed(signal: int | None) -> Message:
    """Return that the process that decoded it is no more."""
    if signal is None:
        return said("the decoder failed on it")
    return said("the decoder crashed on it (signal %(signal)s)", signal=signal)


def ended(signal: int) -> Message:
    """Return that somebody, or the system, ends whatever decodes it."""
    return said(
        "the decoder was ended twice while it was at it (signal %(signal)s); "
        "there may not be the memory for it",
        signal=signal,
    )


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
