"""Every route of the web app, asked by those who may not, in ways that nobody should."""

from __future__ import annotations

import io
import logging
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.catalog.database import FILE_NAME
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryAccessError, ModelDamagedError
from web import create_app
from web.security.access import Access
from web.security.doors import TokenDoor
from web.security.headers import HEADERS
from web.security.origins import SAFE

Index = Callable[..., Summary]
# All that anybody may ask for. Nothing is added here without a thought.
OPEN = {"static", "login.show", "login.enter", "translation.choose"}
TOKEN = "a-token-of-this-test-000"
PROGRAM = {"Authorization": f"Bearer {TOKEN}"}
PAGE = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Mozilla/5.0"}
FOREIGN = ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"})
SECRET = "nobody may read this"
TRAVERSALS = (
    "../catalog.db", "..%2fpasswords.json", "..%2f..%2fsecret.txt", "%2e%2e/secret.txt",
    "..%5c..%5csecret.txt", "....//secret.txt", "%2fetc%2fpasswd", "%252e%252e%252fsecret.txt",
    "1%00.jpg", "1/../../secret.txt", "~", "file:%2f%2f%2fetc%2fpasswd",
    "%c0%ae%c0%ae%c0%afsecret.txt",
)  # fmt: skip


class Client(FlaskClient):
    """Reads every answer to its end, so that the files behind pictures are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


def made(settings: Settings, **options: Any) -> Iterator[Flask]:
    app = create_app(settings, **options)
    app.test_client_class = Client
    yield app
    app.extensions["pixfind"].close()


@pytest.fixture(autouse=True)
def indexed(
    index: Index, photos: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    index(photos)
    for folder in (settings.library, settings.library.parent, settings.library / "thumbs"):
        (folder / "secret.txt").write_text(SECRET)


@pytest.fixture
def app(settings: Settings, photos: Path) -> Iterator[Flask]:
    """Asks for a token, and lets those who have it change everything."""
    yield from made(settings, access=Access(TokenDoor(TOKEN)), index_roots=[photos])


@pytest.fixture
def readers_app(settings: Settings) -> Iterator[Flask]:
    """Asks for a token, and lets nobody change anything."""
    yield from made(settings, access=Access(TokenDoor(TOKEN)), loopback=False, changes=False)


@pytest.fixture
def open_app(settings: Settings) -> Iterator[Flask]:
    """Asks nobody who they are."""
    yield from made(settings)


def address(rule: Rule, value: str | None = None) -> str:
    """An address of a route: with numbers and words, or with the same value everywhere."""
    return re.sub(
        r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>",
        lambda found: value or ("1" if found[1] == "int" else "x"),
        rule.rule,
    )


def ways(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route with each of the methods that anybody might use."""
    for rule in app.url_map.iter_rules():
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
            yield rule, method, address(rule)


