"""The JSON API: what its operations answer, page by page, and how they refuse."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from pydantic import TypeAdapter
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.catalog import database
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import DescriberBusyError
from pixfind.library import Library
from web import create_app
from web.api import operations
from web.api.operations import Operation, Operations
from web.photo import describing

Index = Callable[..., Summary]
MONTHS = ("2019:03:01", "2019:03:09", "2020:07:04")


class Client(FlaskClient):
    """Asks the API, and reads its documents."""

    def document(self, address: str, status: int = 200, method: str = "GET", **sent: Any) -> Any:
        """Return what an address answers with that status, just as it is described."""
        answer = self.open(f"/api/v1{address}", method=method, **sent)
        assert answer.status_code == status, answer.text
        assert answer.mimetype == "application/json"
        document = answer.get_json()
        routes = self.application.url_map.bind("localhost")
        endpoint, _ = routes.match(answer.request.path, method)
        operation = self.application.view_functions[endpoint]
        assert isinstance(operation, Operation)
        # Fields that nobody has described would be missing from what this returns.
        assert _adapter(operation.answer).validate_python(document, strict=True) == document
        return document

    def problem(
        self, address: str, status: int, method: str = "GET", **sent: Any
    ) -> dict[str, Any]:
        """Return the problem document that an address answers."""
        answer = self.open(f"/api/v1{address}", method=method, **sent)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        problem: dict[str, Any] = json.loads(answer.data)
        assert problem["type"] == "about:blank"
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
        assert answer.headers["Cache-Control"] == "no-store"
        return problem


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


@pytest.fixture(autouse=True)
def fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))


def _client(app: Flask) -> Iterator[Client]:
    app.testing = True
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    yield client
    app.extensions["pixfind"].close()


@pytest.fixture
def client(settings: Settings, photos: Path) -> Iterator[Client]:
    yield from _client(create_app(settings, index_roots=[photos.parent]))


@pytest.fixture
def readers_client(settings: Settings) -> Iterator[Client]:
    """Asks a server that lets nobody change anything."""
    yield from _client(create_app(settings, changes=False))


@pytest.fixture
def photos(photos: Path) -> Path:
    """The same with dates and a camera, a copy, and a file that is no picture."""
    for name, day in zip(("red.jpg", "green.png", "inner/blue.webp"), MONTHS, strict=True):
        with Image.open(photos / name) as image:
            exif = image.getexif()
            exif[0x0110] = "Box 1"  # the camera's model
            exif.get_ifd(0x8769)[0x9003] = f"{day} 12:00:00"  # when it was taken
            image.save(photos / name, exif=exif)
    shutil.copy(photos / "red.jpg", photos / "inner" / "copy.jpg")
    (photos / "broken.jpg").write_bytes(b"no picture")
    (photos / "empty.jpg").write_bytes(b"")
    return photos


@pytest.fixture
def ids(index: Index, photos: Path, library: Library, encoder: FakeEncoder) -> dict[str, int]:
    """The numbers of the indexed photos by colour."""
    index(photos)
    from search import SearchEngine

    results = SearchEngine(library, encoder).search("red").results
    return {next(iter(r.photo.paths)).stem.replace("copy", "red"): r.photo.id for r in results}


def pages(client: Client, address: str, items: str) -> list[Any]:
    """Follow the cursors to the end, one item a page."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        more = "&" if "?" in address else "?"
        page = client.document(f"{address}{more}limit=1&cursor={cursor}")
        assert len(page[items]) == 1
        found += page[items]
        cursor = page["cursor"]
    return found


# Searching


def test_search_in_pages(client: Client, ids: dict[str, int]) -> None:
    whole = client.document("/search?q=blue&all=1&facets=1")
    assert whole["cursor"] is None
    assert whole["results"][0]["id"] == ids["blue"]
    assert whole["facets"]["year"] == [
        {"value": "2019", "count": 2, "filter": "year:2019"},
        {"value": "2020", "count": 1, "filter": "year:2020"},
    ]
    assert pages(client, "/search?q=blue&all=1", "results") == whole["results"]
    own = client.document("/search?q=blue+limit:2")
    assert (own["total"], len(own["results"])) == (2, 2)
    assert len(client.document("/search?q=blue+limit:2&limit=1")["results"]) == 1


