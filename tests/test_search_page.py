"""The search page: completions, pages, facets, chips, pictures that are brought, empty results."""

from __future__ import annotations

import io
import re
import shutil
import urllib.parse
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.catalog.schema import FROM_FILE
from pixfind.catalog.tags import set_tags
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from search.query import parse
from search.query.caret import place
from search.query.fields import FIELDS
from web import create_app
from web.searching.completions import MOST, Completer, Completions

Index = Callable[..., Summary]


class Client(FlaskClient):
    """Reads every answer to its end, so that the files behind pictures are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    made = create_app(settings)
    made.test_client_class = Client
    made.testing = True
    yield made
    made.extensions["pixfind"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def ids(photos: Path, index: Index, library: Library) -> dict[str, int]:
    """Photos of two cameras and three years, some with tags, by their names."""
    for number, (name, model, year) in enumerate(
        [("a", "EOS 5D", 2019), ("b", "EOS 5D", 2020), ("c", "EOS 5D Mark II", 2020)]
    ):
        exif = Image.Exif()
        exif[271], exif[272], exif[306] = "Canon", model, f"{year}:05:01 12:00:00"
        picture = Image.new("RGB", (48, 64), (10 * number, 90, 90))
        picture.save(photos / f"{name}.jpg", exif=exif)
    index(photos)
    with library.catalog.write() as session:
        from pixfind.catalog.photos import latest

        found = {photo.path.stem: photo.id for photo in latest(session, 10)}
        tags = {"a": ["Dog", "summer trip"], "b": ["dog", "drake"], "c": ["Étude"]}
        set_tags(session, {found[name]: tags[name] for name in tags}, FROM_FILE)
    return found


@pytest.fixture
def complete(app: Flask, ids: dict[str, int], library: Library) -> Callable[..., Completions]:
    """Complete a query whose caret stands at the bar, or at its end."""
    completer = Completer(library.catalog)

    def run(text: str) -> Completions:
        before, _, after = text.partition("▏")
        with app.test_request_context():  # somebody's, who reads English
            return completer.complete(before + after, len(before))

    return run


def shown(page: TestResponse) -> list[int]:
    assert page.status_code == 200
    return [int(i) for i in re.findall(r'<img src="/thumbnails/(\d+)\?v=', page.text)]


def links(page: TestResponse) -> dict[str, str]:
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return {
        " ".join(unescape(re.sub("<[^>]*>", "", words)).split()): unescape(address)
        for address, words in found
    }


def heading(page: TestResponse) -> str:
    (line,) = re.findall(r'<h1 class="count" id="count">(.*?)</h1>', page.text)
    return unescape(line)


def asked(address: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


# Where the caret stands.


@pytest.mark.parametrize(
    ("text", "field", "begun", "replaced"),
    [
        ("ca▏", None, "ca", "ca"),
        ("a dog cam▏era:x", None, "cam", "camera:"),
        ("-cam▏", None, "cam", "cam"),
        ("camera:▏", "camera", "", ""),
        ("a dog -camera:ca▏", "camera", "ca", "ca"),
        ("camera:ca▏non eos", "camera", "ca", "canon"),
        ("camera:canon|ni▏", "camera", "ni", "ni"),
        ("camera:(canon | ni▏", "camera", "ni", "ni"),
        ("camera:(ca▏|nikon)", "camera", "ca", "ca"),
        ('tag:"summer tr▏', "tag", "summer tr", '"summer tr'),
        ('tag:"summer▏ trip" x', "tag", "summer", '"summer'),
        ('tag:"su▏mmer" x', "tag", "su", '"summer"'),
        ('tag:(dog|"a b▏', "tag", "a b", '"a b'),
        ("tag:dog year:20▏", "year", "20", "20"),
        ('"a phrase" tag:d▏', "tag", "d", "d"),
        ("x^2 + tag:d▏", "tag", "d", "d"),
        ("🐕🐕 tag:d▏", "tag", "d", "d"),
    ],
)
def test_what_is_being_typed_is_told(
    text: str, field: str | None, begun: str, replaced: str
) -> None:
    before, _, after = text.partition("▏")
    found = place(before + after, len(before))
    assert found is not None
    assert (found.field.name if found.field else None, found.begun) == (field, begun)
    assert (before + after)[found.start : found.end] == replaced


@pytest.mark.parametrize(
    "text", ["▏", "a ▏", '"a do▏', 'tag:"dog"▏', "nothing:ca▏", "tag:dog ▏", "a\x00b▏", '-"x y▏']
)
def test_elsewhere_nothing_is_being_typed(text: str) -> None:
    before, _, after = text.partition("▏")
    assert place(before + after, len(before)) is None


# Completions.


def test_names_of_fields_are_completed(complete: Callable[..., Completions]) -> None:
    found = complete("a dog cam")
    assert (found.start, found.end) == (6, 9)
    camera = found.items[0]
    assert (camera.insert, camera.label) == ("camera:", "camera:")
    assert camera.detail == FIELDS["camera"].meaning
    assert not complete("c").items


def test_values_come_with_counts_the_most_used_first(
    complete: Callable[..., Completions],
) -> None:
    found = [(item.label, item.count) for item in complete("tag:d").items]
    assert found == [("Dog", 2), ("drake", 1)]
    cameras = [(item.insert, item.count) for item in complete("-camera:(x|can").items]
    assert cameras == [('"=Canon EOS 5D"', 2), ('"=Canon EOS 5D Mark II"', 1)]
    assert [item.label for item in complete("camera:mark").items] == ["Canon EOS 5D Mark II"]
    assert [(i.insert, i.count) for i in complete("year:").items] == [("2020", 2), ("2019", 1)]
    assert [(i.insert, i.count) for i in complete("type:").items] == [("photo", 6)]
    assert [i.insert for i in complete("date:2020-").items] == ["2020-05"]
    assert [(i.insert, i.count) for i in complete("month:m").items] == [("may", 3)]
    assert [(i.insert, i.count) for i in complete("orientation:").items] == [
        ("landscape", 3), ("portrait", 3)
    ]  # fmt: skip
    assert [i.insert for i in complete("sort:n").items] == ["name"]


def test_case_and_accents_written_apart_make_no_difference(
    complete: Callable[..., Completions],
) -> None:
    for typed in ("tag:ét", "tag:ÉT", "tag:e\u0301t"):
        assert [item.label for item in complete(typed).items] == ["Étude"]


def test_words_that_are_values_are_offered_as_filters(
    complete: Callable[..., Completions],
) -> None:
    assert [item.insert for item in complete("do").items] == ["tag:Dog"]
    assert [item.label for item in complete("inn").items] == ["folder:inner"]


def test_every_completion_can_be_read_and_finds_something(
    complete: Callable[..., Completions], client: FlaskClient
) -> None:
    for name in ("tag", "camera", "folder", "year", "type", "orientation", "date", "month"):
        items = complete(f"{name}:").items
        assert 0 < len(items) <= MOST
        for item in items:
            text = f"{name}:{item.insert}"
            assert len(parse(text).filters) == 1
            answer = client.get("/api/v1/search", query_string={"q": text}).get_json()
            assert answer["total"] == item.count, text


@pytest.mark.parametrize("name", ['a "quoted" * one', "a|b (c)", "-x^2"])
def test_names_with_signs_are_quoted(
    complete: Callable[..., Completions], ids: dict[str, int], library: Library, name: str
) -> None:
    with library.catalog.write() as session:
        set_tags(session, {ids["a"]: [name]}, FROM_FILE)
    (item,) = complete(f"tag:{name[0]}").items if name[0] == "-" else complete("tag:a").items[:1]
    (term,) = parse(f"tag:{item.insert}").filters
    assert term.values[0].text.replace(r"\*", "*") == name  # type: ignore[union-attr]


@pytest.mark.parametrize(("rest", "found"), [(0, ["zebra"]), (1e6, [])])
def test_new_values_are_known_at_once_unless_reading_takes_long(
    complete: Callable[..., Completions],
    ids: dict[str, int],
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    rest: float,
    found: list[str],
) -> None:
    monkeypatch.setattr("web.remembered.MOMENT_S", 0)
    monkeypatch.setattr("web.remembered.REST", rest)
    assert not complete("tag:zeb").items
    with library.catalog.write() as session:
        set_tags(session, {ids["c"]: ["zebra"]}, FROM_FILE)
    assert [item.label for item in complete("tag:zeb").items] == found


def test_completions_of_odd_queries(client: FlaskClient, ids: dict[str, int]) -> None:
    for text in (
        "",
        "\x00",
        "a" * 2000,
        "(" * 50,
        '"' * 51,
        "tag:" * 300,
        "🐕" * 500,
        "like:",
        "^",
    ):
        for at in (0, 1, len(text)):
            answer = client.get("/api/v1/completions", query_string={"q": text, "at": at})
            assert answer.status_code == 200, (text[:10], at)
            found = answer.get_json()
            assert 0 <= found["start"] <= found["end"] <= len(text)
    found = client.get("/api/v1/completions?q=a+ca&at=4").get_json()
    assert found["completions"][0]["insert"] == "camera:"


# Pages.


@pytest.mark.parametrize("query", ["", "red", "type:photo sort:name"])
def test_pages_follow_each_other_without_gaps(
    client: FlaskClient, ids: dict[str, int], query: str
) -> None:
    whole = shown(client.get("/", query_string={"q": query}))
    assert len(whole) == 6
    page = client.get("/", query_string={"q": query, "limit": 4})
    first, following = shown(page), links(page)["Next page"]
    page = client.get(following)
    assert first + shown(page) == whole
    assert "Next page" not in links(page)
    assert asked(links(page)["Back to the first page"]) == ({"q": query} if query else {})


def test_a_wrong_cursor_is_told(client: FlaskClient, ids: dict[str, int]) -> None:
    for address in ("/?cursor=abc", "/?q=red&cursor=%00", "/?q=red&cursor=" + "A" * 5000):
        page = client.get(address)
        assert page.status_code == 400
        assert "cursor" in page.text
    cursor = asked(links(client.get("/?q=red&limit=1"))["Next page"])["cursor"]
    assert client.get("/", query_string={"q": "blue", "cursor": cursor}).status_code == 400


def test_results_lie_in_one_element(client: FlaskClient, ids: dict[str, int]) -> None:
    for address in ("/", "/?q=red", "/?q=camera:none", "/?q=camra:x"):
        text = client.get(address).text
        assert text.count('<div id="results">') == 1
        before, _, after = text.partition('<div id="results">')
        assert "<h1" not in before
        assert "<h1" in after


# Facets, chips, counts.


def test_chosen_facets_can_be_taken_back(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/?q=type:photo year:2020")
    facets = page.text.partition('<nav class="facets"')[2].partition("</nav>")[0]
    titles = re.findall(r"<summary[^>]*>(.*?)</summary>", facets)
    assert titles[0] == "Year: 2020"
    assert titles[-1] == "Type: Photos"
    assert asked(links(page)["Remove 2020×"]) == {"q": "type:photo"}
    assert asked(links(page)["Remove Photos×"]) == {"q": "year:2020"}
    narrowed = client.get(links(page)["Canon EOS 5D"])
    assert shown(narrowed) == [ids["b"]]
    assert asked(links(narrowed)["Remove Canon EOS 5D×"])["q"] == "type:photo year:2020"


def test_counts_name_what_was_found(client: FlaskClient, ids: dict[str, int]) -> None:
    assert heading(client.get("/")) == "All 6 photos, newest first"
    assert heading(client.get("/?q=year:2020")) == "2 photos"
    assert heading(client.get("/?q=year:2019")) == "1 photo"


def test_a_chip_shows_the_picture_and_the_part(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get(f"/?q=like:{ids['red']}@0.25,0,0.5,1 -like:{ids['a']}")
    chips = page.text.partition('<ul class="chips"')[2].partition("</ul>")[0]
    pictures = re.findall(
        r'<img alt="" src="/thumbnails/(\d+)\?v=\w+" width="(\d+)" height="(\d+)"', chips
    )
    assert pictures == [(str(ids["red"]), "64", "48"), (str(ids["a"]), "48", "64")]
    assert re.findall("<rect ([^>]*)/>", chips) == ['x="0.25" y="0.0" width="0.5" height="1.0"']
    assert "<img" not in client.get("/?q=red").text.partition("chips")[2].partition("</ul>")[0]


def test_an_empty_result_says_what_would_find_more(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    page = client.get("/?q=year:2020 tag:dog -camera:canon")
    assert heading(page) == "No photo is like that."
    found = links(page)
    assert asked(found["Without “not: camera is canon”"]) == {"q": "year:2020 tag:dog"}
    assert shown(client.get(found["Without “not: camera is canon”"])) == [ids["b"]]
    assert "Without “tag is dog”" not in found
    assert found["All photos"] == "/"
    assert "Without" not in client.get("/?q=camera:none").text


def test_a_query_can_be_kept_as_an_album(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get("/?q=red year:2020")
    (form,) = re.findall(r'<form action="(/albums/)" method="post">(.*?)</form>', page.text, re.S)
    (query,) = re.findall(r'name="q" value="([^"]*)"', form[1])
    answer = client.post(form[0], data={"name": "Red ones", "q": unescape(query)})
    assert answer.status_code == 303
    kept = client.get("/api/v1/albums/Red%20ones").get_json()
    assert kept["query"] == "red year:2020"


def test_nothing_is_offered_that_is_not_allowed(
    settings: Settings, ids: dict[str, int], app: Flask
) -> None:
    made = create_app(settings, changes=False)
    page = made.test_client().get("/?q=red")
    assert "Save as album" not in page.text
    answer = made.test_client().post("/pictures/", data={"picture": file("white")})
    assert answer.status_code == 303  # to search by, which changes nothing
    made.extensions["pixfind"].close()


# Pictures that are brought.


def file(colour: str, name: str = "picture.png") -> tuple[io.BytesIO, str]:
    content = io.BytesIO()
    Image.new("RGB", (80, 40), colour).save(content, "PNG")
    content.seek(0)
    return content, name


def test_a_picture_is_searched_by(client: FlaskClient, ids: dict[str, int]) -> None:
    answer = client.post("/pictures/", data={"picture": file("red"), "q": " -camera:canon "})
    assert answer.status_code == 303
    query = asked(answer.headers["Location"])["q"]
    assert re.fullmatch("-camera:canon like:brought-[0-9a-f]{16}", query)
    page = client.get(answer.headers["Location"])
    assert shown(page)[0] == ids["red"]
    chips = page.text.partition('<ul class="chips"')[2].partition("</ul>")[0]
    (address,) = re.findall(r'<img alt="" src="([^"]*)" width="80" height="40"', chips)
    picture = client.get(address)
    assert picture.mimetype == "image/jpeg"
    assert Image.open(io.BytesIO(picture.data)).size == (80, 40)
    assert {"private", "immutable"} <= set(picture.headers["Cache-Control"].split(", "))
    again = client.get(address, headers={"If-None-Match": picture.headers["ETag"]})
    assert again.status_code == 304


def test_a_photo_of_the_library_is_known_again(
    client: FlaskClient, ids: dict[str, int], photos: Path
) -> None:
    same = (io.BytesIO((photos / "red.jpg").read_bytes()), "copy.jpg")
    answer = client.post(
        "/pictures/", data={"picture": [same, file("blue"), file("blue", "x.png")]}
    )
    first, second = asked(answer.headers["Location"])["q"].split()
    assert first == f"like:{ids['red']}"
    assert second.startswith("like:brought-")


def test_what_is_no_picture_is_told_in_the_form(client: FlaskClient, ids: dict[str, int]) -> None:
    for given, told in (
        ((io.BytesIO(b"no picture"), "a.png"), "a.png"),
        ((io.BytesIO(b""), ""), "choose a file"),
        ([file("red", f"{n}.png") for n in range(6)], "5 at most"),
    ):
        page = client.post("/pictures/", data={"picture": given, "q": "red"})
        assert page.status_code == 400
        (said,) = re.findall(r'<p id="mistake" role="alert">(.*?)</p>', page.text)
        assert told in said
        assert '<input type="file" name="picture"' in page.text


def test_a_picture_that_is_too_large_is_not_read(
    client: FlaskClient, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.searching.bringing.MOST_BYTES", 100)
    page = client.post("/pictures/", data={"picture": file("red")})
    assert page.status_code == 400
    assert "bring a smaller copy" in page.text


def test_pictures_that_cannot_be_kept(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    shutil.rmtree(library.folder / "pictures")
    (library.folder / "pictures").write_text("no folder")
    for address in ("/pictures/", "/api/v1/pictures"):
        answer = client.post(address, data={"picture": file("white")})
        assert answer.status_code == 503
        assert "free space" in answer.text


@pytest.mark.parametrize(
    "token", ["brought-0123456789abcdef", "x", "..%2Fcatalog.db", "brought-../../catalog", "12"]
)
def test_only_what_was_brought_is_sent(
    client: FlaskClient, ids: dict[str, int], token: str
) -> None:
    assert client.get(f"/pictures/{token}").status_code == 404


def test_the_form_keeps_the_words(client: FlaskClient, ids: dict[str, int]) -> None:
    address = links(client.get("/?q=red"))["Search by picture"]
    assert asked(address) == {"q": "red"}
    page = client.get(address)
    assert '<input name="q" value="red"' in page.text
    assert 'enctype="multipart/form-data"' in page.text
