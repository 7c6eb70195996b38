"""What a check says of a library: each thing by itself, with the next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

# Told what is being looked at, how much of it has been, and how much there is (0: nobody knows).
Progress = Callable[[str, int, int], None]


class Mend(Enum):
    """What helps, where pixfind can help itself. The order is the one in which it is done."""

    SALVAGE = "read what can be read into a new catalog"
    INDEXES = "write the catalog's indexes anew"
    VALUES = "drop what no column of its kind can hold"
    SETTINGS = "write the library's own settings anew"
    ORPHANS = "remove rows that belong to nothing"
    VECTORS = "remove vectors that are none; the photos are embedded again"
    WORDS = "write the full-text index anew"
    FAISS = "remove index files; they are written anew by the next search"
    THUMBNAILS = "remove thumbnails that are no pictures; they are made anew when they are shown"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or, as a ``note``, worth knowing."""

    problem: str
    advice: str
    mend: Mend | None = None
    is_note: bool = False


@dataclass
class Checkup:
    """What was looked at, and what was found."""

    looked_at: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.is_note for finding in self.findings)

    def mends(self) -> list[Mend]:
        """Return what helps against what was found, in the order in which it is to be done."""
        needed = {finding.mend for finding in self.findings if not finding.is_note}
        return [mend for mend in Mend if mend in needed]


def silent(doing: str, done: int, total: int) -> None:
    """Tell nobody."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a number with what it counts."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
