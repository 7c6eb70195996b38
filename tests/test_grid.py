"""What the server makes of a grid: tiles and why they are there, thumbnails to keep, exports."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import BinaryIO

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.catalog.photos import Photo, photo
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.parts import Box, Part
from search import Result
from search.export.archive import MISSING, archive
from web import create_app
from web.pages import selection
from web.searching import tiles
from web.state import ARCHIVES

Index = Callable[..., Summary]
STYLE = Path(tiles.__file__).parents[1] / "static" / "style" / "grid.css"
FOREVER = "private, max-age=31536000, immutable"


@pytest.fixture
def client(
    settings: Settings, index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    index(photos)
    app = create_app(settings)
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


@pytest.fixture
def ids(client: FlaskClient) -> list[int]:
    """The numbers of the photos as the first page shows them."""
    return [int(number) for number in re.findall(r'<li class="r\d+" data-id="(\d+)"', page(client))]


@pytest.fixture
def some(client: FlaskClient, library: Library, ids: list[int]) -> Photo:
    with library.catalog.read() as session:
        return photo(session, ids[0])


def page(client: FlaskClient, address: str = "/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.text


def at_its_path(photo: Photo) -> BinaryIO:
    return photo.path.open("rb")


def export(client: FlaskClient, form: str, *ids: int) -> TestResponse:
    named = ",".join(map(str, ids))
    return client.post("/selection/export", data={"format": form, "photos": named}, buffered=True)


# Tiles


@pytest.mark.parametrize(
    ("width", "height", "nearest"),
    [(4000, 3000, 133), (3000, 4000, 75), (500, 500, 100), (6000, 4000, 150), (1920, 1080, 178),
     (9000, 1000, 300), (10, 3000, 40), (1, 1, 100)],
)  # fmt: skip
def test_a_tile_has_the_nearest_shape(some: Photo, width: int, height: int, nearest: int) -> None:
    assert tiles.ratio(replace(some, width=width, height=height)) == nearest


def test_no_picture_is_cut_much(some: Photo) -> None:
    for width in range(410, 2990, 7):
        shape = width / 1000
        known = tiles.ratio(replace(some, width=width, height=1000)) / 100
        assert max(known / shape, shape / known) < 1.034


def test_every_shape_and_every_bar_has_its_class() -> None:
    style = STYLE.read_text("utf-8")
    shapes = {
        int(name): float(value) for name, value in re.findall(r"\.r(\d+) { --r: ([\d.]+) }", style)
    }
    assert shapes == {ratio: ratio / 100 for ratio in tiles.RATIOS}
    bars = {
        int(name): float(value) for name, value in re.findall(r"\.p(\d+) { --p: ([\d.]+) }", style)
    }
    assert bars == {share: share / 100 for share in range(0, 101, 2)}
    assert {tiles.share(number / 1000) for number in range(1001)} == set(bars)


def test_a_tile_has_dimensions_a_shape_and_a_preview(client: FlaskClient, some: Photo) -> None:
    (tile,) = re.findall(rf'<li class="r133" data-id="{some.id}">.*', page(client))
    assert 'width="64" height="48"' in tile
    (kept,) = re.findall(r'data-blur="([^"]*)"', tile)
    assert base64.b64decode(kept) == some.blur
    assert "style=" not in tile


def test_a_photo_without_a_preview_is_shown_all_the_same(some: Photo) -> None:
    assert tiles.blur(replace(some, blur=None)) is None
    assert tiles.blur(replace(some, blur=bytes(48))) == "A" * 64


@pytest.mark.parametrize(
    ("result", "named", "looks"),
    [
        ({}, "", ""),
        ({"similarity": 0.3}, "", "looks like it"),
        ({"similarity": 0.3, "probability": 0.7}, "", "looks like it"),
        ({"similarity": 0.3, "probability": 0.3}, "", "looks a little like it"),
        ({"similarity": 0.3, "probability": 0.01}, "", "hardly looks like it"),
        ({"similarity": 0.3, "probability": 0.01, "fields": ("tags", "name")}, "tags, name", ""),
        ({"similarity": 0.3, "probability": 0.9, "fields": ("name",)}, "name", "looks like it"),
        ({"similarity": 0.3, "part": Part(Box(0, 0, 0.3, 0.3))}, "", "looks like it, upper left"),
        ({"fields": ("folder",)}, "folder", ""),
    ],
)  # fmt: skip
def test_a_result_says_why_it_is_there(
    client: FlaskClient, some: Photo, result: dict[str, object], named: str, looks: str
) -> None:
    with client.application.test_request_context():
        shown = Result(some, **result)  # type: ignore[arg-type]
        assert (tiles.named(shown), tiles.looks(shown)) == (named, looks)


def test_reasons_stand_in_the_page(client: FlaskClient) -> None:
    found = page(client, "/?q=red")
    (first, *_) = re.findall(r'<span class="why">(.*?)</span><span class="score', found)
    assert re.sub("<[^>]*>", "", first) == "name, looks like it"


def test_a_query_stands_once_in_a_grid(client: FlaskClient, ids: list[int]) -> None:
    found = page(client, "/?q=red+OR+blue")
    grid = found.partition('<form class="photos"')[2].partition("</form>")[0]
    buttons = re.findall(r'<button name="(more|less)" value="(\d+)">', grid)
    assert len(buttons) == 2 * len(ids)
    assert len(re.findall(r'value="[^"]*OR', grid)) == 1


def test_likes_ask_for_a_photo(client: FlaskClient, ids: list[int]) -> None:
    answer = client.get(f"/like?q=red&less={ids[0]}")
    assert answer.status_code == 303
    assert unescape(answer.headers["Location"]) == f"/?q=red+-like:{ids[0]}"
    assert client.get(f"/like?more={ids[0]}").headers["Location"] == f"/?q=like:{ids[0]}"
    by_a_part = client.get(f"/like?q=like:{ids[0]}@0,0,1,0.5&less={ids[0]}")
    assert unescape(by_a_part.headers["Location"]).endswith(
        f"q=like:{ids[0]}@0,0,1,0.5+-like:{ids[0]}"
    )
    for odd in ("", "?more=", "?more=abc", "?less=-1", "?more=" + "9" * 40, "?q=date:no&more=1"):
        assert client.get(f"/like{odd}").status_code == 400


# Thumbnails


def test_thumbnails_named_by_their_content_are_kept_for_good(
    client: FlaskClient, some: Photo
) -> None:
    for kind in ("thumbnails", "previews"):
        named = client.get(f"/{kind}/{some.id}?v={some.version}")
        assert named.headers["Cache-Control"] == FOREVER
        for other in ("", "?v=", "?v=000000000000", f"?v={some.version}0"):
            answer = client.get(f"/{kind}/{some.id}{other}")
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert answer.data == named.data
            assert answer.headers["ETag"] == named.headers["ETag"]


def test_a_thumbnail_that_a_browser_has_is_not_sent_again(
    client: FlaskClient, some: Photo, photos: Path
) -> None:
    address = f"/thumbnails/{some.id}?v={some.version}"
    etag = client.get(address).headers["ETag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == FOREVER
    assert again.headers["ETag"] == etag
    other = client.get(f"/previews/{some.id}", headers={"If-None-Match": etag})
    assert other.status_code == 200


def test_a_thumbnail_costs_one_question(client: FlaskClient, some: Photo) -> None:
    address = f"/thumbnails/{some.id}?v={some.version}"
    client.get(address)
    asked: list[str] = []
    served = client.application.extensions["pixfind"].library()
    event.listen(
        served.catalog.engine, "before_cursor_execute", lambda *event: asked.append(event[2])
    )
    assert client.get(address).status_code == 200
    assert len([text for text in asked if text.startswith("SELECT")]) == 1


# Exports


def test_tables_of_chosen_photos(client: FlaskClient, ids: list[int], photos: Path) -> None:
    chosen = [ids[2], ids[0]]
    table = export(client, "csv", *chosen, ids[2], 999)
    assert table.headers["Content-Disposition"].startswith("attachment; filename=pixfind-")
    assert table.mimetype == "text/csv"
    assert [int(row["id"]) for row in csv.DictReader(io.StringIO(table.text))] == chosen
    lines = [json.loads(line) for line in export(client, "jsonl", *chosen).text.splitlines()]
    assert [line["id"] for line in lines] == chosen
    paths = export(client, "paths", *chosen).text.splitlines()
    assert paths == [line["path"] for line in lines]
    assert all(Path(path).is_relative_to(photos) for path in paths)


def test_originals_of_chosen_photos(client: FlaskClient, ids: list[int], photos: Path) -> None:
    answer = export(client, "zip", *ids)
    assert answer.headers["Content-Disposition"].endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as made:
        assert made.testzip() is None
        files = {path.name: path.read_bytes() for path in photos.rglob("*.*")}
        assert {name: made.read(name) for name in made.namelist()} == files


def test_an_archive_tells_what_is_missing(
    client: FlaskClient, ids: list[int], photos: Path
) -> None:
    (photos / "red.jpg").unlink()
    with zipfile.ZipFile(io.BytesIO(export(client, "zip", *ids).data)) as made:
        assert sorted(made.namelist()) == sorted(["green.png", "blue.webp", MISSING])
        assert made.read(MISSING).decode() == f"{photos / 'red.jpg'}\n"


def test_few_archives_are_sent_at_once(client: FlaskClient) -> None:
    """Somebody who reads slowly keeps one of the server's threads."""
    form = {"format": "zip", "photos": "1 2 3"}
    going = [client.post("/selection/export", data=form) for _ in range(ARCHIVES)]
    assert [answer.status_code for answer in going] == [200] * ARCHIVES
    assert client.post("/selection/export", data=form).status_code == 503
    assert client.post("/selection/export", data={**form, "format": "csv"}).status_code == 200
    for answer in going:
        answer.close()  # as the server does, too, when the reader has gone
    assert client.post("/selection/export", data=form).status_code == 200


