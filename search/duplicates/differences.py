"""In what a photo differs from the one of its group that is best to keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from search.duplicates.grouping import AS_SHARP, Member


class Aspect(Enum):
    """What may be different."""

    PIXELS = "pixels"
    LESS_SHARP = "less sharp"
    SHARPER = "sharper"
    FORMAT = "format"
    TAKEN = "taken"
    UNDATED = "undated"


@dataclass(frozen=True)
class Difference:
    """A difference. ``share`` is that of the best one's pixels, ``value`` the format or date."""

    aspect: Aspect
    share: float = 1.0
    value: str = ""


def differences(best: Member, member: Member) -> Iterator[Difference]:
    """Yield the differences of a photo from its group's best."""
    ours, theirs = member.photo, best.photo
    if (ours.width, ours.height) != (theirs.width, theirs.height):
        share = ours.width * ours.height / (theirs.width * theirs.height)
        yield Difference(Aspect.PIXELS, share)
    if member.sharpness is not None and best.sharpness is not None:
        if member.sharpness < AS_SHARP * best.sharpness:
            yield Difference(Aspect.LESS_SHARP)
        elif best.sharpness < AS_SHARP * member.sharpness:
            yield Difference(Aspect.SHARPER)
    if ours.format != theirs.format:
        yield Difference(Aspect.FORMAT, value=ours.format)
    if ours.taken_at != theirs.taken_at:
        taken = ours.taken_at
        yield Difference(Aspect.TAKEN, value=taken) if taken else Difference(Aspect.UNDATED)
