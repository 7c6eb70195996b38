"""Videos: frames of their shots are found at their moment, and played from there."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import RATE, SIZE, write
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from indexer import Indexer, Summary
from indexer.progress import CancelledError, Control
from pixfind.catalog import files
from pixfind.catalog.files import DECODE_FAILURE, READ_FAILURE
from pixfind.catalog.moments import moments_of
from pixfind.catalog.schema import Asset, Embedding
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import PhotoDecodeError, PhotoError, PhotoReadError
from pixfind.library import Library
from pixfind.photos.thumbnails import Thumbnails
from pixfind.status import library_status
from pixfind.videos import reading
from pixfind.videos.facts import metadata_of_tags
from pixfind.videos.reading import Frame, open_video
from pixfind.videos.shots import MOST, chosen_frames
from search import SearchEngine
from web import create_app

Index = Callable[..., Summary]


def colour_of(image: Image.Image) -> str:
    red, green, blue = np.asarray(image, np.float64).mean(axis=(0, 1))
    named = {"red": red, "green": green, "blue": blue}
    return max(named, key=named.__getitem__) if max(named.values()) > 40 else "black"


def frames_of(path: Path, edge: int = 48) -> list[tuple[float, str]]:
    with open_video(path) as video:
        chosen = chosen_frames(video.frames(edge), video.duration)
        return [(frame.second, colour_of(frame.image)) for frame in chosen]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


@pytest.fixture
def clip(clips: Path) -> Path:
    """Red for three seconds, then green, then blue."""
    return write(clips / "clip.mp4", [("red", 3), ("#0f0", 3), ("blue", 3)])


# Reading


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        ("a.mp4", "mpeg4", "MP4"),
        ("a.m4v", "mpeg4", "MP4"),
        ("a.MOV", "mpeg4", "MOV"),
        ("a.webm", "libvpx", "WebM"),
        ("a.webm", "libvpx-vp9", "WebM"),
        ("a.mkv", "mpeg4", "Matroska"),
        ("a.avi", "mpeg4", "AVI"),
        ("a.avi", "mjpeg", "AVI"),
        ("a.mp4", "libx264", "MP4"),
    ],
)
def test_formats(clips: Path, name: str, codec: str, expected: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this build of FFmpeg cannot write {codec}")
    # Large enough for a codec's blocks, and with its lower case name for the writer's sake.
    path = write(clips / name.lower(), [("red", 2), ("blue", 2)], codec)
    path = path.rename(clips / name)
    with open_video(path) as video:
        assert (video.format, video.width, video.height) == (expected, *SIZE)
        assert video.duration == pytest.approx(4, abs=0.2)
    found = frames_of(path)
    assert [colour for _, colour in found] == ["red", "blue"]
    assert 2 <= found[1][0] <= 3.1


def test_a_frame_is_chosen_shortly_after_each_cut(clip: Path) -> None:
    (first, red), (second, green), (third, blue) = frames_of(clip)
    assert (red, green, blue) == ("red", "green", "blue")
    assert first == 0
    assert 3 <= second <= 4.5
    assert 6 <= third <= 7.5


def test_cuts_between_key_frames_are_seen_in_a_short_clip(clips: Path) -> None:
    path = write(clips / "one.mp4", [("red", 3), ("#0f0", 3), ("blue", 3)], gop=600)
    assert [colour for _, colour in frames_of(path)] == ["red", "green", "blue"]


def test_only_key_frames_of_a_long_video_are_decoded(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(clips / "long.mp4", [("red", 75), ("blue", 75)], rate=2, gop=10)
    decoded = 0
    pictures = reading._pictures

    def counted(packet: av.Packet) -> list[av.VideoFrame]:
        nonlocal decoded
        found = pictures(packet)
        decoded += len(found)
        return found

    monkeypatch.setattr(reading, "_pictures", counted)
    found = frames_of(path)
    assert decoded <= 150 / 5 + 2
    assert {colour for _, colour in found} == {"red", "blue"}
    gaps = np.diff([second for second, _ in found])
    assert gaps.max() <= 20
    assert found[-1][0] >= 130


def test_a_long_video_with_one_key_frame_is_decoded_in_full(clips: Path) -> None:
    path = write(clips / "screen.mp4", [("red", 75), ("blue", 75)], rate=2, gop=600)
    found = frames_of(path)
    assert {colour for _, colour in found} == {"red", "blue"}
    assert np.diff([second for second, _ in found]).max() <= 20


@pytest.mark.parametrize(
    ("matrix", "size", "red"),
    [
        ((1, 0, 0, 1), (64, 48), (0, 0, 32, 48)),
        ((-1, 0, 0, 1), (64, 48), (32, 0, 64, 48)),
        ((-1, 0, 0, -1), (64, 48), (32, 0, 64, 48)),
        ((0, 1, -1, 0), (48, 64), (0, 0, 48, 32)),  # as a phone writes that is held upright
        ((0, -1, 1, 0), (48, 64), (0, 32, 48, 64)),
        ((0, 1, 1, 0), (48, 64), (0, 0, 48, 32)),
        ((0, -1, -1, 0), (48, 64), (0, 32, 48, 64)),
    ],
)
def test_turned_videos_are_upright(
    clips: Path,
    matrix: tuple[int, int, int, int],
    size: tuple[int, int],
    red: tuple[int, int, int, int],
) -> None:
    """The camera's picture is red on its left; where that lies, the display matrix tells."""
    path = clips / "turned.mov"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        picture = Image.new("RGB", SIZE, "blue")
        picture.paste("red", (0, 0, 32, 48))
        container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    content = path.read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (part << 16 for part in matrix)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    track = content.index(b"tkhd")
    path.write_bytes(content[:track] + content[track:].replace(upright, turned, 1))
    with open_video(path) as video:
        assert (video.width, video.height) == size
        (frame,) = video.frames(48)
    assert frame.image.size == size
    assert colour_of(frame.image.crop(red)) == "red"
    rest = Image.new("L", size, 255)
    rest.paste(0, red)
    assert colour_of(frame.image.crop(rest.getbbox())) == "blue"


