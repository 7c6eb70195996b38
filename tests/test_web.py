"""The web app: pages, JSON API, pictures, and what it must never give away."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from indexer import Indexer, Summary
from pixfind import open_library
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from web import create_app
from web.security import HEADERS

Index = Callable[..., Summary]
UNKNOWN = ("0", "999", str(2**63 - 1), str(2**63), "9" * 40, "-1", "1.5", "abc", "%00")
MEDIA = ("thumbnails", "previews", "originals")


class Client(FlaskClient):
    """Reads every answer to its end, so that the files behind pictures are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


@pytest.fixture
def fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is that of a fake encoder."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))


@pytest.fixture
def app(settings: Settings, fake_models: None) -> Iterator[Flask]:
    made = create_app(settings)
    made.test_client_class = Client
    made.testing = True  # an unforeseen error fails the test instead of becoming a 500
    yield made
    made.extensions["pixfind"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def ids(index: Index, photos: Path, library: Library, encoder: FakeEncoder) -> dict[str, int]:
    """The ids of the indexed pictures by colour."""
    index(photos)
    from search import SearchEngine

    results = SearchEngine(library, encoder).search("red").results
    return {result.photo.path.stem: result.photo.id for result in results}


def shown(page: TestResponse) -> list[int]:
    """The ids of the photos in a page's grid, in order."""
    assert page.status_code == 200
    return [int(i) for i in re.findall(r'<img src="/thumbnails/(\d+)\?v=', page.text)]


def test_search_page_shows_the_best_first_without_a_script(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    for colour, photo_id in ids.items():
        page = client.get("/", query_string={"q": colour})
        assert shown(page)[0] == photo_id
        assert len(shown(page)) == 3
        assert f"The 3 best of 3 photos\n    for “{colour}”" in page.text
        assert f'value="{colour}"' in page.text
        assert f'alt="{colour}.' in page.text
        assert f'href="/photos/{photo_id}?q={colour}"' in page.text
        assert "<script" not in page.text
        assert re.findall(r'<form action="/" role="search">', page.text)


def test_without_a_query_the_latest_photos_are_shown(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    for query in ({}, {"q": ""}, {"q": "  "}):
        page = client.get("/", query_string=query)
        assert "Latest photos" in page.text
        assert sorted(shown(page)) == sorted(ids.values())
        assert 'class="score"' not in page.text


def test_more_can_be_shown(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/?q=red&limit=1")
    assert shown(page) == [ids["red"]]
    more = re.search(r'class="more"><a href="([^"]+)"', page.text)
    assert more
    assert len(shown(client.get(unescape(more[1])))) == 3
    assert 'class="more"' not in client.get("/?q=red").text


def test_photo_page_shows_facts_and_similar_photos(
    client: FlaskClient, ids: dict[str, int], photos: Path
) -> None:
    page = client.get(f"/photos/{ids['red']}?q=crimson")
    assert f'src="/previews/{ids["red"]}?v=' in page.text
    assert f'href="/originals/{ids["red"]}"' in page.text
    assert f"<dd>{photos / 'red.jpg'}</dd>" in page.text
    assert "64 x 48 pixels" in page.text
    assert "<dd>JPEG</dd>" in page.text
    assert "Back to “crimson”" in page.text
    assert sorted(shown(page)) == sorted([ids["green"], ids["blue"]])
    assert "<script" not in page.text


def test_api_search(client: FlaskClient, ids: dict[str, int], photos: Path) -> None:
    answer = client.get("/api/search?q=blue&limit=2").json
    assert answer is not None
    assert list(answer) == ["query", "model", "total", "results"]
    assert (answer["query"], answer["model"], answer["total"]) == ("blue", "fake", 3)
    best, second = answer["results"]
    assert best["score"] > second["score"]
    assert best["path"] == str(photos / "inner" / "blue.webp")
    assert best["thumbnail"] == f"/thumbnails/{ids['blue']}?v={best['sha256'][:12]}"
    for kind in ("thumbnail", "preview", "original"):
        assert client.get(best[kind]).status_code == 200


def test_api_photo_and_similar(client: FlaskClient, ids: dict[str, int]) -> None:
    photo = client.get(f"/api/photos/{ids['green']}").json
    assert photo is not None
    assert (photo["id"], photo["format"], photo["width"]) == (ids["green"], "PNG", 64)
    similar = client.get(f"/api/photos/{ids['green']}/similar?limit=1").json
    assert similar is not None
    assert similar["total"] == 2
    assert similar["results"][0]["id"] in (ids["red"], ids["blue"])


def test_pictures_by_id(client: FlaskClient, ids: dict[str, int], photos: Path) -> None:
    for kind in ("thumbnails", "previews"):
        answer = client.get(f"/{kind}/{ids['green']}")
        assert answer.mimetype == "image/jpeg"
        image = Image.open(io.BytesIO(answer.data))
        assert image.size == (64, 48)
        red, green, blue = image.convert("RGB").getpixel((30, 20))  # type: ignore[misc]
        assert green > 200
        assert red + blue < 60
        again = client.get(
            f"/{kind}/{ids['green']}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304
        assert "private" in answer.headers["Cache-Control"]
        assert "public" not in answer.headers["Cache-Control"]
    original = client.get(f"/originals/{ids['green']}")
    assert original.data == (photos / "green.png").read_bytes()
    assert original.headers["Content-Disposition"] == "attachment; filename=green.png"


@pytest.mark.parametrize("photo_id", UNKNOWN)
def test_unknown_ids_are_not_found(client: FlaskClient, ids: dict[str, int], photo_id: str) -> None:
    for part in (*MEDIA, "photos"):
        answer = client.get(f"/{part}/{photo_id}")
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
    for address in (f"/api/photos/{photo_id}", f"/api/photos/{photo_id}/similar"):
        assert_problem(client.get(address), 404)


def assert_problem(answer: TestResponse, status: int) -> str:
    """Check that it is a problem document (RFC 9457) and return its detail."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    problem = answer.get_json(force=True)
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert problem["detail"]
    return str(problem["detail"])


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1.5", str(10**9), "9" * 5000, "١"])
def test_odd_limits_never_break(client: FlaskClient, ids: dict[str, int], limit: str) -> None:
    for address in ("/", f"/photos/{ids['red']}"):
        answer = client.get(address, query_string={"q": "red", "limit": limit})
        assert answer.status_code in (200, 400)
    for address in ("/api/search", f"/api/photos/{ids['red']}/similar"):
        answer = client.get(address, query_string={"q": "red", "limit": limit})
        if answer.status_code != 200:
            assert "limit" in assert_problem(answer, 400)


def test_empty_and_endless_queries(client: FlaskClient, ids: dict[str, int]) -> None:
    for address in ("/api/search", "/api/search?q=", "/api/search?q=%20%0a"):
        assert "the query is empty" in assert_problem(client.get(address), 400)
    endless = {"q": "word " * 500}
    assert "shorten" in assert_problem(client.get("/api/search", query_string=endless), 400)
    assert client.get("/", query_string=endless).status_code == 400
    for odd in ("%ff%fe", "%00", "%F0%9F%90%95", "%ed%a0%80"):
        assert client.get(f"/api/search?q={odd}").status_code == 200
        assert client.get(f"/?q={odd}").status_code == 200


def test_no_library_yet_and_then_there_is_one(
    client: FlaskClient, settings: Settings, photos: Path, encoder: FakeEncoder
) -> None:
    for address in ("/", "/?q=red", "/photos/1", "/thumbnails/1"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "pixfind index FOLDER" in answer.text
    assert "pixfind index FOLDER" in assert_problem(client.get("/api/search?q=red"), 503)
    with Library.create(settings.library) as library:
        answer = client.get("/?q=red")
        assert answer.status_code == 503
        assert "has no photos yet" in answer.text
        assert "has no photos yet" in assert_problem(client.get("/api/search?q=red"), 503)
        Indexer(library, encoder).run([photos])
    assert len(shown(client.get("/?q=red"))) == 3


def test_new_and_removed_photos_show_without_a_restart(
    client: FlaskClient, ids: dict[str, int], index: Index, photos: Path
) -> None:
    assert shown(client.get("/?q=red"))[0] == ids["red"]
    Image.new("RGB", (64, 48), "yellow").save(photos / "yellow.png")
    index(photos)
    assert len(shown(client.get("/?q=red"))) == 4
    (photos / "red.jpg").unlink()
    index(photos)
    assert ids["red"] not in shown(client.get("/?q=red"))
    assert client.get(f"/photos/{ids['red']}").status_code == 404


def test_library_may_change_its_model_while_it_is_served(
    client: FlaskClient, ids: dict[str, int], library: Library, photos: Path
) -> None:
    first = client.get("/api/search?q=red").json
    Indexer(library, FakeEncoder("other")).run([photos])
    second = client.get("/api/search?q=red").json
    assert first and second
    assert (first["model"], second["model"]) == ("fake", "other")
    assert [r["id"] for r in first["results"]] == [r["id"] for r in second["results"]]
    assert shown(client.get(f"/photos/{ids['red']}"))


def test_model_that_is_not_installed_or_another_one(
    settings: Settings, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for model, reason in ((None, "no model 'fake'"), ("pocket", "index --model pocket")):
        made = create_app(settings, model=model)
        assert reason in assert_problem(made.test_client().get("/api/search?q=red"), 503)
        made.extensions["pixfind"].close()


def test_file_that_is_gone_has_a_thumbnail_but_no_original(
    client: FlaskClient, ids: dict[str, int], photos: Path
) -> None:
    (photos / "red.jpg").unlink()
    assert client.get(f"/originals/{ids['red']}").status_code == 404
    assert client.get(f"/previews/{ids['red']}").status_code == 404
    assert client.get(f"/thumbnails/{ids['red']}").status_code == 200
    assert client.get(f"/photos/{ids['red']}").status_code == 200
    assert shown(client.get("/?q=red"))[0] == ids["red"]


def test_thumbnails_that_were_deleted_are_made_again(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    for file in library.thumbnails.rglob("*.jpg"):
        file.unlink()
    assert client.get(f"/thumbnails/{ids['red']}").status_code == 200


NASTY = ("<script>alert(1).png", '" onerror="alert(1).png', "<img src=x>.png", "a&lt;b&amp;.png")


@pytest.mark.parametrize("name", NASTY)
def test_names_and_queries_are_text_not_markup(
    client: FlaskClient, index: Index, photos: Path, name: str
) -> None:
    (photos / "red.jpg").unlink()
    Image.new("RGB", (64, 48), "red").save(photos / name)
    index(photos)
    query = name.removesuffix(".png")
    page = client.get("/", query_string={"q": "red"})
    (first, *_) = shown(page)
    for text in (
        page.text,
        client.get("/", query_string={"q": query}).text,
        client.get(f"/photos/{first}", query_string={"q": query}).text,
        client.get("/", query_string={"q": query * 400}).text,
    ):
        assert "<script" not in text
        assert "<img src=x" not in text
        assert '" onerror="' not in text
    assert name in unescape(page.text)
    original = client.get(f"/originals/{first}")
    assert original.headers["Content-Disposition"].startswith("attachment")


def test_security_headers_are_on_every_answer(
    app: Flask, client: FlaskClient, ids: dict[str, int]
) -> None:
    seen = set()
    for rule in app.url_map.iter_rules():
        values = {"photo_id": ids["red"], "filename": "style.css"}
        address = rule.rule.replace("<int:photo_id>", "{photo_id}").format(**values)
        answer = client.get(address.replace("<path:filename>", "style.css") + "?q=red")
        assert answer.status_code == 200, rule
        assert_secure(answer)
        seen.add(rule.endpoint)
    assert len(seen) >= 9
    for address in ("/nothing", "/api/nothing", "/photos/999", "/api/search", "/?limit=0"):
        assert_secure(client.get(address))
    assert_secure(client.post("/"))


def assert_secure(answer: TestResponse) -> None:
    for header, value in HEADERS.items():
        assert answer.headers[header] == value
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_pages_keep_to_their_own_policy(client: FlaskClient, ids: dict[str, int]) -> None:
    """No inline style, no handler, nothing from elsewhere: the policy would block it."""
    for address in ("/", "/?q=red", f"/photos/{ids['red']}", "/nothing"):
        text = client.get(address).text
        assert not re.search(
            r"<style|\sstyle=|\son\w+=|javascript:|(src|href)=\"(https?:)?//", text
        )


def test_errors_of_ours_are_answered_too(
    app: Flask, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("search.engine.SearchEngine.search", fail)
    app.testing = False
    app.logger.disabled = True
    answer = app.test_client().get("/api/search?q=red")
    assert "secret" not in assert_problem(answer, 500)
    assert_secure(answer)
    assert app.test_client().get("/?q=red").status_code == 500


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.168.1.2:7860", ""])
def test_foreign_hosts_are_refused(client: FlaskClient, ids: dict[str, int], host: str) -> None:
    for address in ("/", "/api/search?q=red", f"/originals/{ids['red']}", "/static/style.css"):
        answer = client.get(address, headers={"Host": host})
        assert answer.status_code == 400
        assert "photos" not in answer.text


def test_own_names_are_answered(client: FlaskClient, ids: dict[str, int]) -> None:
    for host in (
        "localhost",
        "localhost:7860",
        "127.0.0.1:80",
        "[::1]:7860",
        "127.0.0.2",
        "LOCALHOST",
    ):
        assert client.get("/", headers={"Host": host}).status_code == 200


def test_any_host_is_answered_when_others_may_connect(
    settings: Settings, ids: dict[str, int], fake_models: None
) -> None:
    made = create_app(settings, loopback=False)
    answer = made.test_client().get("/", headers={"Host": "nas.home:7860"})
    assert answer.status_code == 200
    made.extensions["pixfind"].close()


@pytest.mark.parametrize(
    "address",
    [
        "/static/../state.py",
        "/static/%2e%2e/state.py",
        "/static/..%2fstate.py",
        "/static/..%5cstate.py",
        "/thumbnails/../catalog.db",
        "/thumbnails/..%2f..%2fcatalog.db",
        "/originals/%2fetc%2fpasswd",
        "/originals/1/../../catalog.db",
        "/previews/1%00.jpg",
        "/catalog.db",
    ],
)
def test_paths_lead_nowhere(client: FlaskClient, ids: dict[str, int], address: str) -> None:
    assert client.get(address).status_code == 404


def test_only_reading_is_possible(app: Flask, client: FlaskClient, ids: dict[str, int]) -> None:
    for rule in app.url_map.iter_rules():
        assert rule.methods is not None
        assert rule.methods <= {"GET", "HEAD", "OPTIONS"}
    assert_problem(client.post("/api/search"), 405)
    assert client.delete(f"/photos/{ids['red']}").status_code == 405


def test_names_that_are_not_utf8_can_be_shown_and_downloaded(
    client: FlaskClient, index: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "latin"
    folder.mkdir()
    try:
        Image.new("RGB", (64, 48), "red").save(folder / os.fsdecode(b"caf\xe9.png"))
    except OSError:
        pytest.skip("this file system takes only valid names")
    index(folder)
    (photo_id,) = shown(client.get("/?q=red"))
    assert "caf\ufffd.png" in client.get(f"/photos/{photo_id}").text
    assert client.get(f"/originals/{photo_id}").status_code == 200
    answer = client.get("/api/search?q=red").json
    assert answer is not None
    assert answer["results"][0]["path"].endswith("caf\ufffd.png")


def test_server_starts_answers_and_stops(tmp_path: Path, photos: Path) -> None:
    with open_library(tmp_path / "served") as library:
        library.index(photos)
    program = "from pixfind.cli.main import main; main()"
    command = [sys.executable, "-c", program, "--library", tmp_path / "served"]
    server = subprocess.Popen([*command, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        line = server.stderr.readline()
        address = re.search(r" at (http://127\.0\.0\.1:\d+/)  ", line)
        assert address, line
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with browser.open(address[1] + "?q=something+red", timeout=30) as answer:
            assert answer.status == 200
            assert answer.headers["Server"] == "pixfind"
            assert answer.read().decode().count('<img src="/thumbnails/') == 3
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        assert server.stderr.read() == ""
    finally:
        server.kill()
        server.communicate()
