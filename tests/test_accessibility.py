"""The pages for those who cannot see the pictures: texts, structure, what is read aloud."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.catalog import tagging
from pixfind.catalog.descriptions import description_of, keep_description
from pixfind.catalog.schema import FROM_FILE, Asset
from pixfind.catalog.tags import set_tags
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import DescriberBusyError, LibraryAccessError
from pixfind.library import Library
from search.tags import owner
from web import create_app
from web.photo import describing

Index = Callable[..., Summary]
SAID = {
    "alt": "A barn in the snow",
    "sentence": "A barn in the snow.",
    "long": "A barn in the snow. On the left is a tree. The main colour is red.",
    "model": "fake",
}
VOID = ("meta", "link", "input", "img", "br", "rect")


@dataclass
class Node:
    """An element, and what is in it in order: elements and texts."""

    tag: str
    attrs: dict[str, str | None] = field(default_factory=dict)
    inside: list[Node | str] = field(default_factory=list)

    def all(self, tag: str, **attrs: str) -> list[Node]:
        """The elements of that kind below this one, in order."""
        return [
            node for node in self.walk() if node.tag == tag and attrs.items() <= node.attrs.items()
        ]

    def one(self, tag: str, **attrs: str) -> Node:
        (node,) = self.all(tag, **attrs)
        return node

    def walk(self) -> Iterator[Node]:
        for child in self.inside:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    @property
    def text(self) -> str:
        parts = (child.text if isinstance(child, Node) else child for child in self.inside)
        return " ".join(" ".join(parts).split())


class Tree(HTMLParser):
    """Reads a page into nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(page: TestResponse) -> Node:
    assert page.status_code == 200
    tree = Tree()
    tree.feed(page.text)
    return tree.open[0]


class Client(FlaskClient):
    """Reads every answer to its end, so that the files behind pictures are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


@pytest.fixture
def client(
    settings: Settings, index: Index, photos: Path, phrases: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """A browser on a library of three photos."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    shutil.copytree(phrases, settings.cache, dirs_exist_ok=True)
    index(photos)
    app = create_app(settings)
    app.test_client_class = Client
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


@pytest.fixture
def ids(client: FlaskClient, library: Library) -> dict[str, int]:
    with library.catalog.read() as session:
        formats = {a.format: a.id for a in session.query(Asset)}
    return {"red": formats["JPEG"], "green": formats["PNG"], "blue": formats["WEBP"]}


def describe(library: Library, photo_id: int, **changes: str) -> None:
    with library.catalog.write() as session:
        keep_description(session, photo_id, 1, SAID | changes)


def recognise(library: Library, photo_id: int, **scores: float) -> None:
    """Tag a photo as a run of recognition would."""
    with library.catalog.write() as session:
        run = tagging.start_run(session, 1, "test")
        tagging.set_automatic(session, run, f"test {run}", {photo_id: scores})


def alts(client: FlaskClient, address: str) -> dict[int, str]:
    """The alternative texts of a page's thumbnails, by the ids of the photos."""
    found = {}
    for image in read(client.get(address)).all("img"):
        number = re.match(r"/thumbnails/(\d+)", image.attrs["src"] or "")
        if number:
            found[int(number[1])] = image.attrs["alt"] or ""
    return found


# Alternative texts


