"""Has anything become much slower? Small runs of the measurements of speed, within loose bounds.

``python -m benchmarks smoke`` takes less than three minutes on two cores and fails where a figure
lies beyond its bound. Bounds are ratios to a baseline of the same run, or shares: two to four times
what they are on an idle machine, so that a large regression is seen, and a busy machine is not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cold_search, indexing, machine, second_run, vectors, warm_search

Figures = dict[str, float]


@dataclass(frozen=True)
class Bound:
    """Where a figure must lie, both ends included."""

    figure: str
    least: float = float("-inf")
    most: float = float("inf")


@dataclass(frozen=True)
class Question:
    """A small run of a measurement, and what must come out."""

    name: str
    measure: Callable[[Path], Figures]
    bounds: tuple[Bound, ...]


QUESTIONS = (
    Question(
        "cold_search",
        lambda folder: cold_search.measure(photos=1000, rounds=2),
        (Bound("ratio", most=0.25),),
    ),
    Question(
        "indexing",
        lambda folder: indexing.measure(folder, 8, 1, models=(indexing.BUNDLED,)),
        (Bound(f"pixfind {indexing.BUNDLED} to open_clip", least=1.5),),
    ),
    Question(
        "second_run",
        lambda folder: second_run.measure(photos=4000, rounds=3),
        (Bound("ratio", most=8),),
    ),
    Question(
        "vectors",
        lambda folder: vectors.measure(60_000, folder, graphs=False),
        (
            Bound("pixfind, recall@20", least=0.97),
            Bound("pixfind, p50 to exact", most=0.5),
            Bound("pixfind among 1.00%, recall@20", least=0.97),
            Bound("disk, of the vectors", most=2.5),
        ),
    ),
    Question(
        "warm_search",
        lambda folder: warm_search.measure(photos=20_000, rounds=1, queries=32, filtered=16),
        (Bound("p50 to baseline, 1", most=5), Bound("p99 to p50, 16", most=8)),
    ),
)


def run() -> None:
    """Ask every question, print what came out, and fail if anything lies beyond its bound."""
    beyond = []
    for question in QUESTIONS:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            figures = question.measure(Path(folder))
        for bound in question.bounds:
            found = figures[bound.figure]
            print(f"{question.name}: {bound.figure}: {found:.3f} ({_described(bound)})")
            if not bound.least <= found <= bound.most:
                beyond.append(f"{question.name}: {bound.figure}")
        print(f"{question.name} took {time.perf_counter() - started:.0f} s")
    print(machine.describe())
    if beyond:
        raise SystemExit("beyond their bounds: " + "; ".join(beyond))


def _described(bound: Bound) -> str:
    if bound.most < float("inf"):
        return f"at most {bound.most:g}"
    return f"at least {bound.least:g}"
