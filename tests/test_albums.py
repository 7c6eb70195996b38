"""Albums, which are saved searches, and exports: photos of a query in folders and tables."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

from indexer import Summary
from pixfind import durable
from pixfind.catalog import albums
from pixfind.catalog.albums import SavedSearch
from pixfind.catalog.places import asset_at, root_over
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import (
    AlbumExistsError,
    AlbumNameError,
    AlbumNotFoundError,
    ExportError,
    LinksRefusedError,
    PathNotFoundError,
    PhotoNotFoundError,
    QueryError,
)
from pixfind.library import Library
from pixfind.spreadsheet import plain_cell
from search import SearchEngine
from search.albums import save_album
from search.export.exporting import Destinations, Exported, answers, export
from search.export.tables import COLUMNS

Index = Callable[..., Summary]
Pixfind = Callable[..., Result]
ALL = "file:* sort:name"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def picture(path: Path, colour: object = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(path)
    return path


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Everything in a folder: content and times."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def saved(library: Library) -> list[SavedSearch]:
    with library.catalog.read() as session:
        return albums.all_albums(session)


def find(library: Library, name: str) -> SavedSearch:
    with library.catalog.read() as session:
        return albums.find(session, name)


def shown(engine: SearchEngine, library: Library, name: str) -> set[str]:
    found = engine.search(find(library, name).query)
    return {result.photo.path.name for result in found.results}


@pytest.fixture
def indexed(index: Index, photos: Path) -> Path:
    index(photos)
    return photos


@pytest.fixture
def out(engine: SearchEngine, tmp_path: Path) -> Callable[..., Exported]:
    """Export what answers a query."""

    def run(query: str = ALL, **to: Any) -> Exported:
        return export(answers(engine, query), Destinations(**to))

    return run


@pytest.fixture
def fake_models(monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder) -> None:
    """The command line searches with the fake encoder."""
    monkeypatch.setattr(ModelStore, "load", lambda *_: encoder)


def error_of(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


# Saving


def test_an_album_keeps_what_was_typed(library: Library) -> None:
    typed = '  "a  dog"^2.0 + beach   -snow Date:2019..2021 '
    save_album(library, "  By the sea ", typed)
    (album,) = saved(library)
    assert (album.name, album.query) == ("By the sea", typed.strip())
    assert album.saved_at.endswith("+00:00")


def test_names_are_the_same_in_any_case_and_script(library: Library) -> None:
    save_album(library, "Straße CAFÉ", "a dog")
    assert find(library, "strasse cafe\u0301").query == "a dog"
    with pytest.raises(AlbumExistsError, match="'Straße CAFÉ' already"):
        save_album(library, "STRASSE café", "a cat")
    save_album(library, "STRASSE café", "a cat", replace=True)
    (album,) = saved(library)
    assert (album.name, album.query) == ("STRASSE café", "a cat")


@pytest.mark.parametrize("name", ["", " \n ", "x" * 101, "x" * 10_000, "a\nb", "a\x00b", "a\x1b[1m",
                                  "a\u202eb", "a\udcffb", "\ud800"])  # fmt: skip
def test_impossible_names(library: Library, name: str) -> None:
    with pytest.raises(AlbumNameError) as raised:
        save_album(library, name, "a dog")
    assert len(str(raised.value)) < 200
    assert str(raised.value).isprintable()
    with pytest.raises(AlbumNameError):
        find(library, name)
    assert saved(library) == []


@pytest.mark.parametrize("name", ["x" * 100, "日本 🏔", "'; DROP TABLE album; --", "../../etc", "*",
                                  "%", "a\u3000b", "-x", "12", "👩‍👧"])  # fmt: skip
def test_odd_names(library: Library, name: str) -> None:
    save_album(library, name, "a dog")
    assert find(library, name).name == name
    assert [album.name for album in saved(library)] == [name]


@pytest.mark.parametrize("query", ["", " \t", 'a "dog', "camra:canon", "limit:0", "x" * 2001])
def test_what_cannot_be_parsed_is_not_saved(library: Library, query: str) -> None:
    save_album(library, "dogs", "a dog")
    with pytest.raises(QueryError):
        save_album(library, "dogs", query, replace=True)
    assert find(library, "dogs").query == "a dog"


def test_removing(library: Library) -> None:
    save_album(library, "Dogs", "a dog")
    with library.catalog.write() as session:
        assert albums.remove(session, "dogs").name == "Dogs"
    with pytest.raises(AlbumNotFoundError, match="pixfind albums list"):
        find(library, "dogs")


def test_albums_are_ordered_by_name(library: Library) -> None:
    for name in ("b", "C", "a", "É"):
        save_album(library, name, "a dog")
    assert [album.name for album in saved(library)] == ["a", "b", "C", "É"]


# Pictures named by a query


def test_a_picture_means_the_same_from_another_folder(
    library: Library, index: Index, engine: SearchEngine, indexed: Path,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    with library.catalog.read() as session:
        number = asset_at(session, indexed / "red.jpg")
    picture(tmp_path / "else" / "my green.png", "#0f1")
    monkeypatch.chdir(tmp_path / "else")
    save_album(library, "reds", '-like:"my green.png"^.5  like:../photos/red.jpg  limit:1')
    outside = tmp_path / "else" / "my green.png"
    assert find(library, "reds").query == f'-like:"{outside}"^0.5 like:{number} limit:1'
    monkeypatch.chdir("/")
    (indexed / "red.jpg").rename(indexed / "inner" / "moved.jpg")
    index(indexed)
    assert shown(engine, library, "reds") == {"moved.jpg"}


def test_a_picture_can_be_named_without_its_folder(library: Library, indexed: Path) -> None:
    save_album(library, "blues", "like:blue.webp")
    assert find(library, "blues").query.removeprefix("like:").isdecimal()


def test_a_picture_that_is_not_there(
    library: Library, index: Index, indexed: Path, tmp_path: Path
) -> None:
    picture(indexed / "inner" / "red.jpg", "#f22")
    index(indexed)
    for query, error in (
        ("like:nowhere.jpg", PathNotFoundError),
        (f"like:{tmp_path / ('x' * 300)}", PathNotFoundError),
        ("like:99", PhotoNotFoundError),
        (f"like:{2**80}", PhotoNotFoundError),
        ("like:red.jpg", QueryError),  # two of them
    ):
        with pytest.raises(error):
            save_album(library, "x", query)
    outside = picture(tmp_path / "outside.png")
    with pytest.raises(QueryError, match="by its number"):
        save_album(library, "x", f"like:{outside}", read_files=False)
    assert saved(library) == []


def test_a_path_that_no_query_can_hold(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(picture(tmp_path / "a\x01b" / "x.png").parent)
    with pytest.raises(QueryError, match="index the picture"):
        save_album(library, "x", "like:x.png")


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode elsewhere")
def test_a_path_that_is_not_utf8(library: Library, tmp_path: Path) -> None:
    path = picture(tmp_path / "plain.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    save_album(library, "x", f"like:{path} folder:\udcfe")
    assert find(library, "x").query == f"like:{path} folder:\udcfe"


# Live


def test_new_photos_join_by_themselves(
    library: Library, index: Index, engine: SearchEngine, indexed: Path
) -> None:
    save_album(library, "pngs", "file:*.png")
    assert shown(engine, library, "pngs") == {"green.png"}
    picture(indexed / "new.png")
    (indexed / "green.png").unlink()
    index(indexed)
    assert shown(engine, library, "PNGs") == {"new.png"}


# Copies


def test_copying_changes_nothing_of_the_owners(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path
) -> None:
    os.utime(indexed / "red.jpg", (1_000_000_000, 1_000_000_000))
    (indexed / "green.png").chmod(0o444)
    before = state_of(indexed)
    done = out(copy_to=tmp_path / "new" / "copies")
    assert done == Exported(3, copied=3, linked=0, there=0, failures=())
    copies = tmp_path / "new" / "copies"
    assert names(copies) == ["blue.webp", "green.png", "red.jpg"]
    assert (copies / "red.jpg").read_bytes() == (indexed / "red.jpg").read_bytes()
    assert (copies / "red.jpg").stat().st_mtime == 1_000_000_000
    assert not (copies / "red.jpg").is_symlink()
    assert state_of(indexed) == before


def test_an_export_can_be_refreshed(
    out: Callable[..., Exported], index: Index, indexed: Path, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    out(copy_to=copies)
    picture(indexed / "new.png", "#123")
    (indexed / "red.jpg").unlink()
    index(indexed)
    before = state_of(copies)
    assert out(copy_to=copies) == Exported(3, copied=1, linked=0, there=2, failures=())
    assert names(copies) == ["blue.webp", "green.png", "new.png", "red.jpg"]  # none is deleted
    assert state_of(copies).items() > before.items()


@pytest.mark.usefixtures("indexed")
def test_second_name_of_a_copy_whose_export_was_killed_goes(
    out: Callable[..., Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "copies"
    out(copy_to=copies)
    whole = names(copies)
    os.link(copies / "red.jpg", copies / ".red.jpg.0a1b2c3d.tmp")
    os.utime(copies / "red.jpg", (0, 0))
    monkeypatch.setattr(durable, "_leftovers", {})  # as a process that has written nowhere yet
    assert out(copy_to=copies).copied == 0
    assert names(copies) == whole


def test_names_that_are_taken(
    out: Callable[..., Exported], index: Index, indexed: Path, tmp_path: Path
) -> None:
    for number in range(3):
        picture(indexed / f"{number}" / "red.jpg", (200, 40 * number, 0))
    index(indexed)
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "green.png").write_text("the owner's")
    (copies / "blue.webp").mkdir()
    (copies / "red.jpg").symlink_to("nowhere")
    for expected in ((6, 0), (0, 6)):
        done = out(copy_to=copies)
        assert (done.copied, done.there) == expected
        assert names(copies) == [
            "blue (2).webp", "blue.webp", "green (2).png", "green.png", "red (2).jpg",
            "red (3).jpg", "red (4).jpg", "red (5).jpg", "red.jpg",
        ]  # fmt: skip
    assert (copies / "green.png").read_text() == "the owner's"
    assert (copies / "red.jpg").readlink() == Path("nowhere")
    reds = {(copies / f"red ({n}).jpg").read_bytes() for n in range(2, 6)}
    assert reds == {path.read_bytes() for path in indexed.rglob("red.jpg")}


def test_without_hard_links_nothing_is_overwritten_either(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> None:
        if target.name == "red.jpg":
            target.write_text("another program was faster")
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    assert out(copy_to=tmp_path / "copies").copied == 3
    assert names(tmp_path / "copies") == ["blue.webp", "green.png", "red (2).jpg", "red.jpg"]
    assert (tmp_path / "copies" / "red.jpg").read_text() == "another program was faster"


def test_missing_files_are_reported_and_the_rest_goes_on(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path
) -> None:
    (indexed / "green.png").unlink()
    done = out(copy_to=tmp_path / "copies", csv=tmp_path / "all.csv")
    assert (done.photos, done.copied) == (3, 2)
    (failure,) = done.failures
    assert failure.path == indexed / "green.png"
    assert "not there" in failure.reason
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 4
    shutil.rmtree(indexed)
    for to in ("copy_to", "link_to"):
        with pytest.raises(ExportError, match=r"none of the photos .* not there"):
            out(**{to: tmp_path / "more", "csv": tmp_path / "more.csv"})
    assert not (tmp_path / "more.csv").exists()


def test_another_file_of_the_same_photo_will_do(
    out: Callable[..., Exported], index: Index, indexed: Path, tmp_path: Path
) -> None:
    shutil.copy(indexed / "red.jpg", indexed / "zed.jpg")
    index(indexed)
    (indexed / "red.jpg").unlink()
    assert out("file:zed.jpg", copy_to=tmp_path / "copies").copied == 1
    assert names(tmp_path / "copies") == ["zed.jpg"]


def test_a_full_disk_ends_the_export(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(ExportError, match="No space left"):
        out(copy_to=tmp_path / "copies")
    assert names(tmp_path / "copies") == []


def test_a_file_is_no_folder(out: Callable[..., Exported], indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises(ExportError):
            out(copy_to=folder)


# Links


def test_links_lead_to_the_photos(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path
) -> None:
    links = tmp_path / "links"
    (links / "red.jpg").parent.mkdir()
    (links / "red.jpg").symlink_to("nowhere")
    assert out(link_to=links).linked == 3
    assert (links / "red (2).jpg").readlink() == indexed / "red.jpg"
    assert (links / "red.jpg").readlink() == Path("nowhere")
    assert out(link_to=links) == Exported(3, copied=0, linked=0, there=3, failures=())


@pytest.mark.parametrize("to", ["copy_to", "link_to"])
def test_exports_within_the_library_do_not_grow(
    out: Callable[..., Exported], index: Index, library: Library, indexed: Path, to: str
) -> None:
    inside = indexed / "album"  # before all other folders of photos
    out(**{to: inside})
    for _ in range(2):
        index(indexed)
        assert out(**{to: inside}).there == 3
        assert names(inside) == ["blue.webp", "green.png", "red.jpg"]
    (indexed / "red.jpg").unlink()
    if to == "copy_to":  # the only file that is left is in the right place
        assert out(**{to: inside}).there == 3


def test_where_links_cannot_be_made(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refused)
    monkeypatch.setattr(Path, "symlink_to", refused)
    with pytest.raises(LinksRefusedError, match="--copy-to"):
        out(link_to=tmp_path / "links")


def test_which_folders_a_scan_comes_to(library: Library, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "door").symlink_to(indexed)
    with library.catalog.read() as session:
        for inside in (indexed, indexed / "new" / "er", tmp_path / "door" / "new"):
            assert root_over(session, inside) == indexed
        for outside in (tmp_path, tmp_path / "photos2", indexed / ".hidden" / "x"):
            assert root_over(session, outside) is None


# Tables


def test_csv(out: Callable[..., Exported], index: Index, indexed: Path, tmp_path: Path) -> None:
    out("file:*.jpg|*.png sort:name", csv=tmp_path / "all.csv")
    content = (tmp_path / "all.csv").read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == [str(indexed / n) for n in ("green.png", "red.jpg")]
    assert (rows[0]["width"], rows[0]["height"], rows[0]["caption"]) == ("64", "48", "")
    assert len(rows[0]["sha256"]) == 64


def test_csv_of_what_strangers_wrote(
    out: Callable[..., Exported], index: Index, photos: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010E] = '=HYPERLINK("x"),\n"y"'
    exif[0x010F] = "@SUM(1)"
    Image.new("RGB", (8, 8)).save(photos / "évil, \"'\n;.jpg", exif=exif)
    index(photos)
    out("file:évil*", csv=tmp_path / "all.csv")
    content = (tmp_path / "all.csv").read_bytes().decode("utf-8")
    (row,) = csv.DictReader(io.StringIO(content, newline=""))
    assert row["caption"].startswith("'=HYPERLINK")
    assert row["caption"].endswith('"y"')
    assert row["camera"] == "'@SUM(1)"
    assert row["path"] == str(photos / "évil, \"'\ufffd;.jpg")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_formulas_are_text(text: str) -> None:
    assert plain_cell(text) == f"'{text}"
    for harmless in ("a=1", "", "/photos/-1.jpg", -33.8, None):
        assert plain_cell(harmless) == harmless


def test_jsonl(
    out: Callable[..., Exported], engine: SearchEngine, indexed: Path, tmp_path: Path
) -> None:
    out("red limit:2", jsonl=tmp_path / "all.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    found = engine.search("red", limit=2).results
    assert [row["id"] for row in rows] == [result.photo.id for result in found]
    assert rows[0]["path"] == str(indexed / "red.jpg")
    assert rows[0]["score"] > rows[1]["score"]


def test_tables_are_not_overwritten_unless_asked(
    out: Callable[..., Exported], indexed: Path, tmp_path: Path
) -> None:
    table = tmp_path / "all.csv"
    table.write_text("the owner's")
    for to in ({"csv": table}, {"csv": tmp_path / "new.csv", "jsonl": table}):
        with pytest.raises(ExportError, match="--replace"):
            out(**to)
    assert table.read_text() == "the owner's"
    assert not (tmp_path / "new.csv").exists()
    out(csv=table, replace=True)
    assert len(table.read_text().splitlines()) == 4
    before = state_of(indexed)
    for wrong in (tmp_path, tmp_path / "none" / "x.csv", indexed / "red.jpg"):
        with pytest.raises(ExportError):
            out(csv=wrong, replace=True)
    assert state_of(indexed) == before


def test_an_export_that_is_stopped_leaves_no_half_table(
    engine: SearchEngine, indexed: Path, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        assert (done, total) == (1, 3)
        raise KeyboardInterrupt

    to = Destinations(copy_to=tmp_path / "copies", csv=tmp_path / "all.csv")
    with pytest.raises(KeyboardInterrupt):
        export(answers(engine, ALL), to, stop)
    assert sorted(path.name for path in tmp_path.glob("*.*")) == []
    assert len(names(tmp_path / "copies")) == 1


# Which photos


@pytest.mark.parametrize("page", [100_000, 30, 7])
def test_all_that_answer_are_exported(
    engine: SearchEngine, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("search.export.exporting.MAX_LIMIT", page)
    for number in range(30):  # more than a search shows by itself
        picture(tmp_path / "many" / f"{number:02}.png", (number, 0, 0))
    index(tmp_path / "many")
    found = answers(engine, ALL)
    assert found.total == 30
    assert [r.photo.path.stem for r in found.results] == [f"{n:02}" for n in range(30)]
    assert answers(engine, f"{ALL} limit:7").total == 7


def test_a_model_that_only_ranks_needs_a_limit(engine: SearchEngine, indexed: Path) -> None:
    for query in ("red", "like:1", "red file:*"):
        with pytest.raises(ExportError, match="limit:100"):
            answers(engine, query)
    assert answers(engine, "red limit:2").total == 2
    assert answers(engine, "red", everything=True).total == 3


# The command line


def test_albums_on_the_command_line(
    pixfind: Pixfind, library: Library, indexed: Path, fake_models: None
) -> None:
    assert "pixfind albums save" in pixfind("albums", "list").stderr
    assert json.loads(pixfind("albums", "list", "--json").stdout) == {"albums": []}
    result = pixfind("albums", "save", "Not red", "green", "-red", "limit:1")
    assert (result.exit_code, result.stdout) == (0, "saved Not red: green -red limit:1\n")
    assert "Not red: green -red limit:1  (20" in pixfind("albums", "list").stdout
    (row,) = json.loads(pixfind("albums", "list", "--json").stdout)["albums"]
    assert (row["name"], row["query"]) == ("Not red", "green -red limit:1")
    assert pixfind("albums", "show", "not RED").stdout.endswith(
        f"  {indexed / 'green.png'}  (name)\n"
    )
    as_json = pixfind("albums", "show", "not red", "--json").stdout
    assert as_json == pixfind("search", "green -red limit:1", "--json").stdout
    removed = pixfind("albums", "remove", "not red", "--json").stdout
    assert json.loads(removed) == {"removed": "Not red"}
    assert saved(library) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("albums", "save", "x", "camra:canon"), "camera:"),
        (("albums", "save", "x" * 10_000, "a dog"), "1 to 100 characters"),
        (("albums", "save", "taken", "a dog"), "--replace"),
        (("albums", "show", "none"), "no album 'none'"),
        (("albums", "remove", "none"), "no album 'none'"),
        (("export", "--album", "none", "--csv", "-"), "no album 'none'"),
        (("export", "camra:canon", "--csv", "-"), "camera:"),
        (("export", "red", "--csv", "-"), "limit:100"),
    ],
)
def test_failures_are_one_line(
    pixfind: Pixfind, library: Library, indexed: Path, fake_models: None,
    arguments: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    save_album(library, "taken", "a cat")
    assert said in error_of(pixfind(*arguments))
    assert [album.query for album in saved(library)] == ["a cat"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--csv", "-"),
        ("export", "red", "--album", "x", "--csv", "-"),
        ("export", "red"),
        ("export", "red", "--csv", "-", "--jsonl", "-"),
        ("export", "red", "--csv", "-", "--json"),
        ("export", "red", "--copy-to", "x", "--link-to", "x"),
        ("albums", "save", "x"),
    ],
)
def test_wrong_usage(pixfind: Pixfind, indexed: Path, arguments: tuple[str, ...]) -> None:
    assert pixfind(*arguments).exit_code == 2


def test_export_on_the_command_line(
    pixfind: Pixfind, library: Library, indexed: Path, fake_models: None, tmp_path: Path
) -> None:
    save_album(library, "pictures", "file:*")
    copies, links = indexed / "copies", tmp_path / "links"
    command = ("export", "--album", "Pictures", "--copy-to", copies, "--link-to", links)
    result = pixfind(*command)
    assert result.stdout == "3 photos, 3 copied, 3 linked\n"
    assert f"{copies} lies in the library's folder {indexed}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    (indexed / "red.jpg").unlink()
    again = pixfind(*command)
    assert again.exit_code == 0
    assert again.stdout == "3 photos, 0 copied, 0 linked, 4 there already, 2 failed\n"
    assert f"not exported: {indexed / 'red.jpg'}: it is not there any more" in again.stderr
    document = json.loads(pixfind(*command, "--json").stdout)
    assert (document["photos"], document["there"], len(document["failures"])) == (3, 4, 2)


def test_tables_on_standard_output(pixfind: Pixfind, indexed: Path, fake_models: None) -> None:
    result = pixfind("export", ALL, "--csv", "-")
    assert result.stderr == "3 photos\n"
    assert len(list(csv.DictReader(io.StringIO(result.stdout)))) == 3
    lines = pixfind("export", ALL, "--jsonl", "-").stdout.splitlines()
    assert [Path(json.loads(line)["path"]).name for line in lines] == [
        "blue.webp", "green.png", "red.jpg"
    ]  # fmt: skip


def test_stopping_an_export(
    pixfind: Pixfind, indexed: Path, fake_models: None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfileobj", stop)
    result = pixfind("export", ALL, "--copy-to", tmp_path / "copies")
    assert result.exit_code == 130
    assert "the same command continues" in result.stderr
    assert names(tmp_path / "copies") == []


def test_with_the_bundled_model(pixfind: Pixfind, photos: Path, tmp_path: Path) -> None:
    pixfind("index", photos)
    pixfind("albums", "save", "first", "a red thing limit:1")
    result = pixfind("export", "--all", "--album", "first", "--copy-to", tmp_path / "copies")
    assert result.stdout == "1 photo, 1 copied\n"
