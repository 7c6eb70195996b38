"""The server: waitress, with bounds for clients that are slow, many or gone, and a gentle end.

What it answers by itself, to requests that no application can read, has the headers of all others.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from pixfind.machine import is_loopback
from web.bodies import MOST_PICTURE_BYTES, Bodies, Request
from web.security.attempts import client_key
from web.security.headers import HEADERS
from web.security.limits import BRINGING

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

THREADS = 8
# To read ahead tells that a client has gone, also while an answer goes on for long.
READ_AHEAD = 1
# The longest query fits thrice, with the cookies; what is larger costs memory before it is refused.
MOST_HEAD_BYTES = 64 * 1024
# Waitress takes 100, so that as many who send nothing would keep out everybody else. Each may need
# files besides (for what is larger than memory should hold), so there must be room for some.
# Where there are more, those go that have had nothing to ask for longest: looking at each costs
# time at every turn, and who opens more than anybody closes must not keep others waiting.
MOST_CONNECTIONS, FILES_EACH = 400, 4
# How many are accepted before others have their turn.
ACCEPTED_AT_ONCE = 64
FILES_WANTED = MOST_CONNECTIONS * FILES_EACH
# Who has so many is a flood. A proxy, or a test on this machine, asks for others. Of those who are
# counted, some more are remembered than are connected.
MOST_FROM_ONE, REMEMBERED = 100, 2 * MOST_CONNECTIONS
# A connection that is not used, or an answer that is not taken, ends after so long.
IDLE_S, STALLED_S = 60, 60.0
# Who takes less of it than that, for as long, holds what others wait for.
LEAST_TAKEN_A_SECOND = 500
# A request has to come within so long, or go on this fast, as Apache's mod_reqtimeout asks.
PATIENCE_S, LEAST_BYTES_A_SECOND = 20.0, 500
LOOKS_EVERY_S = 1.0
# How long the end waits for answers, and for requests of which only a part has come.
DRAINS_S, REST_OF_REQUEST_S = 30.0, 2.0
# The system keeps about a thousand that nobody has accepted.
LAST_TURNS = 1024 // ACCEPTED_AT_ONCE + 1


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


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection, which knows since when it waits for its client."""

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
        if _is_crowd(self, server):
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


class _Door(TcpWSGIServer):  # type: ignore[misc]
    """Lets clients in, some at a turn, at the cost of those that have nothing to ask."""

    channel_class = _Channel
    spared: str | None = None
    most = MOST_CONNECTIONS
    takes_pictures: Set[str] = frozenset()
    bodies: Bodies
    # How many it has let in.
    accepted = 0

    def accept(self) -> object:
        """Accept one, if somebody is there; see waitress."""
        accepted: object = super().accept()
        self.accepted += accepted is not None
        return accepted

    def handle_accept(self) -> None:
        """Accept some, and close as many others as are too many."""
        for _ in range(ACCEPTED_AT_ONCE):
            before = self.accepted
            super().handle_accept()
            if self.accepted == before:
                break
        surplus = len(self.active_channels) - self.most
        if surplus > 0:
            idle = [one for one in self.active_channels.values() if one.is_answered]
            for channel in sorted(idle, key=lambda one: one.idle_since)[:surplus]:
                channel.drop()