def test_names_in_an_archive_are_safe_and_different(some: Photo, tmp_path: Path) -> None:
    names = ("a/photo.jpg", "b/photo.jpg", "c/PHOTO.jpg", "a:b?.png", "..jpg", "con.jpg", MISSING)
    made = []
    for number, name in enumerate(names):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]))
        made.append(replace(some, paths=(path,)))
    content = b"".join(archive(made, at_its_path))
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        read = {name: opened.read(name) for name in opened.namelist()}
    assert read == {
        "photo.jpg": b"\0",
        "photo (2).jpg": b"\1",
        "PHOTO (3).jpg": b"\2",
        "a_b_.png": b"\3",
        "jpg": b"\4",
        "_con.jpg": b"\5",
        "missing (2).txt": b"\6",
    }


def test_an_archive_is_made_while_it_is_sent(some: Photo, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bytes(3_000_000))
    endless = (replace(some, paths=(path,)) for _ in range(10**9))
    pieces = archive(endless, at_its_path)
    sizes = [len(next(pieces)) for _ in range(40)]
    assert sum(sizes) > 3_000_000
    assert max(sizes) < 400_000


@pytest.mark.parametrize(
    "data",
    [
        {"format": "zip"},
        {"format": "zip", "photos": "1,x"},
        {"format": "zip", "photos": "-1"},
        {"format": "zip", "photos": "9" * 30},
        {"format": "zip", "photos": ",".join(map(str, range(1, 1002)))},
        {"format": "csv", "photos": ",".join(map(str, range(1, 20_002)))},
        {"format": "tar", "photos": "1"},
        {"photos": "1"},
    ],
)
def test_what_cannot_be_exported_is_said(client: FlaskClient, data: dict[str, str]) -> None:
    assert client.post("/selection/export", data=data).status_code == 400


