"""Do people who hold connections, and use as little of them as they can, keep others waiting?

``python -m reliability slow_clients [SECONDS] [PHOTOS]`` starts ``pixfind serve`` on a library of
so many photos (20,000). ``ORDINARY`` clients ask for what people ask for
(``reliability/visits.py``) for so long (60 s): alone; while ``COUNTS`` attackers hold connections
(``reliability/attackers.py`` says how each kind does, and all come again when they are closed);
alone again; and while ``FLOOD`` connections are opened at once, say nothing, and are opened again
when they are closed.

It must hold that no answer to an ordinary client fails or is wrong, that p50 and p99 stay within
``FACTOR`` times what they were alone, that the server has at most ``DESCRIPTORS`` files and sockets
open, and that it afterwards has as many as before, but for a few. Attackers, clients and server
share the machine's cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from benchmarks import machine
from pixfind.config import Settings
from reliability import large_library
from reliability.attackers import attack
from reliability.served import Server, Watched, served
from reliability.visits import Record, visit

SECONDS, PHOTOS = 60.0, 20_000
ORDINARY = 4
COUNTS = {"slow_head": 200, "half_body": 100, "slow_reader": 100, "pipelining": 50, "silent": 100}
FLOOD = {"silent": 2000}
# What systems hold for a reader who takes nothing is some megabytes.
LARGE, LARGE_BYTES = 2, 64 * 2**20
FACTOR = 3.0
DESCRIPTORS = 1000
FEW = 20
# How long attackers are given to settle in, and the server to be rid of them.
SETTLE_S = 3.0

Pool = ProcessPoolExecutor


class Part(NamedTuple):
    """What came of the ordinary clients in one part, and what the server had open."""

    record: Record
    descriptors: list[int]


def run(seconds: str = str(SECONDS), photos: str = str(PHOTOS)) -> None:
    """Make a library, try it and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder, "library"), Path(folder, "models"), Path(folder, "demo"))
        large_library.make(settings, int(photos))
        original = Path(folder, "large.jpg")
        large_library.add_original(settings, LARGE, original, LARGE_BYTES)
        if not try_library(settings, float(seconds), int(photos)):
            sys.exit(1)


def try_library(settings: Settings, seconds: float, photos: int) -> bool:
    """Try a library; return whether all held."""
    processes = get_context("spawn")
    with (
        served(settings) as server,
        ProcessPoolExecutor(1, mp_context=processes) as ordinary,
        ProcessPoolExecutor(1, mp_context=processes) as others,
    ):
        trial = _Trial(server, ordinary, others, photos)
        trial.part("warming up", seconds / 4)
        parts = {"alone": trial.part("alone", seconds)}
        print(f"attackers: {COUNTS}")
        parts["attacked"] = trial.part("attacked", seconds, COUNTS)
        parts["alone again"] = trial.part("alone again", seconds)
        print(f"flood: {FLOOD}")
        parts["flooded"] = trial.part("flooded", seconds / 2, FLOOD)
        parts["at the end"] = trial.part("at the end", seconds / 4)
        faults = server.faults()
        status = server.end()
    return _summary(parts, faults, status)


class _Trial:
    def __init__(self, server: Server, ordinary: Pool, others: Pool, photos: int) -> None:
        self._server, self._ordinary, self._others = server, ordinary, others
        self._photos, self._seed = photos, 0

    def part(self, name: str, seconds: float, counts: dict[str, int] | None = None) -> Part:
        """Let ordinary clients ask, while others attack if there are any; print and return it."""
        server = self._server
        attacking: Future[tuple[object, object]] | None = None
        if counts is not None:
            attacking = self._others.submit(
                attack, server.host, server.port, f"/originals/{LARGE}", counts, seconds + SETTLE_S
            )
            time.sleep(SETTLE_S)
        self._seed += 1  # nothing of it has been asked for before
        with Watched(server) as watched:
            record = self._ordinary.submit(
                visit, server.host, server.port, self._photos, ORDINARY, seconds, self._seed
            ).result()
        if attacking is not None:
            closed, refused = attacking.result()
            print(f"attackers were closed {closed} times, refused {refused} times")
            time.sleep(SETTLE_S)
        p50, p99 = record.percentiles()
        print(
            f"{name:12} {len(record.all_seconds()):6} requests, {record.errors.total()} errors, "
            f"{record.reopened} opened again, "
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, open at most {max(watched.descriptors)}, "
            f"{server.descriptors()} then, {server.memory() / 2**20:.0f} MiB",
            flush=True,
        )
        for error, times in record.errors.most_common(5):
            print(f"ERROR {times} x {error}")
        return Part(record, [*watched.descriptors, server.descriptors()])


def _summary(parts: dict[str, Part], faults: int, status: int) -> bool:
    p50, p99 = parts["alone"].record.percentiles()
    held = not faults and status == 0
    for name in ("attacked", "flooded"):
        slower = [
            now / then
            for now, then in zip(parts[name].record.percentiles(), (p50, p99), strict=True)
        ]
        print(
            f"{name}: p50 {slower[0]:.2f} times that alone, p99 {slower[1]:.2f} times "
            f"(bound {FACTOR:.0f})"
        )
        held = held and max(slower) <= FACTOR
    errors = sum(part.record.errors.total() for part in parts.values())
    most = max(number for part in parts.values() for number in part.descriptors)
    before, after = parts["alone"].descriptors[-1], parts["at the end"].descriptors[-1]
    print(
        f"slow clients: {errors} errors of ordinary clients, {faults} unforeseen in the server, "
        f"at most {most} files and sockets open (bound {DESCRIPTORS}), "
        f"{before} before and {after} after, ended with status {status}"
    )
    print(machine.describe())
    return held and not errors and most <= DESCRIPTORS and after <= before + FEW
