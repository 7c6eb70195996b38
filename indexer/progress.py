"""What a run tells while it goes on."""

from __future__ import annotations

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
