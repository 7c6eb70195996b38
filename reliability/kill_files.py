"""Kill what writes files among the user's own: is there ever half a file, or a photo touched?

Pictures have tags, some have sidecars of other programs. Sidecars are written and photos exported
by the command line, and killed. After each kill every sidecar is what it was or what it is to be,
every exported file is whole, and the photos have not been touched. The next run ends, and leaves
what an uninterrupted one does, and no temporary file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from pixfind.library import Library
from reliability.checks import age, check_soundness, leftovers
from reliability.pictures import KEYWORDS, Tree
from reliability.rounds import Rounds
from reliability.victim import pixfind
from search.tags import owner

FILES = 400
PHASES = {"files": 1.0}
XMP = ".xmp"
FOREIGN = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 crs:Exposure="{}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
Contents = dict[Path, bytes]


def run(rounds: str = "40", seed: str = "0", files: str = str(FILES)) -> None:
    """Kill so many runs that write files beside so many pictures."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(files))
        for number in range(int(rounds)):
            trial.round(number)
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(trial.kinds.items()))
        trial.rounds.report(
            f"runs that write files beside {int(files):,} pictures",
            f"{kinds}; killed between the first file and the last: {trial.between}",
            f"temporary files left by kills: {trial.left}, none after the next run",
        )


class Trial:
    """All rounds over one library."""

    def __init__(self, folder: Path, seed: int, files: int) -> None:
        self.rounds = Rounds(folder, seed, PHASES, anywhere=0.3)
        self.kinds: Counter[str] = Counter()
        self.between = self.left = 0
        self._photos, self._exported = folder / "photos", folder / "exported"
        self._library = folder / "library"
        tree = Tree(self._photos, self.rounds.numbers, files)
        self.rounds.complete(pixfind(self._library, "index", str(self._photos)))
        self._pictures = {file: file.read_bytes() for file in tree.files()}
        with Library.open(self._library) as library:
            for word in KEYWORDS:
                numbers = self.rounds.numbers.sample(range(1, files // 2), files // 4)
                owner.accept(library, word, [str(number) for number in numbers])
        for number, file in enumerate(self._pictures):
            if number % 5 == 0:
                file.with_name(file.name + XMP).write_text(FOREIGN.format(number), "utf-8")
        self._before = self._sidecars()
        self._commands = {
            "sidecars": pixfind(self._library, "sidecars", "write", "--all"),
            "export": pixfind(
                self._library, "export", "file:IMG*", "--copy-to",
                str(self._exported), "--csv", str(self._exported / "table.csv"), "--replace",
            ),
        }  # fmt: skip
        self._exported.mkdir()
        self._lasts_s = {
            kind: self.rounds.complete(command) for kind, command in self._commands.items()
        }
        self._wanted = {"sidecars": self._sidecars(), "export": _contents(self._exported)}
        wrote = ", ".join(f"{kind} {len(files)}" for kind, files in self._wanted.items())
        print(f"files that an uninterrupted run leaves: {wrote}", flush=True)

    def round(self, number: int) -> None:
        """Kill a run, look at every file, and let the next run end."""
        kind = "sidecars" if number % 2 else "export"
        phase = None
        while phase is None:
            self._restore()
            phase = self.rounds.kill(self._commands[kind], self._lasts_s[kind])
        self.kinds[kind] += 1
        self._check(kind)
        left = leftovers(self._photos, self._exported)
        self.left += len(left)
        age(left)
        self.rounds.complete(self._commands[kind])
        now = self._now(kind)
        findings = self.rounds.findings
        findings.expect(now == self._wanted[kind], f"{kind} differ in the end")
        left = leftovers(self._photos, self._exported)
        findings.expect(not left, "temporary files pile up", left)
        self.rounds.tell(number, f"{kind}, killed in {phase}")

    def _check(self, kind: str) -> None:
        findings = self.rounds.findings
        check_soundness(self._library, findings)
        wanted, done = self._wanted[kind], 0
        before = self._before if kind == "sidecars" else {}
        now = self._now(kind)
        for file, content in now.items():
            is_done = content == wanted.get(file)
            done += is_done and content != before.get(file)
            findings.expect(is_done or content == before.get(file), "half a file", file)
        findings.expect(before.keys() <= now.keys(), "a sidecar was lost")
        self.between += 0 < done < sum(wanted[f] != before.get(f) for f in wanted)
        touched = [f for f, content in self._pictures.items() if f.read_bytes() != content]
        findings.expect(not touched, "a photo was touched", touched[:3])

    def _restore(self) -> None:
        for file in self._photos.rglob(f"*{XMP}"):
            if file not in self._before:
                file.unlink()
        for file, content in self._before.items():
            file.write_bytes(content)
        shutil.rmtree(self._exported, ignore_errors=True)
        self._exported.mkdir()

    def _now(self, kind: str) -> Contents:
        return self._sidecars() if kind == "sidecars" else _contents(self._exported)

    def _sidecars(self) -> Contents:
        return {file: file.read_bytes() for file in self._photos.rglob(f"*{XMP}")}


def _contents(folder: Path) -> Contents:
    return {
        file: file.read_bytes()
        for file in folder.iterdir()
        if not (file.name.startswith(".") and file.name.endswith(".tmp"))
    }
