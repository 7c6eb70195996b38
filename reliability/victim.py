"""A process that is started, watched, and killed at a moment that nobody has prepared it for."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from reliability.sampled import WIDTH

POLL_S = 0.001
# How long helpers of a killed process may need to notice.
ORPHANS_S = 10.0
REPOSITORY = Path(__file__).resolve().parents[1]


class Victim:
    """A command in a process of its own, and what that starts.

    Args:
        command: what runs it, with ``{phases}`` where the file of its phase is to be named.
        log: gets what it prints.
        environment: what it sees beside this process's own.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: dict[str, str] | None = None
    ) -> None:
        self._phases = log.with_suffix(".phase")
        self._phases.write_bytes(b"start".ljust(WIDTH))
        self._helpers: list[int] = []
        self.log = log
        named = [str(self._phases) if part == "{phases}" else part for part in command]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                named, cwd=REPOSITORY, env=os.environ | (environment or {}), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        self.started = time.monotonic()

    @property
    def phase(self) -> str:
        """What the process was at when it was looked at last."""
        return self._phases.read_bytes().decode().strip()

    @property
    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text("utf-8", "replace").strip()

    def is_over(self) -> bool:
        """Return whether it has ended by itself."""
        return self._process.poll() is not None

    def wait(self, timeout_s: float = 600) -> int:
        """Wait for its end; return its exit code."""
        return self._process.wait(timeout_s)

    def sleep(self, seconds: float) -> bool:
        """Wait so long; return whether it is still running."""
        until = self.started + seconds
        while time.monotonic() < until and not self.is_over():
            time.sleep(min(0.01, max(0.0, until - time.monotonic())))
        return not self.is_over()

    def reach(self, phase: str, meanwhile: Callable[[], None], every_s: float = 0.5) -> bool:
        """Wait for a phase; return whether it came before the end."""
        due = 0.0
        while not self.is_over():
            if self.phase == phase:
                return True
            if time.monotonic() > due:
                meanwhile()
                due = time.monotonic() + every_s
            time.sleep(POLL_S)
        return False

    def send(self, number: int) -> None:
        """Send it a signal, unless it is over."""
        self._helpers = _descendants(self._process.pid)
        self._process.send_signal(number)

    def kill(self, *, with_helpers: bool) -> int:
        """Kill it, alone or with its helpers; return how many of these are left some time later."""
        self._helpers = helpers = _descendants(self._process.pid)
        self._process.kill()
        for helper in helpers if with_helpers else []:
            with suppress(ProcessLookupError):
                os.kill(helper, signal.SIGKILL)
        self._process.wait()
        return self.helpers_left()

    def helpers_left(self) -> int:
        """Return how many helpers outlive it by so long; they are killed."""
        until = time.monotonic() + ORPHANS_S
        while (left := _parents().keys() & set(self._helpers)) and time.monotonic() < until:
            time.sleep(0.02)
        for helper in left:
            os.kill(helper, signal.SIGKILL)
        return len(left)


class Moments:
    """When to kill: at any time of the run, or a little after a phase was seen to begin.

    Args:
        numbers: where chance comes from.
        phases: by name, up to how many seconds after its begin the kill comes.
        anywhere: the share of kills that come at any time of the run.
    """

    def __init__(
        self, numbers: random.Random, phases: dict[str, float], anywhere: float = 0.5
    ) -> None:
        self._numbers = numbers
        self._phases = phases
        self._anywhere = anywhere

    def wait(self, victim: Victim, lasts_s: float, before: Callable[[], None]) -> bool:
        """Wait for the moment to kill a run that lasts so long; ``before`` looks at its work.

        Returns:
            Whether it is still running.
        """
        if self._numbers.random() < self._anywhere:
            is_running = victim.sleep(self._numbers.uniform(0, lasts_s))
            before()
            return is_running
        phase = self._numbers.choice(list(self._phases))
        if not victim.reach(phase, before):
            return False
        time.sleep(self._numbers.uniform(0, self._phases[phase]))
        return not victim.is_over()


def pixfind(library: Path, *arguments: str) -> list[str]:
    """Return the command that runs pixfind on a library, sampled."""
    program = [sys.executable, "-m", "reliability.sampled", "{phases}"]
    return [*program, "--library", str(library), *arguments]


def _parents() -> dict[int, int]:
    """Return the parent of each process that is alive."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def _descendants(process: int) -> list[int]:
    """Return the processes that a process has started, and those that these have."""
    parents = _parents()
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]
