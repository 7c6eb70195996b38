"""The server: waitress, with bounds for clients that are slow, many or gone, and a gentle end."""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from pixfind.machine import is_loopback
from web.bodies import MOST_PICTURE_BYTES, Bodies
from web.connection import Connection
from web.security.attempts import client_key
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
# A connection that is not used ends after so long.
IDLE_S = 60
LOOKS_EVERY_S = 1.0
# How long the end waits for answers, and for requests of which only a part has come.
DRAINS_S, REST_OF_REQUEST_S = 30.0, 2.0
# The system keeps about a thousand that nobody has accepted.
LAST_TURNS = 1024 // ACCEPTED_AT_ONCE + 1


class _Door(TcpWSGIServer):  # type: ignore[misc]
    """Lets clients in, some at a turn, at the cost of those that have nothing to ask."""

    channel_class = Connection
    spared: str | None = None
    most = MOST_CONNECTIONS
    takes_pictures: Set[str] = frozenset()
    bodies: Bodies
    # How many it has let in.
    accepted = 0

    def is_crowd(self, channel: Connection) -> bool:
        """Tell whether a client has more connections than anybody needs."""
        return _is_crowd(channel, self)

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

    def _channels(self) -> Iterator[Connection]:
        return (one for one in list(self._map.values()) if isinstance(one, Connection))

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


def _is_crowd(channel: Connection, server: Any) -> bool:
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
