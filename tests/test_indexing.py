"""Indexing: what is embedded, what is not embedded again, what leaves the library."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import text

from indexer import Indexer, Summary
from indexer import run as running
from indexer.prepare import Preparer, Unread
from indexer.progress import CancelledError, Control, Phase, Standing
from pixfind.catalog import assets, files, roots
from pixfind.catalog.photos import Photo
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import (
    LibraryBusyError,
    LibraryEmptyError,
    NotAPictureError,
    PathNotFoundError,
)
from pixfind.library import Library
from pixfind.photos.exif import VERSION
from search import SearchEngine

Index = Callable[..., Summary]


def names(engine: SearchEngine, query: str = "red") -> list[str]:
    return [result.photo.path.name for result in engine.search(query).results]


def test_finds_pictures_in_all_folders(index: Index, photos: Path, engine: SearchEngine) -> None:
    summary = index(photos)
    assert (summary.embedded, summary.photos, summary.failed) == (3, 3, 0)
    assert names(engine, "blue")[0] == "blue.webp"
    assert names(engine, "red")[0] == "red.jpg"


def test_second_run_embeds_nothing(index: Index, photos: Path, encoder: FakeEncoder) -> None:
    index(photos)
    before = encoder.images_encoded
    summary = index(photos)
    assert encoder.images_encoded == before
    assert (summary.embedded, summary.known, summary.unchanged) == (0, 0, 3)


def test_without_paths_the_known_folders_are_looked_at(index: Index, photos: Path) -> None:
    index(photos)
    Image.new("RGB", (40, 40), "yellow").save(photos / "yellow.png")
    assert index().embedded == 1


def test_touched_file_is_hashed_not_embedded(index: Index, photos: Path) -> None:
    index(photos)
    os.utime(photos / "red.jpg", ns=(1, 1))
    summary = index(photos)
    assert (summary.embedded, summary.known) == (0, 1)
    assert index(photos).unchanged == 3


def test_moved_folder_costs_no_embedding(
    index: Index, photos: Path, engine: SearchEngine, encoder: FakeEncoder
) -> None:
    index(photos)
    (photos / "inner").rename(photos / "elsewhere")
    summary = index(photos)
    assert encoder.images_encoded == 3
    assert (summary.known, summary.removed, summary.photos) == (1, 1, 3)
    assert engine.search("blue").results[0].photo.path == photos / "elsewhere" / "blue.webp"


def test_moved_root_is_followed(
    index: Index, photos: Path, engine: SearchEngine, encoder: FakeEncoder, library: Library
) -> None:
    index(photos)
    moved = photos.with_name("moved")
    photos.rename(moved)
    index(moved)
    assert encoder.images_encoded == 3
    assert engine.search("red").results[0].photo.paths == (moved / "red.jpg",)


def test_deleted_file_leaves_the_results_and_may_come_back(
    index: Index, photos: Path, engine: SearchEngine, encoder: FakeEncoder, tmp_path: Path
) -> None:
    index(photos)
    (photos / "red.jpg").rename(tmp_path / "kept.jpg")
    summary = index(photos)
    assert (summary.removed, summary.photos) == (1, 2)
    assert "red.jpg" not in names(engine)
    (tmp_path / "kept.jpg").rename(photos / "back.jpg")
    assert index(photos).embedded == 0
    assert names(engine)[0] == "back.jpg"
    assert encoder.images_encoded == 3


def test_copies_in_one_run_are_embedded_once(
    index: Index, photos: Path, engine: SearchEngine, encoder: FakeEncoder
) -> None:
    for number in range(5):
        shutil.copy(photos / "red.jpg", photos / f"copy{number}.jpg")
    summary = index(photos)
    assert encoder.images_encoded == 3
    assert (summary.embedded, summary.known, summary.photos) == (3, 5, 3)
    assert len(engine.search("red").results[0].photo.paths) == 6


def test_copy_is_not_embedded_though_it_was_looked_for_a_moment_too_early(
    index: Index, photos: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one may be committed between being asked for and the copy's being taken in hand."""
    index(photos)
    shutil.copy(photos / "red.jpg", photos / "copy.jpg")
    real, asked = assets.embedded_asset, []

    def early(*arguments: Any) -> int | None:
        asked.append(arguments)
        return real(*arguments) if len(asked) > 1 else None

    monkeypatch.setattr(assets, "embedded_asset", early)
    summary = index(photos)
    assert (summary.embedded, summary.known, encoder.images_encoded) == (0, 1, 3)


