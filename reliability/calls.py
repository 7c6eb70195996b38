"""The calls by which a command changes files, counted by strace, which then disturbs one of them.

Linux stops a traced process as a call begins, so that a kill comes between two changes, wherever
one wants it. strace counts calls of a name by thread: the n-th ``pwrite64`` of some thread.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reliability.victim import REPOSITORY

# What changes a file or a folder. Making an empty file does, too, but each import opens files:
# a kill before the first byte goes in comes to the same.
CHANGES = (
    "pwrite64", "write", "writev", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link",
    "linkat", "symlink", "symlinkat", "sendfile", "copy_file_range", "chmod", "fchmod", "fchmodat",
    "utimensat",
)  # fmt: skip
OTHERS = "others"
KILL = "signal=SIGKILL"
PATIENCE_S = 300
_CALL = re.compile(r"(\d+) +(\w+)\((.*)")
_PATH = re.compile(r'["<](/[^">]*)[">]')
_KILLED = (-9, 137)
# What lies where in a library.
_KINDS = (
    ("catalog.db-shm", OTHERS), ("catalog.db", "the catalog"), ("catalog.", "copies of it"),
    (".care-", "copies of it"), ("vectors", "FAISS files"), ("thumbs", "thumbnails"),
)  # fmt: skip


class Call(NamedTuple):
    """The n-th call of a name in its thread, and the path that it changes."""

    name: str
    number: int
    path: str


class Traced(NamedTuple):
    """How a command ended, what it printed, and what it called; a path elsewhere is empty."""

    code: int
    out: str
    err: str
    every: list[Call]

    @property
    def was_killed(self) -> bool:
        """Whether it was killed, not only a helper of its."""
        return self.code in _KILLED

    @property
    def calls(self) -> list[Call]:
        """The calls on files below the folder."""
        return [call for call in self.every if call.path]

    @property
    def within_reach(self) -> list[Call]:
        """Those of them that strace can tell: no other thread comes to that number before."""
        first: dict[tuple[str, int], Call] = {}
        for call in self.every:
            first.setdefault((call.name, call.number), call)
        return [call for call in first.values() if call.path]


def strace() -> str:
    """Return where strace is.

    Raises:
        SystemExit: with one line; there is none.
    """
    found = shutil.which("strace")
    if found is None:
        raise SystemExit("this trial needs strace (Debian: apt-get install strace)")
    return found


def trace(
    command: Sequence[str],
    folder: Path,
    log: Path,
    environment: dict[str, str],
    disturbed: Call | None = None,
    how: str = KILL,
) -> Traced:
    """Run a command and note the calls that change what lies in a folder.

    Args:
        command: what runs.
        folder: the calls below it are returned.
        log: where strace writes.
        environment: what it sees beside this process's own.
        disturbed: the call that does not go through.
        how: what happens as it begins, in strace's words.
    """
    names = ",".join(f"?{name}" for name in CHANGES)
    injected = ["-e", f"inject={disturbed.name}:{how}:when={disturbed.number}"] if disturbed else []
    done = subprocess.run(
        [strace(), "-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={names}", *injected,
         *command],
        cwd=REPOSITORY, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True, check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    out, err = (said.decode("utf-8", "replace").strip() for said in (done.stdout, done.stderr))
    return Traced(done.returncode, out, err, _read(log, folder))


def _read(log: Path, folder: Path) -> list[Call]:
    counts: Counter[tuple[str, str]] = Counter()
    calls = []
    for line in log.read_text("utf-8", "replace").splitlines():
        found = _CALL.match(line)
        if found is not None:
            thread, name, arguments = found.groups()
            counts[thread, name] += 1
            below = (path for path in _PATH.findall(arguments) if path.startswith(f"{folder}/"))
            calls.append(Call(name, counts[thread, name], next(below, "")))
    return calls


def hit(disturbed: Call, traced: Traced) -> Call | None:
    """Return the call that strace has disturbed; ``None`` if it was none on the folder's files."""
    wanted = (disturbed.name, disturbed.number)
    found = (call for call in traced.within_reach if (call.name, call.number) == wanted)
    return next(found, None)


def kind(call: Call, library: Path) -> str:
    """Return what a call changes."""
    if call.path == str(library):
        return OTHERS
    if not call.path.startswith(f"{library}/"):
        return "files outside the library"
    inside = call.path[len(f"{library}/") :]
    return next((kind for begin, kind in _KINDS if inside.startswith(begin)), OTHERS)
