"""``pixfind serve``: what it allows, what it says, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from PIL import Image

from pixfind.catalog import files
from pixfind.cli.serve import told_of_the_end
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import NoIndexingError
from pixfind.library import Library
from web import connection as one_connection
from web import create_app
from web import server as serving
from web.indexing import State
from web.security import users
from web.security.guard import EXTENSION

Pixfind = Callable[..., Result]
ENTRY = "import sys; from pixfind.cli.main import main; main()"
TOKEN = "a-token-of-this-test-000"
PATIENCE_S = 60
ended = threading.Event()


class Server:
    """Stands for the one that listens: does what the test says instead."""

    port = 7860

    def __init__(self, run: Callable[[Flask], None], app: Flask, options: Sequence[Any]) -> None:
        self._run, self.app, self.options = run, app, options
        self.is_closed = False

    def run(self) -> None:
        ended.clear()
        self._run(self.app)

    def end(self) -> None:
        ended.set()

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def served(pixfind: Pixfind, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple]:
    """Run ``serve`` with a function in place of its server; return the result and the server."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))

    def serve(*arguments: object, run: Callable[[Flask], None] = lambda app: None) -> tuple:
        made: list[Server] = []

        def create(app: Flask, *options: Any) -> Server:
            made.append(Server(run, app, options))
            return made[0]

        monkeypatch.setattr("web.server.Server", create)
        return pixfind("serve", *arguments), made[0] if made else None

    return serve


def test_this_machine_may_change_everything(served: Callable[..., tuple]) -> None:
    codes = []
    result, server = served(
        run=lambda app: codes.append(app.test_client().post("/nowhere").status_code)
    )
    assert (result.exit_code, codes, server.is_closed) == (0, [404], True)
    assert "anyone" not in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ([], 403, "changes are refused (--allow-changes)"),
        (["--allow-changes"], 404, "tag them and index"),
    ],
)
def test_others_may_change_what_is_allowed(
    served: Callable[..., tuple], options: list[str], code: int, says: str
) -> None:
    codes = []
    result, _ = served(
        "--host",
        "0.0.0.0",
        "--insecure",
        *options,
        run=lambda app: codes.append(app.test_client().post("/nowhere").status_code),
    )
    assert codes == [code]
    assert "anyone who can reach 0.0.0.0 can see all photos" in result.stderr
    assert says in result.stderr


def test_folder_to_allow_must_be_there(served: Callable[..., tuple], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "nowhere", tmp_path / "file"):
        result, server = served("--allow-index", wrong)
        assert (result.exit_code, server) == (2, None)
        assert wrong.name in result.stderr