def test_hidden_files_and_other_files_are_passed_over(index: Index, photos: Path) -> None:
    shutil.copy(photos / "red.jpg", photos / ".hidden.jpg")
    (photos / ".cache").mkdir()
    Image.new("RGB", (9, 9)).save(photos / ".cache" / "black.png")
    (photos / "notes.txt").write_text("no picture")
    (photos / "song.mp3").write_bytes(b"no picture either")
    summary = index(photos)
    assert (summary.embedded, summary.failed) == (3, 0)


def test_library_inside_the_photos_is_not_indexed(photos: Path, encoder: FakeEncoder) -> None:
    with Library.create(photos / "library") as library:
        Indexer(library, encoder).run([photos])
        assert Indexer(library, encoder).run([photos]).photos == 3


def test_changed_content_replaces_the_old(index: Index, photos: Path, engine: SearchEngine) -> None:
    index(photos)
    Image.new("RGB", (64, 48), "blue").save(photos / "red.jpg")
    index(photos)
    assert engine.search("red").results[0].score < 0.9


def test_bad_file_is_recorded_and_not_tried_again(
    index: Index, photos: Path, pixfind: Callable[..., object]
) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8 not really")
    assert (index(photos).failed, index(photos).failed) == (1, 0)
    assert index(photos, retry_failed=True).failed == 1
    Image.new("RGB", (64, 48), "white").save(photos / "bad.jpg")
    assert index(photos).embedded == 1


def test_one_file_can_be_indexed(index: Index, photos: Path) -> None:
    assert index(photos / "red.jpg").photos == 1
    assert index(photos / "red.jpg").unchanged == 1


def test_outer_folder_takes_over_the_inner_one(
    index: Index, photos: Path, encoder: FakeEncoder, engine: SearchEngine
) -> None:
    index(photos / "inner")
    summary = index(photos)
    assert (summary.embedded, summary.unchanged, summary.removed) == (2, 1, 0)
    assert engine.search("blue").results[0].photo.paths == (photos / "inner" / "blue.webp",)


def test_folder_inside_a_known_one_is_part_of_it(index: Index, photos: Path) -> None:
    index(photos)
    (photos / "red.jpg").unlink()
    summary = index(photos / "inner")
    assert (summary.unchanged, summary.removed) == (1, 0)


def test_unmounted_root_keeps_its_photos(index: Index, photos: Path, tmp_path: Path) -> None:
    index(photos)
    photos.rename(tmp_path / "unplugged")
    summary = index()
    assert summary.missing_roots == [str(photos)]
    assert summary.photos == 3


def test_missing_path_is_named(index: Index, tmp_path: Path) -> None:
    with pytest.raises(PathNotFoundError, match="nowhere"):
        index(tmp_path / "nowhere")


def test_two_indexers_at_once_are_refused(library: Library, index: Index, photos: Path) -> None:
    with library.writing(), pytest.raises(LibraryBusyError):
        index(photos)


def test_indexer_may_wait_for_another_writer(
    library: Library, encoder: FakeEncoder, photos: Path
) -> None:
    begun = threading.Event()

    def write() -> None:
        with library.writing():
            begun.set()
            time.sleep(0.1)

    other = threading.Thread(target=write)
    other.start()
    assert begun.wait(20)
    assert Indexer(library, encoder, wait_s=20).run([photos]).embedded == 3
    other.join()