def changing(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    for rule, method, place in ways(app):
        if method not in SAFE and method in (rule.methods or ()):
            yield rule, method, place


def test_there_are_routes_to_walk(app: Flask, open_app: Flask) -> None:
    assert len(list(app.url_map.iter_rules())) > 50
    assert len(list(changing(app))) > 20
    extra = {rule.endpoint for rule in app.url_map.iter_rules()}
    extra -= {rule.endpoint for rule in open_app.url_map.iter_rules()}
    assert extra == {"login.show", "login.enter", "login.leave"}


def test_no_route_answers_those_who_have_not_logged_in(app: Flask) -> None:
    client = app.test_client()
    asked = {rule.endpoint for rule, method, _ in ways(app) if method == "GET"}
    assert set(OPEN) < asked
    for rule, method, place in ways(app):
        if rule.endpoint in OPEN or rule.rule == "/login":
            continue
        answer = client.open(place, method=method)
        assert answer.status_code == 401, (method, place)
        assert "Set-Cookie" not in answer.headers
        page = client.open(place, method=method, headers={**PAGE, "Origin": "http://localhost"})
        assert page.status_code in (303, 401), (method, place)
        if page.status_code == 303:
            assert page.location.startswith("/login")


def test_what_is_not_there_cannot_be_told_from_what_is(app: Flask) -> None:
    client = app.test_client()
    there, nowhere = client.get("/photos/1"), client.get("/nowhere")
    assert there.status_code == nowhere.status_code == 401
    assert there.data == nowhere.data
    assert client.post("/photos/1").data == client.post("/nowhere").data


@pytest.mark.usefixtures("indexed")
def test_nothing_that_readers_ask_for_changes_the_library(
    readers_app: Flask, settings: Settings
) -> None:
    def held() -> list[str]:
        with closing(sqlite3.connect(settings.library / FILE_NAME)) as connection:
            return list(connection.iterdump())

    client, before = readers_app.test_client(), held()
    assert any("INSERT INTO" in line and "file" in line for line in before)
    answered = 0
    for rule, method, place in ways(readers_app):
        if rule.endpoint != "api_jobs.events":
            answered += client.open(place, method=method, headers=PROGRAM).status_code == 200
    assert answered > 50
    assert held() == before


def test_every_route_answers_those_who_have(app: Flask) -> None:
    client = app.test_client()
    for rule, method, place in ways(app):
        if rule.endpoint in ("api_jobs.events", "api_jobs.start"):
            continue
        answer = client.open(place, method=method, headers=PROGRAM)
        assert answer.status_code != 401, (method, place)
        assert "/login" not in answer.headers.get("Location", "") or "log" in place


def test_the_open_routes_are_those_and_tell_nothing(
    app: Flask, settings: Settings, photos: Path
) -> None:
    client = app.test_client()
    assert client.get("/static/style/base.css").status_code == 200
    assert client.get("/static/nowhere").status_code == 404
    assert client.get("/login").status_code == 200
    sent = {"Origin": "http://localhost"}
    assert client.post("/language", data={"language": "en"}, headers=sent).status_code == 303
    for answer in (client.get("/static/nowhere"), client.get("/login"), client.get("/")):
        text = answer.text
        assert not re.search(r"\d+ photos|indexing|role=.search|/albums|/library", text)
        assert str(photos) not in text
        assert str(settings.library.parent) not in text


def test_no_change_is_made_for_a_page_elsewhere(app: Flask) -> None:
    logged_in = app.test_client()
    form = {"secret": TOKEN}
    answer = logged_in.post("/login", data=form, headers={"Origin": "http://localhost"})
    assert answer.status_code == 303
    for client in (logged_in, app.test_client()):
        for _, method, place in changing(app):
            for headers in FOREIGN:
                refused = client.open(place, method=method, headers=headers)
                assert refused.status_code == 403, (method, place, headers)
    for _, method, place in changing(app):  # nor where nothing tells whose page it is
        refused = logged_in.open(place, method=method)
        assert refused.status_code == 403, (method, place)
        assert "which page" in refused.text


def test_programs_need_not_say_where_they_are(app: Flask) -> None:
    client = app.test_client()
    answer = client.put("/api/v1/albums/red", json={"query": "red"}, headers=PROGRAM)
    assert answer.status_code == 200
    foreign = {**PROGRAM, "Origin": "http://evil.example"}
    assert (
        client.put("/api/v1/albums/red", json={"query": "red"}, headers=foreign).status_code == 403
    )


def test_no_path_leads_out(open_app: Flask) -> None:
    client = open_app.test_client()
    tried = 0
    for rule, method, _ in ways(open_app):
        if (
            not rule.arguments
            or method not in (rule.methods or ())
            or rule.endpoint.endswith("start")
        ):
            continue
        for attempt in TRAVERSALS:
            for query in ("", f"?path={attempt}&file={attempt}&in={attempt}&root=0&t={attempt}"):
                if method == "GET" or not query:
                    answer = client.open(address(rule, attempt) + query, method=method)
                    assert answer.status_code < 500, (method, rule.rule, attempt)
                    assert SECRET not in answer.text
                    assert "root:x:" not in answer.text
                    tried += 1
    assert tried > 300


def test_no_folder_leads_out(app: Flask, photos: Path) -> None:
    client = app.test_client()
    for place in (
        "..",
        "../..",
        "/",
        "/etc",
        "inner/../..",
        "inner/../../..",
        "..\\..",
        "\x00",
        "~",
    ):
        page = client.get("/library/add", query_string={"root": 0, "in": place}, headers=PROGRAM)
        assert page.status_code == 400, place
        form = {"root": "0", "in": place}
        assert client.post("/library/add", data=form, headers=PROGRAM).status_code == 400, place


@pytest.mark.parametrize("which", ["app", "open_app"])
def test_every_answer_forbids_the_browser_the_same(
    which: str, request: pytest.FixtureRequest
) -> None:
    app: Flask = request.getfixturevalue(which)
    client = app.test_client()
    seen = set()
    for rule, method, place in ways(app):
        if rule.endpoint in ("api_jobs.events", "api_jobs.start"):
            continue
        for headers in ({}, PROGRAM, {"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            answer = client.open(place, method=method, headers=headers)
            seen.add(answer.status_code)
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, (method, place, name)
            assert "Strict-Transport-Security" not in answer.headers
            if which == "app" and rule.endpoint != "static":
                assert re.search("private|no-store", answer.headers["Cache-Control"]), place
                assert {"cookie", "authorization"} <= {name.lower() for name in answer.vary}
    assert {200, 400, 403, 404, 405, 415} <= seen
    secure = client.get("/", base_url="https://localhost", headers=PROGRAM)
    assert secure.headers["Strict-Transport-Security"]


def test_media_are_kept_by_nobody_but_the_reader(app: Flask) -> None:
    client = app.test_client()
    for kind in ("thumbnails", "previews", "originals"):
        answer = client.get(f"/{kind}/1", headers=PROGRAM)
        assert answer.status_code == 200
        assert "private" in answer.headers["Cache-Control"]
        assert "public" not in answer.headers["Cache-Control"]
        known = {"If-None-Match": answer.headers["ETag"]}
        assert client.get(f"/{kind}/1", headers=known).status_code == 401


RAISED = {
    "unforeseen": RuntimeError("at /home/somebody/secret.py"),
    "of the system": PermissionError(13, "Permission denied", "/home/somebody/secret.txt"),
    "of the disk": OSError(28, "No space left on device", "/home/somebody/secret.txt"),
}


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("place", ["/help", "/api/v1/search"])
def test_what_breaks_tells_nothing_of_where(
    open_app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    name: str, place: str,
) -> None:  # fmt: skip
    def fail(**_: object) -> None:
        raise RAISED[name]

    with open_app.test_request_context(place):
        endpoint = open_app.url_map.bind("localhost").match(place)[0]
    monkeypatch.setitem(open_app.view_functions, endpoint, fail)
    answer = open_app.test_client().get(place + "?q=red")
    assert answer.status_code == 500
    assert not re.search(r"Traceback|somebody|secret|RuntimeError|\.py", answer.text)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # Whoever runs the server can read it all.
    assert any(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


@pytest.mark.parametrize("raised", [LibraryAccessError, ModelDamagedError])
def test_where_the_library_lies_is_told_to_its_owner_alone(
    readers_app: Flask, app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    raised: type,
) -> None:  # fmt: skip
    def fail(**_: object) -> None:
        if raised is LibraryAccessError:
            raise LibraryAccessError(settings.library, f"unable to open {settings.library}/x")
        raise ModelDamagedError("pocket", settings.models / "pocket", "a file is missing")

    for made_app, told in ((app, True), (readers_app, False)):
        client = made_app.test_client()
        status = client.get("/api/v1/status", headers=PROGRAM).get_json()
        assert (str(settings.library) in status["library"]) is told
        page = client.get("/library/", headers=PROGRAM)
        assert (str(settings.library) in page.text) is told
        monkeypatch.setitem(made_app.view_functions, "api_search.search", fail)
        answer = client.get("/api/v1/search?q=red", headers=PROGRAM)
        assert answer.status_code == 503
        assert (str(settings.library.parent) in answer.text) is told


# Requests that are too much


def test_requests_have_an_end(open_app: Flask) -> None:
    client = open_app.test_client()
    long = client.get("/api/v1/search", query_string={"q": "a" * 100_000})
    assert long.status_code == 400
    many = client.get("/api/v1/search?q=red&" + "&".join(f"a{n}=1" for n in range(5000)))
    assert many.status_code == 400
    deep = b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    refused = client.put("/api/v1/albums/x", data=deep, content_type="application/json")
    assert refused.status_code == 400
    fields = "&".join(f"a{n}=1" for n in range(100_000))
    kind = "application/x-www-form-urlencoded"
    assert client.post("/albums/", data=fields, content_type=kind).status_code == 400
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="a{n}"\r\n\r\n1\r\n' for n in range(5000)
    )
    body = f"{parts}--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    for place in ("/albums/", "/pictures/", "/api/v1/pictures"):
        assert client.post(place, data=body, content_type=kind).status_code in (400, 413)
    large = b"x" * (2**20 + 1)
    for place in ("/albums/", "/selection/tags", "/api/v1/tags/accept"):
        assert client.post(place, data={"a": large}).status_code in (413, 405, 404)
    numbers = client.get("/api/v1/search?q=red&limit=" + "9" * 10_000)
    assert numbers.status_code == 400


def test_what_is_typed_is_never_html(open_app: Flask) -> None:
    client = open_app.test_client()
    typed = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    for rule, method, _ in ways(open_app):
        if method != "GET" or "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        if rule.endpoint == "api_jobs.events":
            continue
        query = dict.fromkeys(("q", "in", "root", "cursor", "page", "next", "name"), typed)
        answer = client.get(address(rule), query_string=query)
        if answer.mimetype == "text/html":
            assert "<script>alert" not in answer.text, rule.rule
            assert "<img src=x" not in answer.text, rule.rule


# Every name by which a text comes, in an address or in a form.
NAMES = (
    "q", "in", "root", "cursor", "page", "next", "name", "t", "v", "box", "path", "file", "url",
    "find", "more", "less", "photos", "tag", "says", "format", "secret", "user", "language", "do",
    "ids", "field", "prefix", "query",
)  # fmt: skip
# Of what may stand in a file that points elsewhere.
POINTING = {
    "a.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="%s"/></svg>',
    "a.mp4": "#EXTM3U\n#EXTINF:1,\n%s\n",
    "a.png": "%s",
    "%s": "%s",
}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A server that nobody may connect to, from whichever process; nor may this one elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asked: list[object] = []
        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(socket.socket, name, lambda _, *to: asked.append(to))
        for name in ("getaddrinfo", "gethostbyname", "create_connection"):
            monkeypatch.setattr(socket, name, lambda *to, **_: asked.append(to))
        yield listening
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()
        assert asked == []


def test_no_address_that_is_sent_is_asked(app: Flask, elsewhere: socket.socket) -> None:
    """Or whoever can use this server could have it look around in its network (SSRF)."""
    client = app.test_client()
    port = elsewhere.getsockname()[1]
    values = [f"{scheme}127.0.0.1:{port}/a.jpg" for scheme in ("http://", "//")]
    headers = {
        **PROGRAM, "Referer": values[0], "X-Forwarded-Host": f"127.0.0.1:{port}",
        "Forwarded": f"host=127.0.0.1:{port}",
    }  # fmt: skip
    tried = 0
    for rule, method, place in ways(app):
        if method not in (rule.methods or ()) or method in ("HEAD", "OPTIONS"):
            continue
        if rule.endpoint in ("api_jobs.events", "static"):
            continue
        for value in values:
            quoted = place.replace("x", quote(value, "")) if "<name>" in rule.rule else place
            for sent in sendings(method, rule, value):
                answer = client.open(quoted, method=method, headers=headers, **sent)
                assert answer.status_code < 500, (method, quoted, sent)
                assert answer.status_code != 401
                tried += 1
    assert tried > 1000


def sendings(method: str, rule: Rule, value: str) -> Iterator[dict[str, Any]]:
    """The ways in which a route may be sent an address."""
    queries = [value, f"like:{value}", f'-like:"{value}"', f"in:{value} album:{value}"]
    if method == "GET":
        if not rule.rule.startswith("/api/"):  # what it does not know, the API refuses
            yield {"query_string": dict.fromkeys(NAMES, value)}
        for name in NAMES if rule.rule.startswith("/api/") else ("in", "name", "next"):
            yield {"query_string": {name: value}}
        yield from ({"query_string": {"q": query}} for query in queries)
        return
    yield {"data": dict.fromkeys(NAMES, value)}
    for query in queries:
        yield {"json": {"query": query}}
        yield {"data": {"q": query, "name": value, "photos": "1", "format": "zip"}}
    yield {"json": {"tag": value, "photos": [1]}}
    yield {"json": {"kind": "add", "root": 0, "folder": value}}
    for name, content in POINTING.items():
        file = content.replace("%s", value).encode()
        yield {"data": {"picture": (io.BytesIO(file), name.replace("%s", value)), "q": value}}


@pytest.mark.parametrize("knows_characters", [True, False], ids=["newer Werkzeug", "older"])
@pytest.mark.parametrize(
    "host",
    [
        "a_b.evil.example:7860",
        "a_b.evil.example",
        "evil.example:0",
        "evil.example",
        "",
        ":7860",
        "_",
    ],
)
def test_a_name_that_no_host_can_have_is_not_a_local_one(
    readers_app: Flask, monkeypatch: pytest.MonkeyPatch, host: str, knows_characters: bool
) -> None:
    def asked_host(asked: Request) -> str:
        name = asked.headers.get("Host", "")
        return "" if knows_characters and re.search("_|:0$|^:", name) else name

    host_of_all = property(asked_host, lambda *_: None)
    monkeypatch.setattr("flask.wrappers.Request.host", host_of_all)
    client = readers_app.test_client()
    status = 200 if host == "_" and not knows_characters else 400  # it is a name without a dot
    assert client.get("/help", headers={**PROGRAM, "Host": host}).status_code == status
    for known in ("localhost:7860", "192.0.2.1", "[2001:db8::1]:7860", "photos.local"):
        assert client.get("/help", headers={**PROGRAM, "Host": known}).status_code == 200
