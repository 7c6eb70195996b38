"""The Python API: open a library, index, search, look at a photo."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from PIL import Image

import pixfind
from indexer import Indexer
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import (
    LibraryEmptyError,
    ModelMismatchError,
    ModelNotFoundError,
    PathNotFoundError,
    PhotoDecodeError,
    PhotoNotFoundError,
    QueryError,
)
from pixfind.library import Library


def test_from_nothing_to_results(tmp_path: Path, photos: Path) -> None:
    with pixfind.open(tmp_path / "mine") as library:
        assert library.add(photos).embedded == 3
        results = library.search("something red", limit=2, everything=True)
        assert (results.query, results.model, results.total) == ("something red", "pocket", 3)
        best, second = results.results
        assert 1 >= best.score >= second.score >= -1
        assert best.photo.path.is_absolute()
        assert library.photo(best.photo.id) == best.photo
        (like, _) = library.similar(photos / "red.jpg").results
        assert like.photo.path != photos / "red.jpg"


def test_text_paths_and_single_files_will_do(tmp_path: Path, photos: Path) -> None:
    with pixfind.open(str(tmp_path / "mine")) as library:
        summary = library.add(str(photos / "red.jpg"), photos / "inner", workers=1)
        assert summary.photos == 2
        assert len(library.similar(str(photos / "red.jpg")).results) == 1


def test_what_is_indexed_later_is_found(tmp_path: Path, photos: Path) -> None:
    with pixfind.open(tmp_path / "mine") as library:
        library.add(photos / "inner")
        assert library.search("red", everything=True).total == 1
        library.add(photos)
        assert library.search("red", everything=True).total == 3
        (photos / "red.jpg").unlink()
        library.add()
        assert library.search("red", everything=True).total == 2


def test_status(tmp_path: Path, photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"no picture")
    with pixfind.open(tmp_path / "mine") as library:
        assert (library.status().model, library.status().photos) == (None, 0)
        library.add(photos)
        status = library.status()
    assert (status.model, status.photos) == ("pocket", 3)
    assert [failure.path for failure in status.failures] == ["bad.jpg"]
    assert status.bytes["catalog"] > 0


def test_library_can_be_opened_again_and_by_its_environment(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXFIND_LIBRARY", str(tmp_path / "mine"))
    with pixfind.open() as library:
        library.add(photos)
    with pixfind.open() as library:
        assert library.search("red", everything=True).total == 3
    assert (tmp_path / "mine" / "catalog.db").is_file()


def test_each_failure_has_its_kind(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pixfind.open(tmp_path / "mine") as library:
        with pytest.raises(LibraryEmptyError):
            library.search("red")
        with pytest.raises(PathNotFoundError):
            library.add(tmp_path / "nowhere")
        library.add(photos)
        for query in ("", " \n", "long " * 500):
            with pytest.raises(QueryError):
                library.search(query)
        for limit in (0, -1, 100_001):
            with pytest.raises(QueryError):
                library.search("red", limit=limit)
        with pytest.raises(PathNotFoundError):
            library.similar(tmp_path / "nowhere")
        with pytest.raises(PhotoDecodeError):
            library.similar(tmp_path / "notes.txt")
        for photo_id in (0, 999, 2**63 - 1, 2**70, -1):
            with pytest.raises(PhotoNotFoundError):
                library.photo(photo_id)


def test_models_that_do_not_fit(tmp_path: Path, photos: Path, settings: Settings) -> None:
    with Library.create(settings.library) as opened:
        Indexer(opened, FakeEncoder()).run([photos])
    with pixfind.open(settings.library, model="pocket") as library:
        with pytest.raises(ModelMismatchError):
            library.search("red")
        library.add()
        assert library.search("red").model == "pocket"
    absent = pixfind.open(tmp_path / "new", model="absent")
    with absent as library, pytest.raises(ModelNotFoundError, match="absent"):
        library.add(photos)


def test_albums_and_duplicates(tmp_path: Path, photos: Path) -> None:
    (photos / "copy.jpg").write_bytes((photos / "red.jpg").read_bytes())
    with pixfind.open(tmp_path / "mine") as library:
        library.add(photos)
        saved = library.save_album("Inside", "folder:inner")
        assert library.albums() == [saved]
        (result,) = library.search(library.album("inside").query).results
        assert result.photo.path.name == "blue.webp"
        library.remove_album("Inside")
        assert library.albums() == []
        (group,) = library.duplicates(exact_only=True).groups
        assert group.kind == "exact"


def test_the_readmes_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """What the README shows of the Python API runs, and prints what it says."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (64, 64), "red").save(tmp_path / "photos" / "a red telephone box.png")
    readme = Path(__file__).resolve().parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(readme), "exec"), {})
    assert "a red telephone box.png" in capsys.readouterr().out


def test_every_error_is_a_pixfind_error(tmp_path: Path) -> None:
    with pixfind.open(tmp_path) as library, pytest.raises(pixfind.PixfindError):
        library.search("red")


def test_odd_texts_are_queries_too(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "black.png")
    with pixfind.open(tmp_path / "mine") as library:
        library.add(tmp_path)
        for query in ("赤い電話ボックス", "🐕🏖️", "\ud800", "a" * 1000, "[SEP] </s> [MASK]"):
            (result,) = library.search(query, everything=True).results
            assert 0 <= result.score <= 1


def test_classification_and_the_owners_tags(tmp_path: Path, photos: Path) -> None:
    with pixfind.open(tmp_path / "mine") as library:
        library.add(photos)
        red, blue = library.classify(
            [photos / "red.jpg", photos / "inner/blue.webp"],
            ["plain red", "plain blue", "a crowd of people"],
        )
        assert (red.labels[0], blue.labels[0]) == ("plain red", "plain blue")
        assert red.probabilities.sum() == pytest.approx(1)
        (each,) = library.classify([photos / "red.jpg"], ["plain red"], several=True)
        assert each.labels == ("plain red",)
        library.accept_tag("dachshund", photos / "red.jpg", 2)
        (found,) = library.search("tag:dog file:red*").results
        assert found.photo.tags == ("animal", "dachshund", "dog", "mammal")
        library.reject_tag("mammal", found.photo)
        assert library.photo(found.photo.id).tags == ("animal",)


def test_care(tmp_path: Path, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    with pixfind.open(tmp_path / "library") as library:
        assert library.add(photos).failed == 1
        Image.new("RGB", (16, 16), "yellow").save(photos / "broken.jpg")
        os.utime(photos / "broken.jpg", ns=(0, 0))
        assert library.retry(photos / "inner").embedded == 0
        assert library.retry().embedded == 1
        assert library.check().is_healthy
        backup = library.backup(tmp_path / "photos.pixfind")
    assert backup.file.stat().st_size == backup.size
    assert backup.contents.photos == 4