def test_photos_that_are_gone_cannot_be_exported(client: FlaskClient) -> None:
    assert export(client, "csv", 998, 999).status_code == 404


def test_exports_change_nothing_and_are_asked_for_here(
    settings: Settings, client: FlaskClient, ids: list[int]
) -> None:
    app = create_app(settings, changes=False)
    reading = app.test_client()
    assert export(reading, "csv", ids[0]).status_code == 200
    said = {"tag": "mine", "photos": str(ids[0])}
    assert reading.post("/selection/tags", data=said).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    form = {"format": "csv", "photos": str(ids[0])}
    assert client.post("/selection/export", data=form, headers=foreign).status_code == 403
    app.extensions["pixfind"].close()


# Tags


def test_photos_are_tagged_together(client: FlaskClient, ids: list[int], library: Library) -> None:
    said = {"tag": "our wall", "photos": f"{ids[0]} {ids[1]}"}
    answer = client.post("/selection/tags", data=said, headers={"Referer": "http://localhost/?q=x"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://localhost/?q=x")

    def tagged() -> list[str]:
        return re.findall(r'data-id="(\d+)"', page(client, '/?q=tag:"our+wall"'))

    assert sorted(map(int, tagged())) == sorted(ids[:2])
    client.post("/selection/tags", data=said | {"says": "withdraw", "photos": str(ids[0])})
    assert list(map(int, tagged())) == [ids[1]]
    odd = client.post("/selection/tags", data=said | {"says": "perhaps"})
    assert odd.status_code == 400
    away = client.post("/selection/tags", data=said, headers={"Referer": "http://elsewhere/"})
    assert away.headers["Location"] == "/"


def test_what_is_chosen_is_read_in_batches(
    client: FlaskClient, index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(photos / f"{number}.png")
    index(photos)
    monkeypatch.setattr(selection, "BATCH", 4)
    chosen = list(range(12, 0, -1))
    lines = export(client, "jsonl", *chosen).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == chosen


# Size


def test_a_page_repeats_a_long_query_as_little_as_it_can(
    client: FlaskClient, index: Index, photos: Path
) -> None:
    for number in range(60):
        Image.new("RGB", (64, 48), (number, 0, 200)).save(photos / f"a long name {number}.png")
    index(photos)
    for length in (13, 160, 166, 1900):
        query = "🐕" * length
        answer = client.get("/", query_string={"q": query, "all": 1})
        assert answer.text.count("data-id=") == 60
        assert len(answer.data) < 60_000
        tiles_shown = re.findall(r'<li class="r.*', answer.text)
        assert "%F0%9F" not in "".join(tiles_shown)
    assert answer.text.count(query) == 2  # in the box, and to the next page
    assert 'href="/?q=' + query in answer.text
    assert "/albums" not in re.findall(r'<form action="([^"]*)"', answer.text)
