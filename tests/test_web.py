"""The web app: pages, JSON API, pictures, and what it must never give away."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from PIL import Image
from werkzeug.test import TestResponse

from indexer import Indexer, Summary
from pixfind.calibration import Calibration
from pixfind.calibration.link import Link
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from search.query import Text, parse
from search.query.fields import FIELDS
from search.query.grammar import EBNF, ESCAPES, OPERATORS
from web import create_app
from web.security import HEADERS

Index = Callable[..., Summary]
UNKNOWN = ("0", "999", str(2**63 - 1), str(2**63), "9" * 40, "-1", "1.5", "abc", "%00")
MEDIA = ("thumbnails", "previews", "originals", "videos")
OUR_SCRIPT = re.compile(r'<script type="module" src="/static/script/[a-z]+\.js"></script>')


class Client(FlaskClient):
    """Reads every answer to its end, so that the files behind pictures are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


@pytest.fixture
def fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is that of a fake encoder."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))


@pytest.fixture
def calibrated(fake_models: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake encoders know that only a picture of the very colour is likely to match."""
    dim = FakeEncoder().spec.dim
    rest = {"base": -3, "per_highest": 0, "per_log_size": 0, "per_spread": 0}
    link = Link(16, -8, prior=0.01, **rest)
    known = Calibration(
        np.zeros(dim, np.float32),
        np.eye(dim, dtype=np.float32) / 16,
        text=link,
        image=link,
        cutoff=0.5,
    )
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name, 1, known))


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


def count(page: TestResponse) -> str:
    """The line that says what was found."""
    (line,) = re.findall(r'<h1 class="count"[^>]*>(.*?)</h1>', page.text)
    return unescape(line)


def links(page: TestResponse) -> dict[str, str]:
    """Where the links of a page lead, by their words."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return {
        " ".join(unescape(re.sub("<[^>]*>", "", words)).split()): unescape(address)
        for address, words in found
    }


def asked(address: str) -> dict[str, str]:
    """What an address asks for."""
    parts = urllib.parse.urlsplit(address)
    assert parts.path == "/"
    return dict(urllib.parse.parse_qsl(parts.query))


