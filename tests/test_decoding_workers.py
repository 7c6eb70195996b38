"""Files that crash, hang or fill the memory: each costs itself, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from indexer import Indexer
from pixfind.catalog import files
from pixfind.catalog.files import DECODE_FAILURE, Failure
from pixfind.decoding import process, safely, workers
from pixfind.decoding.answers import Wanted
from pixfind.decoding.process import PROGRAM, Worker
from pixfind.decoding.workers import RemoteVideo, StoppedError, Workers
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import (
    DecodersBusyError,
    DecodersStartError,
    PhotoDecodeError,
    PhotoReadError,
)
from pixfind.library import Library
from pixfind.messages import Message
from pixfind.videos.reading import Frame

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX's")

HERE = Path(__file__).parent
HOSTILE = PROGRAM.replace("from pixfind", "import hostile_decoders; from pixfind")
PATIENCE_S = 30.0
SOON_S = 2.0
WANTED = Wanted(48)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    """Every worker that this test starts, each of its own."""
    every: list[Worker] = []

    def start(seconds: float, large: threading.Semaphore) -> Worker:
        every.append(Worker(seconds, large))
        return every[-1]

    monkeypatch.setattr(workers, "Worker", start)
    return every


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, started: list[Worker]) -> list[Worker]:
    """Workers whose decoder does what a file says, if that is no picture."""
    monkeypatch.setattr(process, "PROGRAM", HOSTILE)
    return started


@pytest.fixture
def pool(hostile: list[Worker]) -> Iterator[Workers]:
    with Workers(1, 5) as own:
        yield own


def picture(colour: str = "red") -> bytes:
    from io import BytesIO

    written = BytesIO()
    Image.new("RGB", (64, 48), colour).save(written, "PNG")
    return written.getvalue()


def decoded(pool: Workers, content: bytes) -> Image.Image:
    return pool.photo(content, Path("x.png"), WANTED).photo.image


def reason(pool: Workers, content: bytes) -> str:
    with pytest.raises(PhotoDecodeError) as caught:
        decoded(pool, content)
    return caught.value.reason


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def failures_of(library: Library) -> dict[str, Failure]:
    with library.catalog.read() as session:
        return {failure.path: failure for failure in files.failures(session)}


# One file


def test_picture_comes_back_as_it_was_decoded_here(pool: Workers) -> None:
    found = pool.photo(picture(), Path("x.png"), Wanted(48, jpeg=400, blur=True))
    assert (found.photo.width, found.photo.height, found.photo.format) == (64, 48, "PNG")
    assert found.photo.image.getcolors() == [(64 * 48, (255, 0, 0))]
    assert found.jpeg.startswith(b"\xff\xd8")
    assert found.blur == b"\xff\0\0" * 16


def test_reason_can_still_be_translated(pool: Workers) -> None:
    found = reason(pool, b"no picture")
    assert isinstance(found, Message)
    assert found.template == found == "it is not in a picture format that can be read"
    with_values = reason(pool, bomb(300, 2))
    assert isinstance(with_values, Message)
    assert with_values == "300 x 2 pixels are not a picture"
    assert with_values.template % with_values.values == with_values


@pytest.mark.parametrize("does", ["hang", "spin"])
def test_what_takes_too_long_is_killed(hostile: list[Worker], does: str) -> None:
    with Workers(1, SOON_S) as pool:
        assert reason(pool, does.encode()) == "decoding it took longer than 2 s"
        assert len(hostile) == 1  # it is not given as much time again
        assert decoded(pool, picture()).size == (64, 48)
        pids = [worker._process.pid for worker in hostile]
    assert not any(map(is_there, pids))


@pytest.mark.parametrize(("does", "number"), [("crash", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_crash_is_the_files_fault(
    pool: Workers, hostile: list[Worker], does: str, number: int
) -> None:
    crashed = f"the decoder crashed on it (signal {number})"
    assert reason(pool, does.encode()) == crashed
    assert len(hostile) == 1
    # In a worker that has seen another file, that one might be to blame.
    assert decoded(pool, picture()).size == (64, 48)
    assert reason(pool, does.encode()) == crashed
    assert len(hostile) == 3


def test_file_is_not_blamed_for_the_harm_of_another(pool: Workers, hostile: list[Worker]) -> None:
    assert reason(pool, b"damage") == "it has done its harm"
    assert decoded(pool, picture()).size == (64, 48)
    assert len(hostile) == 2


def test_worker_killed_from_outside_while_it_rests(pool: Workers, hostile: list[Worker]) -> None:
    decoded(pool, picture())
    os.kill(hostile[0]._process.pid, signal.SIGKILL)
    assert decoded(pool, picture()).size == (64, 48)
    assert len(hostile) == 2


def test_time_that_was_up_in_the_moment_of_an_answer_is_not_the_next_files(
    pool: Workers, hostile: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Worker.answer

    def late(worker: Worker) -> tuple[dict[str, object], list[bytes]]:
        found = answer(worker)
        if worker is hostile[0]:
            worker._left = 0.0
            worker.tick(1.0)
            worker._left = None
        return found

    monkeypatch.setattr(Worker, "answer", late)
    assert decoded(pool, picture()).size == (64, 48)
    assert decoded(pool, picture("blue")).size == (64, 48)
    assert len(hostile) == 2
    assert hostile[0]._process.returncode is not None


def test_worker_killed_from_outside_while_it_works(
    pool: Workers, hostile: list[Worker], tmp_path: Path
) -> None:
    assert decoded(pool, f"killed once:{tmp_path / 'mark'}".encode()).size == (64, 48)
    assert len(hostile) == 2


def test_file_whose_workers_are_always_killed_is_given_up(
    pool: Workers, hostile: list[Worker]
) -> None:
    assert "ended twice while it was at it (signal 9)" in reason(pool, b"killed")
    assert len(hostile) == 2
    assert decoded(pool, picture()).size == (64, 48)


def test_memory_is_bounded(pool: Workers, hostile: list[Worker]) -> None:
    assert reason(pool, b"eat") == "it needs more memory than a picture may take"
    assert decoded(pool, picture()).size == (64, 48)


@pytest.mark.skipif(sys.platform != "linux", reason="others do not keep to the limit")
def test_real_picture_that_is_larger_than_the_memory(
    hostile: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGBA", (6000, 6000), "red").save(tmp_path / "large.png", compress_level=1)
    content = (tmp_path / "large.png").read_bytes()
    with Workers(1) as pool:
        assert min(decoded(pool, content).size) >= 48
    monkeypatch.setenv("LANG", "little memory")
    with Workers(1) as pool:
        assert reason(pool, content) == "it needs more memory than a picture may take"
        assert decoded(pool, picture()).size == (64, 48)


def test_bomb_is_refused_by_its_header(pool: Workers, hostile: list[Worker]) -> None:
    assert reason(pool, bomb(20_000, 20_000)) == "20000 x 20000 pixels are more than 150,000,000"
    assert len(hostile) == 1
    assert not hostile[0]._killed


def bomb(width: int, height: int) -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


# What a worker may do


def test_worker_can_write_no_file(pool: Workers, tmp_path: Path) -> None:
    with pytest.raises((PhotoDecodeError, PhotoReadError)):
        decoded(pool, f"write:{tmp_path / 'taken'}".encode())
    taken = tmp_path / "taken"
    assert not taken.exists() or not taken.read_bytes()


def test_worker_knows_no_secrets(pool: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXFIND_LLM_KEY", "secret")
    names = json.loads(reason(pool, b"environment"))
    assert "OMP_NUM_THREADS" in names
    assert not {"PIXFIND_LLM_KEY", "HOME"} & set(names)


def test_modules_in_the_folder_are_not_imported(
    started: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIL", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with Workers(1) as pool:
        assert decoded(pool, picture()).size == (64, 48)


LIES = (
    "nothing", "no photo", "fewer pixels", "no size", "negative", "no number", "no JPEG",
    "long blur", "surrogate", "other facts", "list", "wide text", "long text", "no text", "noise",
)  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_answers_that_make_no_sense_are_not_believed(pool: Workers, lie: str) -> None:
    assert reason(pool, lie.encode()) == "the decoder failed on it"


def test_worker_that_does_not_start_is_one_clear_error(
    started: list[Worker], library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROGRAM", "raise SystemExit('no module named numpy')")
    with pytest.raises(DecodersStartError, match="no module named numpy"):
        Indexer(library, FakeEncoder(), workers=1).run([photos])
    assert failures_of(library) == {}
    monkeypatch.undo()
    assert Indexer(library, FakeEncoder()).run([photos]).embedded == 3


# Several


def test_large_pictures_wait_for_each_other_and_lose_no_time(hostile: list[Worker]) -> None:
    done = threading.Event()
    with Workers(1, SOON_S) as pool:
        decoded(pool, picture())

        def decode() -> None:
            decoded(pool, b"large")
            done.set()

        with workers._one_large_at_a_time:
            thread = threading.Thread(target=decode)
            thread.start()
            assert not done.wait(1.2 * SOON_S)
        thread.join(PATIENCE_S)
        assert done.is_set()
        assert workers._one_large_at_a_time.acquire(blocking=False)
        workers._one_large_at_a_time.release()


def test_a_picture_waits_for_the_others_only_once(pool: Workers, hostile: list[Worker]) -> None:
    assert reason(pool, b"large twice") == "the decoder failed on it"
    assert workers._one_large_at_a_time.acquire(blocking=False)
    workers._one_large_at_a_time.release()
    assert decoded(pool, b"large").size == (64, 48)
    assert len(hostile) == 2


# Videos


def film(pool: Workers, path: Path, does: str, meanwhile: Callable[[], None]) -> list[Frame]:
    path.write_text(does)

    def use(video: RemoteVideo) -> list[Frame]:
        frames = []
        for frame in video.chosen():
            frames.append(frame)
            meanwhile()
        return frames

    return pool.video(path, 48, use)


def film_reason(pool: Workers, path: Path, does: str) -> str:
    with pytest.raises(PhotoDecodeError) as caught:
        film(pool, path, does, lambda: None)
    return caught.value.reason


def test_video_that_goes_on_and_on_is_ended(
    hostile: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FILM", 0.2)
    with Workers(1, 4) as pool:
        reason = film_reason(pool, tmp_path / "film.mp4", "speaks on and on")
        assert reason == "decoding it took longer than 0.8 s"
        assert len(hostile) == 1
        monkeypatch.undo()
        assert decoded(pool, picture()).size == (64, 48)


def test_what_is_made_of_a_videos_frames_takes_none_of_its_time(
    pool: Workers, hostile: list[Worker], tmp_path: Path
) -> None:
    frames = film(pool, tmp_path / "film.mp4", "two frames", lambda: hostile[0].tick(1e6))
    assert [frame.second for frame in frames] == [1.0, 1.0]


def test_video_has_no_turn_and_no_more_frames_than_stand_for_it(
    pool: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MOST", 2)
    assert len(film(pool, tmp_path / "film.mp4", "two frames", lambda: None)) == 2
    for does in ("three frames", "waits"):
        assert film_reason(pool, tmp_path / "film.mp4", does) == "the decoder failed on it"
    assert workers._one_large_at_a_time.acquire(blocking=False)
    workers._one_large_at_a_time.release()


def test_nobody_waits_for_a_worker_for_ever(hostile: list[Worker]) -> None:
    with Workers(1, 20, wait_s=0.05) as pool:
        stopped = threading.Event()

        def decode() -> None:
            with pytest.raises(StoppedError):
                decoded(pool, b"hang")
            stopped.set()

        thread = threading.Thread(target=decode)
        thread.start()
        wait_until(lambda: any(worker._left is not None for worker in hostile))
        with pytest.raises(DecodersBusyError):
            decoded(pool, picture())
        pool.stop()
        thread.join(PATIENCE_S)
        assert stopped.is_set()
    assert not any(is_there(worker._process.pid) for worker in hostile)


# A run


def test_hostile_files_are_set_apart_and_the_rest_is_indexed(
    hostile: list[Worker], library: Library, photos: Path
) -> None:
    for name in ("crash", "hang", "eat"):
        (photos / f"{name}.jpg").write_bytes(name.encode())
    run = Indexer(library, FakeEncoder(), workers=2, decode_timeout=SOON_S).run([photos])
    assert (run.embedded, run.failed) == (3, 3)
    found = failures_of(library)
    assert {name: failure.reason for name, failure in found.items()} == {
        "crash.jpg": "the decoder crashed on it (signal 11)",
        "eat.jpg": "it needs more memory than a picture may take",
        "hang.jpg": "decoding it took longer than 2 s",
    }
    assert {failure.kind for failure in found.values()} == {DECODE_FAILURE}
    assert not any(is_there(worker._process.pid) for worker in hostile)
    hostile.clear()
    again = Indexer(library, FakeEncoder(), decode_timeout=SOON_S).run()
    assert (again.unchanged, again.failed) == (6, 0)
    assert hostile == []  # nothing was looked at, so nothing was started


def test_retry_looks_again_at_what_failed_and_at_nothing_else(
    library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(process, "PROGRAM", HOSTILE)
        patched.setattr(workers, "Worker", Worker)
        for name in ("damage.png", "inner/damage.png"):
            (photos / name).write_bytes(b"damage")
        (photos / "bad.png").write_bytes(b"no picture")
        assert Indexer(library, FakeEncoder(), workers=1).run([photos]).failed == 3
    for name in ("damage.png", "inner/damage.png"):
        known = (photos / name).stat()
        assert known.st_size == len(b"damage")
    (photos / "new.png").write_bytes(picture("white"))
    assert Indexer(library, FakeEncoder()).retry([photos / "inner"]).failed == 1
    assert Indexer(library, FakeEncoder()).retry([photos / "nothing"]).failed == 0
    (photos / "bad.png").write_bytes(picture("yellow"))
    summary = Indexer(library, FakeEncoder()).retry()
    assert (summary.embedded, summary.failed, summary.removed) == (1, 2, 0)
    assert set(failures_of(library)) == {"damage.png", "inner/damage.png"}
    assert Indexer(library, FakeEncoder()).run().embedded == 1  # the new one


def test_command_tells_how_many_work_now(
    pixfind: Callable[..., Result], photos: Path, tmp_path: Path
) -> None:
    for name in ("one.png", "two.png", "inner/three.png"):
        (photos / name).write_bytes(b"no picture")
    (photos / "thin.png").write_bytes(bomb(300, 2))
    pixfind("index", photos)
    status = json.loads(pixfind("status", "--json").stdout)
    assert status["reasons"] == [
        {"reason": "it is not in a picture format that can be read", "count": 3},
        {"reason": "N x N pixels are not a picture", "count": 1},
    ]
    assert all(f["reason"] and f["failed_at"] and f["kind"] == "decode" for f in status["failures"])
    text = pixfind("status", "--failures").stdout
    assert "      3 it is not in a picture format that can be read" in text
    assert "pixfind retry" in text
    (photos / "one.png").write_bytes(picture("white"))
    answer = json.loads(pixfind("retry", photos, "--json").stdout)
    assert (answer["tried"], answer["worked"], answer["failed"]) == (4, 1, 3)
    assert answer["photos"] == 4
    assert pixfind("retry", photos / "inner").stdout == "1 tried again: 0 worked, 1 failed\n"
    (tmp_path / "elsewhere").mkdir()
    for sound, says in (
        (tmp_path / "elsewhere", f"nothing in {tmp_path / 'elsewhere'} has failed\n"),
        (photos / "one.png", f"{photos / 'one.png'} has not failed\n"),
    ):
        told = pixfind("retry", sound)
        assert (told.exit_code, told.stdout, told.stderr) == (0, "", says)
        assert json.loads(pixfind("retry", sound, "--json").stdout)["tried"] == 0
    both = pixfind("retry", tmp_path / "elsewhere", photos / "inner")
    assert both.stdout == "1 tried again: 0 worked, 1 failed\n"
    assert "elsewhere has failed" in both.stderr


def test_command_refuses_paths_that_are_neither_there_nor_known(
    pixfind: Callable[..., Result], photos: Path, tmp_path: Path
) -> None:
    (photos / "inner" / "bad.png").write_bytes(b"no picture")
    pixfind("index", photos)
    for arguments in ([tmp_path / "nowhere"], [photos, tmp_path / "nowhere", "--json"]):
        refused = pixfind("retry", *arguments)
        assert (refused.exit_code, refused.stdout) == (1, "")
        (line,) = refused.stderr.splitlines()
        assert line.startswith(f"Error: there is nothing at {tmp_path / 'nowhere'}")
    # What is gone is still known to have failed, as while its drive is away.
    (photos / "inner" / "bad.png").unlink()
    gone = pixfind("retry", photos / "inner" / "bad.png")
    assert (gone.exit_code, gone.stdout) == (0, "0 tried again: 0 worked, 0 failed\n")


RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from indexer import Indexer
from pixfind.decoding import process
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
process.PROGRAM = sys.argv[2]
with Library.create(Path(sys.argv[3])) as library:
    summary = Indexer(library, FakeEncoder(), workers=1, decode_timeout=5).run([Path(sys.argv[4])])
    print("interrupted" if summary.interrupted else "done")
"""


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run of another process whose worker hangs, and the worker's id."""
    (tmp_path / "hostile").mkdir()
    mark = tmp_path / "mark"
    (tmp_path / "hostile" / "hang.png").write_text(f"hang:{mark}")
    command = [sys.executable, "-c", RUN, HERE, HOSTILE, tmp_path / "l", tmp_path / "hostile"]
    run = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)

    def children() -> list[int]:
        tasks = Path(f"/proc/{run.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    try:
        wait_until(mark.exists)
        yield run, children()[0]
    finally:
        run.kill()
        run.communicate()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it is looked up in /proc")
def test_nothing_is_left_after_ctrl_c(hanging: tuple[subprocess.Popen[str], int]) -> None:
    run, child = hanging
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=PATIENCE_S)[0] == "interrupted\n"
    assert not is_there(child)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it is looked up in /proc")
def test_nothing_is_left_after_a_kill(hanging: tuple[subprocess.Popen[str], int]) -> None:
    run, child = hanging
    run.kill()
    run.wait(PATIENCE_S)
    wait_until(lambda: not is_there(child))


# Elsewhere


def test_originals_and_uploads_are_decoded_in_workers(
    library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = Workers(1, 5)
    with monkeypatch.context() as patched, hostile:
        patched.setattr(process, "PROGRAM", HOSTILE)
        patched.setattr(workers, "Worker", Worker)
        patched.setattr(safely, "shared", lambda: hostile)
        with pytest.raises(PhotoDecodeError, match="signal 11"):
            library.bring(b"crash", "crash.jpg")
        (photos / "crash.jpg").write_bytes(b"crash")
        with pytest.raises(PhotoDecodeError, match="signal 11"):
            safely.opened(photos / "crash.jpg", 48)
    token = library.bring(picture("white"), "white.png")
    file = library.brought.file(token)
    assert file is not None
    with Image.open(file) as kept:
        assert kept.format == "JPEG"
