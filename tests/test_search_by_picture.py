"""Search by a part of a photo, and by pictures that are brought from elsewhere."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clips import write
from PIL import Image
from PIL.ExifTags import Base

from indexer import Summary
from pixfind.durable import CACHE_TAG
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import (
    PathNotFoundError,
    PhotoDecodeError,
    PhotoNotFoundError,
    PhotoReadError,
    QueryError,
)
from pixfind.library import DERIVED, Library
from pixfind.parts import Box
from pixfind.photos import brought
from pixfind.photos.brought import BroughtPictures, is_token
from pixfind.photos.thumbnails import Thumbnails
from search import SearchEngine
from search.albums import save_album
from search.query import Like, Query

LEFT, RIGHT = "@0,0,0.5,1", "@0.5,0,0.5,1"
NOT_KEPT = "this picture is not kept any more; bring it again"


def halves(left: str, right: str, size: tuple[int, int] = (80, 60)) -> Image.Image:
    image = Image.new("RGB", size, right)
    image.paste(left, (0, 0, size[0] // 2, size[1]))
    return image


def content_of(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.fixture
def ids(photos: Path, index: Callable[..., Summary], engine: SearchEngine) -> dict[str, int]:
    """The red, the green, the blue photo, and one that is red on the left and blue on the right."""
    halves("red", "blue").save(photos / "both.png")
    index(photos)
    return {photo.path.stem: photo.id for photo in engine.latest()}


def names(engine: SearchEngine, query: str, **options: bool) -> list[str]:
    return [result.photo.path.stem for result in engine.search(query, **options).results]


def similarities(engine: SearchEngine, query: str) -> dict[str, float]:
    found = engine.search(query, everything=True).results
    return {one.photo.path.stem: one.similarity or 0.0 for one in found}


# Parts of photos


def test_part_of_a_photo_finds_what_is_in_that_part(
    engine: SearchEngine, ids: dict[str, int]
) -> None:
    both = ids["both"]
    assert similarities(engine, f"like:{both}{LEFT}")["red"] == pytest.approx(1, abs=1e-3)
    assert similarities(engine, f"like:{both}{RIGHT}")["blue"] == pytest.approx(1, abs=1e-3)
    # The photo itself is among the results, as it is for like:12.
    assert set(names(engine, f"like:{both}{LEFT}")) == set(ids)
    assert set(names(engine, f"like:{both}")) == set(ids)


def test_part_that_is_all_of_a_photo_is_the_photo(
    engine: SearchEngine, ids: dict[str, int]
) -> None:
    whole = similarities(engine, f"like:{ids['both']}")
    assert similarities(engine, f"like:{ids['both']}@0,0,1,1") == pytest.approx(whole, abs=1e-3)


def test_part_beside_words_weights_and_other_parts(
    engine: SearchEngine, ids: dict[str, int]
) -> None:
    both = ids["both"]
    assert names(engine, f"like:{ids['red']} like:{both}{RIGHT}^100")[0] == "blue"
    assert names(engine, f"like:{ids['red']}^100 like:{both}{RIGHT}")[0] == "red"
    beside = similarities(engine, f"red like:{both}{RIGHT}")["blue"]
    assert similarities(engine, "red")["blue"] < beside < 1
    assert names(engine, f"like:{both} -like:{both}{LEFT}")[0] == "blue"


def test_photo_whose_part_is_unwanted_is_left_out(
    engine: SearchEngine, ids: dict[str, int]
) -> None:
    found = names(engine, f"like:{ids['red']} -like:{ids['both']}{RIGHT}")
    assert found[0] == "red"
    assert "both" not in found  # as it is for -like:12


def test_part_is_of_the_upright_picture(
    photos: Path, index: Callable[..., Summary], engine: SearchEngine
) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    lying = halves("red", "blue").transpose(Image.Transpose.ROTATE_90)
    lying.save(photos / "turned.png", exif=exif)
    index(photos)
    (turned,) = (photo.id for photo in engine.latest() if photo.path.stem == "turned")
    assert names(engine, f"like:{turned}{LEFT}")[0] == "red"


def test_part_of_a_large_photo_is_seen_as_sharply_as_a_photo(
    photos: Path, index: Callable[..., Summary], engine: SearchEngine
) -> None:
    """Of all of it shrunk to what the model sees, that part would be one pixel."""
    image = Image.new("RGB", (2000, 1500), "green")
    image.paste(halves("red", "blue", (100, 75)), (1000, 750))
    image.save(photos / "large.png")
    halves("red", "blue", (400, 300)).save(photos / "enlarged.png")
    index(photos)
    (large,) = (photo.id for photo in engine.latest() if photo.path.stem == "large")
    assert names(engine, f"like:{large}@0.5,0.5,0.05,0.05")[0] == "enlarged"


def test_part_of_a_file_by_its_name_or_path(
    engine: SearchEngine, ids: dict[str, int], photos: Path, tmp_path: Path
) -> None:
    by_number = similarities(engine, f"like:{ids['both']}{LEFT}")
    assert similarities(engine, f'like:"both.png"{LEFT}') == by_number
    assert similarities(engine, f'like:"{photos / "both.png"}"{LEFT}') == by_number
    shutil.copy(photos / "both.png", tmp_path / "copy.png")
    assert similarities(engine, f'like:"{tmp_path / "copy.png"}"{LEFT}') == by_number
    halves("blue", "red").save(tmp_path / "other.png")
    assert names(engine, f'like:"{tmp_path / "other.png"}"{LEFT}')[0] == "blue"


def test_part_that_cannot_be_seen(engine: SearchEngine, ids: dict[str, int]) -> None:
    number = str(ids["both"])  # 80 x 60 pixels
    with pytest.raises(QueryError, match=r"5 x 30 pixels, which is too small.*at least 8 x 8"):
        engine.search(f"like:{number}@0.5,0.5,0.06,0.5")
    for box in (Box(1.5, 0, 0.5, 1), Box(0, 0, 0.001, 1)):  # which no text says
        with pytest.raises(QueryError, match="too small to see"):
            engine.search(Query((Like(number, box=box),)))
    with pytest.raises(QueryError, match=r"at least 0\.02"):
        engine.search(f"like:{number}@0,0,0.01,1")
    assert engine.search(f"like:{number}@0.9,0,0.1,0.14").results


def test_part_of_a_photo_that_is_not_there(engine: SearchEngine, ids: dict[str, int]) -> None:
    with pytest.raises(PhotoNotFoundError):
        engine.search(f"like:999{LEFT}")
    with pytest.raises(PathNotFoundError):
        engine.search(f'like:"nothing.jpg"{LEFT}')


def test_part_of_a_video_is_refused(
    photos: Path, index: Callable[..., Summary], engine: SearchEngine
) -> None:
    write(photos / "clip.mp4", [("red", 1)])
    index(photos)
    (clip,) = (photo.id for photo in engine.latest() if photo.duration is not None)
    with pytest.raises(QueryError, match=f"photo {clip} is a video.*like:{clip}$"):
        engine.search(f"like:{clip}{LEFT}")
    assert engine.search(f"like:{clip}").results


def test_photo_that_is_gone_is_looked_at_in_its_thumbnail(
    engine: SearchEngine, library: Library, ids: dict[str, int], photos: Path
) -> None:
    photo = engine.photo(ids["both"])
    thumbnails = Thumbnails(library.thumbnails)
    thumbnails.get(photo.content_id, photo.path, "preview")
    (photos / "both.png").unlink()
    thumbnails.file(photo.content_id, "grid").unlink()
    assert names(engine, f"like:{photo.id}{RIGHT}")[0] == "blue"
    thumbnails.file(photo.content_id, "preview").unlink()
    with pytest.raises(PhotoReadError):
        engine.search(f"like:{photo.id}{LEFT}")


def test_photo_that_has_been_replaced_is_not_looked_at(
    engine: SearchEngine, library: Library, ids: dict[str, int], photos: Path
) -> None:
    halves("green", "green").save(photos / "both.png")
    assert names(engine, f"like:{ids['both']}{LEFT}")[0] == "red"  # from the thumbnail
    shutil.rmtree(library.thumbnails)
    with pytest.raises(PhotoReadError, match="it has changed since"):
        engine.search(f"like:{ids['both']}{RIGHT}")


def test_parts_are_remembered_for_a_while(
    engine: SearchEngine, encoder: FakeEncoder, ids: dict[str, int]
) -> None:
    def encoded(query: str) -> int:
        before = encoder.images_encoded
        engine.search(query)
        return encoder.images_encoded - before

    both = ids["both"]
    assert encoded(f"like:{both}{LEFT}") == 1
    assert encoded(f"like:{both}{LEFT}^2 red -has:gps") == 0
    assert encoded(f"like:{both}{RIGHT} like:{both}{LEFT}") == 1
    for share in range(300, 365):
        encoded(f"like:{both}@0,0,0.{share},1")
    assert encoded(f"like:{both}@0,0,0.364,1") == 0
    assert encoded(f"like:{both}{LEFT}") == 1


def test_strangers_can_name_parts_of_photos_only(
    library: Library, encoder: FakeEncoder, ids: dict[str, int], tmp_path: Path
) -> None:
    engine = SearchEngine(library, encoder, read_files=False)
    assert names(engine, f"like:{ids['both']}{RIGHT}")[0] == "blue"
    halves("blue", "red").save(tmp_path / "secret.png")
    with pytest.raises(QueryError, match="the library has no photo"):
        engine.search(f'like:"{tmp_path / "secret.png"}"{LEFT}')


def test_album_keeps_a_part(engine: SearchEngine, library: Library, ids: dict[str, int]) -> None:
    assert save_album(library, "parts", f'like:"both.png"{LEFT}').query == (
        f"like:{ids['both']}{LEFT}"
    )


# Brought pictures


@pytest.fixture
def kept(tmp_path: Path) -> BroughtPictures:
    return BroughtPictures(tmp_path / "pictures")


def jpegs(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.suffix == ".jpg")


def test_brought_picture_is_searched_by(
    engine: SearchEngine, library: Library, encoder: FakeEncoder, ids: dict[str, int]
) -> None:
    token = library.bring(content_of(halves("blue", "green")), "mine.png")
    assert is_token(token)
    for searching in (engine, SearchEngine(library, encoder, read_files=False)):
        assert names(searching, f"like:{token}{LEFT}")[0] == "blue"
        assert names(searching, f"like:{token}{RIGHT}^2 -like:{ids['red']}")[0] == "green"
        assert set(names(searching, f"like:{token}")) == set(ids)


def test_brought_picture_that_the_library_has_is_its_photo(
    library: Library, ids: dict[str, int], photos: Path, index: Callable[..., Summary]
) -> None:
    content = (photos / "both.png").read_bytes()
    assert library.bring(content, "other name.png") == str(ids["both"])
    assert jpegs(library.folder / "pictures") == []
    (photos / "both.png").unlink()
    index(photos)
    assert is_token(library.bring(content, "both.png"))  # no file holds it any more


def test_token_tells_the_content_alone(kept: BroughtPictures) -> None:
    red, blue = (content_of(Image.new("RGB", (30, 20), colour)) for colour in ("red", "blue"))
    token = kept.keep(red, "a.png")
    assert kept.keep(red, "b.png") == token != kept.keep(blue, "a.png")


@pytest.mark.parametrize("size", [(2400, 1600), (1600, 2400), (40, 30)])
def test_preview_is_upright_and_not_too_large(kept: BroughtPictures, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 8
    lying = halves("red", "blue", size).transpose(Image.Transpose.ROTATE_270)
    file = kept.file(kept.keep(content_of(lying, exif=exif), "a.png"))
    assert file is not None
    with Image.open(file) as opened:
        assert (opened.format, max(opened.size)) == ("JPEG", min(1600, max(size)))
        assert opened.width / opened.height == pytest.approx(size[0] / size[1], rel=0.01)
        assert opened.getpixel((2, 2))[0] > 240
        assert not opened.getexif()


@pytest.mark.parametrize(
    "name", ["../../../evil.png", "/etc/passwd", "C:\\x\\evil.png", "", "..", "a\0b", "x" * 5000]
)
def test_name_is_no_path(kept: BroughtPictures, tmp_path: Path, name: str) -> None:
    token = kept.keep(content_of(halves("red", "blue")), name)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]
    assert jpegs(tmp_path / "pictures") == [f"{token}.jpg"]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.jpg", "not in a picture format"),
        (b"no picture", "/home/me/a.jpg", "^a.jpg: it is not in a picture format"),
        (b"no picture", "clip.mp4", "it is a video"),
        (content_of(halves("red", "blue"))[:80], "cut.png", "damaged"),
        (content_of(Image.new("RGB", (2000, 3))), "line.png", "are not a picture"),
    ],
)
def test_what_is_no_picture_is_not_kept(
    kept: BroughtPictures, tmp_path: Path, content: bytes, name: str, reason: str
) -> None:
    with pytest.raises(PhotoDecodeError, match=reason):
        kept.keep(content, name)
    assert list(tmp_path.iterdir()) == []


def test_only_the_newest_are_kept(
    kept: BroughtPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brought, "MOST_KEPT", 3)
    folder = tmp_path / "pictures"
    contents = [content_of(Image.new("RGB", (9, 9), (9 * number, 0, 0))) for number in range(5)]
    tokens = []
    for number, content in enumerate(contents[:3]):
        tokens.append(kept.keep(content, ""))
        os.utime(folder / f"{tokens[-1]}.jpg", (number, number))
    kept.keep(contents[0], "")  # brought again, and so the newest
    tokens += [kept.keep(content, "") for content in contents[3:]]
    assert jpegs(folder) == sorted(f"{tokens[number]}.jpg" for number in (0, 3, 4))
    assert kept.file(tokens[1]) is None
    # The one that was just brought stays, even where a clock ran ahead.
    for file in folder.glob("*.jpg"):
        os.utime(file, (4e9, 4e9))
    assert kept.file(kept.keep(contents[1], "")) is not None


def test_picture_that_is_not_kept_any_more(
    engine: SearchEngine, library: Library, ids: dict[str, int]
) -> None:
    content = content_of(halves("blue", "green"))
    token = library.bring(content, "a.png")
    assert engine.search(f"like:{token}").results
    shutil.rmtree(library.folder / "pictures")  # as anybody may, whatever is remembered
    for query in (f"like:{token}", f"red -like:{token}{LEFT}", "like:brought-0123456789abcdef"):
        with pytest.raises(QueryError) as caught:
            engine.search(query)
        assert str(caught.value) == NOT_KEPT
    assert library.bring(content, "a.png") == token
    assert engine.search(f"like:{token}").results
    file = library.brought.file(token)
    assert file is not None
    file.write_bytes(b"damaged")
    with pytest.raises(QueryError, match=NOT_KEPT):
        engine.search(f"like:{token}{RIGHT}")
    library.bring(content, "a.png")
    assert engine.search(f"like:{token}{RIGHT}").results


@pytest.mark.parametrize(
    "text",
    ["brought-", "brought-0123456789abcde", "brought-0123456789ABCDEF", "brought-0123456789abcdef0",
     "0123456789abcdef", "brought-../../../catalog", "brought-0123456789abcde\u0663"],
)  # fmt: skip
def test_what_is_no_token(kept: BroughtPictures, text: str) -> None:
    assert not is_token(text)
    assert kept.file(text) is None


def test_brought_picture_is_no_photo_elsewhere(
    engine: SearchEngine, library: Library, ids: dict[str, int]
) -> None:
    token = library.bring(content_of(halves("blue", "green")), "a.png")
    with pytest.raises(QueryError, match="kept for a while only"):
        save_album(library, "mine", f"like:{token}")


def test_brought_pictures_are_remembered(
    engine: SearchEngine, library: Library, encoder: FakeEncoder, ids: dict[str, int]
) -> None:
    token = library.bring(content_of(halves("blue", "green")), "a.png")
    engine.search(f"like:{token}")
    before = encoder.images_encoded
    engine.search(f"like:{token}^2 red")
    assert encoder.images_encoded == before


def test_folder_of_brought_pictures_is_derived(library: Library, kept: BroughtPictures) -> None:
    assert "pictures" in DERIVED
    assert (library.folder / "pictures" / CACHE_TAG).is_file()
    shutil.rmtree(library.folder / "pictures")  # older libraries have none
    library.bring(content_of(halves("red", "blue")), "a.png")
    assert (library.folder / "pictures" / CACHE_TAG).is_file()


def test_threads_bring_and_drop_together(
    kept: BroughtPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brought, "MOST_KEPT", 4)
    contents = [content_of(Image.new("RGB", (9, 9), (number, 0, 0))) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda content: kept.keep(content, ""), contents * 2))
    assert len(set(tokens)) == 40
    assert len(jpegs(tmp_path / "pictures")) == 4
    hidden = {file.name for file in (tmp_path / "pictures").iterdir() if file.suffix == ".tmp"}
    assert not hidden


BRING = """
import io, sys
from pathlib import Path
from PIL import Image
from pixfind.photos import brought
brought.MOST_KEPT = 2
kept = brought.BroughtPictures(Path(sys.argv[1]))
for number in range(20):
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), (number, int(sys.argv[2]), 0)).save(stream, "PNG")
    kept.keep(stream.getvalue(), "")