def test_frames_are_shrunk_to_the_edge_and_never_enlarged(clips: Path) -> None:
    path = write(clips / "a.mp4", [("red", 1)], size=(160, 120))
    with open_video(path) as video:
        assert {frame.image.size for frame in video.frames(60)} == {(80, 60)}
        assert {frame.image.size for frame in video.frames(900)} == {(160, 120)}


def test_frame_at_a_moment(clip: Path) -> None:
    with open_video(clip) as video:
        for second, colour in ((7.0, "blue"), (1.0, "red"), (4.0, "green"), (99.0, "blue")):
            image = video.frame_at(second, 48)
            assert image is not None
            assert colour_of(image) == colour


def test_recording_without_a_duration_is_measured(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips / "live.webm"
    with (
        path.open("wb") as file,
        av.open(_Pipe(file), "w", format="webm", options={"live": "1"}) as container,
    ):
        stream = container.add_stream("libvpx", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", SIZE, "red"))))
        container.mux(stream.encode())
    with open_video(path) as video:
        assert video.duration == pytest.approx(4.9, abs=0.3)


class _Pipe:
    """A file that cannot be gone back in, as a live stream is written."""

    def __init__(self, file: object) -> None:
        self.write = file.write  # type: ignore[attr-defined]


# What cannot be read


def sound(path: Path) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for _ in range(20):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.sample_rate = 44100
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def no_frames(path: Path) -> Path:
    """A video whose pictures are zeros, but for the tables that tell where they lie."""
    content = write(path, [("red", 1)]).read_bytes()
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])
    return path


def half(path: Path) -> Path:
    content = write(path, [("red", 3)]).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def of_nobodys_codec(path: Path) -> Path:
    content = write(path, [("red", 1)], codec="mjpeg").read_bytes()
    path.write_bytes(content.replace(b"MJPG", b"\xffzz\xff"))
    return path