class Server:
    """Serves an application until it is told to end.

    Args:
        app: the application.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        trusted_proxy: the address whose word is taken for whom it asks for, and over which scheme.

    Raises:
        OSError: the port is taken, or the address is another machine's.
        ValueError: there is no such address.
    """

    def __init__(self, app: Flask, host: str, port: int, trusted_proxy: str | None = None) -> None:
        self._map: dict[int, Any] = {}
        self._ends_at: float | None = None
        self._looks_at = 0.0
        proxy = {}
        if trusted_proxy is not None:
            # Not X-Forwarded-Host: proxies can pass the host on, and fewer words need be believed.
            headers = {"x-forwarded-for", "x-forwarded-proto"}
            proxy = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": headers}
        most = _room_for_connections()
        adjustments = Adjustments(
            host=host,
            port=port,
            threads=THREADS,
            channel_request_lookahead=READ_AHEAD,
            max_request_header_size=MOST_HEAD_BYTES,
            max_request_body_size=MOST_PICTURE_BYTES,
            # None are closed for new ones while all are being answered.
            connection_limit=2 * most,
            channel_timeout=IDLE_S,
            cleanup_interval=IDLE_S // 4,
            # A client that is gone is no news.
            log_socket_errors=False,
            clear_untrusted_proxy_headers=True,
            ident="pixfind",
            **proxy,
        )
        self._dispatcher = ThreadedTaskDispatcher()
        self._listening = [
            _Door(app, self._map, dispatcher=self._dispatcher, adj=adjustments, sockinfo=address)
            for address in adjustments.listen
        ]
        bodies = Bodies(self._channels)
        for one in self._listening:
            one.spared, one.most, one.bodies = trusted_proxy, most, bodies
            one.takes_pictures = _bringing_paths(app)
        self._dispatcher.set_thread_count(THREADS)
        self.port = int(self._listening[-1].effective_port)

    def run(self) -> None:
        """Answer requests until ``end`` is called and what had been asked for is answered."""
        while self._map and not self._is_drained():
            self._turn(LOOKS_EVERY_S)
            self._close_overdue()

    def end(self) -> None:
        """Take no more connections, and end when all is answered. Signals' handlers may call it."""
        if self._ends_at is None:
            self._ends_at = time.monotonic()
            self._listening[0].pull_trigger()

    def close(self) -> None:
        """Stop at once."""
        self._dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def _turn(self, timeout_s: float) -> None:
        # Not select(), which knows no more than 1024 files.
        wasyncore.loop(timeout=timeout_s, use_poll=True, map=self._map, count=1)

    def _channels(self) -> Iterator[_Channel]:
        return (one for one in list(self._map.values()) if isinstance(one, _Channel))

    def _close_overdue(self) -> None:
        now = time.monotonic()
        if now < self._looks_at:
            return
        self._looks_at = now + LOOKS_EVERY_S
        for channel in self._channels():
            if channel.is_overdue(now):
                channel.drop()

    def _is_drained(self) -> bool:
        if self._ends_at is None:
            return False
        if any(one.accepting for one in self._listening):
            # What the system has let in and taken for us by now has been asked for, too.
            self._accept_last()
        for one in self._listening:
            if one.accepting:
                one.accepting = False
                wasyncore.dispatcher.close(one)  # not its own, which ends what wakes the loop
        lasted = time.monotonic() - self._ends_at
        for channel in self._channels():
            if channel.is_answered and not (channel.asks and lasted < REST_OF_REQUEST_S):
                channel.drop()
        return lasted > DRAINS_S or not any(self._channels())

    def _accept_last(self) -> None:
        for _ in range(LAST_TURNS):
            before = sum(one.accepted for one in self._listening)
            self._turn(0.0)
            if sum(one.accepted for one in self._listening) == before:
                break


def _bringing_paths(app: Flask) -> Set[str]:
    """Return where pictures are brought to."""
    return {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in BRINGING}


@lru_cache(maxsize=REMEMBERED)
def _household(address: str) -> str:
    # A household has more IPv6 addresses than anybody can count.
    return client_key(address)[1]


def _is_crowd(channel: _Channel, server: Any) -> bool:
    """Tell whether a client has more connections than anybody needs."""
    address = channel.addr[0]
    if is_loopback(address) or address == server.spared:
        return False
    channels = list(server.active_channels.values())
    mine: int = sum(_household(one.addr[0]) == _household(address) for one in channels)
    return mine > MOST_FROM_ONE


def _room_for_connections() -> int:
    """Return how many connections the system has files for, after asking it for enough."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES_WANTED:
        wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a limit of its own
            wanted = soft
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft // FILES_EACH))
