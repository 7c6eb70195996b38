"""Pixfind's commands as a user runs them, and what they say."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reliability.checks import Findings
from reliability.victim import REPOSITORY

PROGRAM = "from pixfind.cli.main import main; main()"
# Linux: what lets root pass over permissions, and the call that gives it up for good.
CAPABILITIES, GIVE_UP = (1, 2), 24


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def command(library: Path, *arguments: str) -> list[str]:
    """Return the command line of a pixfind command."""
    return [sys.executable, "-c", PROGRAM, "--library", str(library), *arguments]


def pixfind(library: Path, *arguments: str, bound: bool = False, timeout_s: float = 600) -> Said:
    """Run a command.

    Args:
        library: of which.
        arguments: the command and its own.
        bound: let permissions bind it, though it may be root's.
        timeout_s: when to give up.
    """
    done = subprocess.run(
        command(library, *arguments), cwd=REPOSITORY, capture_output=True, check=False,
        timeout=timeout_s, preexec_fn=give_up_privileges if bound else None,
        env=os.environ | {"XDG_CACHE_HOME": str(library.parent / "cache")},
    )  # fmt: skip
    return Said(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode())


def give_up_privileges() -> None:
    """Have root's permissions count from the next program on."""
    library = ctypes.CDLL(None)
    for capability in CAPABILITIES:
        library.prctl(GIVE_UP, capability)


def check_refusal(said: Said, findings: Findings, about: str) -> str:
    """Check that a command failed with one line, and return that."""
    lines = [line for line in said.err.splitlines() if line.startswith("Error: ")]
    findings.expect("Traceback" not in said.err, "a traceback was shown", f"{about}: {said.err}")
    findings.expect(said.code == 1 and len(lines) == 1, "no clear refusal", f"{about}: {said}")
    return lines[0] if lines else ""


def check_success(said: Said, findings: Findings, about: str) -> None:
    """Check that a command went well."""
    findings.expect("Traceback" not in said.err, "a traceback was shown", f"{about}: {said.err}")
    findings.expect(said.code == 0, "a command failed", f"{about}: {said}")


def mounted(folder: Path, options: str, findings: Findings) -> bool:
    """Mount a small file system in memory, or mount it anew; return whether this may be done."""
    arguments: Sequence[str] = ("mount", "-t", "tmpfs", "-o", options, "pixfind", str(folder))
    done = subprocess.run(arguments, capture_output=True, check=False)
    if done.returncode and "remount" in options:
        findings.expect(False, "the trial itself failed", done.stderr.decode())
    return done.returncode == 0


def unmount(folder: Path) -> None:
    """Take a file system away."""
    arguments: Sequence[str] = ("umount", "-l", str(folder))
    subprocess.run(arguments, capture_output=True, check=False)
