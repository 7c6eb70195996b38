"""The page of one photo: its facts and where they lead, its tags, its neighbours, its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.catalog import photos as catalog_photos
from pixfind.catalog import tagging
from pixfind.catalog.neighbours import neighbours_of
from pixfind.catalog.schema import Asset
from pixfind.catalog.tags import tags_on
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from search.tags import owner
from web import create_app

Index = Callable[..., Summary]
FACTS = {
    "taken_at": "2021-05-02T16:20:05",
    "camera_make": "Canon",
    "camera_model": "Canon EOS 5D",
    "lens": "EF 50mm * f/1.8",
    "iso": 400,
    "focal_length": 50.0,
    "aperture": 1.8,
    "exposure_time": 0.004,
    "latitude": -33.8568,
    "longitude": 151.2153,
    "altitude": 12.0,
    "rating": 4,
    "caption": "At the opera",
}


@pytest.fixture
def client(
    settings: Settings, index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """A browser on a library of three photos."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    index(photos)
    app = create_app(settings)
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


@pytest.fixture
def ids(client: FlaskClient, library: Library) -> dict[str, int]:
    with library.catalog.read() as session:
        formats = {a.format: a.id for a in session.query(Asset)}
    return {"red": formats["JPEG"], "green": formats["PNG"], "blue": formats["WEBP"]}


def change(library: Library, photo_id: int, **facts: Any) -> None:
    with library.catalog.write() as session:
        asset = session.get_one(Asset, photo_id)
        for name, value in facts.items():
            setattr(asset, name, value)


def links(page: TestResponse) -> dict[str, str]:
    """Where the links of a page lead, by their words."""
    assert page.status_code == 200
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return {
        " ".join(unescape(re.sub("<[^>]*>", "", words)).split()): unescape(address)
        for address, words in found
    }


def query_of(address: str) -> str:
    return dict(parse_qsl(urlsplit(address).query))["q"]


def found(client: FlaskClient, address: str) -> list[int]:
    page = client.get(address)
    assert page.status_code == 200
    grid = page.text.partition('<ol class="grid"')[2]
    return [int(i) for i in re.findall(r'src="/thumbnails/(\d+)', grid)]


# Facts


def test_every_fact_that_can_be_asked_for_leads_there(
    client: FlaskClient, ids: dict[str, int], library: Library, photos: Path
) -> None:
    red = ids["red"]
    change(library, red, **FACTS)
    page = client.get(f"/photos/{red}")
    there = links(page)
    asked = {
        "4 stars": "rating:4",
        "May 2, 2021, 4:20:05 PM": "date:2021-05-02",
        "Photos near here": "near:-33.8568,151.2153,1km",
        "Canon EOS 5D": 'camera:"=Canon EOS 5D"',
        "EF 50mm * f/1.8": r'lens:"EF 50mm \* f/1.8"',
        "f/1.8": "aperture:1.8",
        "ISO 400": "iso:400",
        "50 mm": "focal:50",
        str(photos): f"folder:{photos}",
    }
    for words, query in asked.items():
        assert query_of(there[words]) == query, words
        expected = sorted(ids.values()) if words == str(photos) else [red]
        assert sorted(found(client, there[words])) == expected, words
    assert query_of(there["64 x 48 pixels"]) == "width:64 height:48"
    assert "1/250 s" in page.text
    assert "12 m" in page.text
    assert "At the opera" in page.text


