"""How do the costs grow with the library: indexing, searching, opening, memory, disk?

``python -m benchmarks growth RESULTS.json [LARGEST] [FOLDER]`` grows one library of tiny pictures
to 1,000, 10,000, 100,000 and 1,000,000 (LARGEST), in one process that does nothing else, and writes
down at each size what a photo costs. What makes vectors costs next to nothing and is left out of
the times, so they are those of everything else: reading, hashing, decoding 8 x 8 pixels, a
thumbnail, the catalog, the index. Searches are those of a fresh process, warm, with the bundled
model's texts, for which the vectors were made. RESULTS.json is written as it goes; the same command
continues a run that was ended. FOLDER (beside RESULTS.json) keeps the pictures and the library.

``python -m benchmarks growth plot RESULTS.json`` draws them into ``benchmarks/plots/``.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.alternating import medians, seconds
from benchmarks.second_run import AGAIN, BASELINE, again, walk
from benchmarks.small_files import ClusteredEncoder, make
from benchmarks.synthetic_library import LOOKS, PLACES, THINGS
from indexer import Indexer
from pixfind.catalog import assets
from pixfind.encoders.base import Encoder
from pixfind.library import Library

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGEST = SIZES[-1]
PER_FOLDER = 1000
MODEL = "pocket"
TEXTS = tuple(
    f"a {look} {thing} on {place}" for thing in THINGS for look in LOOKS for place in PLACES
)
ROUNDS = 3
QUERIES, WARMING = 40, 5
# Between two notes of time and memory, the library grows by so much.
STEP = 1.05
SEARCH = "from benchmarks.growth import search; search()"
CENTRES = "from benchmarks.growth import write_centres; write_centres()"


def run(results: str, largest: str = str(LARGEST), folder: str = "") -> None:
    """Grow a library, or draw what was found."""
    if results == "plot":
        from benchmarks.growth_plots import plot

        plot(json.loads(Path(largest).read_text("utf-8")))
        return
    file = Path(results)
    found = measure(file, int(largest), Path(folder) if folder else file.with_suffix(""))
    for size, stage in found["stages"].items():
        print(f"{int(size):,} photos")
        for name, figure in stage.items():
            print(f"  {name}: {figure:,.3f}")
    print(found["machine"])


def measure(file: Path, largest: int, folder: Path) -> dict[str, Any]:
    """Grow the library in ``folder`` up to a size; return and keep what is known of each stage."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": machine.describe(), "samples": [], "stages": {}}
    if file.exists():
        found |= json.loads(file.read_text("utf-8"))
    centres = folder / "centres.npy"
    if not centres.exists():
        _python(CENTRES, centres)
    encoder = ClusteredEncoder(np.load(centres))
    with Library.create(folder / "library") as library:
        for size in [size for size in SIZES if size < largest] + [largest]:
            if str(size) not in found["stages"]:
                watch = Watch(encoder, found, file)
                found["stages"][str(size)] = _stage(library, encoder, folder, size, watch)
                watch.keep()
    return found


@dataclass
class Watch:
    """Notes time and memory while a run goes on, and keeps them in a file; a ``Progress``."""

    encoder: ClusteredEncoder
    found: dict[str, Any]
    file: Path
    there: int = 0
    noted: int = 0

    def looking(self, files: int) -> None:
        """See ``Progress``."""

    def working(self, done: int, total: int) -> None:
        """See ``Progress``."""
        photos = self.there + done
        if photos < STEP * self.noted and done < total:
            return
        self.noted = photos
        now = {"process": os.getpid(), "photos": photos, "wall s": time.perf_counter()}
        self.found["samples"].append({**now, "CPU s": _cpu(), "encoding s": self.encoder.seconds})
        self.found["samples"][-1] |= memory()
        self.keep()

    def keep(self) -> None:
        """Write what has been found so far."""
        self.file.write_text(json.dumps(self.found, indent=1), "utf-8")


