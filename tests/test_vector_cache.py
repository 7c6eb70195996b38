"""The FAISS files of a library: used again when they are whole, never trusted when they are not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from indexer import Indexer, Summary
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from pixfind.vectors import Ids, VectorIndex, Vectors
from search import SearchEngine

Index = Callable[..., Summary]


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many vectors were put into indexes from now on, call by call."""
    counts: list[int] = []
    add = VectorIndex.add

    def counting(index: VectorIndex, ids: Ids, vectors: Vectors) -> None:
        counts.append(len(ids))
        add(index, ids, vectors)

    monkeypatch.setattr(VectorIndex, "add", counting)
    return counts


@pytest.fixture
def cache_folder(library: Library, index: Index, photos: Path) -> Path:
    """The folder of FAISS files of a library of three photos."""
    index(photos)
    return library.folder / "vectors"


def add_photo(photos: Path, name: str, colour: str) -> None:
    Image.new("RGB", (64, 48), colour).save(photos / name)


def colours_found(folder: Path) -> dict[str, str]:
    """The best photo for each colour, as another process would find it."""
    with Library.open(folder) as library:
        engine = SearchEngine(library, FakeEncoder())
        best = {colour: engine.search(colour).results[0] for colour in FakeEncoder.COLOURS}
        assert min(result.score for result in best.values()) > 0.99
        return {colour: result.photo.path.stem for colour, result in best.items()}


RIGHT = {"red": "red", "green": "green", "blue": "blue"}


def the_index_file(folder: Path) -> Path:
    (file,) = folder.glob("*.faiss")
    return file


def the_manifest(folder: Path) -> Path:
    (file,) = folder.glob("*.json")
    return file


def rewrite(folder: Path, **values: object) -> None:
    """Change what the manifest says."""
    file = the_manifest(folder)
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


# Used again


def test_saved_index_is_used_again(cache_folder: Path, added: list[int], library: Library) -> None:
    assert colours_found(library.folder) == RIGHT
    assert sum(added) == 0


def test_same_generation_gives_the_same_index(cache_folder: Path, library: Library) -> None:
    model = library.model()
    assert model is not None
    first = library.vectors(model).current()
    assert library.vectors(model).current() is first
    assert library.vectors(model) is library.vectors(model)
    assert library.vectors(model).is_saved


def test_save_writes_nothing_when_nothing_changed(cache_folder: Path, library: Library) -> None:
    before = {file: file.stat().st_mtime_ns for file in cache_folder.iterdir()}
    model = library.model()
    assert model is not None
    library.vectors(model).save()
    assert {file: file.stat().st_mtime_ns for file in cache_folder.iterdir()} == before


# Missing or damaged


def remove_index(folder: Path) -> None:
    the_index_file(folder).unlink()


def truncate_index(folder: Path) -> None:
    file = the_index_file(folder)
    file.write_bytes(file.read_bytes()[:-7])


def empty_index(folder: Path) -> None:
    the_index_file(folder).write_bytes(b"")