"""


def test_processes_bring_and_drop_together(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", BRING, str(tmp_path / "pictures")]
    processes = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE) for number in range(3)
    ]
    for process in processes:
        assert (process.communicate()[1], process.returncode) == (b"", 0)
    assert len(jpegs(tmp_path / "pictures")) == 2


def test_bundled_model_finds_a_photo_by_a_part_of_another(
    library: Library, pocket: object, shared: Path, tmp_path: Path
) -> None:
    """Two photos side by side: each half finds its own."""
    from indexer import Indexer
    from pixfind.encoders.base import Encoder

    assert isinstance(pocket, Encoder)
    found = sorted((shared / "library").glob("*.jpg"))[:12]
    (tmp_path / "few").mkdir()
    for file in found:
        shutil.copy(file, tmp_path / "few")
    pair = Image.new("RGB", (1280, 480))
    for column, file in enumerate((found[3], found[8])):
        with Image.open(file) as opened:
            pair.paste(opened.convert("RGB").resize((640, 480)), (640 * column, 0))
    pair.save(tmp_path / "few" / "pair.jpg", quality=95)
    Indexer(library, pocket).run([tmp_path / "few"])
    engine = SearchEngine(library, pocket)
    for half, file in ((LEFT, found[3]), (RIGHT, found[8])):
        assert names(engine, f'like:"pair.jpg"{half}', everything=True)[0] == file.stem
    token = library.bring(content_of(pair), "pair.png")
    assert names(engine, f"like:{token}{RIGHT}", everything=True)[0] == found[8].stem
    assert names(engine, f"like:{token}", everything=True)[0] == "pair"
