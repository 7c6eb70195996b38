"""What comes with requests: how much each may bring, and all that come at once.

The server keeps it on the disk until it has all come, before the application can refuse anything
or ask who somebody is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from copy import copy
from typing import Any, Protocol

from waitress.parser import HTTPRequestParser
from waitress.utilities import BadRequest

from web.api.operations import MOST_JSON_BYTES
from web.searching.bringing import MOST_BYTES

# Up to that many times too large it is refused with a page, what is larger with a word.
OFTEN_TOO_LARGE = 4
MOST_FORM_BYTES = OFTEN_TOO_LARGE * MOST_JSON_BYTES
MOST_PICTURE_BYTES = OFTEN_TOO_LARGE * MOST_BYTES
# Some may bring as much as is allowed at once; strangers must not fill the disk together.
MOST_AT_ONCE_BYTES = 8 * MOST_BYTES
# How often that is looked at, since it means to look at every connection.
LOOKS_EVERY_BYTES = 2**20
# What stands between the parts of a body is in memory, and looked through whenever more comes.
MOST_BETWEEN_PARTS = 8 * 1024


class Request(HTTPRequestParser):  # type: ignore[misc]
    """A request as it comes, of which only some may bring pictures.

    Args:
        adjustments: waitress's.
        takes_pictures: the paths that take pictures.
        keep: is given what has come together with the end of a request and is none of it.
    """

    adj: Any
    completed: bool

    def __init__(
        self,
        adjustments: Any,
        takes_pictures: Collection[str] = (),
        keep: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(adjustments)
        self._takes_pictures = takes_pictures
        self._keep = keep

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head; see waitress."""
        super().parse_header(header_plus)
        if self.body_rcv is None or (self.command == "POST" and self.path in self._takes_pictures):
            return
        self.adj = copy(self.adj)
        self.adj.max_request_body_size = MOST_FORM_BYTES

    def received(self, data: bytes) -> int:
        """Take what has come; see waitress."""
        consumed = int(super().received(data))
        if self.chunked and not self.completed:
            between = len(self.body_rcv.control_line) + len(self.body_rcv.trailer)
            if between > MOST_BETWEEN_PARTS:
                self.error = BadRequest("Too much between the chunks")
                self.completed = True
        if self.completed:
            # Whom waitress tells to go on, it listens to, also where it has refused already.
            self.expect_continue = False
            if self._keep is not None and not self.empty and consumed < len(data):
                self._keep(data[consumed:])
                return len(data)
        return consumed


class Holder(Protocol):
    """A connection."""

    @property
    def asks(self) -> bool:
        """Whether there is more to come."""

    @property
    def held_bytes(self) -> int:
        """How much of what has come is kept."""

    def drop(self) -> None:
        """Close it, and keep nothing."""


class Bodies:
    """All that is kept at once.

    Args:
        holders: gives the connections.
    """

    def __init__(self, holders: Callable[[], Iterable[Holder]]) -> None:
        self._holders = holders
        self._unseen = 0

    def add(self, count: int) -> None:
        """Count what has come; close those that bring most if it is too much together.

        Not those that bring something now: who has brought almost all that is allowed would keep
        everybody else from logging in.
        """
        self._unseen += count
        if self._unseen < LOOKS_EVERY_BYTES:
            return
        self._unseen = 0
        held = [(one.held_bytes, one) for one in self._holders()]
        total = sum(size for size, _ in held)
        for size, one in sorted(held, key=lambda pair: pair[0], reverse=True):
            if total <= MOST_AT_ONCE_BYTES:
                break
            if one.asks:
                one.drop()
                total -= size
