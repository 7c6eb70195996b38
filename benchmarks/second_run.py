"""How long is a second run over a library's unchanged files?

``python -m benchmarks second_run [PHOTOS] [ROUNDS]`` makes so many tiny pictures (100,000) in
folders of 500 in a temporary folder and indexes them once, with an encoder that costs nothing.
Then, in turns: the same run again, the whole command ``pixfind index`` in a process of its own,
and the baseline, ``os.scandir`` and ``stat`` of everything in that tree: the least that can find
out that no file has changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import machine
from benchmarks.alternating import medians, seconds
from benchmarks.small_files import ClusteredEncoder, make
from indexer import Indexer
from pixfind.encoders.base import Encoder
from pixfind.library import Library

PHOTOS, ROUNDS = 100_000, 5
BASELINE, AGAIN, COMMAND = "scandir and stat", "second run", "pixfind index"
# The encoder has to be known to the command.
INDEX = """
import sys
from benchmarks.small_files import ClusteredEncoder
from pixfind.cli.main import main
from pixfind.encoders.store import ModelStore
ModelStore.load = lambda store, name: ClusteredEncoder()
main()
"""


def run(photos: str = str(PHOTOS), rounds: str = str(ROUNDS)) -> None:
    """Measure and print medians and their ratios to the baseline."""
    figures = measure(int(photos), int(rounds))
    for name in (BASELINE, AGAIN, COMMAND):
        took = 1e6 * figures[name] / int(photos)
        ratio = figures[name] / figures[BASELINE]
        print(f"{name}: median {figures[name]:.3f} s, {took:.1f} us a file, {ratio:.2f}x")
    print(machine.describe())


def measure(photos: int, rounds: int) -> dict[str, float]:
    """Return the median seconds of each way, and the ratio of the second run to the baseline."""
    with tempfile.TemporaryDirectory() as folder:
        tree, place = Path(folder, "photos"), Path(folder, "library")
        make(tree, 0, photos)
        with Library.create(place) as library:
            encoder = ClusteredEncoder()
            Indexer(library, encoder).run([tree])
            command = [sys.executable, "-c", INDEX, "--library", str(place), "index", str(tree)]
            ways = {
                BASELINE: partial(walk, tree),
                AGAIN: partial(again, library, encoder, tree),
                COMMAND: partial(subprocess.run, command, check=True, capture_output=True),
            }
            found = medians(seconds(ways, rounds))
    return found | {"ratio": found[AGAIN] / found[BASELINE]}


def walk(tree: Path) -> int:
    """Ask the disk for everything in a tree, as sparingly as Python can; return how many it was."""
    folders, count = [os.fspath(tree)], 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                entry.stat()
                count += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return count


def again(library: Library, encoder: Encoder, tree: Path) -> None:
    """Run over a tree in which nothing has changed.

    Raises:
        RuntimeError: the run found something to do.
    """
    summary = Indexer(library, encoder).run([tree])
    if summary.embedded or summary.removed or summary.failed:
        raise RuntimeError(f"not a second run: {summary}")
