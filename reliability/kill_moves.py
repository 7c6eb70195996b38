"""Kill moves of folders: is a folder in its old place or the new, with all that was known of it?

A folder of pictures is renamed. The library is told so (``pixfind move``), or finds out by itself
(``pixfind index`` of the new place), and is killed. After each kill the catalog is sound, has every
picture with its vector, and knows each in the old place or the new. The next run ends, and what the
library says then equals what one says that moved in peace.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from reliability.checks import check_same, check_saved, check_soundness, final_state, held
from reliability.pictures import Tree
from reliability.rounds import Rounds
from reliability.victim import pixfind

FILES = 600
PHASES = {"roots": 0.02, "start": 0.6, "work": 0.5, "commit": 0.05, "end": 0.05}
NAMES = ("photos", "pictures of ours")


def run(rounds: str = "40", seed: str = "0", files: str = str(FILES)) -> None:
    """Kill so many moves of a folder with so many files."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(files))
        for number in range(int(rounds)):
            trial.round(number)
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(trial.kinds.items()))
        trial.rounds.report(
            f"moves of a folder with {int(files):,} files",
            f"{kinds}; killed with files in both places: {trial.both}; "
            f"final states compared with a move in peace: {trial.compared}",
        )


class Trial:
    """All rounds over one library, whose folder goes to and fro between two names."""

    def __init__(self, folder: Path, seed: int, files: int) -> None:
        self.rounds = Rounds(folder, seed, PHASES)
        self.kinds: Counter[str] = Counter()
        self.both = self.compared = 0
        self._places = [folder / name for name in NAMES]
        self._library = folder / "library"
        Tree(self._places[0], self.rounds.numbers, files)
        self.rounds.complete(pixfind(self._library, "index", str(self._places[0])))
        states = [self._state()]
        self._places[0].rename(self._places[1])
        self._lasts_s = {
            "told": self.rounds.complete(self._command("told", *self._places)),
        }
        states.append(self._state())
        self._places.reverse()
        self._states = states[::-1]
        self._places[0].rename(self._places[1])
        self._lasts_s["found"] = self.rounds.complete(self._command("found", *self._places))
        self._turn()
        check_same(self._state(), self._states[0], self.rounds.findings)

    def round(self, number: int) -> None:
        """Move the folder, kill who tells the library, look at what is left, and tell it."""
        old, new = self._places
        kind = "told" if number % 2 else "found"
        command = self._command(kind, old, new)
        before = held(self._library)
        old.rename(new)
        phase = self.rounds.kill(command, self._lasts_s[kind])
        self._check(before.assets, before.vectors)
        roots = set(self._state()["roots"])
        if kind == "found" or str(old) in roots:
            self.rounds.complete(command)
        self._turn()
        check_same(self._state(), self._states[0], self.rounds.findings)
        check_saved(self._library, self.rounds.findings)
        self.compared += 1
        self.kinds[kind] += phase is not None
        self.rounds.tell(number, f"{kind}, killed in {phase}")

    def _check(self, contents: dict[int, bytes], vectors: dict[int, tuple[int, int]]) -> None:
        findings = self.rounds.findings
        check_soundness(self._library, findings)
        now = held(self._library)
        findings.expect(now.assets == contents, "pictures were lost")
        findings.expect(now.vectors == vectors, "vectors were lost")
        files = [file for file, _ in self._state()["files"].values()]
        wanted = {file for file, _ in self._states[0]["files"].values()}
        findings.expect(wanted <= set(files), "pictures are in neither place")
        self.both += len(files) > len(self._states[0]["files"])

    def _command(self, kind: str, old: Path, new: Path) -> list[str]:
        if kind == "told":
            return pixfind(self._library, "move", str(old), str(new))
        return pixfind(self._library, "index", str(new))

    def _turn(self) -> None:
        """Have the next move go back."""
        self._places.reverse()
        self._states.reverse()

    def _state(self) -> dict[str, dict[Any, Any]]:
        return final_state(self._library)
