"""One client's connection to the server: bounds for one that is slow, sends ahead, or is gone.

What is answered to requests that no application can read has the headers of all other answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from web.bodies import Request
from web.security.headers import HEADERS

# An answer that is not taken ends after so long.
STALLED_S = 60.0
# Who takes less of it than that, for as long, holds what others wait for.
LEAST_TAKEN_A_SECOND = 500
# A request has to come within so long, or go on this fast, as Apache's mod_reqtimeout asks.
PATIENCE_S, LEAST_BYTES_A_SECOND = 20.0, 500


class _Refusal(ErrorTask):  # type: ignore[misc]
    """Waitress's own answer: to what is too large, or no HTTP."""

    def execute(self) -> None:
        self.response_headers.extend(HEADERS.items())
        super().execute()


@dataclass
class _Pace:
    """How fast something goes on, seen at looks that are long enough apart."""

    since: float
    before: int

    def is_slow(self, now: float, amount: int, *, after_s: float, least_a_second: float) -> bool:
        """Tell whether too little was added since the last look, if that was long enough ago."""
        lasted = now - self.since
        if lasted <= after_s:
            return False
        slow = amount - self.before < least_a_second * lasted
        self.since, self.before = now, amount
        return slow


class Connection(HTTPChannel):  # type: ignore[misc]
    """A client's connection, which knows since when it waits for that.

    Its server has, beside what waitress asks of one, ``takes_pictures`` (``bodies.Request``),
    ``bodies``, and ``is_crowd``, which tells of a connection whether its client has too many.
    """

    error_task_class = _Refusal

    def __init__(self, server: Any, sock: Any, address: Any, *rest: Any, **named: Any) -> None:
        self.idle_since = time.monotonic()
        self.parser_class = partial(Request, takes_pictures=server.takes_pictures, keep=self._keep)
        # What was sent ahead of an answer. It is no request before that answer has been taken: each
        # answer may hold a file, and the thread of one that has to wait for others is lost.
        self._ahead = b""
        # How much has come, and how fast a request comes; the first is waited for from now on.
        self._came = 0
        self._asking: _Pace | None = _Pace(self.idle_since, 0)
        # How much the client has taken of all answers, and how fast it takes this one.
        self._taken = 0
        self._taking: _Pace | None = None
        super().__init__(server, sock, address, *rest, **named)
        if server.is_crowd(self):
            self.handle_close()

    def received(self, data: bytes) -> bool:
        """Take what has come; see waitress."""
        self._came += len(data)
        # Who sends something is not idle: pictures take their time.
        self.idle_since = time.monotonic()
        if self.requests or self._ahead:
            self._ahead += data
        else:
            self._read(data)
        self.server.bodies.add(len(data))
        return True

    def readable(self) -> bool:
        """Tell whether more may come, after a look at what has come ahead; see waitress."""
        if self._ahead and not self.requests and not self.total_outbufs_len:
            ahead, self._ahead = self._ahead, b""
            self._read(ahead)
        return not self._ahead and bool(super().readable())

    def _read(self, data: bytes) -> None:
        before = self.request
        super().received(data)
        if self.request is None:
            self._asking = None
        elif self.request is not before:
            self._asking = _Pace(time.monotonic(), self._came - len(data))

    def _keep(self, data: bytes) -> None:
        self._ahead = data

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the client takes; see waitress."""
        sent: int = super().send(data, do_close=do_close)
        self._taken += sent
        return sent

    def service(self) -> None:
        """Answer; see waitress."""
        super().service()
        self.idle_since = time.monotonic()

    @property
    def is_answered(self) -> bool:
        """Whether nothing is being answered, or waits to be sent."""
        return not self.requests and not self.total_outbufs_len and not self._ahead

    @property
    def asks(self) -> bool:
        """Whether a request is waited for: the first, or the rest of one."""
        return self._asking is not None

    @property
    def held_bytes(self) -> int:
        """How much of what has come with requests is kept."""
        known = (*self.requests, self.request)
        return sum(one.body_bytes_received for one in known if one is not None)

    def drop(self) -> None:
        """Close it, and what was kept of a request."""
        self.handle_close()
        if self.request is not None:
            self.request.close()

    def is_overdue(self, now: float) -> bool:
        """Tell whether the client keeps it open without need."""
        if self.total_outbufs_len:
            self._taking = self._taking or _Pace(now, self._taken)
            return self._taking.is_slow(
                now, self._taken, after_s=STALLED_S, least_a_second=LEAST_TAKEN_A_SECOND
            )
        self._taking = None
        if not self.is_answered or self._asking is None:
            return False
        return self._asking.is_slow(
            now, self._came, after_s=PATIENCE_S, least_a_second=LEAST_BYTES_A_SECOND
        )