def test_a_grid_says_the_best_that_is_known(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    red, green, blue = ids["red"], ids["green"], ids["blue"]
    names = {red: "red.jpg", green: "green.png", blue: "blue.webp"}
    for address in ("/", "/?q=red", "/?q=type:photo"):
        assert alts(client, address) == names
    recognise(library, red, barn=0.5, snow=0.9)
    recognise(library, green, grass=0.8)
    owner.accept(library, "our cabin", [str(red)])
    with library.catalog.write() as session:
        session.get_one(Asset, green).caption = "  Our\n meadow. "
    assert alts(client, "/?q=red") == names | {red: "our cabin, snow, barn", green: "Our meadow"}
    describe(library, green)
    assert alts(client, "/?q=red")[green] == SAID["alt"]
    assert alts(client, f"/photos/{red}") == {green: SAID["alt"], blue: "blue.webp"}


def test_texts_are_short_and_never_markup(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    describe(library, ids["green"], alt='"><b>bold</b>')
    with library.catalog.write() as session:
        session.get_one(Asset, ids["red"]).caption = "a word " * 300
        session.get_one(Asset, ids["blue"]).caption = " \n "
    said = alts(client, "/")
    assert said[ids["green"]] == '"><b>bold</b>'
    assert len(said[ids["red"]]) <= 125
    assert said[ids["red"]].endswith("…")
    assert said[ids["blue"]] == "blue.webp"


def test_a_video_says_that_it_is_one(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    with library.catalog.write() as session:
        session.get_one(Asset, ids["red"]).duration = 83.4
        session.get_one(Asset, ids["blue"]).duration = 3723.0
    describe(library, ids["blue"])
    said = alts(client, "/")
    assert said[ids["red"]] == "Video, 1:23: red.jpg"
    assert said[ids["blue"]] == "Video, 1:02:03: A barn in the snow"
    page = read(client.get(f"/photos/{ids['red']}"))
    assert page.one("video").attrs["aria-label"] == "Video, 1:23: red.jpg"
    assert page.one("a", id="describe").text == "Describe this video"


def test_a_grid_describes_nothing_and_asks_the_catalog_once(
    client: FlaskClient, ids: dict[str, int], library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describing, "Describer", None)  # what calls it, fails
    describe(library, ids["red"])
    asked: list[str] = []
    served = client.application.extensions["pixfind"].library()
    event.listen(
        served.catalog.engine, "before_cursor_execute", lambda *event: asked.append(event[2])
    )
    for address in ("/", "/?q=red", f"/photos/{ids['green']}"):
        asked.clear()
        assert client.get(address).status_code == 200
        grids = [text for text in asked if "FROM description" in text and "json_each" in text]
        assert len(grids) == 1


# The page of a photo


PAGES = ("/", "/help", "/?q=red", "/?q=red camera:none", "/photos/{}", "/photos/{}/description")


@pytest.mark.parametrize("address", PAGES)
def test_every_page_can_be_walked_through(
    client: FlaskClient, ids: dict[str, int], address: str
) -> None:
    page = read(client.get(address.format(ids["red"])))
    assert page.one("html").attrs["lang"] == "en"
    (landmarks,) = [node for node in page.walk() if node.tag == "body"]
    outer = [node.tag for node in landmarks.inside if isinstance(node, Node)]
    assert outer == ["a", "header", "nav", "main", "footer"]
    assert page.one("a", **{"class": "skip"}).attrs["href"] == "#main"
    assert page.one("main").attrs["id"] == "main"
    # A role would take the heading's own away.
    assert "role" not in page.one("h1").attrs
    levels = [int(node.tag[1]) for node in page.walk() if re.fullmatch("h[1-6]", node.tag)]
    assert all(level <= before + 1 for before, level in zip([0, *levels], levels, strict=False))
    for image in page.all("img"):
        assert (image.attrs["alt"] or "").strip()
    ids_there = {node.attrs["id"] for node in page.walk() if "id" in node.attrs}
    for section in page.all("section"):
        assert section.attrs.get("aria-labelledby") in ids_there or section.all("h2")


def test_the_page_of_a_photo_in_order(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    describe(library, ids["red"])
    page = read(client.get(f"/photos/{ids['red']}")).one("main")
    marks = ("h1", "figure", "button", "h2", "dl")
    below = page.one("ol", **{"class": "grid"}).all("button")  # of the photos that are similar
    order = [n for n in page.walk() if n.tag in marks and n.tag != "dl" and n not in below]
    assert [n.text or n.tag for n in order] == [
        "red.jpg", SAID["sentence"], "Read aloud", "Description", "Tags", "Add", "Facts",
        "Search this part", "Similar photos"
    ]  # fmt: skip
    figure = page.one("figure")
    assert figure.one("img").attrs["alt"] == SAID["alt"]
    # What was heard as the alternative text is not heard again.
    assert figure.one("figcaption").attrs["aria-hidden"] == "true"
    description = page.one("div", id="description")
    assert description.attrs["lang"] == "en"
    assert [p.text for p in description.all("p")] == [
        "A barn in the snow.",
        "On the left is a tree. The main colour is red.",
        "Written by fake, a program: it may be wrong.",
    ]
    facts = page.one("dl")
    assert [n.tag for n in facts.inside if isinstance(n, Node)] == ["dt", "dd"] * 4
    assert "Tags" not in facts.text


def test_tags_say_where_they_come_from(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    red = ids["red"]
    recognise(library, red, barn=0.817, snow=0.9)
    owner.accept(library, 'home | "sweet*" home', [str(red)])
    with library.catalog.write() as session:
        set_tags(session, {red: ["Barn", "winter"]}, FROM_FILE)
    listed = read(client.get(f"/photos/{red}")).one("ul", **{"class": "tags"})
    assert [item.text for item in listed.all("li")] == [
        "barn from the file, automatic, 0.82 ✓ Accept: barn ✕ Reject: barn",
        'home | "sweet*" home yours ↶ Take back: home | "sweet*" home',
        "winter from the file ✓ Accept: winter ✕ Reject: winter",
        "snow automatic, 0.90 ✓ Accept: snow ✕ Reject: snow",
    ]
    for link in listed.all("a"):
        assert list(alts(client, link.attrs["href"] or "")) == [red]
    empty = read(client.get(f"/photos/{ids['blue']}"))
    assert "None yet." in empty.one("main").text


# Described on the way


def test_a_photo_is_described_when_somebody_asks(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    red = ids["red"]
    page = read(client.get(f"/photos/{red}?q=red+barn&box=0,0,0.6,0.6"))
    link = page.one("a", id="describe")
    assert page.one("figcaption").text == ""
    made = read(client.get(link.attrs["href"] or ""))
    with library.catalog.read() as session:
        kept = description_of(session, red)
    assert kept is not None
    assert made.one("img", id="picture").attrs["alt"] == kept.alt
    assert made.one("figcaption").text == kept.sentence
    assert kept.sentence in made.one("div", id="description").text
    assert "Back to “red barn”" in made.one("main").text
    assert made.all("svg")  # where it matches
    again = read(client.get(f"/photos/{red}"))
    assert again.one("div", id="description").text == made.one("div", id="description").text
    assert alts(client, "/")[red] == kept.alt


def test_what_is_described_is_not_described_again(
    client: FlaskClient, ids: dict[str, int], library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(library, ids["red"])
    monkeypatch.setattr(describing, "Describer", None)
    page = read(client.get(f"/photos/{ids['red']}/description"))
    assert "A barn in the snow." in page.one("div", id="description").text


def test_a_page_says_why_there_is_no_description(
    client: FlaskClient, ids: dict[str, int], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "red.jpg").unlink()
    page = read(client.get(f"/photos/{ids['red']}/description"))
    told = page.one("div", id="description").text
    assert told.startswith("This photo cannot be described:")
    assert "red.jpg" in told
    assert page.one("img", id="picture").attrs["alt"] == "red.jpg"
    assert len(page.all("dd")) == 4
    assert len(page.one("ol").all("img")) == 2

    def busy(*_: object) -> None:
        raise DescriberBusyError

    monkeypatch.setattr(describing.LiveDescriber, "describe", busy)
    page = read(client.get(f"/photos/{ids['green']}/description"))
    assert "ask again in a moment" in page.one("div", id="description").text


def test_one_photo_is_described_at_a_time(
    client: FlaskClient, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describing, "PATIENCE_S", 0)
    real, meanwhile = describing.describe_photo, []

    def interrupted(*arguments: Any) -> object:
        other = client.application.test_client()
        meanwhile.append(other.get(f"/photos/{ids['green']}/description").text)
        return real(*arguments)

    monkeypatch.setattr(describing, "describe_photo", interrupted)
    page = read(client.get(f"/photos/{ids['red']}/description"))
    assert "cannot be described" not in page.one("main").text
    assert len(meanwhile) == 1
    assert "other photos are being described" in meanwhile[0]


def test_a_library_that_cannot_be_written_to_is_described_all_the_same(
    client: FlaskClient, ids: dict[str, int], library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LibraryAccessError(library.folder, "attempt to write a readonly database")

    monkeypatch.setattr(describing, "keep_description", refuse)
    page = read(client.get(f"/photos/{ids['red']}/description"))
    told = page.one("div", id="description").text
    assert "photo" in told
    assert "cannot be described" not in told
    assert page.one("img", id="picture").attrs["alt"] != "red.jpg"
    assert read(client.get(f"/photos/{ids['red']}")).all("a", id="describe")


def test_nothing_is_described_that_is_not_there(client: FlaskClient) -> None:
    assert client.get("/photos/999/description").status_code == 404


# Scripts


def modules_of(client: FlaskClient, page: Node) -> dict[str, str]:
    """The modules that a page runs and those that they import, by address, with their texts."""
    found: dict[str, str] = {}
    tags = [tag for tag in page.all("script") if tag.attrs.get("type") != "application/json"]
    for tag in tags:
        assert tag.attrs["type"] == "module"
        assert tag.text == ""
    waiting = [(tag.attrs["src"] or "").partition("?")[0] for tag in tags]
    while waiting:
        address = waiting.pop()
        if address not in found:
            file = client.get(address)
            assert (file.status_code, file.mimetype) == (200, "text/javascript")
            found[address] = file.text
            names = re.findall(r'(?:from|import) ?\(?"\./([^"]+)"', file.text)
            waiting += [address.rpartition("/")[0] + "/" + name for name in names]
    return found


def test_scripts_are_modules_of_our_own_that_the_policy_lets_run(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    searching = [tag.attrs["src"] for tag in read(client.get("/help")).all("script")]
    assert searching == ["/static/script/search.js"]
    for address in ("/", "/?q=red", f"/photos/{ids['red']}"):
        answer = client.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "connect-src 'self';" in policy
        modules = modules_of(client, read(answer))
        for source, text in modules.items():
            assert source.startswith("/static/script/")
            assert not re.search(r"https?:|innerHTML|\beval\b", text)
    names = {source.rpartition("/")[2] for source in modules}
    assert {"photo.js", "description.js", "speech.js", "tags.js", "region.js"} <= names


def test_what_is_read_aloud(client: FlaskClient, ids: dict[str, int], library: Library) -> None:
    describe(library, ids["red"])
    recognise(library, ids["red"], barn=0.8)
    page = read(client.get(f"/photos/{ids['red']}"))
    spoken = [n.text for n in page.walk() if "spoken" in (n.attrs.get("class") or "").split()]
    assert spoken == [
        "red.jpg",
        "A barn in the snow.",
        "On the left is a tree. The main colour is red.",
        "Tags",
        "barn",
    ]
    button = page.one("button", id="read-aloud")
    # Only a script shows it, and only where there is a voice.
    assert "hidden" in button.attrs
    assert button.attrs["type"] == "button"
    assert "aria-pressed" not in button.attrs  # its name changes instead


def test_ids_that_scripts_know_are_there(client: FlaskClient, ids: dict[str, int]) -> None:
    page = read(client.get(f"/photos/{ids['red']}"))
    there = {node.attrs.get("id") for node in page.walk()}
    modules = modules_of(client, page)
    for name in ("description", "speech", "tags"):
        text = modules[f"/static/script/{name}.js"]
        named = re.findall(r'(?:getElementById\("|querySelector(?:All)?\("#)([\w-]+)"', text)
        assert named
        assert set(named) <= there