def test_search_page_shows_the_best_first_without_a_script(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    for colour, photo_id in ids.items():
        page = client.get("/", query_string={"q": colour})
        assert shown(page)[0] == photo_id
        assert len(shown(page)) == 3
        assert count(page) == "All 3 photos, best first"
        assert f'value="{colour}"' in page.text
        assert f'alt="{colour}.' in page.text
        assert f'href="/photos/{photo_id}?q={colour}"' in page.text
        assert "<script" not in OUR_SCRIPT.sub("", page.text)
        assert re.findall(r'<form action="/" role="search">', page.text)


def test_without_a_query_the_latest_photos_are_shown(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    for query in ({}, {"q": ""}, {"q": "  "}):
        page = client.get("/", query_string=query)
        assert count(page) == "All 3 photos, newest first"
        assert sorted(shown(page)) == sorted(ids.values())
        assert 'class="score' not in page.text


def test_more_can_be_shown(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/?q=red&limit=1")
    assert shown(page) == [ids["red"]]
    assert "Back to the first page" not in links(page)
    found = shown(page)
    while "Next page" in links(page):
        page = client.get(links(page)["Next page"])
        assert len(shown(page)) == 1
        assert asked(links(page)["Back to the first page"]) == {"q": "red"}
        found += shown(page)
    assert len(found) == len(set(found)) == 3
    assert 'class="more"' not in client.get("/?q=red").text


def test_photo_page_shows_facts_and_similar_photos(
    client: FlaskClient, ids: dict[str, int], photos: Path
) -> None:
    page = client.get(f"/photos/{ids['red']}?q=crimson")
    assert f'src="/previews/{ids["red"]}?v=' in page.text
    assert f'href="/originals/{ids["red"]}"' in page.text
    kept = re.search(r"<dd><a href=[^>]*>([^<]*)</a>([^<]*)</dd>\s*</dl>", page.text)
    assert kept
    assert unescape(kept[1] + kept[2]) == str(photos / "red.jpg")
    assert asked(links(page)[kept[1]]) == {"q": f"folder:{photos}"}
    assert "64 x 48 pixels" in page.text
    assert "<dd>JPEG</dd>" in page.text
    assert "Back to “crimson”" in page.text
    assert sorted(shown(page)) == sorted([ids["green"], ids["blue"]])


def test_api_search(client: FlaskClient, ids: dict[str, int], photos: Path) -> None:
    answer = client.get("/api/v1/search?q=blue&limit=2").json
    assert answer is not None
    assert list(answer) == [
        "query", "understood", "model", "total", "cutoff", "results", "nearest", "cursor"
    ]  # fmt: skip
    assert (answer["query"], answer["model"], answer["total"]) == ("blue", "fake", 3)
    best, second = answer["results"]
    assert best["score"] > second["score"]
    assert best["path"] == str(photos / "inner" / "blue.webp")
    assert best["thumbnail"] == f"/thumbnails/{ids['blue']}?v={best['sha256'][:12]}"
    for kind in ("thumbnail", "preview", "original"):
        assert client.get(best[kind]).status_code == 200


def test_api_photo_and_similar(client: FlaskClient, ids: dict[str, int]) -> None:
    photo = client.get(f"/api/v1/photos/{ids['green']}").json
    assert photo is not None
    assert (photo["id"], photo["format"], photo["width"]) == (ids["green"], "PNG", 64)
    similar = client.get(f"/api/v1/photos/{ids['green']}/similar?limit=1").json
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
    for address in (f"/api/v1/photos/{photo_id}", f"/api/v1/photos/{photo_id}/similar"):
        assert_problem(client.get(address), 404)


def assert_problem(answer: TestResponse, status: int, *members: str) -> str:
    """Check that it is a problem document (RFC 9457) and return its detail."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    problem = answer.get_json(force=True)
    assert set(problem) == {"type", "title", "status", "detail", *members}
    assert problem["status"] == status
    assert problem["detail"]
    return str(problem["detail"])


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1.5", str(10**9), "9" * 5000, "١"])
def test_odd_limits_never_break(client: FlaskClient, ids: dict[str, int], limit: str) -> None:
    for address in ("/", f"/photos/{ids['red']}"):
        answer = client.get(address, query_string={"q": "red", "limit": limit})
        assert answer.status_code in (200, 400)
    for address in ("/api/v1/search", f"/api/v1/photos/{ids['red']}/similar"):
        answer = client.get(address, query_string={"q": "red", "limit": limit})
        if answer.status_code != 200:
            assert "limit" in assert_problem(answer, 400, "errors")


def test_empty_and_odd_queries(client: FlaskClient, ids: dict[str, int]) -> None:
    for address in ("/api/v1/search", "/api/v1/search?q=", "/api/v1/search?q=%20%0a"):
        assert "the query is empty" in assert_problem(client.get(address), 400)
    for odd in ("%ff%fe", "%F0%9F%90%95", "%ed%a0%80"):
        assert client.get(f"/api/v1/search?q={odd}").status_code == 200
        assert client.get(f"/?q={odd}").status_code == 200


def test_no_library_yet_and_then_there_is_one(
    client: FlaskClient, settings: Settings, photos: Path, encoder: FakeEncoder
) -> None:
    for address in ("/", "/?q=red", "/photos/1", "/thumbnails/1"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "pixfind index FOLDER" in answer.text
    assert "pixfind index FOLDER" in assert_problem(client.get("/api/v1/search?q=red"), 503)
    with Library.create(settings.library) as library:
        answer = client.get("/?q=red")
        assert answer.status_code == 503
        assert "has no photos yet" in answer.text
        assert "has no photos yet" in assert_problem(client.get("/api/v1/search?q=red"), 503)
        Indexer(library, encoder).run([photos])
    assert len(shown(client.get("/?q=red"))) == 3


def test_library_may_be_removed_and_made_anew_while_it_is_served(
    client: FlaskClient, ids: dict[str, int], library: Library, settings: Settings, tmp_path: Path
) -> None:
    assert len(shown(client.get("/?q=red"))) == 3
    client.get("/duplicates/")
    library.close()
    shutil.rmtree(settings.library)
    assert client.get("/").status_code == 503
    form = {"says": "accept", "tag": "lost", "photos": "1"}
    assert client.post("/selection/tags", data=form).status_code == 503
    (tmp_path / "one").mkdir()
    Image.new("RGB", (64, 48), "yellow").save(tmp_path / "one" / "yellow.png")
    with Library.create(settings.library) as made:
        Indexer(made, FakeEncoder()).run([tmp_path / "one"])
    assert len(shown(client.get("/?q=red"))) == 1
    assert len(shown(client.get("/"))) == 1
    assert client.post("/selection/tags", data=form).status_code == 303
    assert client.get("/tags/").text.count("lost") > 0


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
    first = client.get("/api/v1/search?q=red").json
    Indexer(library, FakeEncoder("other")).run([photos])
    second = client.get("/api/v1/search?q=red").json
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
        assert reason in assert_problem(made.test_client().get("/api/v1/search?q=red"), 503)
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


def test_thumbnails_that_are_empty_are_made_again(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    whole = client.get(f"/thumbnails/{ids['red']}").data
    for file in library.thumbnails.rglob("*.jpg"):
        file.write_bytes(b"")  # as a power cut leaves it
    assert client.get(f"/thumbnails/{ids['red']}").data == whole
    assert whole in [file.read_bytes() for file in library.thumbnails.rglob("*.jpg")]


def test_pictures_that_cannot_be_kept_are_shown(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    whole = client.get(f"/thumbnails/{ids['red']}").data
    shutil.rmtree(library.thumbnails)
    library.thumbnails.write_text("no folder")
    assert client.get(f"/thumbnails/{ids['red']}").data == whole
    assert client.get(f"/previews/{ids['red']}").status_code == 200


def test_only_what_is_likely_is_shown(
    calibrated: None, client: FlaskClient, ids: dict[str, int]
) -> None:
    page = client.get("/?q=red")
    assert shown(page) == [ids["red"]]
    assert count(page) == "1 of 3 photos match"
    assert re.search(
        r'class="score p(9\d|100)" title="similarity 1\.00">'
        r'<span class="hidden">match </span>(9\d|&gt;99)%</span>',
        page.text,
    )
    assert 'title="where the words stand as such">name<' in page.text
    found = links(page)
    assert asked(found["stricter (67%)"]) == {"q": "red score:>=0.67"}
    assert asked(found["looser (33%)"]) == {"q": "red score:>=0.33"}
    assert asked(found["show all"]) == {"q": "red", "all": "1"}
    page = client.get(found["show all"])
    assert len(shown(page)) == 3
    assert count(page) == "All 3 photos, best first"
    assert asked(links(page)["only what matches"]) == {"q": "red"}


def test_an_empty_result_says_so_and_shows_the_nearest(
    calibrated: None, client: FlaskClient, ids: dict[str, int]
) -> None:
    page = client.get("/?q=crimson score:>0.9 -type:video")
    assert count(page).startswith("Nothing matches “crimson score:>0.9 -type:video” well. The near")
    assert sorted(shown(page)) == sorted(ids.values())
    assert asked(links(page)["looser (82%)"]) == {"q": "crimson -type:video score:>=0.82"}
    everything = links(page)["Show all, however improbable"]
    assert asked(everything) == {"q": "crimson -type:video", "all": "1"}
    assert count(client.get(everything)) == "All 3 photos, best first"
    page = client.get("/?q=crimson camera:canon")
    assert count(page) == "No photo is like that."
    assert shown(page) == []


def test_words_and_pictures_that_nothing_is_like_are_named_as_in_their_chips(
    calibrated: None, client: FlaskClient, ids: dict[str, int]
) -> None:
    page = client.get("/?q=crimson type:photo")
    assert "Without “crimson”" in links(page)
    assert 'id="hint"' in page.text
    page = client.get(f"/?q=like:{ids['red']}@0,0,0.5,1 crimson score:>0.999")
    assert count(page).startswith(f"Nothing matches “like a part of photo {ids['red']}; ")


def test_without_a_calibration_there_is_nothing_to_adjust(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    page = client.get("/?q=red")
    assert not {"show all", "only what matches"} & set(links(page))
    assert "likely" not in page.text
    assert '"similarity: the cosine to what was asked for">' in page.text
    refused = client.get("/?q=red score:>0.5")
    assert refused.status_code == 400
    assert "no calibration" in refused.text


def test_counts(client: FlaskClient, ids: dict[str, int]) -> None:
    for query, line in {
        "has:gps": "No photo is like that.",
        "file:red.jpg": "1 photo",
        "type:photo": "3 photos",
        "type:photo limit:2": "The first 2 photos, newest first",
        "red limit:2 sort:name": "The first 2 photos, by name",
        "blue -file:red.jpg": "2 of 3 photos, best first",
        "blue sort:date": "All 3 photos, oldest first",
    }.items():
        assert count(client.get("/", query_string={"q": query})) == line


def test_terms_are_shown_and_can_be_removed(client: FlaskClient, ids: dict[str, int]) -> None:
    query = f'"a red ""b"^2 -snow like:{ids["red"]} type:photo sort:date'
    page = client.get("/", query_string={"q": query, "all": 1})
    chips = page.text.partition('<ul class="chips"')[2].partition("</ul>")[0]
    meant = ('"a red"', '"b" (weight 2)', 'not: "snow"', f"like photo {ids['red']}",
             "type is photo", "oldest first")  # fmt: skip
    titles = re.findall(r'<span title="([^"]*)">(?:<a [^>]*>)?([^<]*)<', chips)
    assert [unescape(words) for _, words in titles] == list(meant)
    assert unescape(titles[1][0]) == "b^2"
    assert f'<a href="/photos/{ids["red"]}">like photo' in chips
    removed = [unescape(a) for a in re.findall(r'class="remove" href="([^"]*)"', chips)]
    rest = f"-snow like:{ids['red']} type:photo sort:date"
    assert asked(removed[0]) == {"q": f"b^2 {rest}", "all": "1"}
    assert asked(removed[5])["q"].endswith("type:photo")
    for address in removed:
        assert client.get(address).status_code == 200
    (last,) = re.findall(r'class="remove" href="([^"]*)"', client.get("/?q=red").text)
    assert last == "/"


def test_order_can_be_chosen(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/?q=red sort:name&all=1")
    assert [list(ids)[list(ids.values()).index(i)] for i in shown(page)] == ["blue", "green", "red"]
    found = links(page)
    assert asked(found["Best match"]) == {"q": "red", "all": "1"}
    assert asked(found["Newest"]) == {"q": "red sort:-date", "all": "1"}
    assert asked(found["Oldest"]) == {"q": "red sort:date", "all": "1"}
    assert re.findall(r'aria-current="true">(\w+)<', page.text) == ["Name"]
    page = client.get("/?q=type:photo")
    assert "Best match" not in links(page)
    assert re.findall(r'aria-current="true">(\w+)<', page.text) == ["Newest"]


def test_facets_narrow_the_result_down(
    client: FlaskClient, ids: dict[str, int], photos: Path, index: Index
) -> None:
    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "ACME", "One", "2019:05:01 12:00:00"
    Image.new("RGB", (64, 48), "yellow").save(photos / "yellow.jpg", exif=exif)
    index(photos)
    page = client.get("/?q=red&all=1")
    facets = page.text.partition('<nav class="facets"')[2].partition("</nav>")[0]
    assert re.findall(r"<summary>(\w+)</summary>", facets) == ["Year", "Camera", "Folder"]
    assert re.findall(r">2019</a> <span>(\d)</span>", facets) == ["1"]
    found = links(page)
    assert asked(found["2019"]) == {"q": "red year:2019", "all": "1"}
    assert f'<li title="{photos / "inner"}">' in facets
    assert asked(found["…/photos/inner"]) == {"q": f"red folder:{photos / 'inner'}", "all": "1"}
    assert len(shown(client.get(found["ACME One"]))) == 1
    narrowed = client.get(found["2019"]).text
    chosen = narrowed.partition('<nav class="facets"')[2].partition("</nav>")[0]
    assert re.findall(r"<summary[^>]*>(.*?)</summary>", chosen) == ["Year: 2019"]
    (current,) = re.findall(r'<a href="([^"]*)" aria-current="true">', chosen)
    assert asked(unescape(current)) == {"q": "red", "all": "1"}


@pytest.mark.parametrize("name", ["a\u202eb", "quote \" * | ( ) ^2 'x", "-snow", "caf\udce9"])
def test_folders_of_any_name_are_facets(
    client: FlaskClient, ids: dict[str, int], photos: Path, index: Index, name: str
) -> None:
    try:
        (photos / name).mkdir()
        Image.new("RGB", (64, 48), "white").save(photos / name / "x.png")
    except OSError:
        pytest.skip("this file system takes only valid names")
    index(photos)
    page = client.get("/?q=red")
    found = {words: address for words, address in links(page).items() if words.startswith("…")}
    typed = name.isprintable()
    assert len(found) == 1 + typed
    for address in found.values():
        assert client.get(address).status_code == 200
    if typed:
        (term,) = parse(asked(found[f"…/photos/{name}"])["q"]).filters
        assert term.values == (Text(str(photos / name).replace("*", r"\*")),)


def likes(page: TestResponse) -> dict[str, str]:
    """Where a page's buttons lead, by what they send; the query stands in their form."""
    form = page.text.partition('<form class="photos"')[2].partition("</form>")[0]
    (action,) = re.findall(r'^ action="([^"]*)"', form)
    kept = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    fields = {name: unescape(value) for name, value in kept}
    pressed = re.findall(r'<button name="([^"]*)" value="([^"]*)">([^<]*)</button>', form)
    assert all(words.lower().startswith(f"{name} like") for name, _, words in pressed)
    return {
        f"{name} {value}": f"{action}?{urllib.parse.urlencode({**fields, name: value})}"
        for name, value, _ in pressed
    }


def test_more_and_less_like_a_result(
    calibrated: None, client: FlaskClient, ids: dict[str, int]
) -> None:
    red = ids["red"]
    found = likes(client.get("/?q=red&all=1"))
    more, less = (client.get(found[f"{said} {red}"]) for said in ("more", "less"))
    assert asked(more.headers["Location"]) == {"q": f"red like:{red}", "all": "1"}
    assert asked(less.headers["Location"]) == {"q": f"red -like:{red}", "all": "1"}
    page = client.get(more.headers["Location"])
    assert red in shown(page)
    assert red not in shown(client.get(less.headers["Location"]))
    again = likes(page)
    for said, like in (("less", "-like"), ("more", "like")):
        leads = client.get(again[f"{said} {red}"]).headers["Location"]
        assert asked(leads)["q"] == f"red {like}:{red}"
    for address in ("/", "/?q=type:photo"):
        offered = likes(client.get(address))
        assert f"more {red}" in offered
        assert f"less {red}" not in offered


def test_photo_page_leads_back_and_on(client: FlaskClient, ids: dict[str, int]) -> None:
    red = ids["red"]
    found = links(client.get("/?q=crimson&all=1"))
    page = client.get(next(a for a in found.values() if a.startswith(f"/photos/{red}?")))
    assert asked(links(page)["Back to “crimson”"]) == {"q": "crimson", "all": "1"}
    assert asked(links(page)["More like this"]) == {"q": f"like:{red}"}
    assert asked(links(page)["“crimson”, more like this"])["q"] == f"crimson like:{red}"
    assert asked(links(page)["“crimson”, less like this"])["q"] == f"crimson -like:{red}"
    assert "crimson" not in client.get(f"/photos/{red}").text
    page = client.get(f'/photos/{red}?q=camra:x "')
    assert asked(links(page)['Back to “camra:x "”']) == {"q": 'camra:x "'}
    assert shown(client.get(links(page)["More like this"]))


def test_a_photo_that_the_model_has_not_seen_yet_is_shown(
    client: FlaskClient, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.pictures.assets.vector_of", lambda *_: None)
    page = client.get(f"/photos/{ids['red']}")
    assert page.status_code == 200
    assert "Similar photos" not in page.text


MISTAKES = (
    "a dog camra:canon",
    "width:big",
    '"a dog',
    "date:2021..2019",
    "a\x00dog",
    "a\u202edog",
    "\x1b[31m",
    "sort:date sort:name",
    "<b onclick=x>:y z:<i>",
    "a" * 2001,
    "🐕" * 2001,
    "'" * 10_000,
)


@pytest.mark.parametrize("query", MISTAKES, ids=lambda query: ascii(query[:12]))
def test_mistakes_are_told_and_what_was_typed_is_kept(
    client: FlaskClient, ids: dict[str, int], query: str
) -> None:
    page = client.get("/", query_string={"q": query})
    assert page.status_code == 400
    (kept,) = re.findall(r'<input id="q" name="q" type="search" value="([^"]*)"', page.text)
    visible = "".join(c if c.isprintable() else "\ufffd" for c in query)
    assert unescape(kept) == visible[:8000]
    assert ' aria-invalid="true" aria-describedby="mistake" autofocus>' in page.text
    told = re.findall(r'<p id="mistake" role="alert">(in the query at character .*)</p>', page.text)
    assert len(told) == 1
    assert len(page.data) < 60 * 1024
    assert_well_formed(page)
    answer = client.get("/api/v1/search", query_string={"q": query})
    detail = assert_problem(answer, 400, "position", "expected", "suggestion")
    assert detail == unescape(told[0])
    problem = answer.get_json(force=True)
    assert f"character {problem['position']}:" in detail
    assert problem["suggestion"] in detail


def test_the_word_of_a_mistake_is_marked(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/?q= a dog camra:x beach")
    assert "<code>a dog <mark>camra:x</mark> beach</code>" in page.text


def test_other_errors_keep_what_was_typed(client: FlaskClient, ids: dict[str, int]) -> None:
    for address in ("/?q=red&limit=0", "/?q=red&all=yes", "/photos/999?q=red", "/?q=red like:999"):
        page = client.get(address)
        assert page.status_code in (400, 404)
        assert ' value="red' in page.text


def without_name(page: TestResponse, name: str) -> str:
    assert page.status_code == 400
    quoted = (name, name.replace("&", "&amp;"))
    return page.text.replace(quoted[1], "NAME").replace(quoted[0], "NAME")


def test_no_query_makes_the_server_read_a_file(
    client: FlaskClient, ids: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there and what is not must look the same to a stranger."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Image.new("RGB", (64, 48), "red").save(tmp_path / "secret.png")
    (tmp_path / "locked").mkdir(0)
    client.get("/?q=red")  # what opens the library is not what is looked at

    def read(*given: object, **_: object) -> None:
        raise AssertionError(f"{given} was looked at")

    monkeypatch.setattr("pixfind.photos.decode.read_bytes", read)
    monkeypatch.setattr(Path, "exists", read)
    monkeypatch.setattr(Path, "stat", read)
    monkeypatch.setattr(Path, "open", read)
    unknown = without_name(client.get("/?q=like:unknown.png"), "unknown.png")
    problem = client.get("/api/v1/search?q=like:unknown.png").text
    for name in (
        "/etc/passwd", "/etc/nothing", "../secret.png", "../../x", "../locked/x", "secret.png",
        f"{tmp_path}/secret.png", f"{tmp_path}/nothing.png", str(tmp_path), ".", "..", "/",
        "/dev/zero", "/proc/self/environ", "~/secret.png", "~root/x", "//host/share/x.png",
        "file:///etc/passwd", "x" * 1900, "é.png",
    ):  # fmt: skip
        for term in (f"like:{name}", f'-like:"{name}"'):
            page = client.get("/", query_string={"q": term})
            assert f'value="{escape(term)}"' in page.text
            text = without_name(page, name)
            assert re.findall('role="alert">(.*)<', text) == re.findall(
                'role="alert">(.*)<', unknown
            )
        answer = client.get("/api/v1/search", query_string={"q": f"like:{name}"})
        assert_problem(answer, 400)
        assert answer.get_json(force=True)["detail"].replace(name, "unknown.png") in problem


def test_api_search_takes_all_that_a_search_can(
    calibrated: None, client: FlaskClient, ids: dict[str, int], photos: Path
) -> None:
    def search(**given: object) -> dict[str, Any]:
        answer = client.get("/api/v1/search", query_string=given).json
        assert answer is not None
        return answer

    found = search(q="red -snow type:photo")
    assert found["understood"] == [
        {"term": "red", "meaning": '"red"'},
        {"term": "-snow", "meaning": 'not: "snow"'},
        {"term": "type:photo", "meaning": "type is photo"},
    ]
    assert (found["total"], found["cutoff"], found["nearest"]) == (1, 0.5, [])
    (best,) = found["results"]
    assert best["score"] == best["probability"] > 0.9
    assert best["matched"] == ["name"]
    empty = search(q="crimson")
    assert (empty["total"], empty["results"], len(empty["nearest"])) == (0, [], 3)
    assert client.get(empty["nearest"][0]["thumbnail"]).status_code == 200
    everything = search(q="red", all=1)
    assert [everything[part] for part in ("total", "cutoff")] == [3, None]
    second = search(q="red", all=1, limit=1, offset=1)
    assert second["results"] == everything["results"][1:2]
    assert search(q="red", all=1, offset=3)["results"] == []
    assert "facets" not in everything
    facets = search(q="red", all=1, facets=1)["facets"]
    assert facets["folder"][0]["value"] == str(photos)
    assert facets["folder"][0]["count"] == 3
    assert len(search(q="red limit:2", all=0)["results"]) == 1
    assert len(search(q="type:photo limit:100000")["results"]) == 3


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "limit": ("0", "-1", "1001", "abc", "", "1.5", "9" * 5000, "١", "\x00"),
        "offset": ("-1", "abc", "", "1.5", "9" * 5000, "1e3", " 1"),
        "all": ("yes", "2", "true"),
        "facets": ("yes", "-1"),
    }.items(),
)
def test_api_refuses_odd_parameters(
    client: FlaskClient, ids: dict[str, int], name: str, values: tuple[str, ...]
) -> None:
    for value in values:
        answer = client.get("/api/v1/search", query_string={"q": "red", name: value})
        assert name in assert_problem(answer, 400, "errors")
        assert len(answer.data) < 1000


def test_a_photo_in_a_query_that_is_not_there(client: FlaskClient, ids: dict[str, int]) -> None:
    assert "no photo 999" in assert_problem(client.get("/api/v1/search?q=like:999"), 400)
    assert client.get("/?q=like:999").status_code == 400
    assert_problem(client.get("/api/v1/photos/999"), 404)


def test_help_shows_the_whole_language(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/help")
    text = unescape(page.text)
    for field in FIELDS.values():
        assert f"<code>{field.name}:</code>" in text
        assert f"<td>{field.meaning}</td>" in text
    for typed, meaning in OPERATORS + ESCAPES:
        assert typed in text
        assert meaning in text
    assert EBNF in text
    examples = [address for address in links(page).values() if address.startswith("/?")]
    assert len(examples) >= 8
    for address in examples:
        reason = client.get(address)
        assert reason.status_code == 200 or "no calibration" in reason.text
    assert links(client.get("/"))["How to search"] == "/help"
    assert len(page.data) < 60 * 1024


def test_help_needs_no_library(client: FlaskClient) -> None:
    assert client.get("/help").status_code == 200


class Outline(HTMLParser):
    """Checks that elements are closed in their order and ids are there once."""

    VOID = ("meta", "link", "input", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.referred: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(str(value))
            if name in ("aria-describedby", "aria-labelledby", "for"):
                self.referred.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def assert_well_formed(page: TestResponse) -> None:
    outline = Outline()
    outline.feed(page.text)
    outline.close()
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.referred) <= set(outline.ids)
    assert page.text.count("<h1") == 1
    rest = OUR_SCRIPT.sub("", page.text)
    assert not re.search("<script|javascript:|\\{\\{|\\{%", rest)


def test_pages_are_well_formed(calibrated: None, client: FlaskClient, ids: dict[str, int]) -> None:
    red = ids["red"]
    for address in (
        "/", "/help", "/?q=red", "/?q=red&all=1", "/?q=crimson", "/?q=crimson has:gps", "/nothing",
        "/?q=type:photo", f"/photos/{red}", f"/photos/{red}?q=red&all=1",
        f"/?q=like:{red} <b>&all=1",
        "/?q=camra:x", "/?q=red&limit=1&all=1", "/photos/999", f"/?q={'word ' * 300}&all=1",
    ):  # fmt: skip
        assert_well_formed(client.get(address))


def test_pages_stay_small(
    calibrated: None, client: FlaskClient, ids: dict[str, int], photos: Path, index: Index
) -> None:
    for number in range(60):
        folder = photos / f"a folder with a long name {number % 20}"
        folder.mkdir(exist_ok=True)
        exif = Image.Exif()
        exif[271], exif[272] = "ACME", f"Model {number}"
        exif[306] = f"{1990 + number % 25}:05:01 12:00:00"
        colour = (number, 200, 3 * number)
        name = f"a picture with a long name {number}.jpg"
        Image.new("RGB", (64, 48), colour).save(folder / name, exif=exif)
    index(photos)
    for length in (3, 100, 150, 165, 500, 1900):
        for query in ("a" * length, "-x " * min(length // 3, 60) + "y", "🐕" * length):
            page = client.get("/", query_string={"q": query, "all": 1})
            assert len(shown(page)) == 60
            # As though they lay in a folder of a usual name, which each tile repeats.
            content = page.data.replace(os.fsencode(photos), b"/home/somebody/Pictures/holidays")
            assert len(content) < 60 * 1024, (length, query[:3])
            more = asked(links(page)["Next page"])
            assert more.pop("cursor")
            assert more == {"q": query.strip(), "all": "1"}


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
        assert "<script" not in OUR_SCRIPT.sub("", text)
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
        if "GET" not in (rule.methods or ()):
            continue
        address = rule.rule.replace("<int:photo_id>", str(ids["red"]))
        # Operations of the API refuse what they do not take.
        query = "" if rule.endpoint.startswith("api_") and "search" not in address else "?q=red"
        answer = client.get(address.replace("<path:filename>", "style/base.css") + query)
        # A photo cannot be played, no photo is named to be liked, and no picture was brought.
        refused = {"media.video": 404, "likes.index": 400, "pictures.show": 404}
        # Nobody has saved an album or started a run, a whole photo is no part, and no word a year.
        refused |= {"api_albums.album": 404, "api_jobs.job": 404, "api_jobs.events": 404}
        refused |= {"photo.part": 400, "timeline.year": 404, "albums.cover": 400}
        refused |= {"library.browse": 400}
        assert answer.status_code == refused.get(rule.endpoint, 200), rule
        assert_secure(answer)
        seen.add(rule.endpoint)
    assert len(seen) >= 9
    for address in ("/nothing", "/api/v1/nothing", "/photos/999", "/api/v1/search", "/?limit=0"):
        assert_secure(client.get(address))
    assert_secure(client.post("/"))


def assert_secure(answer: TestResponse) -> None:
    for header, value in HEADERS.items():
        assert answer.headers[header] == value
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_pages_are_kept_by_nobody_else(client: FlaskClient, ids: dict[str, int]) -> None:
    for address in ("/", "/?q=red", f"/photos/{ids['red']}", "/library/", "/nothing"):
        caching = client.get(address).cache_control
        assert caching.private
        assert caching.no_cache


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
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("search.engine.SearchEngine.search", fail)
    app.testing = False
    monkeypatch.setattr(app.logger, "disabled", True)
    answer = app.test_client().get("/api/v1/search?q=red")
    assert "secret" not in assert_problem(answer, 500)
    assert_secure(answer)
    assert app.test_client().get("/?q=red").status_code == 500


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.168.1.2:7860", ""])
def test_foreign_hosts_are_refused(client: FlaskClient, ids: dict[str, int], host: str) -> None:
    for address in (
        "/",
        "/api/v1/search?q=red",
        f"/originals/{ids['red']}",
        "/static/style/base.css",
    ):
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
    "host",
    ["192.168.1.5:7860", "[fe80::1]:7860", "nas", "nas.local", "NAS.lan:80", "photos.example"],
)
def test_names_of_a_local_network_are_answered(
    settings: Settings, ids: dict[str, int], fake_models: None, host: str
) -> None:
    made = create_app(settings, loopback=False, names=["Photos.Example"])
    assert made.test_client().get("/", headers={"Host": host}).status_code == 200
    made.extensions["pixfind"].close()


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.5.evil.example", "local.evil.example"])
def test_names_that_anybody_could_point_here_are_refused(
    settings: Settings, ids: dict[str, int], fake_models: None, host: str
) -> None:
    made = create_app(settings, loopback=False)
    answer = made.test_client().get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "serve --name" in answer.text
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


def changing(app: Flask) -> Iterator[tuple[str, str]]:
    """Every way to change something: the method and an address."""
    for rule in app.url_map.iter_rules():
        assert rule.methods is not None
        address = re.sub(
            r"<(?:(\w+):)?\w+>", lambda kind: "1" if kind[1] == "int" else "x", rule.rule
        )
        yield from ((method, address) for method in rule.methods - {"GET", "HEAD", "OPTIONS"})


def test_nothing_can_be_changed_where_that_is_not_allowed(
    settings: Settings, ids: dict[str, int], fake_models: None
) -> None:
    made = create_app(settings, changes=False)
    made.testing = True
    client = made.test_client()
    # Nothing of the library's; what is searched by is not kept for long.
    addresses = ("/language", "/selection/export", "/pictures/", "/api/v1/pictures")
    allowed = {("POST", address) for address in addresses}
    refused = [way for way in changing(made) if way not in allowed]
    for method, address in refused:
        answer = client.open(address, method=method)
        assert answer.status_code == 403, address
        assert "--allow-changes" in answer.text
    assert_problem(client.post("/api/v1/search"), 403)
    made.extensions["pixfind"].close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ],
)
def test_pages_elsewhere_can_change_nothing(
    app: Flask, client: FlaskClient, ids: dict[str, int], headers: dict[str, str]
) -> None:
    for method, address in changing(app):
        answer = client.open(address, method=method, headers=headers)
        assert answer.status_code == 403, address
        assert "another server" in answer.text
    assert client.get("/", headers=headers).status_code == 200


def test_pages_elsewhere_can_use_nothing_that_is_read_either(
    settings: Settings, ids: dict[str, int], fake_models: None
) -> None:
    made = create_app(settings, changes=False)
    client = made.test_client()
    form = {"format": "paths", "photos": str(ids["red"])}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post("/selection/export", data=form, headers=headers)
        assert answer.status_code == 403
        assert "another server" in answer.text
    assert client.post("/selection/export", data=form).status_code == 200
    made.extensions["pixfind"].close()


def test_pages_elsewhere_can_link_to_pages_and_embed_nothing(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    def status(address: str, site: str, mode: str, destination: str) -> int:
        sent = {"Site": site, "Mode": mode, "Dest": destination}
        headers = {f"Sec-Fetch-{name}": value for name, value in sent.items()}
        return client.get(address, headers=headers).status_code

    page, thumbnail = f"/photos/{ids['red']}", f"/thumbnails/{ids['red']}"
    for site in ("cross-site", "same-site"):  # such as another port of this machine
        assert status(page, site, "navigate", "document") == 200
        assert status(f"{page}/description", site, "no-cors", "image") == 403
        assert status(page, site, "navigate", "iframe") == 403
        assert status("/api/v1/duplicates", site, "cors", "empty") == 403
        assert status(thumbnail, site, "no-cors", "image") == 403
    for site in ("same-origin", "none"):
        assert status(thumbnail, site, "no-cors", "image") == 200
    assert status("/api/v1/status", "same-origin", "cors", "empty") == 200


def test_no_form_is_as_large_as_a_file(client: FlaskClient, ids: dict[str, int]) -> None:
    numbers = " ".join(str(number) for number in range(1, 20_001))
    form = {"format": "paths", "photos": numbers}
    assert client.post("/selection/export", data=form).status_code == 200
    file = b'--x\r\nContent-Disposition: form-data; name="do"; filename="a"\r\n\r\n' + bytes(2**21)
    for address in ("/language", "/selection/export", "/albums/", "/library/runs/1"):
        answer = client.post(
            address, data=file + b"\r\n--x--\r\n", content_type="multipart/form-data; boundary=x"
        )
        assert answer.status_code == 413, address


def test_what_is_only_read_cannot_be_changed(client: FlaskClient, ids: dict[str, int]) -> None:
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        assert_problem(client.post("/api/v1/search", headers=headers), 405)
        assert client.delete(f"/photos/{ids['red']}", headers=headers).status_code == 405


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
    answer = client.get("/api/v1/search?q=red").json
    assert answer is not None
    assert answer["results"][0]["path"].endswith("caf\ufffd.png")


def test_server_starts_answers_and_stops(tmp_path: Path, photos: Path) -> None:
    with Library.create(tmp_path / "served") as library:
        Indexer(library, ModelStore(tmp_path / "models").load("pocket")).run([photos])
    program = "from pixfind.cli.main import main; main()"
    command = [sys.executable, "-c", program, "--library", tmp_path / "served"]
    server = subprocess.Popen([*command, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        line = server.stderr.readline()
        address = re.search(r" at (http://127\.0\.0\.1:\d+/)  ", line)
        assert address, line
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with browser.open(address[1] + "?q=something+red&all=1", timeout=30) as answer:
            assert answer.status == 200
            assert answer.headers["Server"] == "pixfind"
            assert answer.read().decode().count('<img src="/thumbnails/') == 3
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        assert server.stderr.read() == ""
    finally:
        server.kill()
        server.communicate()
