"""The command line: its output as text and JSON, its exit codes, its errors in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

import pixfind as package
from indexer import Indexer
from pixfind import __version__
from pixfind.cli.search import query_line
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from search.query import parse

Pixfind = Callable[..., Result]
PHOTO_KEYS = {"score", "id", "path", "paths", "sha256", "bytes", "format", "width", "height"}


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures with, beside it, a library of them made with the bundled model."""
    folder = tmp_path_factory.mktemp("cli") / "photos"
    folder.mkdir()
    for name in ("red", "green", "blue"):
        Image.new("RGB", (64, 48), name).save(folder / f"{name}.png")
    with package.open(folder.parent / "library") as library:
        library.add(folder)
    return folder


@pytest.fixture
def found(pixfind: Pixfind, colours: Path) -> Pixfind:
    """Run a command on the library that the tests of this file share."""
    return lambda *arguments: pixfind("--library", colours.parent / "library", *arguments)


def document(result: Result) -> Any:
    """The one JSON document on stdout of a command that went well without a word on stderr."""
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def error_of(result: Result) -> str:
    """The one line of a named failure."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    line = result.stderr.removesuffix("\n")
    assert line.startswith("Error: ")
    assert line.isprintable()
    return line


def test_index_says_what_it_did(pixfind: Pixfind, photos: Path, settings: Settings) -> None:
    result = pixfind("index", photos)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("3 embedded (")
    assert f"3 photos can be found in {settings.library}" in result.stdout
    again = pixfind("index")
    assert "0 embedded (" in again.stdout
    assert "3 unchanged" in again.stdout


def test_index_json(pixfind: Pixfind, photos: Path, settings: Settings) -> None:
    (photos / "bad.png").write_bytes(b"no picture")
    made = document(pixfind("index", photos, "--json"))
    seconds = made.pop("seconds")
    assert seconds > 0
    assert made == {
        "library": str(settings.library), "model": "pocket", "embedded": 3, "known": 0, "reread": 0,
        "unchanged": 0, "removed": 0, "failed": 1, "photos": 3, "interrupted": False,
        "unreadable": [], "missing_roots": [], "unseen": 0,
    }  # fmt: skip


def test_index_points_to_failures_and_status_lists_them(pixfind: Pixfind, photos: Path) -> None:
    for number in range(12):
        (photos / f"bad{number:02}.png").write_bytes(b"no picture")
    assert "pixfind status --failures" in pixfind("index", photos).stderr
    short, full = pixfind("status").stdout, pixfind("status", "--failures").stdout
    assert "failures  12" in short
    assert "bad09.png" in short
    assert "bad10.png" not in short
    assert "and 2 more: pixfind status --failures" in short
    assert f"{photos}/bad11.png: it is not in a picture format that can be read" in full


def test_search_prints_scores_and_paths(found: Pixfind, colours: Path) -> None:
    result = found("search", "a", "red", "wall", "--all")
    scores, paths = zip(*(line.split("  ") for line in result.stdout.splitlines()), strict=True)
    assert set(paths) == {str(path) for path in colours.iterdir()}
    assert [float(score) for score in scores] == sorted(map(float, scores), reverse=True)
    assert result.stderr == ""


def test_search_says_where_words_stand(found: Pixfind, colours: Path) -> None:
    result = found("search", "blue")
    assert f"  {colours / 'blue.png'}  (name)\n" in result.stdout


def test_search_json(found: Pixfind, colours: Path) -> None:
    answer = document(found("search", "something  red", "here", "--limit", "2", "--all", "--json"))
    assert list(answer) == [
        "query", "understood", "model", "total", "cutoff", "results", "nearest",
    ]  # fmt: skip
    assert (answer["query"], answer["model"], answer["total"]) == (
        "something red here",
        "pocket",
        3,
    )
    assert (answer["cutoff"], answer["nearest"]) == (None, [])
    assert answer["understood"] == [
        {"term": "something red here", "meaning": '"something red here"'}
    ]
    assert len(answer["results"]) == 2
    for result in answer["results"]:
        assert set(result) >= PHOTO_KEYS
        assert Path(result["path"]).is_absolute()
        assert Path(result["path"]).parent == colours
        assert result["paths"] == [result["path"]]
        assert (result["width"], result["height"], result["format"]) == (64, 48, "PNG")
        assert len(bytes.fromhex(result["sha256"])) == 32
        assert result["score"] == result["probability"]
        assert -1 <= result["similarity"] <= 1


def test_nothing_matches(found: Pixfind, colours: Path) -> None:
    result = found("search", "an elephant riding a bicycle in the snow")
    assert (result.exit_code, result.stdout) == (0, "")
    first, *nearest, last = result.stderr.splitlines()
    assert first.startswith("nothing matches well")
    assert len(nearest) == 3
    assert last == "--all ranks every photo"
    answer = document(found("search", "an elephant riding a bicycle in the snow", "--json"))
    assert (answer["total"], answer["results"], len(answer["nearest"])) == (0, [], 3)
    nothing = found("search", "camera:canon")
    assert (nothing.stdout, nothing.stderr) == ("", "no photo matches\n")


def test_search_with_filters_and_facets(found: Pixfind, colours: Path) -> None:
    assert found("search", "file:blue").stdout == f"    -  {colours / 'blue.png'}\n"
    result = found("search", "type:photo", "--facets", "-n1")
    assert f"\nfolder\n       3  {colours}\n" in result.stdout
    assert result.stderr == "1 of 3 photos; more with --limit\n"
    facets = document(found("search", "type:photo", "--facets", "--json"))["facets"]
    assert list(facets) == ["year", "camera", "folder", "tag", "type"]
    assert facets["folder"][0]["count"] == 3


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (("dog", "-snow"), "dog -snow"),
        (("-snow", "type:photo"), "-snow type:photo"),
        (("dog", "-deep snow"), 'dog -"deep snow"'),
        (("dog", "-n5"), "dog"),
        (("dog", "-nature"), "dog -nature"),
        (("dog", "-hat", "--limit=3"), "dog -hat"),
        (("--", "dog", "--all"), "dog --all"),
        (("a dog", "+", "beach"), '"a dog" + beach'),
        (("like:1",), "like:1"),
        (("file:my photo.jpg", "dog"), 'file:"my photo.jpg" dog'),
    ],
)
def test_words_may_begin_with_a_dash(
    found: Pixfind, arguments: tuple[str, ...], query: str
) -> None:
    answer = document(found("search", "--json", *arguments))
    assert parse(answer["query"]) == parse(query)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("dog", r"folder:C:\My Photos"), r'dog folder:"C:\My Photos"'),
        (("dog", "file:IMG (1).jpg"), 'dog file:"IMG (1).jpg"'),
        (("folder:My Photos\\", "dog"), 'folder:"My Photos\\\\" dog'),
        (("-folder:Us + them", "dog"), '-folder:"Us + them" dog'),
        (("camera:a b|c", "dog"), 'camera:"a b|c" dog'),
        (('file:the "best" one', "dog"), r'file:"the \"best\" one" dog'),
        (("dog", "-what (a): day"), 'dog -"what (a): day"'),
        (("dog", "-Note: snow"), 'dog -"Note: snow"'),
        # Nothing to be restored, or several terms in one argument.
        (("dog", 'folder:"My Photos"'), 'dog folder:"My Photos"'),
        (("dog", "camera:(canon eos|nikon)"), "dog camera:(canon eos|nikon)"),
        (("dog", "-red -deep snow"), "dog -red -deep snow"),
        (("dog", "camera:canon year:2019"), "dog camera:canon year:2019"),
        (("dog", "-camra:canon eos"), "dog -camra:canon eos"),
        (("dog", "-", "a - b"), "dog - a - b"),
        ((r"folder:C:\My Photos",), r"folder:C:\My Photos"),
    ],
)
def test_quotes_that_the_shell_takes(arguments: tuple[str, ...], line: str) -> None:
    assert query_line(arguments) == line


def test_syntax(pixfind: Pixfind) -> None:
    result = pixfind("search", "--syntax")
    assert result.exit_code == 0
    assert "camera:" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    "query", ["camra:x", "date:2021..2019", '"open', "a\x07b", "like:nowhere.jpg", "score:>2"]
)
def test_malformed_query(found: Pixfind, query: str) -> None:
    error_of(found("search", query))


def test_similar(found: Pixfind, colours: Path, tmp_path: Path) -> None:
    answer = document(found("similar", colours / "red.png", "--json"))
    assert (answer["total"], len(answer["results"])) == (2, 2)
    assert str(colours / "red.png") not in [result["path"] for result in answer["results"]]
    Image.new("RGB", (300, 200), (250, 5, 5)).save(tmp_path / "other.jpg")
    result = found("similar", tmp_path / "other.jpg", "-n", "1")
    assert result.stdout.endswith(f"  {colours / 'red.png'}\n")
    assert float(result.stdout.split()[0]) > 0.5


def test_similar_takes_a_relative_path(
    found: Pixfind, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(colours)
    assert document(found("similar", "red.png", "--json"))["query"] == f"like:{colours / 'red.png'}"


def test_status(found: Pixfind, colours: Path) -> None:
    text = found("status").stdout
    assert "model     pocket" in text
    assert f"folder    {colours}" in text
    answer = document(found("status", "--json"))
    assert list(answer) == [
        "library", "model", "photos", "videos", "regions", "moments", "tagged", "accepted",
        "described", "files", "roots", "failures", "bytes", "reasons",
    ]  # fmt: skip
    assert (answer["photos"], answer["files"], answer["failures"]) == (3, 3, [])
    assert answer["roots"] == [{"path": str(colours), "available": True}]
    assert set(answer["bytes"]) == {"catalog", "vectors", "thumbnails", "pictures"}


def test_models_list(pixfind: Pixfind) -> None:
    result = pixfind("models", "list")
    assert result.stdout.startswith("pocket  ")
    assert "bundled, licence: " in result.stdout
    (row,) = document(pixfind("models", "list", "--json"))["models"]
    assert set(row) == {
        "name", "version", "dim", "image_size", "engine", "licence", "fingerprint", "bundled",
        "calibrated", "folder", "bytes",
    }  # fmt: skip
    assert (row["name"], row["engine"], row["bundled"]) == ("pocket", "onnx", True)


def test_library_option_goes_before_the_environment(
    pixfind: Pixfind, photos: Path, settings: Settings, tmp_path: Path
) -> None:
    pixfind("index", photos / "inner")
    pixfind("--library", tmp_path / "other", "index", photos)
    assert document(pixfind("status", "--json"))["library"] == str(settings.library)
    other = document(pixfind("--library", tmp_path / "other", "status", "--json"))
    assert (other["library"], other["photos"]) == (str(tmp_path / "other"), 3)


def test_library_lies_in_the_users_data_otherwise(
    pixfind: Pixfind, photos: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIXFIND_LIBRARY")
    made = document(pixfind("index", photos, "--json"))
    assert Path(made["library"]).is_relative_to(own_home)


@pytest.mark.parametrize("command", [("search", "x"), ("similar", "x"), ("status",), ("index",)])
def test_no_library(pixfind: Pixfind, settings: Settings, command: tuple[str, ...]) -> None:
    assert f"no library in {settings.library}" in error_of(pixfind(*command))
    assert not settings.library.exists()


def test_empty_library(pixfind: Pixfind, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert pixfind("index", tmp_path / "nothing").exit_code == 0
    assert "pixfind index FOLDER" in error_of(pixfind("search", "a cat"))


def test_library_that_cannot_be_a_folder(pixfind: Pixfind, photos: Path) -> None:
    error_of(pixfind("--library", photos / "red.jpg" / "library", "index", photos))


@pytest.mark.parametrize("command", [("search", "x"), ("index", ".")])
def test_model_that_is_not_installed(found: Pixfind, command: tuple[str, ...]) -> None:
    line = error_of(found(*command, "--model", "ViT-B-32"))
    assert "no model 'ViT-B-32' is installed (there are: pocket)" in line
    assert "pixfind models add" in line


def test_library_indexed_with_another_model(
    pixfind: Pixfind, photos: Path, settings: Settings
) -> None:
    with Library.create(settings.library) as library:
        Indexer(library, FakeEncoder()).run([photos])
    line = error_of(pixfind("search", "red", "--model", "pocket"))
    assert "was indexed with fake" in line
    assert "pixfind index --model pocket" in line
    assert "no model 'fake'" in error_of(pixfind("search", "red"))


def test_missing_paths(pixfind: Pixfind, found: Pixfind, tmp_path: Path) -> None:
    for run, command in ((pixfind, "index"), (found, "similar"), (pixfind, "eval")):
        assert str(tmp_path / "nowhere") in error_of(run(command, tmp_path / "nowhere"))
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize("query", ["", "  ", "\n\t"])
def test_empty_query(found: Pixfind, query: str) -> None:
    assert "the query is empty" in error_of(found("search", query))


def test_query_beyond_all_reason(found: Pixfind) -> None:
    assert "longer than 2000 characters" in error_of(found("search", "word " * 500))


def test_similar_to_what_is_no_picture(found: Pixfind, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    assert "not in a picture format" in error_of(found("similar", tmp_path / "notes.jpg"))
    assert "not a regular file" in error_of(found("similar", tmp_path))


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("search",),
        ("search", "x", "--limit", "0"),
        ("search", "x", "--limit", "100001"),
        ("search", "x", "--limit", "many"),
        ("similar",),
        ("similar", "a.jpg", "b.jpg"),
        ("index", ".", "--workers", "0"),
        ("serve", "--port", "65536"),
        ("models", "add", "ViT-B-32"),
        ("models", "import", "nowhere"),
        ("eval", ".", "--column", "1"),
        ("no-such-command",),
        ("--no-such-option",),
    ],
)
def test_wrong_usage_exits_2(pixfind: Pixfind, command: tuple[str, ...]) -> None:
    result = pixfind(*command)
    assert result.exit_code == 2
    assert (result.stdout, result.stderr[:6]) == ("", "Usage:")


def test_help_and_version(pixfind: Pixfind) -> None:
    assert pixfind("-h").stdout == pixfind("--help").stdout
    assert pixfind("--version").stdout == f"pixfind, version {__version__}\n"


NASTY = ["esc\x1b[31m.png", "two\nlines.png", "back\rhome.png", "c1\x9b31m.png", "bidi\u202e.png"]


def test_control_characters_in_file_names_do_no_harm(pixfind: Pixfind, tmp_path: Path) -> None:
    folder = tmp_path / "nasty"
    folder.mkdir()
    for number, name in enumerate(NASTY):
        Image.new("RGB", (32, 32), (50 * number, 0, 0)).save(folder / name)
        (folder / f"bad {name}").write_bytes(b"no picture")
    assert pixfind("index", folder).exit_code == 0
    found, status = pixfind("search", "red", "--all").stdout, pixfind("status").stdout
    for text in (found, status, pixfind("similar", folder / NASTY[0]).stdout):
        assert all(line.isprintable() for line in text.split("\n"))
    for command in ("search", "red", "--all"), ("status",):
        printed = pixfind(*command, "--json").stdout
        assert all(line.isprintable() for line in printed.split("\n"))
    for name in NASTY:
        safe = name.translate({ord(c): "\ufffd" for c in "\x1b\n\r\x9b\u202e"})
        assert f"{folder}/{safe}\n" in found
        assert f"bad {safe}: " in status
        assert f"bad {safe}" in error_of(pixfind("similar", folder / f"bad {name}"))
        assert f"no {safe}" in error_of(pixfind("similar", folder / f"no {name}"))


def test_names_that_are_not_utf8(pixfind: Pixfind, tmp_path: Path) -> None:
    folder = tmp_path / "latin"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    try:
        Image.new("RGB", (32, 32), "red").save(folder / name)
    except OSError:
        pytest.skip("this file system takes only valid names")
    assert document(pixfind("index", folder, "--json"))["embedded"] == 1
    assert pixfind("search", "red").stdout.endswith("caf\ufffd.png\n")
    (result,) = document(pixfind("search", "red", "--json"))["results"]
    assert result["path"] == f"{folder}/caf\ufffd.png"
    assert document(pixfind("similar", folder / name, "--json"))["query"].endswith("caf\ufffd.png")
    (folder / name).rename(tmp_path / "gone.png")
    folder.rename(tmp_path / os.fsdecode(b"\xe9t\xe9"))
    assert document(pixfind("index", "--json"))["missing_roots"] == [str(folder)]
    assert "\ufffd" in error_of(pixfind("similar", folder / name))


@pytest.mark.parametrize("name", ["narrow\u202fspace.png", "no\xa0break.png", "👩\u200d🚀.png"])
def test_common_invisible_characters_are_kept(pixfind: Pixfind, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    Image.new("RGB", (32, 32), "red").save(folder / name)
    pixfind("index", folder)
    (result,) = document(pixfind("search", "red", "--json"))["results"]
    assert Path(result["path"]).is_file()


def test_query_that_is_not_utf8(found: Pixfind) -> None:
    answer = document(found("search", os.fsdecode(b"caf\xe9"), "--all", "--json"))
    assert len(answer["results"]) == 3


def test_unforeseen_error_is_not_hidden(found: Pixfind, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("search.engine.SearchEngine.search", fail)
    assert isinstance(found("search", "x").exception, ZeroDivisionError)


def test_reader_that_has_had_enough_is_no_failure_to_tell_of(colours: Path) -> None:
    program = "from pixfind.cli.main import main; main()"
    command = [sys.executable, "-c", program, "--library", colours.parent / "library"]
    process = subprocess.Popen(
        [*command, "search", "red"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 1
