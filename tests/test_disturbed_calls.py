"""Calls that strace counts, kills at and has fail: a round of the trials that do so."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability import failing_calls, kill_calls
from reliability.calls import Call, Traced, hit, kind, trace

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
PROGRAM = """
import os, sys, threading
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
def write(content):
    for byte in content:
        os.pwrite(file, bytes([byte]), byte - 97)
write(b"ab")
threading.Thread(target=write, args=(b"c",)).run()
try:
    write(b"def")
except OSError as error:
    sys.exit(error.strerror)
"""


def traced(folder: Path, disturbed: Call | None = None, how: str = "signal=SIGKILL") -> Traced:
    file = folder / "letters"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-c", PROGRAM, str(file)]
    return trace(command, folder, folder / "strace.log", {}, disturbed, how)


@needs_strace
def test_a_kill_comes_before_the_call(tmp_path: Path) -> None:
    file = tmp_path / "letters"
    peaceful = traced(tmp_path)
    assert peaceful.code == 0
    written = [call for call in peaceful.within_reach if call.name == "pwrite64"]
    assert written == [Call("pwrite64", number, str(file)) for number in range(1, 7)]
    assert file.read_bytes() == b"abcdef"
    killed = traced(tmp_path, written[4])
    assert killed.was_killed
    assert hit(written[4], killed) == written[4]
    assert file.read_bytes() == b"abcd"


@needs_strace
def test_a_call_that_fails(tmp_path: Path) -> None:
    call = Call("pwrite64", 4, str(tmp_path / "letters"))
    failed = traced(tmp_path, call, "error=ENOSPC")
    assert (failed.code, failed.err) == (1, "No space left on device")
    assert hit(call, failed) == call
    assert (tmp_path / "letters").read_bytes() == b"abc"


def test_what_another_thread_comes_to_before_is_out_of_reach() -> None:
    inside, elsewhere = Call("write", 1, "/stage/a"), Call("write", 1, "")
    assert Traced(0, "", "", [elsewhere, inside]).within_reach == []
    assert Traced(0, "", "", [inside, elsewhere]).within_reach == [inside]
    assert Traced(0, "", "", [elsewhere, inside]).calls == [inside]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("library/catalog.db-wal", "the catalog"),
        ("library/catalog.db-shm", "others"),
        ("library/catalog.damaged-1.db", "copies of it"),
        ("library/vectors/a.faiss", "FAISS files"),
        ("library/thumbs/grid/aa/b.jpg", "thumbnails"),
        ("library", "others"),
        ("out/library.pixfind", "files outside the library"),
    ],
)
def test_kinds_of_files(path: str, expected: str) -> None:
    assert kind(Call("write", 1, f"/stage/{path}"), Path("/stage/library")) == expected


@pytest.mark.parametrize("trial", [kill_calls.run, failing_calls.run])
def test_without_strace_there_is_one_line(
    trial: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="needs strace"):
        trial("1")


@needs_strace
@pytest.mark.parametrize("trial", [kill_calls.run, failing_calls.run])
def test_nothing_is_lost(trial: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    trial("2", "0", "move", "20")
    printed = capsys.readouterr().out.splitlines()
    assert "rounds without one: 0" in "".join(printed)
    assert printed[-1] == "promises broken: 0"