def written(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "sound.mp4": (sound, "no pictures, only sound"),
    "zeros.mp4": (no_frames, "no frame of at most 40,000,000 pixels"),
    "half.mp4": (half, "damaged or cut off"),
    "codec.avi": (of_nobodys_codec, "a format that nobody can decode here"),
    "empty.mp4": (written(b""), "empty"),
    "noise.mov": (written(np.random.default_rng(1).bytes(5000)), "."),
    "text.webm": (written(b"not a video at all\n" * 100), "damaged, or not in a video format"),
    # A play list, which could make FFmpeg open anything.
    "list.mp4": (
        written(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"),
        "damaged, or not in a video format",
    ),
    "concat.avi": (
        written(b"ffconcat version 1.0\nfile clip.mp4\n"),
        "damaged, or not in a video format",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_videos_have_one_reason(clips: Path, name: str) -> None:
    make, reason = BROKEN[name]
    path = make(clips / name)
    with pytest.raises(PhotoDecodeError, match=reason) as caught, open_video(path) as video:
        list(video.frames(48))
    assert caught.value.reason.isprintable()
    assert caught.value.path == path


def test_a_moment_beyond_all_numbers_is_damage(clip: Path) -> None:
    with open_video(clip) as video, pytest.raises(PhotoDecodeError, match="damaged"):
        video.frame_at(1e14, 48)


def test_absurd_sizes_are_refused_before_decoding(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_PIXELS", 1000)
    reason = "1,000 pixels"
    with pytest.raises(PhotoDecodeError, match=reason), open_video(clip):
        pass


def test_missing_file_and_folder_cannot_be_read(clips: Path) -> None:
    (clips / "folder.mp4").mkdir()
    for name in ("gone.mp4", "folder.mp4"):
        with pytest.raises(PhotoReadError), open_video(clips / name):
            pass


def test_what_came_before_a_cut_off_end_is_kept(clips: Path) -> None:
    path = write(clips / "a.mkv", [("red", 3), ("blue", 3)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    assert next(colour for _, colour in frames_of(path)) == "red"


# Which frames are chosen


def plain(shots: list[tuple[str, float]], step: float = 0.5) -> Iterator[Frame]:
    second = 0.0
    for colour, length in shots:
        image = Image.new("RGB", (32, 24), colour)
        for _ in range(round(length / step)):
            yield Frame(second, image)
            second += step


def seconds_of(shots: list[tuple[str, float]], step: float = 0.5) -> list[float]:
    duration = sum(length for _, length in shots)
    return [frame.second for frame in chosen_frames(plain(shots, step), duration)]


def test_a_still_shot_has_a_frame_every_twenty_seconds() -> None:
    found = seconds_of([("red", 600)])
    assert len(found) + 1 >= 600 / 20
    assert np.diff(found).max() <= 20
    assert len(found) <= 600 / 19 + 1


def test_flashes_are_no_shots() -> None:
    assert seconds_of([("red", 5), ("white", 0.5), ("red", 5)]) == [0]


@pytest.mark.parametrize("length", [0.5, 1, 1.5, 2, 3, 4])
def test_no_minute_has_more_than_twelve(length: float) -> None:
    cuts = [(["red", "#0f0", "blue"][i % 3], length) for i in range(round(300 / length))]
    found = np.array(seconds_of(cuts))
    busiest = max(((found >= second) & (found < second + 60)).sum() for second in found)
    assert 6 <= busiest <= 12 or length == 0.5
    assert np.diff(found).max() <= 20


def test_black_frames_are_passed_over() -> None:
    found = list(chosen_frames(plain([("black", 3), ("red", 4), ("#050505", 4), ("blue", 3)]), 14))
    assert [colour_of(frame.image) for frame in found] == ["red", "blue"]


def test_a_black_video_has_one_frame() -> None:
    assert seconds_of([("black", 60)]) == [0]


def test_key_frames_far_apart_are_each_a_shot() -> None:
    cuts = [(["red", "#0f0", "blue"][i % 3], 8.0) for i in range(6)]
    assert seconds_of(cuts, step=8.0) == [0, 8, 16, 24, 32, 40]


def test_a_film_of_any_length_is_covered_to_its_end() -> None:
    hours = 10
    cuts = [(["red", "#0f0", "blue"][i % 3], 10.0) for i in range(hours * 360)]
    found = seconds_of(cuts, step=5.0)
    assert MOST / 2 < len(found) <= MOST
    assert found[-1] > hours * 3600 - 300


def test_two_frames_are_held_at_most() -> None:
    alive, most = 0, 0

    class Counted(Image.Image):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def frames() -> Iterator[Frame]:
        nonlocal alive, most
        for i in range(2 * 3600):
            image = Image.new("RGB", (64, 48), ["red", "#0f0", "blue"][i // 7 % 3])
            image.__class__ = Counted
            alive += 1
            most = max(most, alive)
            yield Frame(float(i), image)
            del image

    assert sum(1 for _ in chosen_frames(frames(), 7200)) > 360
    # The last two, the one that is looked at, and the one that the loops here have in hand.
    assert most <= 4


# What the file says


def test_apple_metadata() -> None:
    metadata = metadata_of_tags(
        {
            "creation_time": "2019-07-24T08:25:57.000000Z",
            "com.apple.quicktime.creationdate": "2019-07-24T11:25:40+0300",
            "com.apple.quicktime.location.ISO6709": "+32.0929+034.8620+028.516/",
            "com.apple.quicktime.make": "Apple",
            "com.apple.quicktime.model": "iPhone 6",
            "title": "  A walk\nby the sea ",
        }
    )
    assert metadata.taken_at == "2019-07-24T11:25:40"
    assert (metadata.latitude, metadata.longitude, metadata.altitude) == (32.0929, 34.862, 28.516)
    assert (metadata.camera_make, metadata.camera_model) == ("Apple", "iPhone 6")
    assert metadata.caption == "A walk by the sea"


def test_time_in_utc_becomes_local(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        metadata = metadata_of_tags({"creation_time": "2024-05-06T20:00:01.000000Z"})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert metadata.taken_at == "2024-05-07T05:00:01"


@pytest.mark.parametrize(
    "tags",
    [
        {"creation_time": "1904-01-01T00:00:00.000000Z"},
        {"creation_time": "1970-01-01T00:00:00.000000Z"},
        {"creation_time": "yesterday"},
        {"date": "2019"},
        {"date": "2019-02-03"},
        {"location": "+91.0000+000.0000/"},
        {"location": "+00.0000+000.0000/"},
        {"location": "somewhere"},
        {"title": "\0"},
    ],
)
def test_metadata_without_sense_is_missing(tags: dict[str, str]) -> None:
    assert metadata_of_tags(tags) == metadata_of_tags({})


def test_android_position() -> None:
    metadata = metadata_of_tags({"location": "+51.4169-000.0806/"})
    assert (metadata.latitude, metadata.longitude, metadata.altitude) == (51.4169, -0.0806, None)


# Indexing


def rows(library: Library) -> list[tuple[str, float | None, int]]:
    with library.catalog.read() as session:
        return [
            (e.kind, e.second, len(e.vector))
            for e in session.query(Embedding).order_by(Embedding.kind, Embedding.second)
        ]


def test_indexed_video_has_a_vector_for_each_shot_and_one_of_the_whole(
    index: Index, clip: Path, library: Library, encoder: FakeEncoder
) -> None:
    summary = index(clip.parent)
    assert (summary.embedded, summary.failed, summary.photos) == (1, 0, 1)
    found = rows(library)
    assert [kind for kind, _, _ in found] == ["frame", "frame", "frame", "whole"]
    assert encoder.images_encoded == 3
    with library.catalog.read() as session:
        asset = session.query(Asset).one()
        facts = (asset.format, asset.width, asset.height, asset.byte_size)
        vectors = [
            np.frombuffer(e.vector, "<f2").astype(np.float32)
            for e in session.query(Embedding).order_by(Embedding.kind, Embedding.second)
        ]
        duration = asset.duration
    assert facts == ("MP4", 64, 48, clip.stat().st_size)
    assert duration == pytest.approx(9, abs=0.2)
    mean = np.mean(vectors[:3], axis=0)
    assert vectors[3] == pytest.approx(mean / np.linalg.norm(mean), abs=2e-3)


def test_search_gives_the_moment(index: Index, clip: Path, engine: SearchEngine) -> None:
    index(clip.parent)
    for colour, first, last in (("red", 0, 3), ("green", 3, 6), ("blue", 6, 9)):
        (result,) = engine.search(colour).results
        assert result.photo.paths == (clip,)
        assert result.part is not None
        assert result.part.second is not None
        assert first <= result.part.second < last


def test_type_tells_videos_from_photos(
    index: Index, clip: Path, photos: Path, engine: SearchEngine
) -> None:
    index(clip.parent, photos)
    videos = {r.photo.path for r in engine.search("type:video").results}
    assert videos == {clip}
    assert len(engine.search("type:photo").results) == 3
    assert len(engine.search("-type:video").results) == 3
    assert len(engine.search("type:(photo|video)").results) == 4


def test_moved_video_costs_a_hash(
    index: Index, clip: Path, encoder: FakeEncoder, library: Library
) -> None:
    index(clip.parent)
    encoded, before = encoder.images_encoded, rows(library)
    clip.rename(clip.with_name("moved.mp4"))
    summary = index(clip.parent)
    assert (summary.known, summary.embedded, encoder.images_encoded) == (1, 0, encoded)
    assert rows(library) == before
    again = index(clip.parent)
    assert (again.unchanged, again.known) == (1, 0)


def test_copies_of_a_video_are_embedded_once(
    index: Index, clip: Path, encoder: FakeEncoder
) -> None:
    shutil.copy(clip, clip.with_name("copy.mp4"))
    summary = index(clip.parent)
    assert (summary.embedded, summary.known, summary.photos) == (1, 1, 1)
    assert encoder.images_encoded == 3


def test_another_model_embeds_it_again(index: Index, clip: Path, library: Library) -> None:
    from indexer import Indexer

    index(clip.parent)
    other = FakeEncoder("other")
    summary = Indexer(library, other).run()
    assert summary.embedded == 1
    assert SearchEngine(library, other).search("green").results[0].part.second > 3


def test_bad_videos_stop_no_run(index: Index, clip: Path, photos: Path, library: Library) -> None:
    for name, (make, _) in BROKEN.items():
        make(clip.parent / name)
    summary = index(clip.parent, photos)
    assert (summary.embedded, summary.failed) == (4, len(BROKEN))
    with library.catalog.read() as session:
        failures = {f.path: (f.kind, f.reason) for f in files.failures(session)}
    assert {kind for kind, _ in failures.values()} == {DECODE_FAILURE}
    for name, (_, reason) in BROKEN.items():
        assert reason in failures[name][1] or reason == "."
    again = index()
    assert (again.embedded, again.failed) == (0, 0)


def test_video_that_is_being_written_is_tried_again(
    index: Index, clip: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = clip.read_bytes()
    encode = FakeEncoder.encode_images

    def meanwhile(self: FakeEncoder, images: list[Image.Image]) -> object:
        if images:
            clip.write_bytes(whole + bytes(8))
        return encode(self, images)

    with monkeypatch.context() as patched:
        patched.setattr(FakeEncoder, "encode_images", meanwhile)
        summary = index(clip.parent)
    assert (summary.embedded, summary.failed) == (0, 1)
    with library.catalog.read() as session:
        (failure,) = files.failures(session)
    assert failure.kind == READ_FAILURE
    assert "written" in failure.reason
    assert index().embedded == 1


class HoldsUp(Control):
    """Holds a run up in the middle of a film, and says so."""

    def __init__(self, after: int) -> None:
        self.held, self.go = threading.Event(), threading.Event()
        self._left = after

    def checkpoint(self) -> None:
        if threading.current_thread().name.startswith("decode"):
            self._left -= 1
            if not self._left:
                self.held.set()
                assert self.go.wait(20)


def test_run_that_pauses_reads_no_further_in_a_film(
    library: Library, encoder: FakeEncoder, clip: Path
) -> None:
    control = HoldsUp(after=5)  # before the file, while it is hashed, and then frame by frame
    done: list[Summary] = []
    indexer = Indexer(library, encoder, workers=1, control=control)
    run = threading.Thread(target=lambda: done.append(indexer.run([clip])))
    run.start()
    assert control.held.wait(20)
    assert (encoder.images_encoded, done) == (0, [])
    control.go.set()
    run.join(20)
    assert done[0].embedded == 1


class Ends(HoldsUp):
    """Ends a run in the middle of a film."""

    def checkpoint(self) -> None:
        super().checkpoint()
        if self.go.is_set():
            raise CancelledError


def test_run_that_ends_while_it_pauses_leaves_the_film(
    library: Library, encoder: FakeEncoder, clip: Path, index: Index
) -> None:
    control = Ends(after=5)
    control.go.set()
    assert Indexer(library, encoder, workers=1, control=control).run([clip]).interrupted
    assert encoder.images_encoded == 0
    assert index(clip).embedded == 1


def test_hash_of_a_video_is_that_of_its_bytes(index: Index, clip: Path, library: Library) -> None:
    import hashlib

    index(clip.parent)
    with library.catalog.read() as session:
        (content_id,) = session.query(Asset.content_id).one()
    assert content_id == hashlib.sha256(clip.read_bytes()).digest()


def test_regions_and_frames_live_side_by_side(
    index: Index, clip: Path, photos: Path, library: Library
) -> None:
    index(clip.parent, photos, regions=True)
    kinds = {kind for kind, _, _ in rows(library)}
    assert kinds == {"whole", "frame", "region"}
    assert index(regions=True).unchanged == 4
    index(regions=False)
    assert {kind for kind, _, _ in rows(library)} == {"whole", "frame"}


def test_status_tells_what_there_is(
    index: Index, clip: Path, photos: Path, library: Library
) -> None:
    film = clip.rename(photos / "film.mp4")
    index(photos, regions=True)
    found = library_status(library)
    assert (found.photos, found.videos, found.regions, found.moments) == (4, 1, 60, 3)
    assert (found.tagged, found.accepted, found.described) == (0, 0, 0)
    film.unlink()
    index()
    found = library_status(library)
    assert (found.photos, found.videos, found.regions, found.moments) == (3, 0, 60, 0)


def test_json_tells_the_moment(index: Index, clip: Path, engine: SearchEngine) -> None:
    from search.serialization import results_json

    index(clip.parent)
    document = json.loads(json.dumps(results_json(engine.search("blue"))))
    (result,) = document["results"] if "results" in document else document["photos"]
    assert 6 <= result["second"] < 9
    assert result["duration"] == pytest.approx(9, abs=0.2)
    assert result["box"] is None


# Thumbnails


def shown(file: Path) -> str:
    with Image.open(file) as opened:
        return colour_of(opened.convert("RGB"))


def test_thumbnails_of_the_whole_and_of_moments(
    index: Index, clips: Path, library: Library
) -> None:
    path = write(clips / "a.mp4", [("black", 2), ("red", 3), ("blue", 3)])
    index(path)
    thumbnails = Thumbnails(library.thumbnails)
    with library.catalog.read() as session:
        (content_id,) = session.query(Asset.content_id).one()
    made = thumbnails.file(content_id, "grid")
    assert shown(made) == "red"
    made.unlink()
    assert shown(thumbnails.get(content_id, path, "grid")) == "red"
    moment = thumbnails.get(content_id, path, "grid", 6.0)
    assert shown(moment) == "blue"
    assert moment != made
    assert thumbnails.get(content_id, clips / "gone.mp4", "grid", 6.0) == moment
    assert shown(thumbnails.get(content_id, path, "preview", 3.0)) == "red"
    with pytest.raises(PhotoError):
        thumbnails.get(content_id, clips / "gone.mp4", "grid", 3.0)


# The web


class Client(FlaskClient):
    """Reads every answer to its end, so that the files behind pictures are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


@pytest.fixture
def client(
    index: Index, clip: Path, photos: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """A browser on a library of a video and three photos."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    index(clip.parent, photos)
    app = create_app(settings)
    app.test_client_class = Client
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


@pytest.fixture
def ids(client: FlaskClient, library: Library) -> dict[str, int]:
    with library.catalog.read() as session:
        return {a.format: a.id for a in session.query(Asset)}


def test_grid_shows_the_moment_and_leads_there(client: FlaskClient, ids: dict[str, int]) -> None:
    page = unescape(client.get("/?q=blue+type:video").text)
    (link,) = re.findall(rf'href="(/photos/{ids["MP4"]}[^"]*t=[^"]*)"', page)
    (image,) = re.findall(r'src="(/thumbnails/[^"]*)"', page)
    (clock,) = re.findall(r'class="moment"[^>]*>(?:<span[^>]*>[^<]*</span>)?([0-9:]+)<', page)
    assert re.fullmatch(r"0:0[67]", clock)
    picture = client.get(image)
    assert picture.mimetype == "image/jpeg"
    with Image.open(io.BytesIO(picture.data)) as opened:
        assert colour_of(opened.convert("RGB")) == "blue"
    player = unescape(client.get(link).text)
    (source,) = re.findall(r'<video[^>]* src="([^"]*)"', player)
    (poster,) = re.findall(r'poster="([^"]*)"', player)
    address, _, moment = source.partition("#t=")
    assert 6 <= float(moment) < 9
    assert client.get(address).mimetype == "video/mp4"
    with Image.open(io.BytesIO(client.get(poster).data)) as opened:
        assert colour_of(opened.convert("RGB")) == "blue"


def test_player_without_a_moment_starts_at_the_beginning(
    client: FlaskClient, ids: dict[str, int]
) -> None:
    for extra in ("", "?t=", "?t=soon", "?t=nan", "?t=inf", "?t=-5", "?t=1e300"):
        answer = client.get(f"/photos/{ids['MP4']}{extra}")
        assert answer.status_code == 200
        assert "<video" in answer.text
        assert client.get(f"/thumbnails/{ids['MP4']}{extra}").status_code == 200
    assert "#t=" not in client.get(f"/photos/{ids['MP4']}").text
    assert "<video" not in client.get(f"/photos/{ids['JPEG']}?t=3").text
    assert client.get(f"/thumbnails/{ids['JPEG']}?t=3").status_code == 200


def test_any_time_asked_for_makes_no_more_thumbnails_than_moments(
    client: FlaskClient, ids: dict[str, int], library: Library
) -> None:
    for hundredths in range(0, 900, 37):
        client.get(f"/thumbnails/{ids['MP4']}?t={hundredths / 100}")
    grid = library.thumbnails / "grid"
    assert len(list(grid.rglob("*-*.jpg"))) <= 3
    with library.catalog.read() as session:
        assert len(moments_of(session, ids["MP4"], 1)) == 3


def test_player_may_ask_for_any_piece(client: FlaskClient, ids: dict[str, int], clip: Path) -> None:
    whole = clip.read_bytes()
    address = f"/videos/{ids['MP4']}"
    full = client.get(address)
    assert (full.status_code, full.data) == (200, whole)
    assert full.headers["Accept-Ranges"] == "bytes"
    assert "attachment" not in full.headers.get("Content-Disposition", "")
    assert "media-src 'self'" in full.headers["Content-Security-Policy"]
    part = client.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, whole[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    beyond = client.get(address, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416
    kept = client.get(address, headers={"If-None-Match": full.headers["ETag"]})
    assert kept.status_code == 304


def test_only_videos_that_are_there_are_played(
    client: FlaskClient, ids: dict[str, int], clip: Path
) -> None:
    assert client.get(f"/videos/{ids['JPEG']}").status_code == 404
    assert client.get("/videos/999").status_code == 404
    clip.unlink()
    assert client.get(f"/videos/{ids['MP4']}").status_code == 404


def test_a_video_that_is_another_by_now_is_neither_played_nor_shown(
    client: FlaskClient, ids: dict[str, int], clip: Path, tmp_path: Path
) -> None:
    video = ids["MP4"]
    assert client.get(f"/previews/{video}").status_code == 200
    elsewhere = tmp_path / "elsewhere.mp4"
    elsewhere.write_bytes(clip.read_bytes() + b"\0")
    clip.unlink()
    clip.symlink_to(elsewhere)
    for address in (f"/videos/{video}", f"/originals/{video}", f"/previews/{video}?t=3"):
        refused = client.get(address)
        assert refused.status_code == 404
        assert "it has changed since; run pixfind index again" in refused.text
    # What was made before is still its own.
    assert client.get(f"/previews/{video}").status_code == 200
    assert client.get(f"/photos/{video}").status_code == 200


# Real ones


def test_real_videos(shared: Path, index: Index, library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for file in (shared / "formats").iterdir():
        if file.suffix in (".mp4", ".mov"):
            shutil.copy(file, folder)
    summary = index(folder)
    assert (summary.embedded, summary.failed) == (5, 0)
    with library.catalog.read() as session:
        phone = session.query(Asset).filter_by(format="MOV", camera_model="iPhone 6").one()
        facts = (phone.width, phone.height, phone.taken_at, phone.latitude, phone.altitude)
    assert facts == (320, 568, "2019-07-24T11:25:40", 32.0929, 28.516)
