"""Kill an index at any moment: is anything lost, and does the next run end where it should?

A folder of small pictures of several formats, some of them twice and some broken, is indexed by the
command line in a process of its own, with the bundled model. At a moment drawn by chance it is
killed (SIGKILL), with its helpers or alone. Half of the moments are spread over the whole run, half
lie shortly after a phase began, since some are short. Between two kills the tree changes; every
tenth library is begun anew.

After each kill: SQLite finds the catalog whole and its foreign keys lead somewhere; no embedding is
without its asset; what had been committed before the kill is there, unless its file has changed;
the library opens, a text finds photos, and photos' own vectors find these first; helpers of the
killed process end. Then the next run ends, in a copy, so that the kills of one library go on; what
that says of each file must equal what a library says whose runs over the same trees nobody has ever
interrupted. After every tenth kill the library itself is finished, and compared with a fresh one.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pixfind.encoders.store import ModelStore
from reliability.checks import (
    Held,
    age,
    check_kept,
    check_same,
    check_saved,
    check_searches,
    check_soundness,
    copy_of,
    final_state,
    held,
    leftovers,
)
from reliability.pictures import Tree
from reliability.rounds import Rounds
from reliability.victim import pixfind

BLOCK = 10
CHANGED = 15
# Of a whole run, how long one with little to do is.
LEAST = 0.15
PHASES = {
    "start": 0.5, "creation": 0.03, "model": 0.5, "scan": 0.03, "work": 6.0, "commit": 0.04,
    "sweep": 0.02, "vectors": 0.05, "writing": 0.02, "end": 0.05,
}  # fmt: skip


def run(rounds: str = "100", seed: str = "0", files: str = "2000") -> None:
    """Kill so many runs over so many files."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(files))
        for number in range(int(rounds)):
            trial.round(number)
        if int(rounds) % BLOCK:
            trial.finish()
        trial.report()


class Trial:
    """All rounds over one tree."""

    def __init__(self, folder: Path, seed: int, files: int) -> None:
        self._folder = folder
        self._rounds = Rounds(folder, seed, PHASES)
        self._findings = self._rounds.findings
        self._tree = Tree(folder / "photos", self._rounds.numbers, files)
        self._library, self._peaceful = folder / "library", folder / "peaceful"
        self._encoder = ModelStore(folder / "models").load("pocket")
        self._before = Held()
        self._finals = self._fresh = self._equal = self._vectors = self._left = 0
        self._lasts_s = self._rounds.complete(self._index(self._peaceful))
        print(f"an uninterrupted run over {files:,} files: {self._lasts_s:.1f} s", flush=True)

    def round(self, number: int) -> None:
        """Change the tree, kill a run, look at what is left, and let the next one end."""
        if number % BLOCK == 0:
            shutil.rmtree(self._library, ignore_errors=True)
        else:
            self._tree.change(CHANGED)
        phase = self._killed()
        self._check(number)
        if number % BLOCK == BLOCK - 1:
            self.finish()
        else:
            self._finish_copy()
        committed = f"{len(self._before.vectors):,} vectors committed"
        self._rounds.tell(number, f"killed in {phase}, {committed}")

    def _killed(self) -> str:
        """Return the phase that a run was killed in."""
        while True:
            self._look()
            to_do = 1 - min(1.0, len(self._before.vectors) / len(self._tree.files()))
            lasts_s = self._lasts_s * (LEAST + (1 - LEAST) * to_do)
            phase = self._rounds.kill(self._index(self._library), lasts_s, self._look)
            if phase is not None:
                return phase
            self._tree.change(CHANGED)

    def _look(self) -> None:
        self._before = held(self._library)

    def _index(self, library: Path) -> list[str]:
        return pixfind(library, "index", str(self._tree.folder))

    def _check(self, number: int) -> None:
        self._left = max(self._left, len(leftovers(self._library)))
        copy = copy_of(self._library, self._folder / "copy")
        if check_soundness(copy, self._findings):
            check_kept(self._before, copy, self._findings)
            check_searches(copy, self._encoder, self._findings, number)
        else:
            self._findings.expect(not self._before.assets, "the catalog was lost")

    def finish(self) -> None:
        """Let a run end, and compare with one in a fresh library that nobody killed."""
        shutil.rmtree(self._peaceful)
        self._fresh += 1
        self._finish(self._library)

    def _finish_copy(self) -> None:
        """Let a run end in a copy, and compare with the library that nobody kills."""
        copy = self._folder / "finished"
        if self._library.exists():
            shutil.copytree(self._library, copy)
        self._finish(copy)
        shutil.rmtree(copy)

    def _finish(self, library: Path) -> None:
        age(leftovers(library))
        for each in (library, self._peaceful):
            self._rounds.complete(self._index(each))
        wanted, reached = final_state(self._peaceful), final_state(library)
        self._equal += check_same(reached, wanted, self._findings)
        self._vectors += len(wanted["vectors"])
        self._finals += 1
        check_soundness(library, self._findings)
        check_saved(library, self._findings)
        left = leftovers(library)
        self._findings.expect(not left, "temporary files pile up", left[:3])

    def report(self) -> None:
        """Print what was done and found."""
        self._rounds.report(
            f"an index of {len(self._tree.files()):,} files",
            f"final states compared with an uninterrupted run: {self._finals} "
            f"({self._fresh} of them with one in a fresh library), "
            f"with {self._vectors:,} vectors, {self._equal:,} of them equal to the last bit",
            f"temporary files left by kills: {self._left} at most, none after the next run",
        )
