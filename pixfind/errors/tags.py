"""What is wrong with a tag, or a vocabulary of them."""

from __future__ import annotations

from pathlib import Path

from pixfind.errors.base import PixfindError
from pixfind.messages import any_of, said


class VocabularyError(PixfindError):
    """A vocabulary of labels that cannot be used."""

    def __init__(self, source: Path | str, line: int | None, problem: str) -> None:
        where = f"{source}, line {line}" if line is not None else f"{source}"
        super().__init__(f"{where}: {problem}")
        self.source = source
        self.line = line
        self.problem = problem


class UnknownTagError(PixfindError):
    """The vocabulary has no such tag."""

    def __init__(self, tag: str, close: list[str]) -> None:
        advice = (
            said("did you mean %(suggestion)s?", suggestion=any_of(map(repr, close)))
            if close
            else said("add it to a vocabulary of your own")
        )
        super().__init__(
            said("no tag %(tag)s is in the vocabulary; %(advice)s", tag=repr(tag), advice=advice)
        )
        self.tag = tag
        self.close = close


class TaggingError(PixfindError):
    """Photos that cannot be tagged as was asked."""
