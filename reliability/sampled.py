"""``pixfind`` as it is, with a thread beside it that notes what it is at.

``python -m reliability.sampled FILE ARGUMENTS`` runs the command line with the arguments. The
thread looks at the stack of the main thread every few milliseconds and leaves the phase's name in
FILE, where who kills the process finds it.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

EVERY_S = 0.002
WIDTH = 16
START = "start"
# What is in the stack tells the phase, by the first of these; a function stands after a colon.
PHASES = (
    ("catalog/migrations.py", "creation"),
    ("catalog/database.py:_apply_migrations", "creation"),
    ("vectors/cache.py:_written", "writing"),
    ("vectors/cache.py:_with_changes", "writing"),
    ("vectors/cache.py:_remove_all_but", "writing"),
    ("vectors/manifest.py:write", "writing"),
    ("pixfind/vectors/", "vectors"),
    ("indexer/commit.py", "commit"),
    ("catalog/tagging.py", "commit"),
    ("catalog/files.py:sweep", "sweep"),
    ("catalog/roots.py", "roots"),
    ("search/sidecars/", "files"),
    ("search/export/", "files"),
    ("indexer/scan.py", "scan"),
    ("indexer/blurs.py", "sweep"),
    ("search/tags/", "work"),
    ("indexer/run.py", "work"),
    ("pixfind/encoders/", "model"),
)


def phase_of(frame: FrameType | None) -> str:
    """Return what a stack is at: the phase that comes first of those in it."""
    best = len(PHASES)
    while frame is not None:
        where = f"{frame.f_code.co_filename}:{frame.f_code.co_name}"
        for rank, (part, _) in enumerate(PHASES[:best]):
            file, _, function = part.partition(":")
            if file in where and where.endswith(f":{function}" if function else ""):
                best = rank
                break
        frame = frame.f_back
    return PHASES[best][1] if best < len(PHASES) else START


def sample(file: Path) -> None:
    """Note the phase of the main thread, from now on, in the first bytes of a file."""
    file.write_bytes(START.encode().ljust(WIDTH))
    main = threading.main_thread().ident or 0

    def look() -> None:
        begun = False
        with file.open("r+b") as opened, mmap.mmap(opened.fileno(), WIDTH) as shared:
            while True:
                phase = phase_of(sys._current_frames().get(main))
                begun = begun or phase not in (START, "creation", "model")
                shared[:] = ("end" if begun and phase == START else phase).encode().ljust(WIDTH)
                time.sleep(EVERY_S)

    threading.Thread(target=look, daemon=True).start()


def run(file: Path, program: Callable[[], None]) -> None:
    """Run a program in this process, sampled."""
    sample(file)
    program()


def main() -> None:
    """Run pixfind's command line."""
    from pixfind.cli.main import main as pixfind

    file = Path(sys.argv[1])
    sys.argv = ["pixfind", *sys.argv[2:]]
    run(file, pixfind)


if __name__ == "__main__":
    os.umask(0o022)
    main()
