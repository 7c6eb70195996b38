"""What clients may send to the real server: how fast, how much together, and from where."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace as Some

import pytest
from flask import Flask

from pixfind.config import Settings
from web import bodies, create_app
from web import connection as one_connection
from web import server as serving
from web.security.limits import BRINGING

PATIENCE_S = 60
MIB = 2**20
Connect = Callable[..., socket.socket]
PICTURES = ("/pictures/", "/api/v1/pictures")
# There is no picture in what came, or no library to search.
REFUSED_BY_THE_APPLICATION = (b"400", b"503")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["pixfind"].close()


@pytest.fixture
def server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[serving.Server]:
    monkeypatch.setattr(serving, "LOOKS_EVERY_S", 0.02)
    monkeypatch.setattr(serving, "REST_OF_REQUEST_S", 0.1)
    server = serving.Server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.end()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    server.close()


@pytest.fixture
def connect(server: serving.Server) -> Iterator[Connect]:
    """Connect and send something, which may be refused before it is taken."""
    with contextlib.ExitStack() as ends:

        def made(sent: bytes = b"") -> socket.socket:
            one = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
            ends.enter_context(one)
            one.sendall(sent)
            return one

        yield made


def asking(path: str, *more: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *more, "", ""]).encode()


def told(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def held(server: serving.Server) -> int:
    return sum(one.held_bytes for one in server._channels())


def test_pictures_are_brought_where_the_application_takes_them(app: Flask) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in BRINGING}
    assert paths == set(PICTURES)


@pytest.mark.parametrize("expects", [(), ("Expect: 100-continue",)], ids=["", "asks first"])
@pytest.mark.parametrize("path", ["/albums/", "/login", "/nowhere", "/pictures/x"])
def test_only_what_takes_pictures_has_large_bodies(
    connect: Connect, path: str, expects: tuple[str, ...]
) -> None:
    large = f"Content-Length: {bodies.MOST_FORM_BYTES}"
    answer = told(connect(asking(path, large, *expects)))  # before any of it has come
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"frame-ancestors 'none'" in answer


def test_nor_do_bodies_that_come_in_parts(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_FORM_BYTES", 1000)
    part = b"100\r\n" + bytes(256) + b"\r\n"
    chunked = asking("/albums/", "Transfer-Encoding: chunked")
    assert told(connect(chunked + part * 4)).startswith(b"HTTP/1.1 413")
    for path in PICTURES:  # nor what is between them
        start = asking(path, "Transfer-Encoding: chunked")
        for between in (b"1" * 9000, b"0\r\nX: " + b"1" * 9000):
            assert told(connect(start + between)).startswith(b"HTTP/1.1 400")


def test_what_is_a_little_too_large_is_refused_by_the_page(connect: Connect) -> None:
    size = bodies.MOST_JSON_BYTES + 1
    form = "Content-Type: application/x-www-form-urlencoded"
    head = asking("/albums/", form, f"Content-Length: {size}", "Connection: close")
    answer = told(connect(head + bytes(size)))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"text/html" in answer


@pytest.mark.parametrize("path", PICTURES)
def test_pictures_may_be_large(connect: Connect, path: str) -> None:
    size = bodies.MOST_FORM_BYTES + 1
    head = asking(path, f"Content-Length: {size}", "Expect: 100-continue", "Connection: close")
    connection = connect(head)
    assert connection.recv(100).startswith(b"HTTP/1.1 100")
    connection.sendall(bytes(size))
    assert told(connection)[9:12] in REFUSED_BY_THE_APPLICATION


def test_what_comes_to_all_at_once_is_bounded(
    server: serving.Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_AT_ONCE_BYTES", 3 * MIB)
    monkeypatch.setattr(bodies, "LOOKS_EVERY_BYTES", 1)
    head = asking("/pictures/", f"Content-Length: {2 * MIB + 1}", "Connection: close")
    hoarder = connect(head + bytes(2 * MIB))
    wait_for(lambda: held(server) == 2 * MIB)
    honest = connect(head + bytes(MIB))
    wait_for(lambda: held(server) == 3 * MIB)
    # Whoever adds a little more is not the one who goes.
    form = ("Content-Type: application/x-www-form-urlencoded", "Content-Length: 11")
    small = connect(asking("/language", *form, "Connection: close") + b"language=en")
    assert told(small).startswith(b"HTTP/1.1 303")
    honest.sendall(bytes(MIB + 1))
    assert told(honest)[9:12] in REFUSED_BY_THE_APPLICATION
    assert told(hoarder) == b""
    wait_for(lambda: held(server) == 0)


def test_who_has_sent_much_may_not_stop_either(
    server: serving.Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalling = connect(asking("/pictures/", f"Content-Length: {3 * MIB}") + bytes(2 * MIB))
    wait_for(lambda: held(server) == 2 * MIB)
    monkeypatch.setattr(one_connection, "PATIENCE_S", 0.1)
    stalling.settimeout(PATIENCE_S)
    assert told(stalling) == b""


def test_who_sends_a_picture_does_not_go_before_those_who_send_nothing(
    server: serving.Server, connect: Connect
) -> None:
    server._listening[0].most = 3
    head = asking("/pictures/", f"Content-Length: {MIB}", "Connection: close")
    uploading = connect(head + bytes(1000))
    wait_for(lambda: held(server) == 1000)
    idle = [connect(), connect()]
    wait_for(lambda: len(list(server._channels())) == 3)
    uploading.sendall(bytes(1000))
    wait_for(lambda: held(server) == 2000)
    connect()
    assert told(idle[0]) == b""
    uploading.sendall(bytes(MIB - 2000))
    assert told(uploading)[9:12] in REFUSED_BY_THE_APPLICATION


def test_all_addresses_of_a_household_are_one_client() -> None:
    most = serving.MOST_FROM_ONE

    def is_crowd(network: str) -> bool:
        channels = [Some(addr=(network.format(n), 1, 0, 0)) for n in range(most + 1)]
        server = Some(spared=None, active_channels=dict(enumerate(channels)))
        return serving._is_crowd(channels[0], server)  # type: ignore[arg-type]

    assert is_crowd("2001:db8::{:x}")
    assert not is_crowd("2001:db8:0:{:x}::1")
    assert not is_crowd("192.0.2.{}")


def test_the_end_answers_all_who_were_there(app: Flask) -> None:
    server = serving.Server(app, "127.0.0.1", 0)
    count = serving.ACCEPTED_AT_ONCE + 10
    with contextlib.ExitStack() as ends:
        asked = []
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
            asked.append(ends.enter_context(one))
            one.sendall(asking("/static/style/base.css", "Connection: close", method="GET"))
        server.end()
        thread = threading.Thread(target=server.run)
        thread.start()
        answers = [told(one) for one in asked]
        thread.join(PATIENCE_S)
        server.close()
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * count


def test_the_end_waits_for_the_first_request_of_a_connection(
    server: serving.Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "REST_OF_REQUEST_S", PATIENCE_S)
    late = connect()
    server.end()
    wait_for(lambda: not server._listening[0].accepting)
    late.sendall(asking("/static/style/base.css", "Connection: close", method="GET"))
    assert told(late).startswith(b"HTTP/1.1 200")