def test_other_model_embeds_again_beside_the_first(
    library: Library, index: Index, photos: Path
) -> None:
    index(photos)
    other = FakeEncoder(name="other")
    assert Indexer(library, other).run([photos]).embedded == 3
    assert SearchEngine(library, other).search("red").model == "other"
    assert SearchEngine(library, FakeEncoder()).search("red").model == "fake"


class InterruptedEncoder(FakeEncoder):
    """Presses Ctrl-C when the second batch is encoded."""

    def encode_images(self, images):
        if self.images_encoded:
            raise KeyboardInterrupt
        return super().encode_images(images)


def test_ctrl_c_keeps_what_is_done_and_the_next_run_continues(
    library: Library, tmp_path: Path, index: Index
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(80):
        Image.new("RGB", (16, 16), (number, 2 * number, 0)).save(folder / f"{number}.png")
    summary = Indexer(library, InterruptedEncoder()).run([folder])
    assert summary.interrupted
    assert 0 < summary.photos < 80
    done = summary.photos
    summary = index(folder)
    assert (summary.embedded, summary.photos) == (80 - done, 80)


class Recorder(Control):
    """Writes down where a run stands, and ends it when told to."""

    def __init__(self, ends: Callable[[Recorder], bool] = lambda recorder: False) -> None:
        self.standings: list[Standing] = []
        self.checkpoints = 0
        self._ends = ends

    def checkpoint(self) -> None:
        self.checkpoints += 1
        if self._ends(self):
            raise CancelledError

    def stands(self, standing: Standing) -> None:
        self.standings.append(standing)

    @property
    def phase(self) -> Phase | None:
        return self.standings[-1].phase if self.standings else None


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Eighty pictures in eight folders."""
    for number in range(80):
        folder = tmp_path / "many" / f"{number % 8}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (number, 2 * number, 0)).save(folder / f"{number}.png")
    return tmp_path / "many"


def test_control_hears_where_the_run_stands(
    library: Library, encoder: FakeEncoder, many: Path
) -> None:
    (many / "broken.jpg").write_bytes(b"no picture")
    control = Recorder()
    Indexer(library, encoder, control=control).run([many])
    looking = [s.looked for s in control.standings if s.phase is Phase.LOOKING]
    assert looking == sorted(set(looking))
    assert len(looking) == 9
    first, *_, last = (s for s in control.standings if s.phase is Phase.WORKING)
    assert first == Standing(Phase.WORKING, looked=81, done=0, total=81, failed=0)
    assert last == Standing(Phase.WORKING, looked=81, done=81, total=81, failed=1)
    assert control.standings[-1] == Standing(Phase.FINISHING, 81, 81, 81, 1)


def test_run_ends_while_it_walks(library: Library, encoder: FakeEncoder, many: Path) -> None:
    control = Recorder(lambda c: c.phase is Phase.LOOKING and len(c.standings) == 3)
    summary = Indexer(library, encoder, control=control).run([many])
    assert summary.interrupted
    assert (summary.embedded, summary.removed) == (0, 0)
    assert control.standings[-2].looked == 20  # two folders inside the outermost
    assert encoder.images_encoded == 0


def test_run_ends_between_two_files(library: Library, encoder: FakeEncoder, many: Path) -> None:
    control = Recorder(lambda c: c.standings[-1].done >= 32)
    summary = Indexer(library, encoder, control=control).run([many])
    assert summary.interrupted
    assert summary.embedded == summary.photos == encoder.images_encoded == 32
    assert Indexer(library, encoder).run([many]).embedded == 48


def test_run_ends_between_the_regions_of_two_photos(
    library: Library, encoder: FakeEncoder, photos: Path
) -> None:
    control = Recorder(lambda c: encoder.images_encoded > 3)
    summary = Indexer(library, encoder, regions=True, control=control).run([photos])
    assert summary.interrupted
    assert summary.photos == 0
    assert 3 < encoder.images_encoded < 30  # the wholes, and the regions of one of the three


def test_run_that_waits_for_one_long_file_can_end(
    library: Library, encoder: FakeEncoder, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, given_up = threading.Event(), threading.Event()

    def prepare(self: Preparer, *_: object, **__: object) -> Unread:
        begun.set()
        assert given_up.wait(20)
        raise RuntimeError("nobody waits for this")

    monkeypatch.setattr(Preparer, "prepare", prepare)
    monkeypatch.setattr(Preparer, "stop", lambda self: given_up.set())
    control = Recorder(lambda c: begun.is_set())
    assert Indexer(library, encoder, workers=1, control=control).run([photos]).interrupted
    assert given_up.is_set()


def test_failures_can_be_had_by_the_page(index: Index, photos: Path, library: Library) -> None:
    for name in "abcde":
        (photos / f"{name}.jpg").write_bytes(b"no picture")
    index(photos)
    with library.catalog.read() as session:
        assert files.count_failures(session) == 5
        every = files.failures(session)
        assert [f.path for f in every] == [f"{name}.jpg" for name in "abcde"]
        assert files.failures(session, skip=2, limit=2) == every[2:4]
        assert files.failures(session, skip=4, limit=2) == every[4:]
        (root,) = roots.all_roots(session)
        assert files.count_by_root(session) == {root.id: 3}


def test_names_that_are_not_utf8(index: Index, photos: Path, engine: SearchEngine) -> None:
    name = os.fsencode(photos) + b"/caf\xe9 \xff.jpg"
    try:
        (photos / "red.jpg").rename(os.fsdecode(name))
    except OSError:
        pytest.skip("this file system takes only valid names")
    index(photos)
    assert index(photos).unchanged == 3
    assert os.fsencode(engine.search("red").results[0].photo.path) == name


def test_new_model_takes_over_only_when_it_has_seen_everything(
    library: Library, index: Index, photos: Path, tmp_path: Path
) -> None:
    index(photos)
    more = tmp_path / "more"
    more.mkdir()
    for number in range(40):
        Image.new("RGB", (16, 16), (number, 99, 0)).save(more / f"{number}.png")
    index(more)
    interrupted = Indexer(library, InterruptedEncoder(name="other")).run([more])
    assert (interrupted.interrupted, interrupted.unseen) == (True, 11)
    assert library.model().name == "fake"
    photos.rename(tmp_path / "unplugged")
    assert Indexer(library, FakeEncoder(name="other")).run([more]).unseen == 3
    assert library.model().name == "fake"
    (tmp_path / "unplugged").rename(photos)
    assert Indexer(library, FakeEncoder(name="other")).run([more]).unseen == 0
    assert library.model().name == "other"


def test_paths_that_overlap_are_looked_at_once(index: Index, photos: Path) -> None:
    summary = index(photos / "inner", photos, photos, photos / "red.jpg")
    assert (summary.embedded, summary.known) == (3, 0)
    assert index(photos / "red.jpg", photos).unchanged == 3


def test_one_place_has_one_spelling(
    index: Index, photos: Path, engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(photos / "inner")
    monkeypatch.chdir(photos / "inner")
    summary = index(Path(".."))
    assert (summary.embedded, summary.unchanged) == (2, 1)
    assert index(Path("../inner/..")).unchanged == 3
    assert index().unchanged == 3
    assert all(".." not in r.photo.path.parts for r in engine.search("red").results)


def test_single_file_does_not_bring_its_folder(index: Index, photos: Path) -> None:
    index(photos / "red.jpg")
    summary = index()
    assert (summary.unchanged, summary.photos) == (1, 1)
    (photos / "red.jpg").rename(photos / "renamed.jpg")
    assert index().photos == 0
    assert index(photos).photos == 3


def test_named_file_that_is_no_picture_is_refused(index: Index, photos: Path) -> None:
    (photos / "notes.txt").write_text("words")
    with pytest.raises(NotAPictureError, match=r"notes\.txt"):
        index(photos / "notes.txt")


def test_linked_folder_can_be_indexed_by_itself(index: Index, photos: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    apart.mkdir()
    Image.new("RGB", (9, 9), "yellow").save(apart / "yellow.png")
    (photos / "link").symlink_to(apart)
    assert index(photos).photos == 3
    assert index(photos / "link").photos == 4
    summary = index()
    assert (summary.removed, summary.photos) == (0, 4)
    assert index(photos).photos == 4


def test_links_in_circles_end(index: Index, photos: Path) -> None:
    (photos / "inner" / "up").symlink_to(photos)
    (photos / "self.jpg").symlink_to(photos / "self.jpg")
    assert index(photos).photos == 3


def test_empty_mount_point_keeps_its_photos(index: Index, photos: Path, tmp_path: Path) -> None:
    index(photos)
    photos.rename(tmp_path / "unplugged")
    photos.mkdir()
    for summary in (index(), index(photos)):
        assert (summary.missing_roots, summary.photos) == ([str(photos)], 3)
    photos.rmdir()
    (tmp_path / "unplugged").rename(photos)
    assert index().unchanged == 3


def test_missing_folder_can_be_forgotten(index: Index, photos: Path, tmp_path: Path) -> None:
    index(photos)
    photos.rename(tmp_path / "elsewhere")
    assert index(forget_missing=True).photos == 0
    summary = index(tmp_path / "elsewhere")
    assert (summary.embedded, summary.photos) == (0, 3)


def test_unplugged_copy_is_not_taken_for_a_moved_folder(
    index: Index, photos: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(photos, backup)
    index(photos, backup)
    backup.rename(tmp_path / "unplugged")
    assert index().missing_roots == [str(backup)]
    (tmp_path / "unplugged").rename(backup)
    assert (index().unchanged, index().missing_roots) == (6, [])


def test_libraries_inside_the_photos_are_passed_over(
    index: Index, photos: Path, encoder: FakeEncoder
) -> None:
    with Library.create(photos / "other") as other:
        Indexer(other, encoder).run([photos])
    assert index(photos).photos == 3


def test_moved_folder_can_be_told(
    index: Index, photos: Path, pixfind: Callable[..., Result], engine: SearchEngine
) -> None:
    index(photos)
    moved = photos.with_name("moved")
    photos.rename(moved)
    assert pixfind("move", photos, moved).exit_code == 0
    assert engine.search("red").results[0].photo.path == moved / "red.jpg"
    assert index().unchanged == 3
    again = pixfind("move", photos, moved)
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)


def test_move_to_a_place_without_the_files_is_refused(
    index: Index, photos: Path, pixfind: Callable[..., Result], tmp_path: Path
) -> None:
    index(photos)
    (tmp_path / "empty").mkdir()
    result = pixfind("move", photos, tmp_path / "empty")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert index().unchanged == 3


def test_folder_can_be_taken_out(
    index: Index, photos: Path, pixfind: Callable[..., Result], engine: SearchEngine
) -> None:
    index(photos)
    assert pixfind("forget", photos / "inner").exit_code == 1
    result = pixfind("forget", photos)
    assert (result.exit_code, result.stdout.endswith("with 3 files\n")) == (0, True)
    with pytest.raises(LibraryEmptyError):
        engine.search("red")
    summary = index(photos)
    assert (summary.embedded, summary.photos) == (0, 3)


# What files say of their pictures

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"
  xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:subject><rdf:Bag><rdf:li>Gobi</rdf:li><rdf:li>sand</rdf:li></rdf:Bag></dc:subject>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">A dune</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def described(photos: Path) -> Path:
    """The three pictures, of which two say something of themselves; one after its pixels."""
    exif = Image.Exif()
    exif[Base.Model] = "NIKON D90"
    Image.new("RGB", (64, 48), "red").save(photos / "red.jpg", xmp=XMP, exif=exif)
    late = PngInfo()
    late.add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP, after_idat=True)
    Image.new("RGB", (64, 48), "#0f0").save(photos / "green.png", pnginfo=late)
    return photos


def change(library: Library, *statements: str, **values: object) -> None:
    with library.catalog.write() as session:
        for statement in statements:
            session.execute(text(statement), values)


def make_old(library: Library) -> None:
    """Leave what a library has that was indexed before descriptions were read."""
    change(
        library,
        "UPDATE asset SET metadata_version = 0, rating = NULL, caption = NULL, seen_at = NULL",
        "UPDATE asset SET camera_model = 'read badly' WHERE camera_model IS NOT NULL",
        "DELETE FROM asset_tag",
        "DELETE FROM tag",
    )


def all_photos(engine: SearchEngine) -> dict[str, Photo]:
    return {photo.paths[0].name: photo for photo in engine.latest(100)}


def said(photo: Photo) -> tuple[object, ...]:
    return photo.rating, photo.caption, photo.tags, photo.camera


def assert_described(engine: SearchEngine) -> None:
    found = all_photos(engine)
    assert said(found["red.jpg"]) == (4, "A dune", ("Gobi", "sand"), "NIKON D90")
    assert said(found["green.png"]) == (4, "A dune", ("Gobi", "sand"), None)
    assert said(found["blue.webp"]) == (None, None, (), None)


def found_by_word(library: Library, word: str) -> int:
    with library.catalog.read() as session:
        sql = text("SELECT count(*) FROM document WHERE document MATCH :word")
        return session.scalar(sql, {"word": word}) or 0


def test_new_pictures_are_described(
    index: Index, described: Path, engine: SearchEngine, library: Library
) -> None:
    index(described)
    assert_described(engine)
    assert (found_by_word(library, "dunes"), found_by_word(library, "gobi")) == (2, 2)
    for photo in all_photos(engine).values():
        assert photo.seen_at is not None
        age = datetime.now(timezone.utc) - datetime.fromisoformat(photo.seen_at)
        assert timedelta(0) <= age < timedelta(minutes=5)


def test_old_library_is_read_again_once_and_nothing_is_embedded(
    index: Index, described: Path, engine: SearchEngine, library: Library, encoder: FakeEncoder
) -> None:
    index(described)
    make_old(library)
    assert found_by_word(library, "dunes") == 0
    summary = index()
    assert (summary.reread, summary.known, summary.unchanged) == (3, 0, 0)
    assert (summary.embedded, encoder.images_encoded, summary.photos) == (0, 3, 3)
    assert_described(engine)
    assert found_by_word(library, "dunes") == 2
    assert {photo.seen_at for photo in all_photos(engine).values()} == {None}
    again = index()
    assert (again.reread, again.known, again.unchanged) == (0, 0, 3)


def test_second_run_opens_no_file(
    index: Index, described: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(described)
    make_old(library)
    index()
    opened: list[Path] = []
    monkeypatch.setattr(Path, "read_bytes", opened.append)
    assert index().unchanged == 3
    assert opened == []


def test_library_of_a_later_version_is_left_as_it_is(
    index: Index, described: Path, library: Library
) -> None:
    index(described)
    change(library, "UPDATE asset SET metadata_version = :later", later=VERSION + 1)
    assert index().unchanged == 3


@pytest.mark.parametrize("commit_every", [1, 512])
def test_old_library_with_copies(
    index: Index,
    described: Path,
    engine: SearchEngine,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    commit_every: int,
) -> None:
    monkeypatch.setattr(running, "COMMIT_EVERY", commit_every)
    (described / "later").mkdir()
    for number in range(90):
        shutil.copy(described / "red.jpg", described / "later" / f"red{number}.jpg")
    index(described)
    make_old(library)
    summary = index(workers=1)
    assert summary.reread >= 3
    assert summary.reread + summary.known + summary.unchanged == 93
    assert (summary.embedded, summary.failed, summary.photos) == (0, 0, 3)
    assert len(all_photos(engine)["red.jpg"].paths) == 91
    assert_described(engine)
    assert index().unchanged == 93


def test_file_of_an_old_library_that_has_changed_is_embedded(
    index: Index, described: Path, engine: SearchEngine, library: Library
) -> None:
    index(described)
    make_old(library)
    Image.new("RGB", (64, 48), "yellow").save(described / "red.jpg")
    (described / "green.png").rename(described / "moved.png")
    (described / "inner" / "blue.webp").unlink()
    Image.new("RGB", (64, 48), "white").save(described / "inner" / "white.png", pnginfo=PngInfo())
    summary = index()
    assert (summary.embedded, summary.reread, summary.removed) == (2, 1, 2)
    found = all_photos(engine)
    assert found.keys() == {"red.jpg", "moved.png", "white.png"}
    assert said(found["red.jpg"]) == (None, None, (), None)
    assert said(found["moved.png"])[:2] == (4, "A dune")
    assert index().unchanged == 3


def test_other_model_over_an_old_library_describes_it_too(
    index: Index, described: Path, engine: SearchEngine, library: Library
) -> None:
    shutil.copy(described / "red.jpg", described / "twin.jpg")
    index(described)
    make_old(library)
    summary = Indexer(library, FakeEncoder(name="other")).run()
    assert (summary.embedded, summary.known, summary.reread) == (3, 1, 0)
    assert_described(engine)
    assert all_photos(engine)["red.jpg"].seen_at is None
    assert index().unchanged == 4


def test_old_file_that_cannot_be_read_now_keeps_its_place(
    index: Index, described: Path, engine: SearchEngine, library: Library
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error", str(path))

    index(described)
    make_old(library)
    with pytest.MonkeyPatch.context() as failing_disk:
        failing_disk.setattr(Path, "read_bytes", refuse)
        summary = index()
    assert (summary.failed, summary.reread, summary.unchanged, summary.photos) == (0, 0, 3, 3)
    assert index().reread == 3
    assert_described(engine)


def test_old_picture_that_pillow_does_not_open_any_more_keeps_its_facts(
    index: Index, described: Path, engine: SearchEngine, library: Library
) -> None:
    index(described)
    make_old(library)
    red = described / "red.jpg"
    known = red.stat()
    red.write_bytes(b"x" * known.st_size)
    os.utime(red, ns=(known.st_atime_ns, known.st_mtime_ns))
    change(
        library,
        "UPDATE asset SET content_id = :id WHERE camera_model IS NOT NULL",
        id=hashlib.sha256(red.read_bytes()).digest(),
    )
    assert (index().reread, index().unchanged) == (3, 3)
    assert said(all_photos(engine)["red.jpg"]) == (None, None, (), "read badly")


def test_tags_of_the_owner_outlive_a_reading(
    index: Index, described: Path, engine: SearchEngine, library: Library
) -> None:
    index(described)
    make_old(library)
    change(
        library,
        "INSERT INTO tag (name) VALUES ('GOBI'), ('mine'), ('wrong')",
        "INSERT INTO asset_tag (asset_id, tag_id, source) "
        "SELECT asset.id, tag.id, 'owner' FROM asset, tag "
        "WHERE tag.name = 'mine'",
        "INSERT INTO asset_tag (asset_id, tag_id, source) "
        "SELECT asset.id, tag.id, 'file' FROM asset, tag "
        "WHERE tag.name = 'wrong'",
    )
    index()
    found = all_photos(engine)
    assert found["red.jpg"].tags == ("GOBI", "mine", "sand")
    assert found["blue.webp"].tags == ("mine",)


def test_index_says_that_it_read_files_again(
    described: Path, index: Index, library: Library, pixfind: Callable[..., Result]
) -> None:
    assert pixfind("index", described).exit_code == 0
    make_old(library)
    result = pixfind("index")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "3 read again for their captions, ratings and tags" in result.stdout
    assert "read again" not in pixfind("index").stdout
