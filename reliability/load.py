"""Does a server keep answering, rightly and in bounded memory, when many ask at once for long?

``python -m reliability load [CLIENTS] [SECONDS] [PHOTOS] [SEED]`` makes a library of so many photos
(100,000) in a temporary folder, starts ``pixfind serve`` on it, and lets so many clients (16) ask
for so long (300 s) from a process of their own, each for the next thing as soon as it has been
answered: thumbnails, pages of results, searches of the API with and without facets and filters,
similar photos, pages of photos, next pages, completions, the status (``reliability/visits.py`` has
the shares, and what is checked of each answer). Clients and server share the machine's cores.

It must hold that no answer fails or is wrong, that the server reports no error that it did not
foresee, and that it never holds more than ``GROWTH`` times the memory that it held after the first
minute (or after a third of the time, if that is shorter).
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks import machine
from pixfind.config import Settings
from reliability import large_library
from reliability.served import Watched, served
from reliability.visits import visit

PHOTOS = 100_000
CLIENTS, SECONDS = 16, 300.0
GROWTH = 1.2
WARM_S = 60
SHOWN_EVERY_S = 30
MIB = 2**20


def run(
    clients: str = str(CLIENTS),
    seconds: str = str(SECONDS),
    photos: str = str(PHOTOS),
    seed: str = "0",
) -> None:
    """Make a library, try it and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder, "library"), Path(folder, "models"), Path(folder, "demo"))
        large_library.make(settings, int(photos))
        if not try_library(settings, int(clients), float(seconds), int(photos), int(seed)):
            sys.exit(1)


def try_library(
    settings: Settings, clients: int, seconds: float, photos: int, seed: int = 0
) -> bool:
    """Try a library that ``large_library`` has made; return whether all held."""
    print(f"{clients} clients, {seconds:.0f} s, {photos} photos, seed {seed}", flush=True)
    with (
        served(settings) as server,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        with Watched(server) as watched:
            record = process.submit(
                visit, server.host, server.port, photos, clients, seconds, seed
            ).result()
        faults = server.faults()
        status = server.end()
    for line in record.lines():
        print(line)
    memory = [each / MIB for each in watched.memory]
    shown = [f"{second} s {memory[second - 1]:.0f}" for second in _times(len(memory))]
    print(f"memory in MiB: {', '.join(shown)}, most {max(memory):.0f}")
    warm = memory[min(WARM_S, len(memory) // 3)]
    growth = max(memory[min(WARM_S, len(memory) // 3) :]) / warm
    print(f"files and sockets open: at most {max(watched.descriptors)}")
    errors = record.errors.total()
    p50, p99 = record.percentiles()
    print(
        f"{clients} clients: {len(record.all_seconds())} requests, {errors} errors, "
        f"{faults} unforeseen in the server, p50 {p50:.0f} ms, p99 {p99:.0f} ms, "
        f"memory at most {growth:.2f} times that after {min(WARM_S, len(memory) // 3)} s "
        f"(bound {GROWTH}), ended with status {status}"
    )
    print(machine.describe())
    return not errors and not faults and growth <= GROWTH and status == 0


def _times(seconds: int) -> list[int]:
    """Return when to show the memory: now and then, and at the end."""
    return [*range(SHOWN_EVERY_S, seconds, SHOWN_EVERY_S), seconds]