def flip_a_bit(folder: Path) -> None:
    content = bytearray(the_index_file(folder).read_bytes())
    content[len(content) // 2] ^= 1
    the_index_file(folder).write_bytes(content)


def folder_in_its_place(folder: Path) -> None:
    (folder / "odd").mkdir()
    rewrite(folder, file="odd")


def remove_manifest(folder: Path) -> None:
    the_manifest(folder).unlink()


def cut_manifest(folder: Path) -> None:
    the_manifest(folder).write_bytes(the_manifest(folder).read_bytes()[:40])


def noise_for_a_manifest(folder: Path) -> None:
    the_manifest(folder).write_bytes(b"\xff\xfe\x00{")


def list_for_a_manifest(folder: Path) -> None:
    the_manifest(folder).write_text("[1, 2]", "utf-8")


def manifest_of_later_version(folder: Path) -> None:
    rewrite(folder, layout="new")


def manifest_without_checksum(folder: Path) -> None:
    manifest = json.loads(the_manifest(folder).read_text("utf-8"))
    del manifest["crc32"]
    the_manifest(folder).write_text(json.dumps(manifest), "utf-8")


def manifest_of_another_library(folder: Path) -> None:
    rewrite(folder, library_id="0" * 32)


def wrong_count(folder: Path) -> None:
    rewrite(folder, count=2)


def number_for_a_name(folder: Path) -> None:
    rewrite(folder, file=5)


def file_of_another_folder(folder: Path) -> None:
    file = the_index_file(folder)
    file.rename(folder.parent / file.name)
    rewrite(folder, file=f"../{file.name}")


def text_for_a_number(folder: Path) -> None:
    rewrite(folder, generation="many")


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "damage",
    [
        remove_index,
        truncate_index,
        empty_index,
        flip_a_bit,
        folder_in_its_place,
        remove_manifest,
        cut_manifest,
        noise_for_a_manifest,
        list_for_a_manifest,
        manifest_of_later_version,
        manifest_without_checksum,
        manifest_of_another_library,
        wrong_count,
        number_for_a_name,
        file_of_another_folder,
        text_for_a_number,
        remove_folder,
    ],
)
def test_damaged_cache_is_derived_again(
    cache_folder: Path, library: Library, added: list[int], damage: Callable[[Path], None]
) -> None:
    damage(cache_folder)
    assert colours_found(library.folder) == RIGHT
    assert sum(added) == 3


@pytest.mark.parametrize("damage", [remove_index, flip_a_bit, cut_manifest, remove_folder])
def test_next_run_repairs_a_damaged_cache(
    cache_folder: Path,
    library: Library,
    photos: Path,
    added: list[int],
    damage: Callable[[Path], None],
) -> None:
    damage(cache_folder)
    with Library.open(library.folder) as opened:
        Indexer(opened, FakeEncoder()).run([photos])
    added.clear()
    assert colours_found(library.folder) == RIGHT
    assert sum(added) == 0


def test_cache_of_another_library_is_not_used(
    cache_folder: Path, tmp_path: Path, photos: Path
) -> None:
    other = tmp_path / "other"
    (photos / "red.jpg").unlink()
    add_photo(photos, "a.png", "red")
    with Library.create(other) as library:
        Indexer(library, FakeEncoder()).run([photos])
    shutil.rmtree(other / "vectors")
    shutil.copytree(cache_folder, other / "vectors")
    assert colours_found(other) == RIGHT | {"red": "a"}


# Behind the catalog


def test_older_index_is_caught_up(
    cache_folder: Path, library: Library, photos: Path, index: Index, tmp_path: Path
) -> None:
    shutil.copytree(cache_folder, tmp_path / "old")
    (photos / "red.jpg").unlink()
    add_photo(photos, "crimson.png", "#f00810")
    add_photo(photos, "black.png", "black")
    index(photos)
    shutil.rmtree(cache_folder)
    shutil.copytree(tmp_path / "old", cache_folder)
    with Library.open(library.folder) as opened:
        results = SearchEngine(opened, FakeEncoder()).search("red").results
    names = [result.photo.path.stem for result in results]
    assert names[0] == "crimson"
    assert sorted(names) == ["black", "blue", "crimson", "green"]


def test_removed_photo_comes_back(
    cache_folder: Path, library: Library, photos: Path, index: Index, added: list[int]
) -> None:
    red = (photos / "red.jpg").read_bytes()
    (photos / "red.jpg").unlink()
    index(photos)
    (photos / "red.jpg").write_bytes(red)
    index(photos)
    assert sum(added) == 1
    assert colours_found(library.folder) == RIGHT


def test_catalog_restored_from_a_backup(
    cache_folder: Path, library: Library, photos: Path, tmp_path: Path
) -> None:
    """What is indexed from then on gets ids that the cache knows already, for other photos."""
    library.close()
    shutil.copy(library.folder / "catalog.db", tmp_path / "backup.db")
    (tmp_path / "later").mkdir()
    add_photo(tmp_path / "later", "black.png", "black")
    with Library.open(library.folder) as opened:
        Indexer(opened, FakeEncoder()).run([tmp_path / "later"])
    shutil.copy(tmp_path / "backup.db", library.folder / "catalog.db")
    (photos / "red.jpg").unlink()
    add_photo(photos, "crimson.png", "red")
    with Library.open(library.folder) as opened:
        Indexer(opened, FakeEncoder()).run([photos])
    assert colours_found(library.folder) == RIGHT | {"red": "crimson"}


