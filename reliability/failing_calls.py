"""Have any one change of a file fail: one clear line or success, and is anything lost?

``python -m reliability failing_calls [ROUNDS] [SEED] [KINDS] [FILES]``, for Linux with strace. As
in ``kill_calls.py`` each kind of work runs once in peace, and every call by which it changes a file
is noted. In each round one of these calls fails, as on a disk that is full at that moment (ENOSPC,
for calls that need room) or broken (EIO), and the run goes on as it can.

It must end well or with one line, not with a traceback; after it everything holds that holds after
a kill; and the next run leaves what the undisturbed run left, and nothing unfinished.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path

from reliability.calls import Call, Traced, strace
from reliability.kill_calls import FILES
from reliability.kill_calls import Trial as Kills
from reliability.stage import Work
from reliability.works import WORKS

NEEDS_ROOM = {
    "pwrite64", "write", "writev", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync",
    "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", "sendfile", "copy_file_range",
}  # fmt: skip
FULL, BROKEN = "error=ENOSPC", "error=EIO"
# Of a command that could not be done, and of one file.
CLEAR = ("Error: ", "not written: ", "not copied: ")
# The last line of a doctor who could not mend something, after what is wrong.
NOT_HEALTHY = "not healthy"
UNCLEAN = ("Traceback", "Exception ignored", "Exception in thread")


def run(
    rounds: str = "12", seed: str = "0", kinds: str = ",".join(WORKS), files: str = str(FILES)
) -> None:
    """Disturb each kind of work so many times."""
    strace()
    with tempfile.TemporaryDirectory(prefix="pixfind-calls-") as folder:
        trial = Trial(Path(folder), int(seed), int(files))
        for name in kinds.split(","):
            trial.work(WORKS[name], int(rounds))
        lines = (f"  {count:3} {line}" for line, count in trial.lines.most_common())
        trial.report(
            f"ended well all the same: {trial.went_on}; ended with one line: "
            f"{trial.lines.total()}, of these kinds:",
            *lines,
        )


class Trial(Kills):
    """All rounds of all kinds of work."""

    what = "calls that failed"

    def __init__(self, folder: Path, seed: int, files: int) -> None:
        super().__init__(folder, seed, files)
        self.went_on = 0
        self.lines: Counter[str] = Counter()

    def how(self, call: Call | None) -> str:
        """Return with what a call fails; every other one of those that need room with EIO."""
        has_room = call is None or call.name not in NEEDS_ROOM or call.number % 2
        return BROKEN if has_room else FULL

    def _is_disturbed(self, traced: Traced) -> bool:
        return not traced.was_killed

    def _check_end(self, traced: Traced, work: Work) -> None:
        """Check that a run ended well, or with one line."""
        shown = [line for line in UNCLEAN if line in traced.err]
        self.findings.expect(not shown, "a traceback was shown", f"{work.name}: {traced.err}")
        if traced.code == 0:
            self.went_on += 1
            return
        lines = [line for line in traced.err.splitlines() if line.startswith(CLEAR)]
        lines += [line for line in traced.out.splitlines() if line == NOT_HEALTHY]
        is_clear = traced.code == 1 and len(lines) == 1
        self.findings.expect(is_clear, "no clear refusal", f"{work.name}: {traced.err}")
        for line in lines:
            self.lines[self._generic(line)] += 1

    def _generic(self, line: str) -> str:
        """Return a line without what differs from round to round."""
        line = line.replace(f"{self.stage.folder}/", "")
        return re.sub(
            r"[0-9a-f]{32,}|(?<=grid/)\w\w|(?<=care-)\w{8}|IMG \d+|\d/trip \d|[0-9a-f]{8}(?=.tmp)",
            "…",
            line,
        )
