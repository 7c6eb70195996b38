"""``pixfind serve``: what it allows, what it says, and how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from PIL import Image

from pixfind.catalog import files
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import NoIndexingError
from pixfind.library import Library
from web.indexing import State

Pixfind = Callable[..., Result]


class Server:
    """Stands for waitress's: does what the test says instead of listening."""

    effective_port = 7860

    def __init__(self, run: Callable[[Flask], None], app: Flask, options: dict[str, Any]) -> None:
        self._run, self.app, self.options = run, app, options
        self.is_closed = False

    def run(self) -> None:
        with contextlib.suppress(SystemExit, KeyboardInterrupt):  # as waitress does
            self._run(self.app)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def served(pixfind: Pixfind, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple]:
    """Run ``serve`` with a function in place of its server; return the result and the server."""
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))

    def serve(*arguments: object, run: Callable[[Flask], None] = lambda app: None) -> tuple:
        made: list[Server] = []

        def create(app: Flask, **options: Any) -> Server:
            made.append(Server(run, app, options))
            return made[0]

        monkeypatch.setattr("waitress.server.create_server", create)
        return pixfind("serve", *arguments), made[0] if made else None

    return serve


def test_this_machine_may_change_everything(served: Callable[..., tuple]) -> None:
    codes = []
    result, server = served(
        run=lambda app: codes.append(app.test_client().post("/nowhere").status_code)
    )
    assert (result.exit_code, codes, server.is_closed) == (0, [404], True)
    assert "anyone" not in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ([], 403, "changes are refused (--allow-changes)"),
        (["--allow-changes"], 404, "tag them and index"),
    ],
)
def test_others_may_change_what_is_allowed(
    served: Callable[..., tuple], options: list[str], code: int, says: str
) -> None:
    codes = []
    result, _ = served(
        "--host",
        "0.0.0.0",
        *options,
        run=lambda app: codes.append(app.test_client().post("/nowhere").status_code),
    )
    assert codes == [code]
    assert "anyone who can reach 0.0.0.0 can see all photos" in result.stderr
    assert says in result.stderr


def test_folder_to_allow_must_be_there(served: Callable[..., tuple], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "nowhere", tmp_path / "file"):
        result, server = served("--allow-index", wrong)
        assert (result.exit_code, server) == (2, None)
        assert wrong.name in result.stderr


def test_folders_that_are_allowed(served: Callable[..., tuple], tmp_path: Path) -> None:
    names: list[str] = []
    (tmp_path / "a").mkdir()
    served(
        "--allow-index", tmp_path / "a" / "..", "--allow-index", tmp_path / "a",
        run=lambda app: names.extend(r.name for r in app.extensions["pixfind"].jobs.roots.all())
    )  # fmt: skip
    assert names == [str(tmp_path), str(tmp_path / "a")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to oneself")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_end_while_photos_are_indexed_loses_nothing(
    served: Callable[..., tuple], settings: Settings, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for shade in range(40):
        Image.new("RGB", (9, 9), (shade, 0, 0)).save(folder / f"{shade}.png")
    seen = []

    def run(app: Flask) -> None:
        jobs = app.extensions["pixfind"].jobs
        jobs.add_folder(0, "many")
        with jobs.watch() as watch:
            while not watch.next(20).done:
                pass
            with contextlib.suppress(NoIndexingError):
                jobs.pause()
            seen.append(jobs)
            try:
                os.kill(os.getpid(), number)
                signal.pause()
            finally:
                # Streams end before the server begins to wait for its threads.
                assert watch.is_over

    before = signal.getsignal(number)
    result, server = served("--allow-index", tmp_path, run=run)
    assert (result.exit_code, result.exception, server.is_closed) == (0, None, True)
    assert signal.getsignal(number) is before
    latest = seen[0].latest()
    assert latest.state in (State.CANCELLED, State.DONE)
    with (
        Library.open(settings.library) as library,
        library.writing(),
        library.catalog.read() as session,
    ):
        assert files.count_files(session) == latest.done >= 32