# Handed out


def test_index_that_was_handed_out_is_not_changed(
    cache_folder: Path, library: Library, photos: Path, index: Index
) -> None:
    model = library.model()
    assert model is not None
    before = library.vectors(model).current()
    (photos / "red.jpg").unlink()
    add_photo(photos, "black.png", "black")
    add_photo(photos, "white.png", "white")
    index(photos)
    after = library.vectors(model).current()
    assert (len(before), len(after)) == (3, 4)
    assert after is not before


def test_open_library_follows_another_process(
    cache_folder: Path, library: Library, photos: Path, engine: SearchEngine
) -> None:
    assert len(engine.search("red").results) == 3
    add_photo(photos, "black.png", "black")
    with Library.open(library.folder) as elsewhere:
        Indexer(elsewhere, FakeEncoder()).run([photos])
    assert len(engine.search("red").results) == 4


# Files


def test_an_index_that_is_slow_to_catch_up_rests_between_searches(
    cache_folder: Path, library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixfind.vectors.cache.SLOW_S", 0.0)
    monkeypatch.setattr("pixfind.vectors.cache.REST", 1e6)
    model = library.model()
    assert model is not None
    # The first is opened, the second copied and caught up, and the third comes too soon.
    for number, expected in enumerate((4, 5, 5)):
        add_photo(photos, f"{number}.png", f"#{number}05678")
        with Library.open(library.folder) as other:
            Indexer(other, FakeEncoder()).run([photos])
        assert len(library.index(model)) == expected
    assert len(library.vectors(model).current()) == 6  # who writes it to disk does not wait
    assert len(library.index(model)) == 6


def test_one_index_file_for_each_model_and_nothing_else(
    cache_folder: Path, library: Library, photos: Path, index: Index
) -> None:
    for number in range(3):
        add_photo(photos, f"{number}.png", f"#00{number}000")
        index(photos)
    Indexer(library, FakeEncoder(name="a/model: other")).run([photos])
    names = sorted(file.name for file in cache_folder.iterdir() if file.name != "CACHEDIR.TAG")
    assert len(names) == 4
    assert [Path(name).suffix for name in names] == [".faiss", ".json"] * 2


def test_what_a_killed_process_left_is_removed(
    cache_folder: Path, photos: Path, index: Index
) -> None:
    file = the_index_file(cache_folder)
    (cache_folder / f".{file.name}.0a1b2c3d.tmp").write_bytes(b"half an index")
    shutil.copy(file, cache_folder / file.name.replace(file.suffixes[-2], ".999"))
    add_photo(photos, "black.png", "black")
    index(photos)
    assert sorted(f.suffix for f in cache_folder.iterdir()) == [".TAG", ".faiss", ".json"]


def test_failed_save_leaves_the_old_files(
    cache_folder: Path,
    library: Library,
    photos: Path,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {file.name: file.read_bytes() for file in cache_folder.iterdir()}

    def full(index: VectorIndex, file: Path) -> None:
        file.write_bytes(b"half an ")
        raise OSError("No space left on device")

    add_photo(photos, "black.png", "black")
    with monkeypatch.context() as full_disk, pytest.raises(OSError, match="No space"):
        full_disk.setattr(VectorIndex, "save", full)
        index(photos)
    assert {file.name: file.read_bytes() for file in cache_folder.iterdir()} == before
    assert colours_found(library.folder) == RIGHT


def test_a_search_writes_what_was_missing(
    cache_folder: Path, library: Library, photos: Path, index: Index, engine: SearchEngine
) -> None:
    the_index_file(cache_folder).unlink()
    with Library.open(library.folder) as fresh:
        assert SearchEngine(fresh, FakeEncoder()).search("red").results
    assert the_index_file(cache_folder).exists()
