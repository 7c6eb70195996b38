"""Kill somebody's own changes: is what was acknowledged kept, and nothing done by half?

A process saves and removes albums, accepts tags with all that they imply, rejects and withdraws
them, and prints a number after each change. It is killed. The library must then be as it is after
exactly the changes that were acknowledged, or one more, which was done but not yet told.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.small_files import ClusteredEncoder
from benchmarks.synthetic_library import fill
from pixfind.catalog import albums
from pixfind.library import Library
from reliability import sampled
from reliability.checks import check_soundness, reading
from reliability.rounds import Rounds
from search.albums import save_album
from search.tags import owner

PHOTOS, CHANGES = 1_000, 24
TOLD = "done "
PHASES = {"work": 1.0}
STATE = (
    "SELECT name, query FROM album",
    "SELECT asset_id, name, source FROM asset_tag JOIN tag ON tag.id = tag_id",
    "SELECT asset_id, name FROM tag_rejection JOIN tag ON tag.id = tag_id",
)
State = list[set[Any]]


def run(rounds: str = "40", seed: str = "0", changes: str = str(CHANGES)) -> None:
    """Kill so many processes that change a library so often."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(changes))
        for number in range(int(rounds)):
            trial.round(number)
        trial.rounds.report(
            "processes that change albums and tags",
            f"changes that were acknowledged, and kept: {trial.acknowledged:,}; "
            f"done and not yet told: {trial.ahead}",
        )


def change(folder: str, count: int) -> None:
    """Do all changes; what the killed process does."""
    with Library.open(Path(folder)) as library:
        for number, _ in enumerate(changed(library, count), 1):
            print(f"{TOLD}{number}", flush=True)


def changed(library: Library, count: int) -> Iterator[None]:
    """Do one change after the other."""
    for number in range(count):
        photos = [str(n) for n in range(1 + number * 20, 1 + number * 20 + 200)]
        kind = number % 6
        if kind == 0:
            save_album(library, f"album {number}", "a dog date:2019")
        elif kind == 1:
            owner.accept(library, "dachshund", photos)
        elif kind == 2:
            save_album(library, f"album {number - 2}", "tag:cat", replace=True)
        elif kind == 3:
            owner.reject(library, "dog", photos[:150])
        elif kind == 4:
            owner.withdraw(library, "dachshund", photos[:200])
        else:
            with library.catalog.write() as session:
                albums.remove(session, f"album {number - 5}")
        yield


class Trial:
    """All rounds, each over a fresh copy of one library."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        self.rounds = Rounds(folder, seed, PHASES, anywhere=0.7)
        self.acknowledged = self.ahead = 0
        self._plain, self._library = folder / "plain", folder / "library"
        self._log = folder / "log.txt"
        with Library.create(self._plain) as library:
            fill(library, ClusteredEncoder(), PHOTOS)
        shutil.copytree(self._plain, self._library)
        self._states = [_state(self._library)]
        with Library.open(self._library) as library:
            self._states += [_state(self._library) for _ in changed(library, count)]
        self._restore()
        self._command = [
            sys.executable, "-m", "reliability.kill_changes", "{phases}", str(self._library),
            str(count),
        ]  # fmt: skip
        self._lasts_s = self.rounds.complete(self._command)
        same = _state(self._library) == self._states[-1]
        self.rounds.findings.expect(same, "changes in peace differ")

    def round(self, number: int) -> None:
        """Kill a process, and compare with what it has acknowledged."""
        phase = None
        while phase is None:
            self._restore()
            phase = self.rounds.kill(self._command, self._lasts_s)
        told = sum(line.startswith(TOLD) for line in self._log.read_text("utf-8").splitlines())
        check_soundness(self._library, self.rounds.findings)
        now = _state(self._library)
        is_told, is_ahead = (now == state for state in (self._states[told : told + 2] * 2)[:2])
        self.rounds.findings.expect(is_told or is_ahead, "changes were lost or done by half", told)
        self.acknowledged += told
        self.ahead += is_ahead and not is_told
        self.rounds.tell(number, f"killed in {phase} after {told} changes")

    def _restore(self) -> None:
        shutil.rmtree(self._library, ignore_errors=True)
        shutil.copytree(self._plain, self._library)


def _state(library: Path) -> State:
    with reading(library) as catalog:
        return [{tuple(row) for row in catalog.execute(question)} for question in STATE]


if __name__ == "__main__":
    sampled.run(Path(sys.argv[1]), lambda: change(sys.argv[2], int(sys.argv[3])))
