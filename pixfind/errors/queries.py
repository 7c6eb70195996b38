"""What is wrong with a query, an album, or a set of queries."""

from __future__ import annotations

from pixfind.errors.base import PixfindError
from pixfind.messages import said


class QueryError(PixfindError):
    """A query that cannot be answered."""


class QuerySyntaxError(QueryError):
    """A query that does not follow the query language (``docs/QUERY.md``).

    ``position`` is the character where the mistake begins, the first being 1. ``expected`` says
    what would be right there, and ``suggestion`` is something to type instead; ``guessed`` tells
    that it was made from what was typed.
    """

    def __init__(
        self, position: int, problem: str, expected: str, suggestion: str, *, guessed: bool = False
    ) -> None:
        if guessed:
            advice = said("did you mean %(suggestion)s?", suggestion=suggestion)
        else:
            advice = said("try %(suggestion)s", suggestion=suggestion)
        super().__init__(
            said(
                "in the query at character %(position)s: %(problem)s; %(advice)s",
                position=position,
                problem=problem,
                advice=advice,
            )
        )
        self.position = position
        self.expected = expected
        self.suggestion = suggestion


class AlbumError(PixfindError):
    """Something about a saved search."""


class AlbumNameError(AlbumError):
    """No album can have that name."""


class AlbumExistsError(AlbumError):
    """There is an album of that name, which is not to be replaced."""

    def __init__(self, name: str) -> None:
        super().__init__(
            said(
                "there is an album %(name)s already; "
                "take another name, or save over it with --replace",
                name=repr(name),
            )
        )
        self.name = name


class AlbumNotFoundError(AlbumError):
    """There is no album of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            said(
                "there is no album %(name)s; those that there are: pixfind albums list",
                name=repr(name),
            )
        )
        self.name = name


class EvaluationError(PixfindError):
    """A labelled set that cannot be evaluated."""


class PictureRefusedError(QueryError):
    """Pictures to search by that are not taken: none, too many, or too large."""
