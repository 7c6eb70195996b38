"""A real server in a process of its own: under load, beside slow clients, and told to end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from reliability import large_library
from reliability.served import PROGRAM, Server, served
from reliability.visits import SHARES, Crowd
from web.server import THREADS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="reads what Linux says of processes"
)

PHOTOS = 200
WITH_FAKE = (
    "from pixfind.encoders.store import ModelStore\n"
    "from pixfind.encoders.fake import FakeEncoder\n"
    f"ModelStore.load = lambda self, name: FakeEncoder(name)\n{PROGRAM}"
)
LARGE, LARGE_BYTES = 7, 32 * 2**20


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A library with thumbnails, and one original that is there, and large."""
    folder = tmp_path_factory.mktemp("load")
    settings = Settings(folder / "library", folder / "models", folder / "demo")
    large_library.make(settings, PHOTOS, FakeEncoder())
    large = folder / "large.jpg"
    large_library.add_original(settings, LARGE, large, LARGE_BYTES)
    known = large.stat()
    with large.open("r+b") as file:
        file.seek(LARGE_BYTES // 2)
        file.write(b"in the middle")
    os.utime(large, ns=(known.st_atime_ns, known.st_mtime_ns))  # else it is another by now
    return settings


@pytest.fixture(scope="module")
def server(filled: Settings) -> Iterator[Server]:
    with served(filled, program=WITH_FAKE) as running:
        yield running


def test_many_who_ask_at_once_are_answered_rightly(server: Server) -> None:
    record = Crowd(server.host, server.port, PHOTOS).visit(8, requests=100)
    assert dict(record.errors) == {}
    assert len(record.all_seconds()) == 100
    assert len(record.seconds) > len(SHARES) // 2
    assert server.faults() == 0
    assert server.memory() > 2**20


def test_slow_clients_are_beside_others(server: Server) -> None:
    with (
        socket.create_connection((server.host, server.port)) as slow,
        socket.create_connection((server.host, server.port)) as reader,
    ):
        slow.sendall(b"G")
        reader.sendall(f"GET /originals/{LARGE} HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        assert reader.recv(1) == b"H"
        record = Crowd(server.host, server.port, PHOTOS, seed=1).visit(1, requests=20)
        slow.sendall(b"E")
    assert dict(record.errors) == {}


def test_part_of_a_file_is_that_part(server: Server) -> None:
    connection = http.client.HTTPConnection(server.host, server.port)
    middle = LARGE_BYTES // 2
    for asked, first, last in (
        (f"bytes={middle}-{middle + 12}", middle, middle + 12),
        (f"bytes={middle}-", middle, LARGE_BYTES - 1),
    ):
        connection.request("GET", f"/originals/{LARGE}", headers={"Range": asked})
        answer = connection.getresponse()
        content = answer.read()
        assert (answer.status, len(content)) == (206, last - first + 1)
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{LARGE_BYTES}"
        assert content.startswith(b"in the middle")
    connection.close()


def test_end_gives_whole_answers(filled: Settings) -> None:
    with served(filled, program=WITH_FAKE) as ending:
        connections = []
        for _ in range(3):
            connection = http.client.HTTPConnection(ending.host, ending.port, timeout=30)
            connection.request("GET", f"/originals/{LARGE}")
            connections.append(connection)
        answers = [connection.getresponse() for connection in connections]
        ending.process.send_signal(signal.SIGTERM)
        assert [len(answer.read()) for answer in answers] == [LARGE_BYTES] * 3
        assert ending.process.wait(30) == 0
        assert ending.faults() == 0
        with pytest.raises(ConnectionError):
            socket.create_connection((ending.host, ending.port))
        for connection in connections:
            connection.close()


def test_slow_readers_of_parts_hold_no_thread(server: Server) -> None:
    with ExitStack() as ends:
        for _ in range(THREADS + 1):
            reader = ends.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((server.host, server.port))
            reader.sendall(
                f"GET /originals/{LARGE} HTTP/1.1\r\nHost: {server.host}\r\n"
                "Range: bytes=1-\r\n\r\n".encode()
            )
            assert reader.recv(1) == b"H"
        record = Crowd(server.host, server.port, PHOTOS, seed=2).visit(1, requests=5)
    assert dict(record.errors) == {}
    assert max(record.all_seconds()) < 30  # no timing: without it, nobody is answered for a minute


def test_requests_that_come_together_are_answered_in_order(server: Server) -> None:
    """In whatever pieces they come, and with what follows a body."""
    form = b"q=dog"
    asked = b"".join(
        (
            f"GET /static/style/base.css HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode(),
            f"POST /api/v1/status HTTP/1.1\r\nHost: {server.host}\r\n"
            f"Content-Length: {len(form)}\r\n\r\n".encode(),
            form,
            b"\r\n",  # as some clients send after a body
            f"GET /api/v1/status HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode(),
            f"HEAD / HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n\r\n".encode(),
        )
    )
    for piece in (len(asked), 100, 7):
        with socket.create_connection((server.host, server.port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(asked), piece):
                connection.sendall(asked[at : at + piece])
            answered = connection.makefile("rb").read()
        heads = [part.split(b"\r\n")[0] for part in answered.split(b"HTTP/1.1 ")[1:]]
        assert heads[0] == b"200 OK"
        assert heads[1].startswith(b"4")
        assert heads[2:] == [b"200 OK", b"200 OK"]
        assert b'"photos"' in answered


def test_who_sends_many_requests_at_once_holds_no_more_than_one(server: Server) -> None:
    """Of files that are sent, and of threads that wait until they may be."""
    asked = {
        path: f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
        for path in (f"/originals/{LARGE}", "/static/script/viewer.js")
    }
    before = server.descriptors()
    with ExitStack() as ends:
        for number in range(2 * (THREADS + 1)):
            reader = ends.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            reader.connect((server.host, server.port))
            one = list(asked.values())[number % 2]
            reader.sendall(one * (8192 // len(one)))
            assert reader.recv(1) == b"H"
        record = Crowd(server.host, server.port, PHOTOS, seed=3).visit(1, requests=5)
        opened = server.descriptors() - before
    assert dict(record.errors) == {}
    assert opened < 4 * 2 * (THREADS + 1)
