"""Ways through the library in the browser: time, folders, cameras, tags, albums, duplicates."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from PIL import Image

from indexer import Summary
from pixfind.catalog import browse, owner_tags
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from web import create_app

Index = Callable[..., Summary]
MAKE, MODEL, DATE, LENS = 0x010F, 0x0110, 0x9003, 0xA434
EXIF_IFD = 0x8769


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    app = create_app(settings)
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


def picture(
    file: Path,
    colour: str,
    taken: str | None = None,
    camera: tuple[str, str] | None = None,
    lens: str | None = None,
) -> None:
    exif = Image.Exif()
    if camera:
        exif[MAKE], exif[MODEL] = camera
    inner = exif.get_ifd(EXIF_IFD)
    if taken:
        inner[DATE] = taken
    if lens:
        inner[LENS] = lens
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(file, exif=exif)


@pytest.fixture
def travels(tmp_path: Path, index: Index) -> Path:
    """Five photos of two cameras in three folders, one of them without a date."""
    root = tmp_path / "travels"
    canon, nikon = ("Canon", "Canon EOS 5D"), ("NIKON", "D40")
    picture(root / "rome/a.jpg", "red", "2019:05:03 10:00:00", canon, "EF 50mm")
    picture(root / "rome/b.jpg", "#0f0", "2019:05:30 23:59:59", canon, "EF 24mm")
    picture(root / "rome/walk/c.jpg", "blue", "2019:12:01 00:00:00", canon, "EF 50mm")
    picture(root / "home/d.jpg", "white", "2021:01:01 08:00:00", nikon)
    picture(root / "e.jpg", "black")
    index(root)
    return root


def links(text: str) -> dict[str, str]:
    """What links of the main part are called, and where they lead."""
    main = text[text.index("<main") : text.index("</main>")]
    found = re.findall(r'<a\b[^>]*href="([^"]+)"[^>]*>(.*?)</a>', main, re.DOTALL)
    plain = ((re.sub(r"<[^>]+>", "", inner).strip(), unescape(href)) for href, inner in found)
    return {unescape(label): href for label, href in plain if label}


def words(text: str) -> str:
    """The main part's text on one line."""
    main = text[text.index("<main") : text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def answers(client: FlaskClient, address: str) -> int:
    """How many photos a link to a query leads to."""
    (query,) = parse_qs(urlsplit(address).query)["q"]
    found = client.get("/api/v1/search", query_string={"q": query}).json
    assert found is not None
    return int(found["total"])


def test_every_room_can_be_reached_from_everywhere(client: FlaskClient, travels: Path) -> None:
    page = client.get("/").text
    rooms = re.search(r'<nav class="rooms".*?</nav>', page, re.DOTALL)
    assert rooms
    addresses = re.findall(r'href="([^"]+)"', rooms[0])
    assert len(addresses) == 8
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert f'href="{address}" aria-current="page"' in answer.text


def test_a_page_inside_a_room_names_it(client: FlaskClient, travels: Path) -> None:
    assert 'href="/timeline/" aria-current="true"' in client.get("/timeline/2019").text
    assert "aria-current" not in client.get("/photos/1").text.partition("<main")[0]


def test_rooms_of_a_library_that_is_not_there_say_how_to_make_one(client: FlaskClient) -> None:
    for room in ("timeline", "folders", "cameras", "tags", "albums", "duplicates"):
        answer = client.get(f"/{room}/")
        assert answer.status_code == 503
        assert "pixfind index FOLDER" in answer.text


def test_empty_rooms_say_so(client: FlaskClient, index: Index, tmp_path: Path) -> None:
    picture(tmp_path / "one/only.jpg", "red")
    index(tmp_path / "one")
    for room, said in (
        ("timeline", "No photo says when it was taken."),
        ("cameras", "No photo says which camera took it."),
        ("tags", "No photo has a tag yet."),
        ("albums", "There is no album yet."),
        ("duplicates", "No photo is there more than once. 1 photo was compared."),
    ):
        assert said in words(found_duplicates(client, f"/{room}/"))


# Time


def test_timeline_counts_years_and_months(client: FlaskClient, travels: Path) -> None:
    page = client.get("/timeline/").text
    said = words(page)
    assert said.index("2021 1 photo January 1") < said.index("2019 3 photos May 2 December 1")
    assert "1 photo does not say when it was taken." in said
    assert answers(client, links(page)["May"]) == 2
    assert answers(client, links(page)["December"]) == 1


def test_a_year_shows_its_months(client: FlaskClient, travels: Path) -> None:
    page = client.get("/timeline/2019").text
    assert page.count("<img") == 2
    assert "May 2 photos December 1 photo" in words(page)
    assert answers(client, links(page)["Show the 3 photos of this year"]) == 3
    assert client.get("/timeline/2020").status_code == 404
    assert "no photo was taken in 2020" in client.get("/timeline/2020").text


def test_a_month_is_shown_by_its_last_photo(library: Library, travels: Path) -> None:
    with library.catalog.read() as session:
        (may,) = [month for month in browse.months(session) if month.month == 5]
    from pixfind.catalog.photos import photo

    with library.catalog.read() as session:
        assert photo(session, may.last).path.name == "b.jpg"


def test_photos_that_are_gone_are_not_counted(
    client: FlaskClient, index: Index, travels: Path
) -> None:
    (travels / "home/d.jpg").unlink()
    index(travels)
    assert "2021" not in words(client.get("/timeline/").text)
    assert "home" not in words(client.get(f"/folders/?root={root_id(client)}").text)
    assert "NIKON" not in words(client.get("/cameras/").text)


# Folders


def root_id(client: FlaskClient) -> int:
    page = client.get("/folders/").text
    (root,) = {int(number) for number in re.findall(r"root=(\d+)", page)}
    return root


def test_folders_are_walked_down(client: FlaskClient, travels: Path) -> None:
    top = client.get("/folders/").text
    assert f"{travels} 5 photos" in words(top)
    root = client.get(links(top)[str(travels)]).text
    assert answers(client, links(root)["Show the 5 photos in this folder and below"]) == 5
    assert "home 1 photo rome 3 photos" in words(root)
    rome = client.get(links(root)["rome"]).text
    assert "walk 1 photo" in words(rome)
    assert answers(client, links(rome)["Show the 3 photos in this folder and below"]) == 3
    # A folder without others in it leads to its photos.
    assert answers(client, links(rome)["walk"]) == 1
    assert links(rome)[str(travels)] == links(top)[str(travels)]


def test_a_photo_in_several_folders_counts_once_for_what_is_around_them(
    client: FlaskClient, index: Index, travels: Path
) -> None:
    (travels / "home/again.jpg").write_bytes((travels / "rome/a.jpg").read_bytes())
    index(travels)
    assert f"{travels} 5 photos" in words(client.get("/folders/").text)
    root = client.get(f"/folders/?root={root_id(client)}").text
    assert "home 2 photos rome 3 photos" in words(root)


@pytest.mark.parametrize("place", ["nowhere", "..", "rome/..", "/etc", "rome/", "a.jpg"])
def test_other_folders_are_not_known(client: FlaskClient, travels: Path, place: str) -> None:
    answer = client.get("/folders/", query_string={"root": root_id(client), "in": place})
    assert answer.status_code == 404
    assert client.get("/folders/?root=99").status_code == 404


def test_folders_whose_names_are_no_text_are_shown(
    client: FlaskClient, index: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "old" / os.fsdecode(b"caf\xe9")
    try:
        picture(folder / "inner/x.png", "red")
    except OSError:
        pytest.skip("this file system takes only valid names")
    index(tmp_path / "old")
    page = client.get(f"/folders/?root={root_id(client)}")
    assert page.status_code == 200
    assert "caf\ufffd" in page.text


# Cameras


def test_cameras_with_their_lenses(client: FlaskClient, travels: Path) -> None:
    page = client.get("/cameras/").text
    said = words(page)
    assert "Canon EOS 5D 3 May 3, 2019 – Dec 1, 2019 EF 50mm 2 , EF 24mm 1" in said
    assert "NIKON D40 1 Jan 1, 2021" in said
    assert said.index("Canon") < said.index("NIKON")
    assert answers(client, links(page)["Canon EOS 5D"]) == 3
    assert answers(client, links(page)["EF 50mm"]) == 2


# Tags


@pytest.fixture
def tagged(library: Library, travels: Path) -> None:
    with library.catalog.write() as session:
        owner_tags.accept(session, "sea", [1, 2, 3])
        owner_tags.accept(session, "Été", [1])
        owner_tags.accept(session, "a*b", [2])


def test_tags_with_counts(client: FlaskClient, tagged: None) -> None:
    page = client.get("/tags/").text
    assert "3 tags" in words(page)
    assert words(page).index("sea 3") < words(page).index("Été 1")
    for name, count in (("sea", 3), ("Été", 1), ("a*b", 1)):
        assert answers(client, links(page)[name]) == count
    by_name = words(client.get(links(page)["in alphabetical order"]).text)
    assert by_name.index("a*b 1") < by_name.index("sea 3") < by_name.index("Été 1")
    assert "italics" not in words(page)  # all were given by the owner


def test_a_tag_is_found_by_a_part_of_its_name(client: FlaskClient, tagged: None) -> None:
    page = client.get("/tags/", query_string={"find": "ÉT"}).text
    assert "1 tag of 3" in words(page)
    assert "Été" in links(page)
    assert "sea" not in links(page)
    assert "0 tags of 3" in words(client.get("/tags/?find=xyz").text)


def test_many_tags_come_page_by_page(
    client: FlaskClient, library: Library, travels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.tags.SHOWN", 2)
    with library.catalog.write() as session:
        for name in "abcde":
            owner_tags.accept(session, name, [1])
    seen: list[str] = []
    address = "/tags/"
    while address:
        shown = links(client.get(address).text)
        seen += [name for name in shown if len(name) == 1]
        address = shown.get("Show more", "")
    assert seen == list("abcde")


# Albums


def test_albums_are_saved_shown_and_removed(client: FlaskClient, travels: Path) -> None:
    saved = client.post("/albums/", data={"name": "Rome", "q": "folder:rome"})
    assert (saved.status_code, saved.headers["Location"]) == (303, "/albums/")
    page = client.get("/albums/").text
    assert "folder is rome" in words(page)
    assert answers(client, links(page)["Rome"]) == 3
    cover = client.get("/albums/cover?name=Rome")
    assert cover.status_code == 302
    assert cover.headers["Location"].startswith("/thumbnails/")
    assert client.post("/albums/remove", data={"name": "Rome"}).status_code == 303
    assert "Rome" not in links(client.get("/albums/").text)


def test_an_album_is_not_overwritten_unless_asked(client: FlaskClient, travels: Path) -> None:
    first = {"name": "Trip", "q": "red"}
    assert client.post("/albums/", data=first).status_code == 303
    refused = client.post("/albums/", data={**first, "q": "blue"})
    assert refused.status_code == 409
    assert "Trip" in refused.text
    assert "red" in links(client.get("/albums/").text)["Trip"]
    client.post("/albums/", data={**first, "q": "blue", "replace": "1"})
    assert "blue" in links(client.get("/albums/").text)["Trip"]


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("", "red", "1 to 100 characters"),
        ("x" * 101, "red", "1 to 100 characters"),
        ("a", "", "the query is empty"),
        ("a", "camra:x", "camera"),
        ("a", "like:/etc/passwd", "no photo"),
    ],
)
def test_what_cannot_be_an_album(
    client: FlaskClient, travels: Path, name: str, query: str, said: str
) -> None:
    answer = client.post("/albums/", data={"name": name, "q": query})
    assert answer.status_code == 400
    assert said in answer.text
    assert "There is no album yet" in client.get("/albums/").text


def test_an_album_that_holds_nothing_has_an_empty_cover(client: FlaskClient, travels: Path) -> None:
    client.post("/albums/", data={"name": "None", "q": "camera:leica"})
    cover = client.get("/albums/cover?name=None", follow_redirects=True, buffered=True)
    assert (cover.status_code, cover.mimetype) == (200, "image/svg+xml")
    assert client.get("/albums/cover?name=Other").status_code == 404
    assert client.post("/albums/remove", data={"name": "Other"}).status_code == 404


# Duplicates


def found_duplicates(client: FlaskClient, address: str = "/duplicates/") -> str:
    """The page, when the search has ended."""
    deadline = time.monotonic() + 30
    while "data-waiting" in (text := client.get(address).text):
        assert time.monotonic() < deadline
    return text


def test_duplicates_stand_side_by_side(client: FlaskClient, index: Index, tmp_path: Path) -> None:
    root = tmp_path / "twice"
    root.mkdir()
    noise = Image.effect_noise((400, 300), 90).convert("RGB")
    noise.save(root / "large.png")
    noise.resize((200, 150)).save(root / "small.png")
    picture(root / "red.png", "red")
    (root / "red again.png").write_bytes((root / "red.png").read_bytes())
    index(root)
    page = found_duplicates(client)
    said = words(page)
    assert "the same bytes" in said
    assert f"Keep: shortest path 64 × 48, {(root / 'red.png').stat().st_size}" in said
    assert "pixfind deletes nothing." in said
    assert said.index(str(root / "red.png")) < said.index(str(root / "red again.png"))


def test_duplicates_are_looked_for_again_when_the_library_has_changed(
    client: FlaskClient, index: Index, travels: Path
) -> None:
    assert "No photo is there more than once" in found_duplicates(client)
    (travels / "again.jpg").write_bytes((travels / "e.jpg").read_bytes())
    index(travels)
    assert str(travels / "again.jpg") in found_duplicates(client)


def test_a_search_for_duplicates_that_fails_says_so(
    client: FlaskClient, travels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("web.library.duplicates.find_duplicates", fails)
    assert "a bug" in found_duplicates(client)
    assert client.get("/api/v1/duplicates").status_code == 503


def test_many_groups_come_page_by_page(
    client: FlaskClient, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.duplicates.SHOWN", 1)
    for colour in ("red", "blue"):
        picture(tmp_path / "many" / f"{colour}.jpg", colour)
        content = (tmp_path / "many" / f"{colour}.jpg").read_bytes()
        (tmp_path / "many" / f"{colour} again.jpg").write_bytes(content)
    index(tmp_path / "many")
    first = found_duplicates(client)
    assert "Group 1:" in first
    assert "Group 2:" not in first
    assert "Group 2:" in client.get(links(first)["Show more"]).text
