"""Indexing from the browser: runs in a thread, their events, the folders that may be added."""

from __future__ import annotations

import base64
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from waitress.server import create_server
from waitress_loop import end_loop

from pixfind.catalog import files, roots
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import (
    FolderRefusedError,
    IndexingActiveError,
    IndexingError,
    LibraryBusyError,
    LibraryNotFoundError,
    NoIndexingError,
    TooManyWatchersError,
)
from pixfind.library import Library
from search.query.naming import named
from web.indexing import IndexingJobs, IndexRoots, Kind, Snapshot, State
from web.indexing import events as streaming
from web.indexing import jobs as running
from web.indexing.events import event_stream
from web.indexing.folders import Pictures
from web.indexing.overview import CoveredFolder, FailurePage, overview
from web.security import guard, sessions, users
from web.security.access import Access
from web.security.doors import PasswordDoor
from web.security.users import Users

WAIT_S = 20


class GatedEncoder(FakeEncoder):
    """Encodes a batch only when it is let; says when one has come."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.is_open = False

    def encode_images(self, images):
        if images:
            self.came.release()
            if not self.is_open:
                assert self.let.acquire(timeout=WAIT_S)
        return super().encode_images(images)

    def batch_comes(self) -> None:
        assert self.came.acquire(timeout=WAIT_S)

    def open(self) -> None:
        self.is_open = True
        self.let.release(100)


class Models:
    """Stands for a store of models: every name is that of one encoder."""

    def __init__(self, encoder: FakeEncoder) -> None:
        self.encoder = encoder
        self.asked: list[str] = []

    def load(self, name: str) -> FakeEncoder:
        self.asked.append(name)
        return self.encoder


class Opener:
    """Opens one library and keeps it, as the application does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: Library | None = None

    def __call__(self) -> Library:
        if self.opened is None:
            self.opened = Library.open(self.folder)
        return self.opened


@pytest.fixture
def gated() -> GatedEncoder:
    return GatedEncoder()


