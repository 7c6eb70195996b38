"""Duplicates: what is grouped and what is not, which file is suggested, and how it is told."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from PIL.ExifTags import Base

from indexer import Indexer, Summary
from pixfind.cli.dupes_report import HEADINGS, write_table
from pixfind.encoders.base import Encoder
from pixfind.errors import LibraryEmptyError
from pixfind.library import Library
from pixfind.photos.appearance import hash_distances, look_of
from search.duplicates import finding as duplicates
from search.duplicates.copies import FileCopy
from search.duplicates.finding import MOST_BITS, find_duplicates
from search.duplicates.grouping import Group, Reason, linked
from search.duplicates.neighbours import close_pairs

Index = Callable[..., Summary]
Pixfind = Callable[..., Result]
SIZE = (640, 480)


def scene(seed: int) -> Image.Image:
    """A picture of boxes and discs in all sizes, another one for each seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", SIZE, tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for number in range(60):
        x, y = (rng.random(2) * SIZE - 40).tolist()
        width, height = (rng.random(2) * SIZE[0] / (1 + number / 4) + 4).tolist()
        shape = draw.ellipse if number % 2 else draw.rectangle
        shape((x, y, x + width, y + height), tuple(rng.integers(0, 256, 3).tolist()))
    return image


def cropped(image: Image.Image, margin: int) -> Image.Image:
    return image.crop((margin, margin, image.width - margin, image.height - margin))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with one photo and one that is quite another."""
    folder = tmp_path / "album"
    folder.mkdir()
    scene(1).save(folder / "a.jpg", quality=92)
    scene(2).save(folder / "other.jpg", quality=92)
    return folder


def names(group: Group) -> list[str]:
    """The files of a group, the one to keep first and the others sorted."""
    first, *others = [file.path.name for member in group.members for file in member.files]
    return [first, *sorted(others)]


def only_group(library: Library, **options: Any) -> Group:
    (group,) = find_duplicates(library, **options).groups
    return group


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


# Files of the same bytes


@pytest.mark.parametrize("exact_only", [True, False])
def test_files_of_the_same_bytes(
    library: Library, index: Index, album: Path, exact_only: bool
) -> None:
    (album / "backup").mkdir()
    for copy in ("a (1).jpg", "backup/a.jpg"):
        shutil.copy(album / "a.jpg", album / copy)
    index(album)
    found = find_duplicates(library, exact_only=exact_only)
    (group,) = found.groups
    assert (group.kind, group.reason) == ("exact", Reason.SHORTEST_PATH)
    assert [str(file.path.relative_to(album)) for file in group.best.files] == [
        "a.jpg",
        "a (1).jpg",
        "backup/a.jpg",
    ]
    size = (album / "a.jpg").stat().st_size
    assert (group.spare_files, group.spare_bytes) == (2, 2 * size)
    assert (found.model, found.photos, found.spare_files) == ("fake", 2, 2)


def test_exact_only_leaves_likeness_out(library: Library, index: Index, album: Path) -> None:
    scene(1).save(album / "again.jpg", quality=60)
    index(album)
    assert find_duplicates(library, exact_only=True).groups == ()
    assert names(only_group(library)) == ["a.jpg", "again.jpg"]


def test_file_that_is_there_is_kept_before_one_that_is_not(
    library: Library, index: Index, album: Path
) -> None:
    for copy in ("longer.jpg", "the longest.jpg"):
        shutil.copy(album / "a.jpg", album / copy)
    index(album)
    (album / "a.jpg").unlink()
    group = only_group(library)
    assert [(file.path.name, file.there) for file in group.best.files] == [
        ("longer.jpg", True),
        ("the longest.jpg", True),
        ("a.jpg", False),
    ]
    assert group.spare_files == 1


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_group_with_one_file_left_is_only_counted(
    library: Library, index: Index, album: Path, what: str
) -> None:
    shutil.copy(album / "a.jpg", album / "copy.jpg")
    index(album)
    if what == "gone":
        (album / "copy.jpg").unlink()
    else:
        os.utime(album / "copy.jpg", ns=(1, 1))
    found = find_duplicates(library)
    assert (found.groups, found.absent) == ((), 1)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_links_to_a_file_are_no_copies(
    library: Library, index: Index, album: Path, link: Callable[[Path, Path], None]
) -> None:
    shutil.copy(album / "a.jpg", album / "a true copy.jpg")
    try:
        link(album / "a true copy.jpg", album / "b.jpg")
    except OSError:
        pytest.skip("this file system has no such links")
    index(album)
    kept, spare = only_group(library).best.files
    assert kept.path.name == "a.jpg"
    # Of two hard links either is the file; a symbolic link never is.
    expected = {"b.jpg", "a true copy.jpg"} if link is os.link else {"a true copy.jpg"}
    assert spare.path.name in expected


# Photos that look alike


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again": lambda image: image,
    "scaled": lambda image: image.resize((320, 240)),
    "cropped": lambda image: cropped(image, 6),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_edited_copy_is_found(
    library: Library, index: Index, album: Path, edit: str, ending: str
) -> None:
    EDITS[edit](scene(1)).save(album / f"z.{ending}", quality=75)
    index(album)
    group = only_group(library)
    assert (group.kind, names(group)) == ("near", ["a.jpg", f"z.{ending}"])
    assert group.spare_bytes == (album / f"z.{ending}").stat().st_size
    other = group.members[1]
    assert 0.85 <= other.similarity <= 1
    assert 0 <= other.hash_distance <= MOST_BITS
    assert (group.best.similarity, group.best.hash_distance) == (1.0, 0)


@pytest.mark.parametrize(
    "change",
    [
        ImageOps.mirror,
        ImageOps.flip,
        lambda image: image.rotate(180),
        lambda image: image.rotate(90, expand=True),
        lambda image: cropped(image, 120),
    ],
    ids=["mirrored", "flipped", "upside down", "turned", "a detail"],
)
def test_other_picture_is_not_grouped(
    library: Library, index: Index, album: Path, change: Callable[[Image.Image], Image.Image]
) -> None:
    change(scene(1)).save(album / "z.jpg", quality=92)
    index(album)
    assert find_duplicates(library).groups == ()


def test_camera_held_another_way_is_no_difference(
    library: Library, index: Index, album: Path
) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    scene(1).rotate(90, expand=True).save(album / "z.jpg", quality=92, exif=exif)
    index(album)
    assert only_group(library).members[1].hash_distance <= 2


def test_likeness_of_hashes_alone_is_not_enough(
    library: Library, index: Index, album: Path
) -> None:
    # Grey says the same of both, so does the hash; the embedding sees the colours.
    grey = scene(1).convert("L")
    zero = Image.new("L", grey.size)
    Image.merge("RGB", (grey, zero, zero)).save(album / "red.png")
    Image.merge("RGB", (zero, grey, zero)).save(album / "green.png")
    (album / "a.jpg").unlink()
    index(album)
    assert find_duplicates(library).groups == ()


def test_chain_is_not_followed_to_a_different_picture(
    library: Library, index: Index, album: Path
) -> None:
    whole = scene(4)
    chain = [whole, cropped(whole, 16), cropped(whole, 32)]
    hashes = [np.frombuffer(look_of(image).hash, np.uint8)[np.newaxis] for image in chain]
    one, other, far = (
        int(hash_distances(hashes[i], hashes[j])[0]) for i, j in ((0, 1), (1, 2), (0, 2))
    )
    assert max(one, other) <= MOST_BITS < far
    for number, image in enumerate(chain):
        image.save(album / f"crop{number}.jpg", quality=92)
    index(album)
    assert names(only_group(library)) == ["crop0.jpg", "crop1.jpg"]


def test_many_versions_of_a_picture_are_one_group(
    library: Library, index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "NEIGHBOURS", 2)
    for quality in range(60, 90):
        scene(1).save(album / f"q{quality}.jpg", quality=quality)
    index(album)
    group = only_group(library)
    assert len(group.members) == 31
    assert group.best.photo.path.name == "a.jpg"


def test_group_of_copies_and_likenesses(library: Library, index: Index, album: Path) -> None:
    shutil.copy(album / "a.jpg", album / "copy of a.jpg")
    scene(1).resize((320, 240)).save(album / "small.jpg")
    shutil.copy(album / "small.jpg", album / "copy of small.jpg")
    index(album)
    group = only_group(library)
    assert group.kind == "near"
    assert [[file.path.name for file in member.files] for member in group.members] == [
        ["a.jpg", "copy of a.jpg"],
        ["small.jpg", "copy of small.jpg"],
    ]
    sizes = {file.name: file.stat().st_size for file in album.iterdir()}
    assert group.spare_files == 3
    assert group.spare_bytes == sizes["a.jpg"] + 2 * sizes["small.jpg"]


def test_what_takes_most_room_comes_first(library: Library, index: Index, album: Path) -> None:
    for name in ("a.jpg", "other.jpg"):
        shutil.copy(album / name, album / f"copy of {name}")
    scene(3).resize((40, 30)).save(album / "tiny.png")
    shutil.copy(album / "tiny.png", album / "copy of tiny.png")
    index(album)
    spare = [group.spare_bytes for group in find_duplicates(library).groups]
    assert len(spare) == 3
    assert spare == sorted(spare, reverse=True)


# The suggestion


def test_largest_is_suggested(library: Library, index: Index, album: Path) -> None:
    scene(1).resize((320, 240)).save(album / "small but heavy.bmp")
    index(album)
    group = only_group(library)
    assert (group.reason, names(group)[0]) == (Reason.LARGEST, "a.jpg")
    assert group.best.photo.byte_size < group.members[1].photo.byte_size


def test_sharpest_of_the_large_is_suggested(library: Library, index: Index, album: Path) -> None:
    scene(1).filter(ImageFilter.GaussianBlur(2)).save(album / "soft but heavy.png")
    index(album)
    group = only_group(library)
    assert (group.reason, names(group)[0]) == (Reason.SHARPEST, "a.jpg")
    assert group.best.photo.byte_size < group.members[1].photo.byte_size


def test_most_bytes_decide_between_equals(library: Library, index: Index, album: Path) -> None:
    scene(1).save(album / "z.jpg", quality=98)
    index(album)
    group = only_group(library)
    assert (group.reason, names(group)) == (Reason.MOST_BYTES, ["z.jpg", "a.jpg"])


def test_what_is_gone_is_not_suggested(library: Library, index: Index, album: Path) -> None:
    for number, quality in enumerate((60, 70)):
        scene(1).save(album / f"z{number}.jpg", quality=quality)
    index(album)
    (album / "a.jpg").unlink()  # its thumbnail is still there to compare
    group = only_group(library)
    assert names(group) == ["z1.jpg", "a.jpg", "z0.jpg"]
    assert group.spare_files == 1


@pytest.mark.parametrize("edit", ["brighter", "saved again"])
def test_sharpness_is_not_more_light(edit: str) -> None:
    before, after = look_of(scene(1)).sharpness, look_of(EDITS[edit](scene(1))).sharpness
    assert after == pytest.approx(before, rel=0.2)


def test_sharpness_falls_with_blur_and_leaves_out_a_caption() -> None:
    image = scene(1)
    captioned = Image.new("RGB", (640, 510), "white")
    captioned.paste(image)
    ImageDraw.Draw(captioned).text((8, 484), "Summer", "black", font_size=20)
    sharp = look_of(image).sharpness
    assert look_of(captioned).sharpness == pytest.approx(sharp, rel=0.2)
    softer = [look_of(image.filter(ImageFilter.GaussianBlur(r))).sharpness for r in (1, 2, 4)]
    assert sorted([sharp, *softer], reverse=True) == [sharp, *softer]
    assert look_of(Image.new("RGB", (3, 200), "red")).sharpness == 0


# What cannot be read


def test_thumbnails_are_made_again(library: Library, index: Index, album: Path) -> None:
    scene(1).save(album / "z.jpg", quality=60)
    index(album)
    shutil.rmtree(library.thumbnails)
    assert names(only_group(library)) == ["a.jpg", "z.jpg"]


def test_photo_without_file_and_thumbnail_is_skipped(
    library: Library, index: Index, album: Path
) -> None:
    for number, quality in enumerate((60, 70)):
        scene(1).save(album / f"z{number}.jpg", quality=quality)
    index(album)
    shutil.rmtree(library.thumbnails)
    (album / "a.jpg").unlink()
    found = find_duplicates(library)
    assert [names(group) for group in found.groups] == [["z1.jpg", "z0.jpg"]]
    assert found.skipped == 1


def test_damaged_thumbnail_is_skipped(library: Library, index: Index, album: Path) -> None:
    scene(1).save(album / "z.jpg", quality=60)
    index(album)
    for thumbnail in library.thumbnails.rglob("*.jpg"):
        thumbnail.write_bytes(b"damaged")
    found = find_duplicates(library)
    assert (found.groups, found.skipped) == ((), 2)


def test_library_without_photos(
    library: Library, index: Index, album: Path, tmp_path: Path
) -> None:
    with pytest.raises(LibraryEmptyError):
        find_duplicates(library)
    index(album)
    for file in album.iterdir():
        file.unlink()
    (album / "notes.txt").write_text("a folder that is not empty")
    index(album)
    with pytest.raises(LibraryEmptyError):
        find_duplicates(library)


def test_nothing_of_the_owners_is_changed(library: Library, index: Index, album: Path) -> None:
    shutil.copy(album / "a.jpg", album / "copy.jpg")
    scene(1).save(album / "z.jpg", quality=60)
    index(album)
    before, catalog = snapshot(album), (library.folder / "catalog.db").read_bytes()
    assert only_group(library).spare_files == 2
    assert snapshot(album) == before
    assert (library.folder / "catalog.db").read_bytes() == catalog


def test_progress_comes_to_its_end_twice(library: Library, index: Index, album: Path) -> None:
    scene(1).save(album / "z.jpg", quality=60)
    index(album)
    steps: list[tuple[int, int]] = []
    find_duplicates(library, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(3, 3), (1, 2), (2, 2)]


# The parts


def test_close_pairs_are_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BLOCK_ROWS", 7), ("BLOCK_COLUMNS", 11)):
        monkeypatch.setattr(f"search.duplicates.neighbours.{name}", value)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 4))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    cosines = vectors.astype(np.float32) @ vectors.astype(np.float32).T
    first, second = np.nonzero(np.triu(cosines >= 0.6, 1))
    found = close_pairs(vectors, 0.6, 60)
    assert sorted(zip(found.first, found.second, strict=True)) == list(
        zip(first, second, strict=True)
    )
    assert found.cosines == pytest.approx(cosines[found.first, found.second], abs=1e-5)
    few = close_pairs(vectors, 0.6, 2)
    for one in range(60):
        best = sorted(cosines[first, second][first == one], reverse=True)[:2]
        assert few.cosines[few.first == one].tolist() == pytest.approx(best, abs=1e-5)


def test_close_pairs_of_nothing() -> None:
    assert len(close_pairs(np.empty((0, 4), np.float16), 0.5, 3)) == 0


def test_linked() -> None:
    assert linked([(5, 1), (2, 3), (9, 5), (3, 4), (1, 9)]) == [[1, 5, 9], [2, 3, 4]]
    assert linked([]) == []


# The command


@pytest.fixture
def doubled(index: Index, album: Path) -> Path:
    """An album, indexed, with a copy and a smaller version of a photo."""
    shutil.copy(album / "a.jpg", album / "copy of a.jpg")
    scene(1).resize((480, 360)).save(album / "small.webp")
    index(album)
    return album


def test_dupes_as_text(pixfind: Pixfind, doubled: Path) -> None:
    result = pixfind("dupes")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, keep, copy, small, empty, total = result.stdout.splitlines()
    assert heading == "Group 1: 3 files, look alike"
    assert keep.startswith(" * 640 x 480")
    assert "keep: largest" in keep
    assert keep.endswith(f"  {doubled / 'a.jpg'}")
    assert "the same bytes" in copy
    assert copy.endswith(f"  {doubled / 'copy of a.jpg'}")
    assert "480 x 360" in small
    assert "56% of the pixels" in small
    assert "WEBP" in small
    assert empty == ""
    assert total.startswith("1 group among 3 photos: beside the files to keep (*) there are 2")
    assert total.endswith("Nothing has been deleted or changed.")


def test_dupes_as_json(pixfind: Pixfind, doubled: Path) -> None:
    result = pixfind("dupes", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert (answer["model"], answer["photos"], answer["spare_files"]) == ("fake", 3, 2)
    (group,) = answer["groups"]
    assert (group["kind"], group["reason"]) == ("near", "largest")
    assert group["keep"] == str(doubled / "a.jpg")
    first, second = group["photos"]
    assert [file["path"] for file in first["files"]] == [
        str(doubled / "a.jpg"),
        str(doubled / "copy of a.jpg"),
    ]
    assert (first["similarity"], first["hash_distance"], first["width"]) == (1.0, 0, 640)
    assert (second["path"], second["format"]) == (str(doubled / "small.webp"), "WEBP")
    (exact,) = json.loads(pixfind("dupes", "--exact", "--json").stdout)["groups"]
    assert (exact["kind"], len(exact["photos"])) == ("exact", 1)
    assert exact["photos"][0]["sharpness"] is None


def test_dupes_as_a_table(pixfind: Pixfind, doubled: Path, tmp_path: Path) -> None:
    table = tmp_path / "dupes.csv"
    result = pixfind("dupes", "--csv", table)
    assert (result.exit_code, result.stdout) == (0, "")
    assert str(table) in result.stderr
    with table.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert tuple(rows[0]) == HEADINGS
    assert [(row["group"], row["suggestion"], Path(row["path"]).name) for row in rows] == [
        ("1", "keep", "a.jpg"),
        ("1", "spare", "copy of a.jpg"),
        ("1", "spare", "small.webp"),
    ]
    assert (rows[0]["reason"], rows[0]["width"], rows[0]["there"]) == ("largest", "640", "yes")


def test_table_and_json_together(pixfind: Pixfind, doubled: Path, tmp_path: Path) -> None:
    result = pixfind("dupes", "--json", "--csv", tmp_path / "dupes.csv")
    assert len(json.loads(result.stdout)["groups"]) == 1
    assert (tmp_path / "dupes.csv").is_file()


def test_table_does_not_replace_a_file(pixfind: Pixfind, doubled: Path, tmp_path: Path) -> None:
    table = tmp_path / "dupes.csv"
    table.write_text("mine")
    for place, reason in (
        (table, "exists already"),
        (doubled, "exists already"),
        (tmp_path / "nowhere" / "dupes.csv", "no folder"),
    ):
        result = pixfind("dupes", "--csv", place)
        assert (result.exit_code, result.stdout) == (1, "")
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert table.read_text() == "mine"


def test_no_cell_is_a_formula(library: Library, index: Index, album: Path, tmp_path: Path) -> None:
    shutil.copy(album / "a.jpg", album / "copy.jpg")
    index(album)
    found = find_duplicates(library)
    (group,) = found.groups
    evil = tuple(FileCopy(Path(f"{start}1+1.jpg"), True) for start in "=+-@'x")
    members = (replace(group.best, files=evil),)
    write_table(replace(found, groups=(replace(group, members=members),)), tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as opened:
        paths = [row["path"] for row in csv.DictReader(opened)]
    assert paths == ["'=1+1.jpg", "'+1+1.jpg", "'-1+1.jpg", "'@1+1.jpg", "'1+1.jpg", "x1+1.jpg"]


def test_no_duplicates(pixfind: Pixfind, index: Index, album: Path) -> None:
    index(album)
    result = pixfind("dupes")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no duplicates among 2 photos\n"
    assert json.loads(pixfind("dupes", "--json").stdout)["groups"] == []


def test_dupes_of_no_library_and_of_an_empty_one(pixfind: Pixfind, tmp_path: Path) -> None:
    assert "no library in" in pixfind("dupes").stderr
    (tmp_path / "nothing").mkdir()
    pixfind("index", tmp_path / "nothing")
    result = pixfind("dupes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pixfind index FOLDER" in result.stderr


def test_what_was_left_out_is_told(
    pixfind: Pixfind, index: Index, doubled: Path, library: Library
) -> None:
    shutil.copy(doubled / "other.jpg", doubled / "copy.jpg")
    index(doubled)
    (doubled / "copy.jpg").unlink()
    result = pixfind("dupes")
    assert result.stdout.startswith("Group 1: 3 files, look alike\n")
    assert result.stderr.startswith("1 group left out: ")
    shutil.rmtree(library.thumbnails)
    (doubled / "small.webp").unlink()
    result = pixfind("dupes")
    assert result.stdout.startswith("Group 1: 2 files, the same bytes\n")
    assert "1 photo could not be compared" in result.stderr


def test_control_characters_in_names_do_no_harm(
    pixfind: Pixfind, index: Index, album: Path, tmp_path: Path
) -> None:
    for name in ("esc\x1b[31m.jpg", "two\nlines.jpg"):
        shutil.copy(album / "a.jpg", album / name)
    index(album)
    table = tmp_path / "t.csv"
    text = pixfind("dupes").stdout + pixfind("dupes", "--json", "--csv", table).stdout
    assert all(line.isprintable() for line in text.split("\n"))
    assert table.read_text("utf-8").count("\ufffd") == 2


# Real photos


def test_photos_of_a_real_library(library: Library, pocket: Encoder, shared: Path) -> None:
    # Among them streets of one town, sunsets, cats: alike to the embedding, and different photos.
    alike = ("immich*", "ianare__jpg__gps*", "*Samsung*", "*Pentax*", "*Nokia*", "*G11*", "*HP_*")
    photos = [file for name in alike for file in (shared / "library").glob(name)]
    assert len(photos) > 15
    Indexer(library, pocket).run([*photos, shared / "orientation"])
    found = sorted(sorted(names(group)) for group in find_duplicates(library).groups)
    assert found == [
        [f"Landscape_{number}.jpg" for number in range(9)],
        [f"Portrait_{number}.jpg" for number in range(9)],
        # The same photo, once with words on it.
        [
            "immich__metadata__faces__portrait-orientation-6.jpg",
            "immich__metadata__faces__portrait.jpg",
        ],
    ]
