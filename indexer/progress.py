"""What a run tells while it goes on and when it ends, and how it is held up from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Progress(Protocol):
    """Told of every step of a run; implementations show it, or nothing."""

    def looking(self, files: int) -> None:
        """Report that so many files have been compared with the catalog."""

    def working(self, done: int, total: int) -> None:
        """Report that so many of the new and changed files are done."""


class Silent:
    """A progress that nobody watches."""

    def looking(self, files: int) -> None:
        """See ``Progress``."""

    def working(self, done: int, total: int) -> None:
        """See ``Progress``."""


class Phase(str, Enum):
    """What a run is at: comparing files, reading and embedding them, writing the index."""

    LOOKING = "looking"
    WORKING = "working"
    FINISHING = "finishing"


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    ``looked`` files have been compared with the catalog; of the ``total`` that are new or changed,
    ``done`` are in the catalog, ``failed`` of them as failures.
    """

    phase: Phase = Phase.LOOKING
    looked: int = 0
    done: int = 0
    total: int = 0
    failed: int = 0


class CancelledError(Exception):
    """Whoever watches over the run wants it to end now."""


class Control:
    """Watches over a run from another thread; this one lets it go on to its end."""

    def checkpoint(self) -> None:
        """Wait as long as the run shall pause. All of its threads come here, between files.

        Raises:
            CancelledError: the run shall end; what is committed stays, as with Ctrl-C.
        """

    def give_up(self) -> None:
        """Let nothing wait at a checkpoint any more: the run is coming to an end by itself."""

    def stands(self, standing: Standing) -> None:
        """Take note of where the run stands, after every folder and every batch."""


@dataclass
class Summary:
    """What a run did.

    ``embedded`` pictures are new to the model; ``known`` files hold a picture that it had seen
    before (moved, copied, touched); of ``reread`` files, only the metadata was read again, because
    an older version had read it; ``photos`` counts the distinct pictures that it can find. Of the
    pictures of the model that the library was searched with before, ``unseen`` are new to
    this one still: while there are any, the library is not searched with it.
    """

    embedded: int = 0
    known: int = 0
    reread: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    photos: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    unreadable: list[str] = field(default_factory=list)
    missing_roots: list[str] = field(default_factory=list)
    unseen: int = 0
