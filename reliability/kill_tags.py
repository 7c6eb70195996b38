"""Kill tagging: does each photo have all of its tags or those of before, and the owner's always?

A library of synthetic photos, several transactions' worth, of which the owner has accepted and
rejected tags, is tagged by the command line, and killed. After each kill a photo that counts as
tagged has exactly the tags that an uninterrupted run gives it, and what the owner said stands as
it was. The next run ends, and the library then equals one that was tagged in peace.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.synthetic_library import fill
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from reliability.checks import check_soundness, reading
from reliability.rounds import Rounds
from reliability.victim import pixfind
from search.tags import owner

COUNT = 9_000
PHASES = {"commit": 0.6, "work": 1.5}
BY_TAG = """
  SELECT asset_id, name, source, score FROM asset_tag JOIN tag ON tag.id = tag_id
"""
Tags = dict[int, dict[tuple[str, str], Any]]


def run(rounds: str = "40", seed: str = "0", count: str = str(COUNT)) -> None:
    """Kill so many runs over so many photos."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(count))
        for number in range(int(rounds)):
            trial.round(number)
        trial.rounds.report(
            f"taggings of {int(count):,} photos",
            f"killed between two transactions: {trial.between}; "
            f"libraries compared with one that was tagged in peace: {trial.compared}",
        )


class Trial:
    """All rounds, each over a library that is not tagged or tagged in part."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        # What prompts are embedded as is kept from run to run, but not the user's.
        environment = {"XDG_CACHE_HOME": str(folder / "cache")}
        self.rounds = Rounds(folder, seed, PHASES, environment, anywhere=0.3)
        self.between = self.compared = 0
        self._folder = folder
        self._library = folder / "library"
        self._plain, peaceful = folder / "plain", folder / "peaceful"
        with Library.create(self._plain) as library:
            fill(library, ModelStore(folder / "models").load("pocket"), count)
            owner.accept(library, "dachshund", [str(n) for n in range(1, 40)])
            owner.accept(library, "our cabin", [str(n) for n in range(20, 30)])
            owner.reject(library, "dog", [str(n) for n in range(50, 300)])
        shutil.copytree(self._plain, peaceful)
        self.rounds.complete(pixfind(peaceful, "tag"))
        self._wanted, self._covered = _tags(peaceful), _covered(peaceful)
        self._owners = _owners(self._plain)
        shutil.rmtree(peaceful)
        shutil.copytree(self._plain, peaceful)
        self._lasts_s = self.rounds.complete(pixfind(peaceful, "tag"))
        given = sum(len(tags) for tags in self._wanted.values())
        print(f"an uninterrupted run: {given:,} tags, {self._lasts_s:.1f} s", flush=True)

    def round(self, number: int) -> None:
        """Kill a run, look at what is left, and let the next one end."""
        phase = None
        while phase is None:
            shutil.rmtree(self._library, ignore_errors=True)
            shutil.copytree(self._plain, self._library)
            phase = self.rounds.kill(pixfind(self._library, "tag"), self._lasts_s)
        findings = self.rounds.findings
        check_soundness(self._library, findings)
        covered, tags = _covered(self._library), _tags(self._library)
        self.between += 0 < len(covered) < len(self._covered)
        for asset_id in covered:
            right = tags.get(asset_id) == self._wanted.get(asset_id)
            findings.expect(right, "a tagged photo has other tags", asset_id)
        findings.expect(_owners(self._library) == self._owners, "the owner's word was changed")
        if number % 2:
            self.rounds.complete(pixfind(self._library, "tag"))
            same = _tags(self._library) == self._wanted
            findings.expect(same, "the tags differ in the end")
            findings.expect(_covered(self._library) == self._covered, "photos were passed over")
            self.compared += 1
        self.rounds.tell(number, f"killed in {phase}, {len(covered):,} photos tagged")


def _tags(library: Path) -> Tags:
    found: Tags = {}
    with reading(library) as catalog:
        for asset_id, name, source, score in catalog.execute(BY_TAG):
            found.setdefault(asset_id, {})[name, source] = score
    return found


def _covered(library: Path) -> set[int]:
    with reading(library) as catalog:
        return {row[0] for row in catalog.execute("SELECT asset_id FROM tag_coverage")}


def _owners(library: Path) -> list[set[Any]]:
    with reading(library) as catalog:
        return [
            {tuple(row) for row in catalog.execute(question)}
            for question in (
                f"{BY_TAG} WHERE source <> 'automatic'",
                "SELECT asset_id, name FROM tag_rejection JOIN tag ON tag.id = tag_id",
            )
        ]