def test_folders_that_are_allowed(served: Callable[..., tuple], tmp_path: Path) -> None:
    names: list[str] = []
    (tmp_path / "a").mkdir()
    served(
        "--allow-index", tmp_path / "a" / "..", "--allow-index", tmp_path / "a",
        run=lambda app: names.extend(r.name for r in app.extensions["pixfind"].jobs.roots.all())
    )  # fmt: skip
    assert names == [str(tmp_path), str(tmp_path / "a")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to oneself")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_end_while_photos_are_indexed_loses_nothing(
    served: Callable[..., tuple], settings: Settings, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for shade in range(40):
        Image.new("RGB", (9, 9), (shade, 0, 0)).save(folder / f"{shade}.png")
    seen = []

    def run(app: Flask) -> None:
        jobs = app.extensions["pixfind"].jobs
        jobs.add_folder(0, "many")
        with jobs.watch() as watch:
            while not watch.next(20).done:
                pass
            with contextlib.suppress(NoIndexingError):
                jobs.pause()
            seen.append(jobs)
            try:
                os.kill(os.getpid(), number)
                assert ended.wait(30)
            finally:
                # Streams end before the server begins to wait for its threads.
                assert watch.is_over

    before = signal.getsignal(number)
    result, server = served("--allow-index", tmp_path, run=run)
    assert (result.exit_code, result.exception, server.is_closed) == (0, None, True)
    assert signal.getsignal(number) is before
    latest = seen[0].latest()
    assert latest.state in (State.CANCELLED, State.DONE)
    with (
        Library.open(settings.library) as library,
        library.writing(),
        library.catalog.read() as session,
    ):
        assert files.count_files(session) == latest.done >= 32


# Who is let in


@pytest.mark.parametrize(
    "options",
    [
        ["--host", "0.0.0.0"],
        ["--host", "::"],
        ["--host", "192.168.1.5", "--allow-changes"],
        ["--name", "photos.example.org"],
        ["--trusted-proxy", "127.0.0.1"],
    ],
)
def test_nobody_is_let_in_without_being_asked_who_they_are(
    served: Callable[..., tuple], options: list[str]
) -> None:
    result, server = served(*options)
    assert (result.exit_code, result.stdout, server) == (1, "", None)
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: anybody who can reach")
    for way in ("--auth token", "--auth password", "--insecure"):
        assert way in line
    result, server = served(*options, "--insecure")
    assert result.exit_code == 0
    assert server.app.extensions[EXTENSION] is None
    assert "anyone who can reach" in result.stderr
    assert served(*options, "--insecure", "--auth", "token")[0].exit_code == 2


@pytest.mark.parametrize("host", [(), ("--host", "0.0.0.0")])
def test_a_token_is_made_and_told_once(
    served: Callable[..., tuple], host: tuple[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []

    def run(app: Flask) -> None:
        client = app.test_client()
        codes.extend((client.get("/").status_code, client.get("/login").status_code))

    told = set()
    for _ in range(2):
        result, _ = served(*host, "--auth", "token", "--json", run=run)
        assert result.exit_code == 0
        (token,) = re.findall(r"^log in at http://[^/]+/login#(\S+)$", result.stderr, re.MULTILINE)
        assert len(token) >= 43
        assert json.loads(result.stdout)["login"].endswith(f"/login#{token}")
        told.add(token)
    assert len(told) == 2
    monkeypatch.setenv("PIXFIND_TOKEN", "")
    assert "/login#" in served(*host, "--auth", "token")[0].stderr
    assert codes == [401, 200] * 2


def test_a_token_of_ones_own_is_not_repeated(
    served: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXFIND_TOKEN", TOKEN)
    codes = []
    sent = {"Authorization": f"Bearer {TOKEN}"}
    result, _ = served(
        "--auth", "token", "--json",
        run=lambda app: codes.append(app.test_client().get("/help", headers=sent).status_code),
    )  # fmt: skip
    assert codes == [200]
    assert TOKEN not in result.stderr + result.stdout
    monkeypatch.setenv("PIXFIND_TOKEN", "short")
    result, server = served("--auth", "token")
    assert (result.exit_code, server) == (1, None)
    assert "PIXFIND_TOKEN" in result.stderr


def test_passwords_have_to_be_set_first(
    served: Callable[..., tuple], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "METHOD", "scrypt:1024:8:1")
    result, server = served("--auth", "password")
    assert (result.exit_code, server) == (1, None)
    assert "pixfind password" in result.stderr
    users.Users(users.file_of(settings)).set("anna", "correct horse battery")
    result, server = served("--auth", "password", "--host", "0.0.0.0")
    assert result.exit_code == 0
    assert "those who log in at 0.0.0.0" in result.stderr
    assert "#" not in result.stderr


def test_browsers_are_opened_without_the_token(
    served: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    served("--auth", "token", "--open")
    assert opened == ["http://127.0.0.1:7860/"]


def test_behind_a_proxy_its_name_is_answered(served: Callable[..., tuple]) -> None:
    codes = []

    def run(app: Flask) -> None:
        for host in ("photos.example.org", "evil.example", "127.0.0.1"):
            codes.append(app.test_client().get("/login", headers={"Host": host}).status_code)

    _, server = served(
        "--auth", "token", "--name", "photos.example.org", "--trusted-proxy", "127.0.0.1", run=run
    )
    assert codes == [200, 400, 200]
    assert server.options[-1] == "127.0.0.1"


@pytest.mark.parametrize(
    ("spelt", "one"),
    [
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_proxy_is_known_however_it_is_spelt(
    served: Callable[..., tuple], spelt: str, one: str
) -> None:
    _, server = served("--auth", "token", "--trusted-proxy", spelt)
    assert server.options[-1] == one


def test_that_a_proxys_visitors_wait_together_is_told(served: Callable[..., tuple]) -> None:
    behind = ("--auth", "token", "--name", "photos.example.org")
    says = "count as one address"
    assert says in served(*behind)[0].stderr
    for others in (
        (*behind, "--trusted-proxy", "127.0.0.1"),
        (*behind, "--host", "0.0.0.0"),
        ("--insecure", "--name", "photos.example.org"),
        ("--auth", "token"),
    ):
        assert says not in served(*others)[0].stderr


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (["--host", "192.168.1.5", "--name", "photos.example.org"], "192.168.1.5"),
        (["--name", "photos.example.org"], "photos.example.org (through a proxy)"),
        (
            ["--name", "a.example", "--name", "b.example"],
            "a.example or b.example (through a proxy)",
        ),
        (["--trusted-proxy", "127.0.0.1"], "the proxy at 127.0.0.1"),
    ],
)
def test_it_is_told_where_others_reach_it(
    served: Callable[..., tuple], options: list[str], place: str
) -> None:
    assert f"anybody who can reach {place} could see all photos" in served(*options)[0].stderr
    told = served(*options, "--insecure")[0].stderr
    assert f"anyone who can reach {place} can see all photos" in told
    assert f"those who log in at {place} can see" in served(*options, "--auth", "token")[0].stderr


class Way(socket.socket):
    """A socket in a network, or in none; nothing is sent."""

    own: str | None = None

    def connect(self, address: Any) -> None:
        if self.own is None:
            raise OSError("Network is unreachable")

    def getsockname(self) -> Any:
        return self.own, 50000


@pytest.mark.parametrize(
    ("host", "own", "shown"),
    [
        ("0.0.0.0", "192.168.1.5", "192.168.1.5"),
        ("::", "2001:db8::5", "[2001:db8::5]"),
        ("0.0.0.0", None, "attic"),
        ("::", None, "attic"),
        ("192.168.1.7", "192.168.1.5", "192.168.1.7"),
        ("localhost", "192.168.1.5", "localhost"),
    ],
)
def test_the_address_that_is_told_leads_here_from_other_machines(
    served: Callable[..., tuple],
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    own: str | None,
    shown: str,
) -> None:
    monkeypatch.setattr(Way, "own", own)
    monkeypatch.setattr("pixfind.cli.serve.socket.socket", Way)
    monkeypatch.setattr("socket.gethostname", lambda: "attic")
    codes: list[int] = []

    def run(app: Flask) -> None:
        asked = {"Host": f"{shown}:7860"}
        codes.append(app.test_client().get("/login", headers=asked).status_code)

    result, server = served("--host", host, "--auth", "token", "--json", run=run)
    document = json.loads(result.stdout)
    assert document["url"] == f"http://{shown}:7860/"
    assert document["login"].startswith(f"http://{shown}:7860/login#")
    assert f"log in at {document['login']}\n" in result.stderr
    assert f" at http://{shown}:7860/ " in result.stderr
    assert server.options[0] == host
    assert codes == [200]


@pytest.mark.parametrize("proxy", ["*", "", "localhost", "127.0.0.1,192.0.2.1", "10.0.0.0/8"])
def test_one_proxy_is_trusted_and_not_everybody(served: Callable[..., tuple], proxy: str) -> None:
    result, server = served("--auth", "token", "--trusted-proxy", proxy)
    assert (result.exit_code, server) == (2, None)
    assert "--trusted-proxy" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to oneself")
def test_the_second_ctrl_c_ends_at_once() -> None:
    asked: list[str] = []
    with pytest.raises(KeyboardInterrupt), told_of_the_end(lambda: asked.append("end")):
        os.kill(os.getpid(), signal.SIGINT)
        assert asked == ["end"]
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(PATIENCE_S)
    assert asked == ["end"]


# A real one


class Running:
    """``pixfind serve`` in a process of its own."""

    def __init__(self, folder: Path, *options: str, token: str = "") -> None:
        command = [sys.executable, "-c", ENTRY, "--library", str(folder), "serve", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PIXFIND_TOKEN": token} if token else None,
        )

    def port(self) -> int:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            found = re.search(r"searching .* at http://[^/]*:(\d+)/", line)
            if found:
                return int(found[1])
        raise AssertionError("it does not run")


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def start(*arguments: Any, **options: Any) -> Running:
        made.append(Running(*arguments, **options))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.communicate()


def test_a_real_server_refuses_everybody_or_those_without_the_token(
    running: Callable[..., Running], library: Library
) -> None:
    refused = running(library.folder, "--host", "0.0.0.0")
    out, err = refused.process.communicate(timeout=PATIENCE_S)
    assert (refused.process.returncode, out) == (1, "")
    assert "--auth" in err
    server = running(library.folder, "--host", "0.0.0.0", "--auth", "token", token=TOKEN)
    address = f"http://127.0.0.1:{server.port()}"
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as answer:
        browser.open(f"{address}/help", timeout=PATIENCE_S)
    assert answer.value.code == 401
    answer.value.close()
    asked = urllib.request.Request(f"{address}/help", headers={"Authorization": f"Bearer {TOKEN}"})
    with browser.open(asked, timeout=PATIENCE_S) as page:
        assert page.status == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE_S) == 0


# What listens


@pytest.fixture
def listening(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Run the real server in a thread, on an application that answers slowly at ``/slow``."""
    monkeypatch.setattr(serving, "LOOKS_EVERY_S", 0.02)
    monkeypatch.setattr(serving, "REST_OF_REQUEST_S", 0.1)
    made: list[tuple[serving.Server, threading.Thread, Flask]] = []

    def start(**views: Callable[[], Any]) -> serving.Server:
        app = create_app(settings)
        for name, view in views.items():
            app.add_url_rule(f"/{name}", name, view)
        server = serving.Server(app, "127.0.0.1", 0)
        thread = threading.Thread(target=server.run)
        thread.start()
        made.append((server, thread, app))
        return server

    yield start
    for server, thread, app in made:
        server.end()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        server.close()
        app.extensions["pixfind"].close()


def connect(server: serving.Server, sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
    made.sendall(sent)
    return made


def told(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    with connection, contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


def asking(path: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *more, "", ""]).encode()


def test_who_sends_nothing_keeps_nobody_else_out(
    listening: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = listening()
    half_open = [connect(server, b"GET / HT" if n % 2 else b"") for n in range(200)]
    answer = told(connect(server, asking("/help", "Connection: close")))
    assert answer.startswith(b"HTTP/1.1 200")
    # They are not waited for without end, however they trickle.
    monkeypatch.setattr(one_connection, "PATIENCE_S", 0.0)
    assert [told(each) for each in half_open] == [b""] * 200


def test_who_trickles_is_not_waited_for(
    listening: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_connection, "PATIENCE_S", 0.2)
    monkeypatch.setattr(one_connection, "LEAST_BYTES_A_SECOND", 10_000)
    connection = connect(listening(), b"GET /help HTTP/1.1\r\nHost: localhost\r\n")
    until = time.monotonic() + PATIENCE_S
    with connection, pytest.raises(OSError):
        while time.monotonic() < until:
            connection.sendall(b"X: 1\r\n")
            time.sleep(0.01)


def test_who_does_not_take_an_answer_frees_its_thread(
    listening: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_connection, "STALLED_S", 0.2)
    left = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(2**20)
        finally:
            left.set()

    with connect(listening(endless=endless), asking("/endless")):
        assert left.wait(PATIENCE_S)


def test_the_end_waits_for_what_was_asked_for(listening: Callable[..., Any]) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> bytes:
        asked.set()
        go_on.wait(PATIENCE_S)
        return b"x" * 5_000_000  # more than a socket takes at once

    server = listening(slow=slow)
    with connect(server) as idle, connect(server, b"GET /he"):
        connection = connect(server, asking("/slow", "Connection: close"))
        assert asked.wait(PATIENCE_S)
        server.end()
        assert idle.recv(1) == b""  # at once
        with pytest.raises(OSError):
            connect(server).recv(1)
        go_on.set()
        assert told(connection).endswith(b"x" * 5_000_000)


def test_what_is_no_request_is_refused_with_the_same_headers(
    listening: Callable[..., Any],
) -> None:
    server = listening()
    for sent, status in (
        (asking("/help", "X: " + "x" * 70_000), b"431"),
        (
            b"POST /pictures/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n",
            b"413",
        ),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n", b"501"),
    ):
        answer = told(connect(server, sent))
        assert answer.split()[1] == status
        assert b"X-Content-Type-Options: nosniff" in answer
        assert b"frame-ancestors 'none'" in answer


def test_whom_a_proxy_asks_for_is_believed_of_a_trusted_one_alone(settings: Settings) -> None:
    app = create_app(settings)
    seen: list[tuple[str | None, str]] = []

    @app.get("/who")
    def who() -> str:
        from flask import request

        seen.append((request.remote_addr, request.scheme))
        return ""

    for trusted in (None, "127.0.0.1", "192.0.2.1"):
        server = serving.Server(app, "127.0.0.1", 0, trusted)
        thread = threading.Thread(target=server.run)
        thread.start()
        forwarded = ("X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
        told(connect(server, asking("/who", *forwarded, "Connection: close")))
        server.end()
        thread.join(PATIENCE_S)
        server.close()
    here = ("127.0.0.1", "http")
    assert seen == [here, ("198.51.100.7", "https"), here]
    app.extensions["pixfind"].close()


def test_a_client_has_so_many_connections_unless_it_is_here_or_the_proxy() -> None:
    def crowd(address: str, count: int, spared: str | None = None) -> bool:
        from types import SimpleNamespace as Some

        mine = Some(addr=(address, 1))
        server = Some(spared=spared, active_channels=dict.fromkeys(range(count), mine))
        return serving._is_crowd(mine, server)  # type: ignore[arg-type]

    most = serving.MOST_FROM_ONE
    assert not crowd("192.0.2.1", most)
    assert crowd("192.0.2.1", most + 1)
    assert not crowd("192.0.2.1", most + 1, "192.0.2.1")
    assert not crowd("127.0.0.1", most + 1)