@pytest.fixture
def opener(settings: Settings) -> Iterator[Opener]:
    made = Opener(settings.library)
    yield made
    if made.opened is not None:
        made.opened.close()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with 80 different pictures, which are three batches."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(80):
        Image.new("RGB", (16, 16), (number, 2 * number, 0)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def jobs(
    settings: Settings, opener: Opener, gated: GatedEncoder, tmp_path: Path
) -> Iterator[IndexingJobs]:
    """Runs with the gated encoder; folders of this test may be added."""
    made = IndexingJobs(settings, opener, Models(gated), IndexRoots([tmp_path]))
    yield made
    gated.open()
    made.close()


def reached(jobs: IndexingJobs, *states: State) -> Snapshot:
    """Wait until the run is in one of these states."""
    watch = jobs.watch()
    assert watch is not None
    with watch:
        for _ in range(1000):
            snapshot = watch.next(WAIT_S)
            assert snapshot is not None, jobs.latest()
            if snapshot.state in states:
                return snapshot
    raise AssertionError(snapshot)


def ended(jobs: IndexingJobs) -> Snapshot:
    return reached(jobs, State.DONE, State.CANCELLED, State.FAILED)


# Runs


def test_first_folder_makes_the_library(
    jobs: IndexingJobs, gated: GatedEncoder, photos: Path, opener: Opener
) -> None:
    gated.open()
    with pytest.raises(LibraryNotFoundError):
        jobs.update()
    begun = jobs.add_folder(0, "photos")
    assert (begun.kind, begun.state, begun.folders) == (Kind.ADD, State.RUNNING, (str(photos),))
    done = ended(jobs)
    assert done.state is State.DONE
    assert (done.looked, done.done, done.total, done.failed) == (3, 3, 3, 0)
    assert done.summary is not None
    assert (done.summary.embedded, done.summary.photos) == (3, 3)
    assert done.ended_at is not None
    with opener().catalog.read() as session:
        assert [root.path for root in roots.all_roots(session)] == [str(photos)]
    assert jobs.current() is None
    assert jobs.latest() == jobs.past()[0] == done


def test_library_is_indexed_with_its_own_model(
    settings: Settings, opener: Opener, gated: GatedEncoder, photos: Path, tmp_path: Path
) -> None:
    gated.open()
    models = Models(gated)
    jobs = IndexingJobs(settings, opener, models, IndexRoots([tmp_path]))
    jobs.add_folder(0, "photos")
    assert ended(jobs).model == "fake"
    jobs.update()
    ended(jobs)
    assert models.asked == ["pocket", "fake"]
    jobs.close()


def test_update_finds_what_is_new_and_retry_what_failed(
    jobs: IndexingJobs, gated: GatedEncoder, photos: Path, opener: Opener
) -> None:
    gated.open()
    (photos / "broken.jpg").write_bytes(b"no picture")
    jobs.add_folder(0, "photos")
    assert ended(jobs).failed == 1
    Image.new("RGB", (9, 9), "yellow").save(photos / "yellow.png")
    jobs.update()
    updated = ended(jobs)
    assert (updated.kind, updated.done, updated.failed) == (Kind.UPDATE, 1, 0)
    jobs.retry_failures()
    retried = ended(jobs)
    assert (retried.kind, retried.done, retried.failed) == (Kind.RETRY, 1, 1)
    assert [past.id for past in jobs.past()] == [3, 2, 1]
    with opener().catalog.read() as session:
        assert files.count_failures(session) == 1


def test_one_run_at_a_time(jobs: IndexingJobs, gated: GatedEncoder, many: Path) -> None:
    jobs.add_folder(0, "many")
    gated.batch_comes()
    for another in (jobs.update, jobs.retry_failures, lambda: jobs.add_folder(0, "many")):
        with pytest.raises(IndexingActiveError, match="already"):
            another()
    current = jobs.current()
    assert current is not None
    assert (current.id, current.state, current.total) == (1, State.RUNNING, 80)


def test_library_that_another_process_writes_to_is_refused_at_once(
    jobs: IndexingJobs, opener: Opener, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WAIT_S", 0.01)
    Library.create(opener.folder).close()
    with opener().writing(), pytest.raises(LibraryBusyError, match="wait"):
        jobs.add_folder(0, "photos")
    assert jobs.latest() is None


def test_paused_run_does_nothing_until_it_goes_on(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path
) -> None:
    jobs.add_folder(0, "many")
    gated.batch_comes()
    assert jobs.pause().state is State.PAUSED
    assert jobs.pause().state is State.PAUSED
    gated.open()
    reached_first = _stands_still(jobs)
    assert 0 < reached_first.done < 80
    assert gated.images_encoded == reached_first.done
    assert not gated.came.acquire(blocking=False)
    assert jobs.resume().state is State.RUNNING
    done = ended(jobs)
    assert (done.state, done.done) == (State.DONE, 80)


def _stands_still(jobs: IndexingJobs) -> Snapshot:
    """Return the snapshot after the batch in flight, once nothing more comes."""
    watch = jobs.watch()
    assert watch is not None
    with watch:
        last = watch.next(WAIT_S)
        while last is None or not last.done:
            last = watch.next(WAIT_S)
        while (another := watch.next(0.3)) is not None:
            last = another
    return last


def test_cancelled_run_keeps_what_is_done_and_the_next_continues(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path
) -> None:
    jobs.add_folder(0, "many")
    gated.batch_comes()
    gated.let.release()
    gated.batch_comes()  # the first is committed
    assert jobs.cancel().state is State.CANCELLING
    gated.open()
    stopped = ended(jobs)
    assert stopped.state is State.CANCELLED
    assert stopped.summary is not None
    assert stopped.summary.interrupted
    assert stopped.summary.photos == stopped.done < 80
    assert stopped.done >= 32
    jobs.update()
    rest = ended(jobs)
    assert (rest.state, rest.total) == (State.DONE, 80 - stopped.done)
    assert rest.summary is not None
    assert rest.summary.photos == 80


def test_paused_run_can_be_cancelled(jobs: IndexingJobs, gated: GatedEncoder, many: Path) -> None:
    jobs.add_folder(0, "many")
    gated.batch_comes()
    jobs.pause()
    gated.open()
    jobs.cancel()
    assert jobs.resume().state is State.CANCELLING
    assert ended(jobs).state is State.CANCELLED


def test_nothing_to_steer(jobs: IndexingJobs, gated: GatedEncoder, photos: Path) -> None:
    for steer in (jobs.pause, jobs.resume, jobs.cancel):
        with pytest.raises(NoIndexingError):
            steer()
    gated.open()
    jobs.add_folder(0, "photos")
    ended(jobs)
    for steer in (jobs.pause, jobs.resume, jobs.cancel):
        with pytest.raises(NoIndexingError):
            steer()


def test_run_that_fails_says_why_and_another_can_begin(
    jobs: IndexingJobs,
    gated: GatedEncoder,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gated.open()
    with monkeypatch.context() as patched:
        patched.setattr(gated, "encode_images", lambda images: 1 // 0)
        jobs.add_folder(0, "photos")
        failed = ended(jobs)
    assert failed.state is State.FAILED
    assert "ZeroDivisionError" in (failed.reason or "")
    assert "ZeroDivisionError" in caplog.text
    jobs.update()
    assert ended(jobs).state is State.DONE


def test_end_of_the_server_keeps_what_is_done(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path, opener: Opener
) -> None:
    jobs.add_folder(0, "many")
    gated.batch_comes()
    gated.let.release()
    gated.batch_comes()
    jobs.end()
    gated.open()
    jobs.close()
    latest = jobs.latest()
    assert latest is not None
    assert latest.state is State.CANCELLED
    with opener().catalog.read() as session:
        assert files.count_files(session) == latest.done >= 32
    with opener().writing():
        pass
    with pytest.raises(IndexingError, match="about to end"):
        jobs.update()


def test_snapshot_is_json(jobs: IndexingJobs, gated: GatedEncoder, photos: Path) -> None:
    gated.open()
    jobs.add_folder(0, "photos")
    done = ended(jobs)
    assert done.summary is not None
    done.summary.unreadable.append("caf\udce9")
    document = json.loads(json.dumps(done.document()).encode())
    assert document["summary"]["unreadable"] == ["caf\N{REPLACEMENT CHARACTER}"]
    assert document["state"] == "done"
    assert document["kind"] == "add"
    assert document["phase"] == "finishing"
    assert document["summary"]["embedded"] == 3


# What a page says of the library


def test_overview(
    jobs: IndexingJobs, gated: GatedEncoder, photos: Path, opener: Opener, tmp_path: Path
) -> None:
    gated.open()
    for number in range(60):
        (photos / f"{number:02}.jpg").write_bytes(b"no picture")
    for folder in ("photos", "empty"):
        (tmp_path / folder).mkdir(exist_ok=True)
        jobs.add_folder(0, folder)
        ended(jobs)
    (tmp_path / "empty").rmdir()
    queries = [named("folder", str(tmp_path / name)) for name in ("empty", "photos")]
    seen = overview(opener(), 2)
    assert (seen.path, seen.model, seen.dim) == (str(opener.folder), "fake", 48)
    assert seen.folders == (
        CoveredFolder(str(tmp_path / "empty"), available=False, files=0, query=queries[0]),
        CoveredFolder(str(photos), available=True, files=3, query=queries[1]),
    )
    failures = seen.failures
    assert (failures.count, failures.page, failures.pages) == (60, 2, 2)
    assert [f.path for f in failures.failures] == [str(photos / f"{n}.jpg") for n in range(50, 60)]
    assert failures.failures[0].kind == "decode"
    assert overview(opener(), 10**30).failures == failures
    assert len(overview(opener(), -1).failures.failures) == 50


def test_overview_of_an_empty_library(library: Library) -> None:
    seen = overview(library)
    assert (seen.model, seen.dim, seen.folders) == (None, None, ())
    assert seen.failures == FailurePage((), 0, 1, 1)


# Those who watch


def test_watchers_are_few(jobs: IndexingJobs, gated: GatedEncoder, many: Path) -> None:
    assert jobs.watch() is None
    jobs.add_folder(0, "many")
    watches = [jobs.watch() for _ in range(4)]
    with pytest.raises(TooManyWatchersError):
        jobs.watch()
    assert watches[0] is not None
    watches[0].close()
    watches[0].close()  # twice counts once
    another = jobs.watch()
    assert another is not None
    with pytest.raises(TooManyWatchersError):
        jobs.watch()


def test_watch_ends_with_the_server(jobs: IndexingJobs, gated: GatedEncoder, many: Path) -> None:
    jobs.add_folder(0, "many")
    watch = jobs.watch()
    assert watch is not None
    watch.next(WAIT_S)
    assert not watch.is_over
    jobs.end()
    assert watch.is_over
    assert not watch.has_ended


# Server-sent events, with the real server


@contextmanager
def serving(
    jobs: IndexingJobs, access: Access | None = None
) -> Iterator[Callable[..., http.client.HTTPResponse]]:
    """Serve the events at ``/events`` and something else at ``/``; give a way to ask."""
    app = Flask(__name__)
    guard.register(app, access)
    app.add_url_rule("/", "home", lambda: "home")
    app.add_url_rule("/events", "events", lambda: event_stream(jobs))
    app.register_error_handler(TooManyWatchersError, lambda error: (str(error), 503))
    server = create_server(app, host="127.0.0.1", port=0, threads=5, channel_request_lookahead=1)
    thread = threading.Thread(target=server.run)
    thread.start()
    opened: list[http.client.HTTPConnection] = []

    def ask(
        path: str, method: str = "GET", session: str = "", authorization: str = ""
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", server.effective_port, WAIT_S)
        opened.append(connection)
        headers = {"Authorization": authorization} if authorization else {}
        if session:
            headers["Cookie"] = f"pixfind-{server.effective_port}={session}"
        connection.request(method, path, headers=headers)
        return connection.getresponse()

    try:
        yield ask
    finally:
        jobs.end()
        for connection in opened:
            connection.close()
        server.task_dispatcher.shutdown()
        end_loop(server)
        thread.join(WAIT_S)


def event(answer: http.client.HTTPResponse) -> tuple[str, Any]:
    """Read the next event, passing over what is none."""
    fields: dict[str, str] = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            return fields["event"], json.loads(fields["data"])
        else:
            fields = {}
    return "", None


def test_events_arrive_as_they_happen(jobs: IndexingJobs, gated: GatedEncoder, many: Path) -> None:
    with serving(jobs) as ask:
        assert ask("/events").status == 204
        jobs.add_folder(0, "many")
        answer = ask("/events")
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        # The encoder is held up, so what comes has not waited for anything that follows.
        while (got := event(answer)[1])["total"] != 80:
            assert got["state"] == "running"
        assert got["done"] == 0
        gated.let.release()
        while (got := event(answer)[1])["done"] == 0:
            pass
        assert got["done"] < 80
        assert ask("/").read() == b"home"
        jobs.pause()
        while (got := event(answer)[1])["state"] != "paused":
            pass
        jobs.resume()
        gated.open()
        while (got := event(answer)) != ("end", {}):
            last = got[1]
        assert (last["state"], last["done"]) == ("done", 80)
        assert answer.read() == b""
        again = ask("/events")
        assert event(again) == ("progress", last)
        assert event(again) == ("end", {})


def test_reader_who_goes_makes_room(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LISTENS_S", 0.05)
    left = threading.Semaphore(0)
    leave = jobs._leave
    monkeypatch.setattr(jobs, "_leave", lambda: (leave(), left.release()))
    with serving(jobs) as ask:
        jobs.add_folder(0, "many")
        gated.batch_comes()
        answers = [ask("/events") for _ in range(4)]
        for answer in answers:
            assert event(answer)[0] == "progress"
        refused = ask("/events")
        assert refused.status == 503
        assert b"too many pages" in refused.read()
        assert ask("/").status == 200
        answers[0].close()
        assert left.acquire(timeout=WAIT_S)
        assert event(ask("/events"))[0] == "progress"


def test_asking_for_the_head_alone_keeps_no_thread(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path
) -> None:
    with serving(jobs) as ask:
        jobs.add_folder(0, "many")
        for _ in range(6):
            assert ask("/events", "HEAD").status == 200


def test_silence_is_broken(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LISTENS_S", 0.02)
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.1)
    with serving(jobs) as ask:
        jobs.add_folder(0, "many")
        gated.batch_comes()
        answer = ask("/events")
        assert any(answer.readline().startswith(b":") for _ in range(50))


def test_end_of_the_server_ends_the_streams(
    jobs: IndexingJobs, gated: GatedEncoder, many: Path
) -> None:
    with serving(jobs) as ask:
        jobs.add_folder(0, "many")
        gated.batch_comes()
        answer = ask("/events")
        assert event(answer)[0] == "progress"
        jobs.end()
        while (got := event(answer)) != ("", None):
            assert got[0] == "progress"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


PASSWORD = "correct horse battery"
HOW = ("logs out", "is away too long", "gets another password", "is removed")


@pytest.mark.parametrize("by_cookie", [True, False], ids=["session", "credentials"])
@pytest.mark.parametrize("how", HOW)
def test_who_may_ask_no_more_hears_no_more(
    how: str,
    by_cookie: bool,
    jobs: IndexingJobs,
    gated: GatedEncoder,
    many: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "LISTENS_S", 0.02)
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(users, "METHOD", "scrypt:1024:8:1")
    people, clock = Users(users.file_of(settings)), Clock()
    for name in ("anna", "ben"):
        people.set(name, PASSWORD)
    access = Access(PasswordDoor(people), clock)
    session, other = (access.log_in(name, PASSWORD, None) for name in ("anna", "ben"))
    assert session
    assert other
    basic = f"Basic {base64.b64encode(f'anna:{PASSWORD}'.encode()).decode()}"
    with serving(jobs, access) as ask:
        jobs.add_folder(0, "many")
        gated.batch_comes()
        asked = {"session": session} if by_cookie else {"authorization": basic}
        answer, others = ask("/events", **asked), ask("/events", session=other)
        assert answer.status == others.status == 200
        assert still_here(answer)
        if how == "logs out":
            access.log_out(session)
        elif how == "is away too long":
            clock.now += sessions.IDLE_S / 2 + 1
            assert access.of_session(other)
            assert still_here(answer)  # which is nothing that anna does
            clock.now += sessions.IDLE_S / 2
        elif how == "gets another password":
            people.set("anna", "another password")
        else:
            people.remove("anna")
        # The run is held up, and tells nothing. Credentials know neither a logout nor an idle time.
        if by_cookie or how not in HOW[:2]:
            assert any(not answer.readline() for _ in range(400))
        else:
            assert still_here(answer)
        assert still_here(others)


def still_here(answer: http.client.HTTPResponse) -> bool:
    """Whether signs of life keep coming."""
    for _ in range(5):
        while (line := answer.readline()) != b": still here\n":
            if not line:
                return False
    return True


# Folders


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root with folders to choose and others not to enter, beside a secret one."""
    root = tmp_path / "root"
    for folder in ("b/inner", "A", ".hidden/inside", "@eaDir"):
        (root / folder).mkdir(parents=True)
    for name in ("one.jpg", "two.mp4", "text.txt", ".three.jpg"):
        (root / "b" / name).touch()
    (tmp_path / "secret" / "deep").mkdir(parents=True)
    return root


def test_folders_are_listed(tree: Path) -> None:
    (root,) = IndexRoots([tree, tree / "A" / ".."]).all()
    assert (root.number, root.name, root.available) == (0, str(tree), True)
    listing = IndexRoots([tree]).browse(0)
    assert [(f.name, f.path, f.pictures.count) for f in listing.folders] == [
        ("A", "A", 0),
        ("b", "b", 2),
    ]
    inner = IndexRoots([tree]).browse(0, "b")
    assert [folder.path for folder in inner.folders] == ["b/inner"]
    assert inner.crumbs == ((str(tree), ""), ("b", "b"))
    assert inner.pictures == Pictures(2)


@pytest.mark.parametrize(
    "path",
    [
        "..", "../secret", "b/..", "b/../A", ".", "./b", "/", "b/", "/b", "b//inner", "nowhere",
        ".hidden", ".hidden/inside", "@eaDir", "b/one.jpg", "link", "link/deep", "b\\inner", "b\0",
        "C:", "~", "A/\ud800",
    ],
)  # fmt: skip
def test_nothing_outside_can_be_reached(tree: Path, path: str) -> None:
    (tree / "link").symlink_to(tree.parent / "secret", target_is_directory=True)
    allowed = IndexRoots([tree])
    for use in (allowed.resolve, allowed.browse):
        with pytest.raises(FolderRefusedError, match="may be added") as caught:
            use(0, path)
        assert "\n" not in str(caught.value)
        str(caught.value).encode()
    assert "link" not in [folder.name for folder in allowed.browse(0).folders]


def test_absolute_path_is_refused(tree: Path) -> None:
    with pytest.raises(FolderRefusedError):
        IndexRoots([tree]).resolve(0, str(tree / "b"))


@pytest.mark.parametrize("number", [-1, 1, 10**20])
def test_roots_that_there_are_not(tree: Path, number: int) -> None:
    with pytest.raises(FolderRefusedError):
        IndexRoots([tree]).resolve(number, "")


def test_root_that_is_gone(tree: Path) -> None:
    allowed = IndexRoots([tree / "A"])
    (tree / "A").rmdir()
    assert not allowed.all()[0].available
    with pytest.raises(FolderRefusedError, match="not there now"):
        allowed.browse(0)


def test_without_roots_the_option_is_named(tree: Path) -> None:
    assert not IndexRoots([])
    with pytest.raises(FolderRefusedError, match="--allow-index FOLDER"):
        IndexRoots([]).resolve(0, "")


def test_name_that_is_not_utf8_is_shown_and_cannot_be_chosen(tree: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9")).mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    last = IndexRoots([tree]).browse(0).folders[-1]
    assert (last.name, last.path) == ("caf\N{REPLACEMENT CHARACTER}", None)


def test_counting_is_bounded(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.indexing.folders.COUNTED", 3)
    for number in range(5):
        (tree / "A" / f"{number}.jpg").touch()
    (a, _) = IndexRoots([tree]).browse(0).folders
    assert a.pictures == Pictures(3, at_least=True)
    monkeypatch.setattr("web.indexing.folders.COUNTED_IN_ALL", 3)
    assert [f.pictures.count for f in IndexRoots([tree]).browse(0).folders] == [3, None]
    monkeypatch.setattr("web.indexing.folders.LISTED", 1)
    listing = IndexRoots([tree]).browse(0)
    assert ([f.name for f in listing.folders], listing.is_cut) == (["A"], True)


def test_folder_that_may_not_be_added_starts_nothing(
    jobs: IndexingJobs, settings: Settings
) -> None:
    with pytest.raises(FolderRefusedError):
        jobs.add_folder(0, "../elsewhere")
    assert jobs.latest() is None
    assert not settings.library.exists()