def test_a_place_is_a_link_that_tells_nobody_where_it_is_from(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    change(library, ids["red"], latitude=-33.8568, longitude=151.2153)
    page = client.get(f"/photos/{ids['red']}").text
    outside = re.findall(r'<a href="(https?:[^"]*)"([^>]*)>([^<]*)<', page)
    ((address, attributes, words),) = outside
    assert address.startswith("https://www.openstreetmap.org/?mlat=-33.85680&amp;mlon=151.21530")
    assert 'rel="noreferrer"' in attributes
    assert words == "33.85680° S, 151.21530° E"
    assert not re.search(r'(?:src|action)="https?:', page)


def test_what_is_not_known_takes_no_place(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get(f"/photos/{ids['red']}").text
    assert re.findall("<h3>([^<]*)</h3>", page) == ["File"]
    assert re.findall("<dt>([^<]*)</dt>", page) == ["Size", "Format", "Added", "File"]
    assert "Taken" not in page


# Neighbours in time


def test_neighbours_are_the_nearest_in_time(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    first, second, third = sorted(ids.values())
    change(library, first, taken_at="2021-05-02T10:00:00")
    change(library, second, taken_at="2021-05-02T10:00:00")
    change(library, third, taken_at="2021-05-02T18:30:00")

    def near(photo_id: int, each: int = 4) -> list[list[int]]:
        with library.catalog.read() as session:
            shown = catalog_photos.photo(session, photo_id)
            return [[photo.id for photo in side] for side in neighbours_of(session, shown, each)]

    assert near(second) == [[first], [third]]
    assert near(third) == [[first, second], []]
    assert near(third, 1) == [[second], []]
    assert near(first, 1) == [[], [second]]
    there = links(client.get(f"/photos/{second}"))
    assert there["← Taken before"] == f"/photos/{first}"
    assert there["Taken after →"] == f"/photos/{third}"
    assert there["18:30"] == f"/photos/{third}"
    change(library, second, taken_at=None)
    assert near(second) == [[], []]
    assert near(third) == [[first], []]
    assert "around the same time" not in client.get(f"/photos/{second}").text


def test_a_result_is_walked_through(client: FlaskClient, ids: dict[str, int]) -> None:
    way = "?q=red&all=1"
    order = found(client, f"/{way}")
    assert len(order) == len(ids)
    for place, photo_id in enumerate(order):
        there = links(client.get(f"/photos/{photo_id}{way}"))
        before, after = there.get("← Previous"), there.get("Next →")
        assert before == (f"/photos/{order[place - 1]}{way}" if place else None)
        assert after == (f"/photos/{order[place + 1]}{way}" if place + 1 < len(order) else None)
    fetched = client.get(f"/photos/{order[0]}{way}", headers={"Sec-Fetch-Dest": "empty"})
    assert "Next" not in fetched.text  # the grid knows
    for odd in ("?q=camra:x", "?q=width:1", ""):
        assert "Next" not in client.get(f"/photos/{order[0]}{odd}").text


def test_what_is_in_no_file_is_no_neighbour(
    client: FlaskClient, ids: dict[str, int], library: Library, photos: Path, index: Index
) -> None:
    for photo_id in ids.values():
        change(library, photo_id, taken_at="2021-05-02T10:00:00")
    (photos / "green.png").unlink()
    index(photos)
    with library.catalog.read() as session:
        near = neighbours_of(session, catalog_photos.photo(session, ids["red"]))
    assert [photo.id for photo in (*near.before, *near.after)] == [ids["blue"]]


# Tags


def tagged(library: Library, photo_id: int) -> dict[str, set[str]]:
    with library.catalog.read() as session:
        sources: dict[str, set[str]] = {}
        for tag in tags_on(session, [photo_id]).get(photo_id, ()):
            sources.setdefault(tag.name, set()).add(tag.source)
    return sources


def test_the_owners_word_on_tags(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    red = ids["red"]
    with library.catalog.write() as session:
        run = tagging.start_run(session, 1, "test")
        tagging.set_automatic(session, run, "test", {red: {"barn": 0.8, "snow": 0.6}})
    address = f"/photos/{red}/tags?q=a+barn&box=0,0,0.5,0.5&elsewhere=1"
    answer = client.post(address, data={"accept": "barn"})
    assert answer.status_code == 303
    assert answer.location == f"/photos/{red}?q=a+barn&box=0,0,0.5,0.5#tags"
    client.post(address, data={"reject": "snow"})
    client.post(address, data={"accept": "  our   cabin "})
    assert tagged(library, red)["barn"] == {"user"}
    assert tagged(library, red)["our cabin"] == {"user"}
    assert "snow" not in tagged(library, red)
    page = client.get(answer.location)
    assert "1 rejected tag<" in page.text  # with all that would be snow, too
    assert '<del><a href="/?q=tag:snow">snow</a></del>' in page.text
    for tag in ("our cabin", "snow", "barn"):
        assert f'name="withdraw" value="{tag}"' in page.text
        client.post(address, data={"withdraw": tag})
    assert "our cabin" not in tagged(library, red)
    assert "rejected tag" not in client.get(answer.location).text


def test_odd_words_on_tags_are_refused(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    address = f"/photos/{ids['red']}/tags"
    for data in ({}, {"praise": "barn"}, {"accept": "barn", "reject": "snow"}):
        assert client.post(address, data=data).status_code == 400
    for name in ("", "x" * 101, "a\x00b", "\u202eabc"):
        answer = client.post(address, data={"accept": name})
        assert answer.status_code == 400
        assert "1 to 100 visible characters" in answer.text
        assert 'role="alert"' in answer.text
    answer = client.post(address, data={"reject": "no such tag at all"})
    assert answer.status_code == 400
    assert "no such tag at all" in answer.text
    assert tagged(library, ids["red"]) == {}
    assert client.post("/photos/99999/tags", data={"accept": "barn"}).status_code == 404
    assert client.get(address).status_code == 405


def test_where_nothing_can_be_changed_there_are_no_forms(
    client: FlaskClient, ids: dict[str, int], library: Library, settings: Settings
) -> None:
    owner.accept(library, "barn", [str(ids["red"])])
    owner.reject(library, "cow", [str(ids["red"])])
    app = create_app(settings, changes=False)
    page = app.test_client().get(f"/photos/{ids['red']}").text
    assert "barn" in page
    assert "cow" in page
    assert "/tags" not in page.replace('href="/tags/', "")
    refused = app.test_client().post(f"/photos/{ids['red']}/tags", data={"accept": "x"})
    assert refused.status_code == 403
    app.extensions["pixfind"].close()


def test_names_that_nobody_can_type_cannot_be_changed(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    with library.catalog.write() as session:
        run = tagging.start_run(session, 1, "test")
        tagging.set_automatic(session, run, "test", {ids["red"]: {"a\x1bb": 0.8, "<b>": 0.7}})
    page = client.get(f"/photos/{ids['red']}").text
    assert "a\ufffdb" in page
    assert 'name="reject" value="a' not in page
    assert 'name="reject" value="&lt;b&gt;"' in page


# A part


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        ("left=10&top=20&width=30.5&height=40", "like:{}@0.1,0.2,0.305,0.4"),
        ("left=0&top=0&width=100&height=100", "like:{}@0,0,1,1"),
        ("left=80&top=90&width=50&height=50", "like:{}@0.8,0.9,0.2,0.1"),
        ("left=0&top=0&width=50&height=50&q=a+dog&with=1", "a dog like:{}@0,0,0.5,0.5"),
        ("left=0&top=0&width=50&height=50&q=a+dog", "like:{}@0,0,0.5,0.5"),
    ],
)
def test_a_part_leads_to_what_is_like_it(
    client: FlaskClient, ids: dict[str, int], asked: str, query: str
) -> None:
    answer = client.get(f"/photos/{ids['red']}/part?{asked}")
    assert answer.status_code == 303
    assert query_of(answer.location) == query.format(ids["red"])


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "left=a&top=0&width=1&height=1",
        "left=nan&top=0&width=50&height=50",
        "left=-1&top=0&width=50&height=50",
        "left=0&top=0&width=0&height=50",
        "left=100&top=0&width=50&height=50",
        "left=0&top=0&width=1e999&height=50",
        "left=0&top=0&width=50&height=50&with=1&q=camra:x",
    ],
)
def test_odd_parts_are_refused(client: FlaskClient, ids: dict[str, int], asked: str) -> None:
    assert client.get(f"/photos/{ids['red']}/part?{asked}").status_code == 400


# The file


def test_only_safe_pictures_are_shown_as_they_are(
    client: FlaskClient, ids: dict[str, int], photos: Path, index: Index, library: Library
) -> None:
    types = {"red": "image/jpeg", "green": "image/png", "blue": "image/webp"}
    for name, mimetype in types.items():
        shown = client.get(f"/originals/{ids[name]}?inline=1")
        assert (shown.status_code, shown.mimetype) == (200, mimetype)
        assert shown.headers["Content-Disposition"].startswith("inline")
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        shown.close()
        kept = client.get(f"/originals/{ids[name]}")
        assert kept.headers["Content-Disposition"].startswith("attachment")
        kept.close()
    assert "Open the original" in links(client.get(f"/photos/{ids['red']}"))
    Image.new("RGB", (64, 48), "yellow").save(photos / "yellow.tif")
    index(photos)
    with library.catalog.read() as session:
        tiff = session.query(Asset).filter_by(format="TIFF").one().id
    kept = client.get(f"/originals/{tiff}?inline=1")
    assert kept.headers["Content-Disposition"].startswith("attachment")
    kept.close()
    assert "Open the original" not in links(client.get(f"/photos/{tiff}"))
    assert client.get(f"/originals/{tiff}?inline=maybe").status_code == 400
