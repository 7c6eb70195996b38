"""Kill between any two changes of files: is anything lost, and does the next run end as in peace?

``python -m reliability kill_calls [ROUNDS] [SEED] [KINDS] [FILES]``, for Linux with strace. A kill
at a moment of chance seldom meets SQLite while it writes, since that is short. Here each kind of
work (``works.py``, all or those named, with commas between) runs in peace, and every call by which
it changes a file is noted: of the catalog and its log, of FAISS files, thumbnails, backups,
sidecars. In each round it begins from the same state, and is killed as one of these calls begins.
Half of the rounds are spread evenly over all calls, half over the kinds of files in turn.

After each kill SQLite finds the catalog whole; what was there before is there still, the owner's
tags and albums too; no photo has been touched; texts and photos find what they should; and what
the kind of work promises holds: a backup is whole or has no such name, a library is restored or
not, a damaged catalog is kept. Then the command runs again, as its refusal says if it refuses,
and leaves what the uninterrupted run left, and nothing unfinished.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from reliability.calls import OTHERS, Call, Traced, hit, kind, strace, trace
from reliability.checks import Findings, age
from reliability.running import check_success, command, pixfind
from reliability.stage import Stage, Work
from reliability.works import WORKS

FILES = 150
# A run has threads: a call can come out as another one, or as none on a file.
TRIES = 5


def run(
    rounds: str = "12", seed: str = "0", kinds: str = ",".join(WORKS), files: str = str(FILES)
) -> None:
    """Kill each kind of work so many times."""
    strace()
    with tempfile.TemporaryDirectory(prefix="pixfind-calls-") as folder:
        trial = Trial(Path(folder), int(seed), int(files))
        for name in kinds.split(","):
            trial.work(WORKS[name], int(rounds))
        trial.report()


class Trial:
    """All rounds of all kinds of work."""

    what = "kills"

    def __init__(self, folder: Path, seed: int, files: int) -> None:
        self.findings = Findings()
        self.hit: Counter[str] = Counter()
        self.missed = 0
        self._folder, self._seed = folder, seed
        self._environment = {"XDG_CACHE_HOME": str(folder / "cache")}
        self._started = time.monotonic()
        self.stage = Stage(folder, seed, files, self._index)

    def work(self, kind_of_work: type[Work], rounds: int) -> None:
        """Run one kind in peace, then disturb it so many times."""
        work = kind_of_work(self.stage, self._seed)
        # The first run may keep things outside the stage, which the next ones then find.
        for _ in range(2):
            self.stage.lay_out(work.name)
            traced = self._traced(work, None)
        self.findings.expect(traced.code == 0, "an undisturbed run failed", traced.err)
        work.wanted = work.outcome()
        left = self.stage.unfinished()
        self.findings.expect(not left, "an undisturbed run leaves what is unfinished", left)
        kinds = Counter(kind(call, self.stage.library) for call in traced.calls)
        counts = ", ".join(f"{name} {count:,}" for name, count in kinds.most_common())
        print(f"{work.name}: {len(traced.calls):,} calls that change files: {counts}", flush=True)
        before = self.findings.broken.total()
        hits: Counter[str] = Counter()
        numbers = random.Random(f"{self._seed} {work.name}")
        for call in chosen(traced.within_reach, rounds, numbers, self.stage.library):
            met = self.round(work, call)
            if met is not None:
                hits[kind(met, self.stage.library)] += 1
        self.hit += hits
        met_kinds = ", ".join(f"{name} {count}" for name, count in hits.most_common())
        broken = self.findings.broken.total() - before
        print(f"  {hits.total()} {self.what}: {met_kinds}; promises broken: {broken}", flush=True)

    def round(self, work: Work, call: Call) -> Call | None:
        """Disturb a run at a call, look at what is left, let the next run end; return the call."""
        for _ in range(TRIES):
            self.stage.lay_out(work.name)
            pictures = self.stage.pictures()
            traced = self._traced(work, call)
            met = hit(call, traced)
            if met is not None and self._is_disturbed(traced):
                break
        else:
            self.missed += 1
            return None
        before = self.findings.broken.total()
        self._check_end(traced, work)
        copy = self._folder / "copy" / "library"
        shutil.rmtree(copy.parent, ignore_errors=True)
        if self.stage.library.exists():
            shutil.copytree(self.stage.library, copy)
        work.check(copy, self.findings)
        self._again(work)
        now = self.stage.pictures()
        self.findings.expect(now == pictures, "a photo was touched", work.name)
        if self.findings.broken.total() > before:
            inside = Path(met.path).relative_to(self.stage.folder)
            print(f"  of {work.name}, at {met.name} number {met.number}: {inside}", flush=True)
        return met

    def _again(self, work: Work) -> None:
        """Run what is to be run next, as it would be hours later."""
        for left in self.stage.unfinished():
            age([*left.rglob("*"), left])
        said = pixfind(self.stage.library, *work.next_command())
        check_success(said, self.findings, f"{work.name}, the next run")
        work.compare(self.findings)
        left = self.stage.unfinished()
        self.findings.expect(not left, "what is unfinished piles up", left[:3])

    def _is_disturbed(self, traced: Traced) -> bool:
        return traced.was_killed

    def _check_end(self, traced: Traced, work: Work) -> None:
        """Look at how a disturbed run has ended: it was killed."""

    def _traced(self, work: Work, call: Call | None) -> Traced:
        return trace(
            command(self.stage.library, *work.command()), self.stage.folder,
            self._folder / "strace.log", self._environment, call, self.how(call),
        )  # fmt: skip

    def how(self, call: Call | None) -> str:
        """Return what strace does as a call begins."""
        return "signal=SIGKILL"

    def _index(self, stage: Stage) -> None:
        said = pixfind(stage.library, "index", str(stage.photos))
        check_success(said, self.findings, "index")

    def report(self, *lines: str) -> None:
        """Print what was done and found; exit with 1 if a promise was broken."""
        minutes = (time.monotonic() - self._started) / 60
        counts = ", ".join(f"{name} {count}" for name, count in self.hit.most_common())
        print(
            f"\n{self.hit.total()} {self.what} between two changes of files in {minutes:.0f} min: "
            f"{counts}; rounds without one: {self.missed}",
            *lines, self.findings.summary(), sep="\n",
        )  # fmt: skip
        if self.findings.broken:
            raise SystemExit(1)


def chosen(calls: list[Call], count: int, numbers: random.Random, library: Path) -> list[Call]:
    """Choose calls: half spread evenly over all, half over the kinds of files in turn."""
    spread = (count + 1) // 2
    found = [calls[int(len(calls) * (part + numbers.random()) / spread)] for part in range(spread)]
    by_kind: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_kind[kind(call, library)].append(call)
    names = sorted(by_kind.keys() - {OTHERS}) or [OTHERS]
    found += [numbers.choice(by_kind[names[n % len(names)]]) for n in range(count - spread)]
    return found