def _stage(
    library: Library, encoder: ClusteredEncoder, folder: Path, size: int, watch: Watch
) -> dict[str, float]:
    """Grow the library to a size; return its figures by names that tell their units."""
    tree = folder / "photos"
    make(tree, 0, size, PER_FOLDER)
    model = library.add_model(encoder.spec)
    with library.catalog.read() as session:
        watch.there = assets.count_searchable(session, model.id)
    wall, cpu, encoding = time.perf_counter(), _cpu(), encoder.seconds
    added = max(1, Indexer(library, encoder, progress=watch).run([tree]).embedded)
    encoding = encoder.seconds - encoding
    wall, cpu = time.perf_counter() - wall - encoding, _cpu() - cpu - encoding
    stage = {
        "added": added,
        "indexing, ms a photo": 1e3 * wall / added,
        "indexing, CPU ms a photo": 1e3 * cpu / added,
        **{f"indexing, {name}": figure for name, figure in memory().items()},
        **{f"disk, {name}, B a photo": taken / size for name, taken in _disk(library).items()},
    }
    ways = {BASELINE: partial(walk, tree), AGAIN: partial(again, library, encoder, tree)}
    times = medians(seconds(ways, ROUNDS))
    stage |= {f"{name}, s": took for name, took in times.items()}
    stage["second run, ratio"] = times[AGAIN] / times[BASELINE]
    return stage | dict(json.loads(_python(SEARCH, folder)))


def memory() -> dict[str, float]:
    """Return the memory of this process and of those that it has started, in MB, by kind."""
    kinds = {"VmRSS": "MB", "RssAnon": "anonymous MB", "RssFile": "mapped MB", "VmHWM": "peak MB"}
    found = dict.fromkeys(kinds.values(), 0.0)
    children = [task.joinpath("children").read_text().split() for task in _tasks()]
    for process in ["self", *itertools.chain(*children)]:
        for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name in kinds:
                found[kinds[name]] += int(value.split()[0]) / 1024
    return found


def _tasks() -> list[Path]:
    return list(Path("/proc/self/task").iterdir())


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _disk(library: Library) -> dict[str, int]:
    with library.catalog.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    vectors = sum(f.stat().st_size for f in (library.folder / "vectors").rglob("*") if f.is_file())
    return {"catalog": (library.folder / "catalog.db").stat().st_size, "vectors": vectors}


def _python(program: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_centres() -> None:
    """Write what a model makes of the texts to the file that the command line names."""
    np.save(sys.argv[1], _model().encode_texts(TEXTS))


def search() -> None:
    """Open the library in the folder that the command line names and search; print figures."""
    from search.engine import SearchEngine

    model = _model()
    model.encode_texts(TEXTS[:1])
    folder = Path(sys.argv[1])
    encoder = ClusteredEncoder(np.load(folder / "centres.npy"), model)
    before = memory()
    with Library.open(folder / "library") as library:
        engine = SearchEngine(library, encoder)
        started = time.perf_counter()
        library.index(library.require(encoder.spec))
        opened = time.perf_counter()
        engine.search(TEXTS[0])
        first = time.perf_counter()
        queries = TEXTS[1 :: len(TEXTS) // (QUERIES + WARMING)][: QUERIES + WARMING]
        times, encoding = [], []
        for query in queries:
            begun = time.perf_counter()
            engine.search(query)
            times.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            encoder.encode_texts([query])
            encoding.append(time.perf_counter() - begun)
    figures = {
        "opening, s": opened - started,
        "first search, s": first - opened,
        "search, ms": 1e3 * statistics.median(times[WARMING:]),
        "of that the text, ms": 1e3 * statistics.median(encoding[WARMING:]),
    }
    figures |= {f"searching, {name}": figure for name, figure in memory().items()}
    figures["searching, MB before opening"] = before["MB"]
    print(json.dumps(figures))


def _model() -> Encoder:
    from pixfind.config import Settings
    from pixfind.encoders.store import ModelStore

    return ModelStore(Settings.load().models).load(MODEL)