def test_completions(client: Client, ids: dict[str, int]) -> None:
    found = client.document("/completions?q=a+dog+came&at=10")
    assert (found["start"], found["end"]) == (6, 10)
    assert "camera:" in [one["insert"] for one in found["completions"]]
    assert set(found["completions"][0]) == {"insert", "label", "detail", "count"}
    values = client.document("/completions?q=camera:")["completions"]
    assert [(one["label"], one["count"]) for one in values] == [("Box 1", 3)]


def picture(colour: str) -> tuple[io.BytesIO, str]:
    """A file as a form sends it."""
    content = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(content, "PNG")
    content.seek(0)
    return content, "C:\\pictures\\one.png"


def test_pictures_are_brought_to_search_by(
    client: Client, ids: dict[str, int], photos: Path
) -> None:
    sent = {"picture": picture("#00f")}
    brought = client.document("/pictures", 201, "POST", data=sent)
    assert brought["like"].startswith("brought-")
    with client.get(brought["thumbnail"]) as shown:
        assert shown.mimetype == "image/jpeg"
    found = client.document(f"/search?q=like:{brought['like']}&all=1")
    assert found["results"][0]["id"] == ids["blue"]
    known = {"picture": (io.BytesIO((photos / "red.jpg").read_bytes()), "red.jpg")}
    again = client.document("/pictures", 201, "POST", data=known)
    assert again["like"] == str(ids["red"])
    with client.get(again["thumbnail"]) as shown:
        assert shown.status_code == 200


