"""The page of the library, and indexing from it without a script."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from indexer import Summary
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from web import create_app
from web.library import disk
from web.library.disk import DiskUse
from web.library.page import lasting

Index = Callable[..., Summary]
WAIT_S = 20


class Gate(FakeEncoder):
    """Encodes nothing until it is let."""

    def __init__(self, name: str = "fake") -> None:
        super().__init__(name)
        self.came = threading.Event()
        self.opened = threading.Event()

    def encode_images(self, images):
        if images:
            self.came.set()
            assert self.opened.wait(WAIT_S)
        return super().encode_images(images)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    monkeypatch.setattr(ModelStore, "load", lambda _, name: made)
    yield made
    made.opened.set()


@pytest.fixture
def make_app(settings: Settings, gate: Gate) -> Iterator[Callable[..., Flask]]:
    made: list[Flask] = []

    def make(**options: object) -> Flask:
        made.append(create_app(settings, **options))
        return made[-1]

    yield make
    gate.opened.set()
    for app in made:
        app.extensions["pixfind"].close()


@pytest.fixture
def client(make_app: Callable[..., Flask], tmp_path: Path) -> FlaskClient:
    """Folders of this test may be added."""
    return make_app(index_roots=[tmp_path]).test_client()


def main_of(client: FlaskClient, address: str = "/library/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text[answer.text.index("<main") : answer.text.index("</main>")]


def words(client: FlaskClient, address: str = "/library/") -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main_of(client, address))).split())


def links(text: str) -> dict[str, str]:
    found = re.findall(r'<a\b[^>]*href="([^"]+)"[^>]*>(.*?)</a>', text, re.DOTALL)
    return {unescape(label).strip(): unescape(href) for href, label in found}


def add(client: FlaskClient, place: str, root: int = 0) -> None:
    answer = client.post("/library/add", data={"root": root, "in": place})
    assert (answer.status_code, answer.location) == (303, "/library/")


def finish(client: FlaskClient, gate: Gate) -> None:
    gate.opened.set()
    jobs = client.application.extensions["pixfind"].jobs
    assert jobs._thread is not None
    jobs._thread.join(WAIT_S)
    assert jobs.current() is None


# What the library holds


def test_contents(
    client: FlaskClient, gate: Gate, photos: Path, index: Index, settings: Settings
) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    index(photos)
    said = words(client)
    assert str(settings.library) in said
    assert re.search(r"Photos 3 Tagged by pixfind 0 Tagged by you 0 Described 0", said)
    assert f"{photos} 3 files" in said
    assert "fake 48 numbers for each photo" in said
    assert re.search(
        r"Catalog [\d.]+ KiB .*Pictures searched by \d+ bytes Together [\d.]+ KiB", said
    )
    assert "1 file that failed" in said
    assert f"{photos / 'broken.jpg'} " in said
    text = main_of(client)
    assert re.search(r'<span class="quiet" lang="en">[^<]+</span>', text)
    query = parse_qs(urlsplit(links(text)[str(photos)]).query)["q"][0]
    assert client.get("/api/v1/search", query_string={"q": query}).json["total"] == 3


def test_folder_without_its_drive_is_told(client: FlaskClient, photos: Path, index: Index) -> None:
    index(photos)
    photos.rename(photos.with_name("elsewhere"))
    assert "Not there now" in words(client)


def test_failures_come_by_the_page(client: FlaskClient, photos: Path, index: Index) -> None:
    for number in range(60):
        (photos / f"{number:02}.jpg").write_bytes(b"no picture")
    index(photos)
    first = main_of(client)
    assert "49.jpg" in first
    assert "50.jpg" not in first
    address = links(first)["Next page"]
    assert urlsplit(address).fragment == "failures"
    second = main_of(client, address)
    assert "50.jpg" in second
    assert "49.jpg" not in second
    assert "Page 2 of 2" in words(client, address)
    assert "Next page" not in links(second)
    for odd in ("0", "-3", "99", "x", "9" * 30):
        assert client.get(f"/library/?page={odd}").status_code == 200


def test_a_large_library_is_not_measured_for_every_reader(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Library] = []
    monkeypatch.setattr(disk, "disk_use", lambda of: measured.append(of) or {"catalog": 1})
    use = DiskUse(library)
    monkeypatch.setattr(disk, "REST", 1e12)
    assert use.get() == use.get() == {"catalog": 1}
    assert measured == [library]
    always = DiskUse(library)
    monkeypatch.setattr(disk, "REST", 0)
    assert always.get() == always.get()
    assert measured == [library] * 3


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 second"), (9.4, "9 seconds"), (31, "40 seconds"), (99.9, "100 seconds"),
        (150, "2 minutes"), (5000, "83 minutes"), (3 * 3600, "3 hours"),
    ],
)  # fmt: skip
def test_durations(client: FlaskClient, seconds: float, said: str) -> None:
    with client.application.test_request_context():
        assert lasting(seconds) == said


# The first start


def test_everything_can_be_done_without_a_library(
    client: FlaskClient, gate: Gate, photos: Path, settings: Settings
) -> None:
    refused = client.get("/")
    assert refused.status_code == 503
    assert 'href="/library/add"' in refused.text[refused.text.index("<main") :]
    assert "There are no photos yet" in words(client)
    assert not settings.library.exists()
    listing = main_of(client, links(main_of(client))["Choose a folder"])
    inside = main_of(client, links(listing)["photos"])
    assert "Add this folder" in inside
    add(client, "photos")
    assert gate.came.wait(WAIT_S)
    assert "Reading photos 0 of 3 files" in words(client)
    meanwhile = client.get("/")
    assert meanwhile.status_code == 503
    assert "See how far it is" in meanwhile.text
    assert 'href="/library/add"' not in meanwhile.text
    finish(client, gate)
    assert "Done: 3 new. 3 photos can be found." in words(client)
    assert client.get("/api/v1/search?q=red").json["total"] > 0


def test_without_roots_the_command_line_is_told(
    make_app: Callable[..., Flask], photos: Path, index: Index
) -> None:
    client = make_app().test_client()
    said = words(client)
    assert "pixfind index ~/Pictures" in said
    assert "pixfind serve --allow-index ~/Pictures" in said
    assert "library/add" not in main_of(client)
    assert "--allow-index" in client.get("/library/add").text
    index(photos)
    assert "pixfind serve --allow-index ~/Pictures" in words(client)
    assert "Bring up to date" in words(client)


def test_a_library_without_photos(client: FlaskClient, library: Library) -> None:
    assert "There are no photos yet" in words(client)
    assert "Choose a folder" in links(main_of(client))


# Folders to add


def test_folders_are_shown_with_their_photos(client: FlaskClient, photos: Path) -> None:
    said = words(client, "/library/add?root=0&in=photos")
    assert "Here: 2 photos." in said
    assert "inner 1 photo" in said
    text = main_of(client, "/library/add?root=0&in=photos/inner")
    assert '<input type="hidden" name="in" value="photos/inner">' in text
    assert links(text)["photos"] == "/library/add?root=0&in=photos"


def test_several_roots_are_listed(make_app: Callable[..., Flask], photos: Path) -> None:
    client = make_app(index_roots=[photos, photos / "inner"]).test_client()
    known = links(main_of(client, "/library/add"))
    assert known[str(photos / "inner")] == "/library/add?root=1"
    assert "Here: 1 photo." in words(client, "/library/add?root=1")


def test_a_folder_that_the_library_has(client: FlaskClient, photos: Path, index: Index) -> None:
    index(photos)
    for place in ("photos", "photos/inner"):
        assert "The library has this folder" in words(client, f"/library/add?root=0&in={place}")
    assert "The library has" not in words(client, "/library/add?root=0")


@pytest.mark.parametrize("place", ["..", "photos/../..", "nowhere", "/etc"])
def test_other_folders_are_refused(client: FlaskClient, photos: Path, place: str) -> None:
    assert client.get("/library/add", query_string={"root": 0, "in": place}).status_code == 400
    assert client.post("/library/add", data={"root": 0, "in": place}).status_code == 400
    assert client.post("/library/add", data={"in": "photos"}).status_code == 400
    assert client.application.extensions["pixfind"].jobs.latest() is None


def test_names_are_text_and_not_markup(client: FlaskClient, tmp_path: Path, photos: Path) -> None:
    (tmp_path / "<b>&amp;").mkdir()
    text = main_of(client, "/library/add?root=0")
    assert "&lt;b&gt;&amp;amp;" in text
    assert "<b>" not in text


# Runs


def test_a_run_is_paused_goes_on_and_is_cancelled(
    client: FlaskClient, gate: Gate, photos: Path
) -> None:
    add(client, "photos")
    assert gate.came.wait(WAIT_S)
    assert "What is done stays" in words(client)
    for do, said in (("pause", "Paused"), ("resume", "Reading photos"), ("pause", "Paused")):
        answer = client.post("/library/runs/1", data={"do": do})
        assert (answer.status_code, answer.location) == (303, "/library/")
        assert said in words(client)
    assert client.post("/library/runs/1", data={"do": "cancel"}).status_code == 303
    finish(client, gate)
    assert "Cancelled; what was done stays" in words(client)
    # Buttons of a page that is behind do no harm.
    for do in ("pause", "resume", "cancel"):
        assert client.post("/library/runs/1", data={"do": do}).status_code == 303
    assert client.post("/library/runs/1", data={"do": "fly"}).status_code == 400


def test_a_button_steers_its_own_run_alone(client: FlaskClient, gate: Gate, photos: Path) -> None:
    add(client, "photos")
    assert client.post("/library/runs/7", data={"do": "cancel"}).status_code == 303
    finish(client, gate)
    assert "Done: 3 new" in words(client)


def test_one_run_at_a_time(client: FlaskClient, gate: Gate, photos: Path) -> None:
    add(client, "photos")
    text = main_of(client)
    assert "/library/update" not in text
    assert "Add this folder" not in main_of(client, "/library/add?root=0&in=photos")
    for address in ("/library/update", "/library/retry", "/library/add"):
        answer = client.post(address, data={"root": 0, "in": "photos"})
        assert answer.status_code == 409
    assert client.post("/api/v1/jobs", json={"kind": "update"}).status_code == 409


def test_server_that_ends_starts_no_run(client: FlaskClient, photos: Path, index: Index) -> None:
    index(photos)
    client.application.extensions["pixfind"].jobs.end()
    assert client.post("/library/update").status_code == 409
    answer = client.post("/api/v1/jobs", json={"kind": "update"})
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")


def test_what_is_new_and_what_was_mended(
    client: FlaskClient, gate: Gate, photos: Path, index: Index
) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    index(photos)
    Image.new("RGB", (9, 9), "yellow").save(photos / "new.png")
    assert client.post("/library/update").status_code == 303
    finish(client, gate)
    assert "Bring up to date Done: 1 new. 4 photos can be found." in words(client)
    assert client.post("/library/retry").status_code == 303
    finish(client, gate)
    assert "Try failures again Done: 1 failed." in words(client)
    Image.new("RGB", (9, 9), "pink").save(photos / "broken.jpg")
    assert client.post("/library/retry").status_code == 303
    finish(client, gate)
    said = words(client)
    assert "failed" not in said.partition("Last runs")[0]
    assert said.partition("Last runs")[2].count("Try failures again") == 2


def test_a_run_that_fails_says_why(
    client: FlaskClient, gate: Gate, photos: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(photos)
    monkeypatch.setattr("indexer.run._Run.over", lambda *_: 1 / 0)
    monkeypatch.setattr("web.indexing.jobs.log.exception", lambda *_: None)
    assert client.post("/library/update").status_code == 303
    finish(client, gate)
    assert "Failed: an error that pixfind did not foresee: ZeroDivisionError" in words(client)


def test_nothing_can_be_changed_where_others_look(
    make_app: Callable[..., Flask], photos: Path, index: Index, tmp_path: Path
) -> None:
    client = make_app(changes=False, index_roots=[tmp_path]).test_client()
    assert "Nothing can be changed from here" in words(client)
    (photos / "broken.jpg").write_bytes(b"no picture")
    index(photos)
    assert "--allow-changes" in words(client)
    for address in ("/library/", "/library/add?root=0&in=photos"):
        assert "<form" not in main_of(client, address)
    for address in ("/library/update", "/library/retry", "/library/add", "/library/runs/1"):
        assert client.post(address).status_code == 403
