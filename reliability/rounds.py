"""Kills of one kind, one after the other, counted."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from reliability.checks import Findings
from reliability.victim import Moments, Victim

# Of the kills, those of a process with its helpers; the others leave these to themselves.
WITH_HELPERS = 0.5


def nothing() -> None:
    """Look at nothing before a kill."""


class Rounds:
    """What all trials with kills share.

    Args:
        folder: for what a run prints.
        seed: of all chance.
        phases: those to kill in, and up to how many seconds after they were first seen.
        environment: what runs see beside this process's own.
        anywhere: the share of kills that come at any time of a run.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        phases: dict[str, float],
        environment: dict[str, str] | None = None,
        anywhere: float = 0.5,
    ) -> None:
        self.numbers = random.Random(seed)
        self.findings = Findings()
        self.hit: Counter[str] = Counter()
        self.ended_before = self.with_helpers = 0
        self._moments = Moments(self.numbers, phases, anywhere)
        self._log = folder / "log.txt"
        self._environment = environment
        self._started = time.monotonic()

    def kill(
        self, command: Sequence[str], lasts_s: float, before: Callable[[], None] = nothing
    ) -> str | None:
        """Start a run and kill it at a moment of chance.

        Args:
            command: what runs.
            lasts_s: how long it does, about.
            before: looks at what it has done, shortly before it is killed.

        Returns:
            What it was killed in; ``None`` if it had ended.
        """
        victim = Victim(command, self._log, self._environment)
        if not self._moments.wait(victim, lasts_s, before):
            self.findings.expect(victim.wait() == 0, "a run failed", victim.said)
            self.ended_before += 1
            return None
        phase = victim.phase
        with_helpers = self.numbers.random() < WITH_HELPERS
        behind = victim.kill(with_helpers=with_helpers)
        self.with_helpers += with_helpers
        self.hit[phase] += 1
        self.findings.expect(not behind, "helpers outlived their parent", behind)
        return phase

    def complete(self, command: Sequence[str]) -> float:
        """Let a run end, as it must; return how many seconds it took."""
        started = time.monotonic()
        victim = Victim(command, self._log, self._environment)
        self.findings.expect(victim.wait() == 0, "the next run failed", victim.said)
        return time.monotonic() - started

    def tell(self, number: int, about: str) -> None:
        """Print where the trial stands."""
        print(f"round {number + 1}: {about}, {self.findings.summary()}", flush=True)

    def report(self, what: str, *lines: str) -> None:
        """Print what was done and found; exit with 1 if a promise was broken."""
        kills = self.hit.total()
        phases = ", ".join(f"{phase} {count}" for phase, count in self.hit.most_common())
        print(
            f"\n{kills} kills of {what} in {(time.monotonic() - self._started) / 60:.0f} min; "
            f"{self.with_helpers} with helpers, if there were any, the others of the parent alone\n"
            f"killed in: {phases}; {self.ended_before} runs had ended before their moment"
        )
        print(*lines, self.findings.summary(), sep="\n")
        if self.findings.broken:
            raise SystemExit(1)