def test_what_is_no_picture_is_refused(
    client: Client, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = {"picture": (io.BytesIO(b"no picture"), "notes.jpg")}
    assert "notes.jpg" in client.problem("/pictures", 422, "POST", data=text)["detail"]
    assert "picture" in client.problem("/pictures", 400, "POST", data={})["detail"]
    assert client.problem("/pictures", 400, "POST", json={"picture": "x"})
    monkeypatch.setattr(operations, "MOST_BYTES", 100)
    assert client.problem("/pictures", 413, "POST", data={"picture": picture("red")})


# Photos


def test_photos_in_pages_the_latest_first(client: Client, ids: dict[str, int]) -> None:
    expected = [ids["blue"], ids["green"], ids["red"]]
    assert [photo["id"] for photo in pages(client, "/photos", "photos")] == expected
    assert client.document("/photos?limit=2")["total"] == 3


def test_photos_by_number(client: Client, ids: dict[str, int], photos: Path) -> None:
    asked = f"{ids['red']},{ids['blue']},999,{ids['red']}"
    found = client.document(f"/photos?ids={asked}")
    assert [photo["id"] for photo in found["photos"]] == [ids["red"], ids["blue"]]
    assert (found["total"], found["cursor"]) == (2, None)
    red = found["photos"][0]
    assert sorted(red["paths"]) == [str(photos / "inner" / "copy.jpg"), str(photos / "red.jpg")]
    assert (red["taken_at"], red["camera"]) == ("2019-03-01T12:00:00", "Box 1")
    assert client.document("/photos?ids=") == {"total": 0, "photos": [], "cursor": None}
    many = ",".join(map(str, range(1, 1001)))
    assert len(client.document(f"/photos?ids={many}")["photos"]) == 3
    for wrong in (f"{many},1001", "1,,2", "1,b", "0", "-1", "9" * 30, "1,2&cursor=x"):
        problem = client.problem(f"/photos?ids={wrong}", 400)
        assert problem["errors"][0]["parameter"] in ("ids", "cursor")


def test_neighbours_in_time(client: Client, ids: dict[str, int]) -> None:
    near = client.document(f"/photos/{ids['green']}/neighbours")
    assert [photo["id"] for photo in near["before"]] == [ids["red"]]
    assert [photo["id"] for photo in near["after"]] == [ids["blue"]]
    last = client.document(f"/photos/{ids['blue']}/neighbours?limit=1")
    assert ([photo["id"] for photo in last["before"]], last["after"]) == ([ids["green"]], [])


def test_description(client: Client, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"alt": "A barn", "sentence": "A barn.", "long": "A barn. It is red.", "model": "fake"}

    class Account:
        def document(self) -> dict[str, Any]:
            return said

    monkeypatch.setattr(describing, "Describer", lambda *_: None)
    monkeypatch.setattr(describing, "describe_photo", lambda *_: Account())
    for _ in range(2):
        assert client.document(f"/photos/{ids['red']}/description", method="POST") == said


def test_others_are_being_described(
    client: Client, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise DescriberBusyError

    monkeypatch.setattr(describing.LiveDescriber, "describe", busy)
    answer = client.post(f"/api/v1/photos/{ids['red']}/description")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("part", ["", "/similar", "/neighbours", "/tags", "/description"])
def test_photos_that_are_not_there(client: Client, ids: dict[str, int], part: str) -> None:
    method = "POST" if part == "/description" else "GET"
    for unknown in ("0", "999", str(2**63), "9" * 40, "-1", "one", "%00"):
        client.problem(f"/photos/{unknown}{part}", 404, method)


# Tags


def tags_of(client: Client, photo_id: int) -> dict[str, Any]:
    return {tag["name"]: tag for tag in client.document(f"/photos/{photo_id}/tags")["tags"]}


def test_tags_are_accepted_rejected_and_withdrawn(client: Client, ids: dict[str, int]) -> None:
    both = [ids["red"], ids["green"]]

    def say(what: str, photos: list[int]) -> list[int]:
        said = client.document(
            f"/tags/{what}", method="POST", json={"tag": "My  Barn", "photos": photos}
        )
        assert said["tag"] == "My Barn"
        changed: list[int] = said["photos"]
        return changed

    assert say("accept", both) == both
    assert say("accept", both) == []
    assert tags_of(client, ids["red"])["My Barn"] == {
        "name": "My Barn",
        "sources": [{"source": "user", "score": None}],
        "score": None,
        "rejected": False,
    }
    assert client.document("/search?q=tag:%22my+barn%22")["total"] == 2
    assert say("reject", [ids["red"]]) == [ids["red"]]
    rejected = tags_of(client, ids["red"])["My Barn"]
    assert (rejected["rejected"], rejected["sources"]) == (True, [])
    assert client.document("/tags?prefix=MY") == {
        "tags": [{"name": "My Barn", "photos": 1, "automatic": 0, "rejected": 1}],
        "cursor": None,
    }
    assert say("withdraw", both) == both
    assert tags_of(client, ids["red"]) == tags_of(client, ids["green"]) == {}


def test_what_was_said_of_a_tag_before_is_told(client: Client, ids: dict[str, int]) -> None:
    red, green, blue = ids["red"], ids["green"], ids["blue"]

    def say(what: str, photos: list[int]) -> tuple[list[int], ...]:
        said = client.document(
            f"/tags/{what}", method="POST", json={"tag": "barn", "photos": photos}
        )
        return said["photos"], said["accepted"], said["rejected"]

    assert say("accept", [red]) == ([red], [], [])
    assert say("reject", [green]) == ([green], [], [])
    assert say("accept", [red, green, blue]) == ([green, blue], [], [green])
    assert say("reject", [red, green]) == ([red, green], [red, green], [])
    assert say("withdraw", [green, blue]) == ([green, blue], [blue], [green])


def test_tags_in_pages(client: Client, ids: dict[str, int]) -> None:
    for tag, photos in (("b", ["red", "blue"]), ("a", ["red"]), ("c", ["green"])):
        chosen = [ids[name] for name in photos]
        client.document("/tags/accept", method="POST", json={"tag": tag, "photos": chosen})
    assert [tag["name"] for tag in pages(client, "/tags", "tags")] == ["b", "a", "c"]
    assert client.document("/tags?prefix=z") == {"tags": [], "cursor": None}


def test_tags_that_cannot_be(client: Client, ids: dict[str, int]) -> None:
    def refused(what: str, document: Any) -> dict[str, Any]:
        return client.problem(f"/tags/{what}", 400, "POST", json=document)

    assert "999" in refused("accept", {"tag": "barn", "photos": [ids["red"], 999]})["detail"]
    assert tags_of(client, ids["red"]) == {}
    assert refused("accept", {"tag": " ", "photos": [ids["red"]]})["title"] == "Not tagged"
    assert refused("reject", {"tag": "xyzzy", "photos": [ids["red"]]})["title"] == "No such tag"
    wrong = refused("accept", {"tag": "x", "photos": [1, "2", True], "more": 1})
    places = {error["pointer"] for error in wrong["errors"]}
    assert places == {"#/photos/1", "#/photos/2", "#/more"}
    assert refused("accept", [1])["errors"][0]["pointer"] == "#"
    assert refused("accept", {"tag": "x", "photos": list(range(1, 1002))})
    assert refused("accept", {"tag": "x", "photos": []})


# Albums


def test_albums(client: Client, ids: dict[str, int]) -> None:
    saved = client.document("/albums/Red%20ones", method="PUT", json={"query": "red year:2019"})
    assert (saved["name"], saved["query"]) == ("Red ones", "red year:2019")
    assert client.document("/albums") == {"albums": [saved]}
    assert client.document("/albums/red%20ONES") == saved
    client.document("/albums/red%20ones", method="PUT", json={"query": "green"})
    assert [one["query"] for one in client.document("/albums")["albums"]] == ["green"]
    removed = client.delete("/api/v1/albums/Red%20ones")
    assert (removed.status_code, removed.data) == (204, b"")
    client.problem("/albums/Red%20ones", 404)
    client.problem("/albums/Red%20ones", 404, "DELETE")


def test_albums_that_cannot_be(client: Client, ids: dict[str, int], photos: Path) -> None:
    mistake = client.problem("/albums/a", 400, "PUT", json={"query": "red iso:many"})
    assert mistake["position"] == 9
    assert mistake["expected"]
    client.problem("/albums/a", 400, "PUT", json={"query": "  "})
    client.problem("/albums/%01", 400, "PUT", json={"query": "red"})
    outside = {"query": f"like:{photos.parent}/secret.jpg"}
    client.problem("/albums/a", 400, "PUT", json=outside)
    assert client.document("/albums") == {"albums": []}


# The library


def test_status(client: Client, ids: dict[str, int], photos: Path) -> None:
    status = client.document("/status")
    assert (status["photos"], status["files"], status["failures"]) == (3, 4, 2)
    assert status["model"] == "fake"
    assert status["roots"] == [{"path": str(photos), "available": True}]
    assert status["bytes"]["catalog"] > 0


def test_failures_in_pages(client: Client, ids: dict[str, int], photos: Path) -> None:
    found = pages(client, "/failures", "failures")
    assert [one["path"] for one in found] == ["broken.jpg", "empty.jpg"]
    assert found[0]["root"] == str(photos)
    assert found[0]["kind"] == "decode"
    assert found[0]["reason"]


def test_duplicates(client: Client, ids: dict[str, int], photos: Path) -> None:
    found = client.document("/duplicates")
    while not found["ready"]:
        found = client.document("/duplicates")
    (group,) = found["groups"]
    assert (found["total"], found["cursor"]) == (1, None)
    assert (group["kind"], group["spare_files"]) == ("exact", 1)
    (photo,) = group["photos"]
    assert photo["photo"]["id"] == ids["red"]
    assert {file["path"] for file in photo["files"]} == {
        str(photos / "red.jpg"),
        str(photos / "inner" / "copy.jpg"),
    }


def test_ways_through_the_library(client: Client, ids: dict[str, int], photos: Path) -> None:
    assert client.document("/timeline") == {
        "months": [
            {"year": 2020, "month": 7, "photos": 1, "last": ids["blue"]},
            {"year": 2019, "month": 3, "photos": 2, "last": ids["green"]},
        ],
        "undated": 0,
    }
    folders = pages(client, "/folders", "folders")
    assert [(one["place"], one["photos"], one["inside"]) for one in folders] == [
        ("", 3, 2),
        ("inner", 2, 2),
    ]
    assert folders[1]["path"] == str(photos / "inner")
    (camera,) = client.document("/cameras")["cameras"]
    assert (camera["name"], camera["photos"]) == ("Box 1", 3)
    assert (camera["first"], camera["last"]) == ("2019-03-01", "2020-07-04")


@pytest.mark.parametrize("address", ["/failures", "/folders", "/photos", "/search?q=red"])
def test_damaged_cursors(client: Client, ids: dict[str, int], address: str) -> None:
    more = "&" if "?" in address else "?"
    first = client.document(f"{address}{more}limit=1")["cursor"]
    for damaged in (first[:-3], first + "AAAA", "é", "W10", "MQ", "bnVsbA", "WyJhIl0", "["):
        assert "cursor" in client.problem(f"{address}{more}cursor={damaged}", 400)["detail"]


def test_no_library_yet(client: Client, photos: Path) -> None:
    for address in ("/photos", "/photos/1", "/status", "/tags", "/albums", "/timeline"):
        assert "pixfind index FOLDER" in client.problem(address, 503)["detail"]
    assert client.document("/jobs") == {"jobs": []}


# Indexing


def ended(client: Client, job_id: int) -> Any:
    """Wait for the end of a run, as its events tell it."""
    with client.get(f"/api/v1/jobs/{job_id}/events") as answer:
        assert answer.mimetype == "text/event-stream"
        assert "event: end" in answer.text
    return client.document(f"/jobs/{job_id}")


def test_indexing(client: Client, ids: dict[str, int], photos: Path) -> None:
    Image.new("RGB", (64, 48), "yellow").save(photos / "yellow.png")
    started = client.document("/jobs", 202, "POST", json={"kind": "update"})
    done = ended(client, started["id"])
    assert (done["kind"], done["state"], done["total"]) == ("update", "done", 1)
    assert client.document("/status")["photos"] == 4
    retried = client.document("/jobs", 202, "POST", json={"kind": "retry"})
    assert ended(client, retried["id"])["failed"] == 2
    order = [job["id"] for job in client.document("/jobs")["jobs"]]
    assert order == [retried["id"], started["id"]]
    for what in ("pause", "resume", "cancel"):
        client.problem(f"/jobs/{retried['id']}/{what}", 409, "POST")
    client.problem(f"/jobs/{started['id']}/events", 404)
    client.problem("/jobs/99", 404)


def test_a_folder_is_added_under_a_root_alone(client: Client, photos: Path) -> None:
    asked = {"kind": "add", "root": 0, "folder": "photos/inner"}
    added = client.document("/jobs", 202, "POST", json=asked)
    assert ended(client, added["id"])["state"] == "done"
    assert client.document("/status")["photos"] == 2
    for wrong in ("..", "photos/../..", "/etc", "nowhere"):
        client.problem("/jobs", 400, "POST", json={**asked, "folder": wrong})
    client.problem("/jobs", 400, "POST", json={**asked, "root": 1})
    client.problem("/jobs", 400, "POST", json={"kind": "remove"})


def test_a_run_is_paused_and_cancelled(
    client: Client, ids: dict[str, int], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding, go_on = threading.Event(), threading.Event()
    encode = FakeEncoder.encode_images

    def held(self: FakeEncoder, *images: Any) -> Any:
        encoding.set()
        assert go_on.wait(30)
        return encode(self, *images)

    monkeypatch.setattr(FakeEncoder, "encode_images", held)
    Image.new("RGB", (64, 48), "yellow").save(photos / "yellow.png")
    job = client.document("/jobs", 202, "POST", json={"kind": "update"})
    assert encoding.wait(30)
    try:
        client.problem("/jobs", 409, "POST", json={"kind": "update"})
        for what, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelling")):
            now = client.document(f"/jobs/{job['id']}/{what}", method="POST")
            assert now["state"] == state
    finally:
        go_on.set()
    assert ended(client, job["id"])["state"] == "cancelled"


def test_another_program_is_writing(client: Client, ids: dict[str, int], library: Library) -> None:
    with library.writing():
        answer = client.post("/api/v1/jobs", json={"kind": "update"})
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0


def test_the_catalog_is_locked(
    client: Client, ids: dict[str, int], library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    body = {"tag": "barn", "photos": [ids["red"]]}
    with library.catalog.write():
        answer = client.post("/api/v1/tags/accept", json=body)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.document("/tags/accept", method="POST", json=body)["photos"] == [ids["red"]]


# What holds for all


def test_parameters_that_are_not_there(client: Client, ids: dict[str, int]) -> None:
    for address in ("/search?q=red&limt=1", "/status?verbose=1", f"/photos/{ids['red']}?limt=1"):
        (error,) = client.problem(address, 400)["errors"]
        assert error["parameter"] in ("limt", "verbose")
    (twice,) = client.problem("/search?q=red&limit=1&limit=2", 400)["errors"]
    assert twice["parameter"] == "limit"
    both = client.problem("/search?q=red&limit=0&all=2", 400)["errors"]
    assert [error["parameter"] for error in both] == ["limit", "all"]


@pytest.mark.parametrize("limit", ["1_0", " 1", "+1", "1.0", "٣", "0x1", "1e1"])
def test_numbers_are_written_with_digits(client: Client, ids: dict[str, int], limit: str) -> None:
    answer = client.get("/api/v1/photos", query_string={"limit": limit})
    assert answer.status_code == 400


def test_bodies_that_are_no_json(
    client: Client, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_json = {"content_type": "application/json"}
    for broken in (b"", b"{", b"\xff", b'{"tag": "\\ud800"}', b"[" * 100_000):
        client.problem("/tags/accept", 400, "POST", data=broken, **as_json)
    whole = json.dumps({"tag": "barn", "photos": [ids["red"]]})
    client.problem("/tags/accept", 415, "POST", data=whole, content_type="text/plain")
    monkeypatch.setattr(operations, "MOST_JSON_BYTES", 10)
    client.problem("/tags/accept", 413, "POST", data=whole, **as_json)
    assert tags_of(client, ids["red"]) == {}


def test_other_methods_and_addresses(client: Client, ids: dict[str, int]) -> None:
    refused: TestResponse = client.put("/api/v1/search?q=red")
    assert refused.status_code == 405
    assert refused.mimetype == "application/problem+json"
    assert set(refused.allow) == {"GET", "HEAD", "OPTIONS"}
    client.problem("/nothing", 404)
    assert client.head("/api/v1/photos").status_code == 200
    assert client.options("/api/v1/photos").status_code == 200


def test_answers_are_asked_for_again(client: Client, ids: dict[str, int]) -> None:
    first = client.get("/api/v1/photos")
    assert first.cache_control.no_cache
    assert first.cache_control.private
    same = client.get("/api/v1/photos", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    client.post("/api/v1/tags/accept", json={"tag": "barn", "photos": [ids["red"]]})
    other = client.get("/api/v1/photos", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


CHANGES = (
    ("POST", "/tags/accept"),
    ("POST", "/tags/reject"),
    ("POST", "/tags/withdraw"),
    ("PUT", "/albums/a"),
    ("DELETE", "/albums/a"),
    ("POST", "/photos/1/description"),
    ("POST", "/jobs"),
    ("POST", "/jobs/1/cancel"),
)


@pytest.mark.parametrize(("method", "address"), CHANGES)
def test_changes_that_are_not_allowed(
    readers_client: Client, ids: dict[str, int], method: str, address: str
) -> None:
    asked = {"tag": "barn", "photos": [1], "query": "red", "kind": "update"}
    assert "--allow-changes" in readers_client.problem(address, 403, method, json=asked)["detail"]


def test_what_changes_nothing_is_allowed(readers_client: Client, ids: dict[str, int]) -> None:
    readers_client.document("/pictures", 201, "POST", data={"picture": picture("red")})
    readers_client.document("/search?q=red")


@pytest.mark.parametrize(("method", "address"), CHANGES)
def test_changes_that_another_site_asks_for(
    client: Client, ids: dict[str, int], method: str, address: str
) -> None:
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        client.problem(address, 403, method, headers=foreign, json={})


def test_unforeseen_errors_are_problems_too(settings: Settings) -> None:
    app = create_app(settings)
    broken = Operations("broken", "Test")

    @broken.operation("GET", "/broken")
    def break_down() -> dict[str, Any]:
        """Break down."""
        raise RuntimeError("a secret")

    app.register_blueprint(broken)
    answer = app.test_client().get("/api/v1/broken")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text


# The reference


def test_reference_page(client: Client, ids: dict[str, int]) -> None:
    description = client.document("/openapi.json")
    page = client.get("/reference/").text
    for path, item in description["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in page
    assert 'href="/api/v1/search?q=a+dog+on+grass"' in page
    assert 'href="/api/v1/openapi.json"' in page
    documents = client.get("/reference/documents").text
    for name in description["components"]["schemas"]:
        assert f'id="{name}"' in documents
    assert "In pixels, upright." in documents
    for html in (page, documents):
        assert "<script>" not in html
        assert "style=" not in html
        assert len(html) < 60_000
