"""Timings that can be compared on a noisy machine: in turns, in one run, as medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def seconds(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each way once a round, in turns; a first round, which warms caches, does not count.

    Returns:
        The seconds of each round, by the way's name.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if number:
                times[name].append(time.perf_counter() - started)
    return times


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median of each way's seconds."""
    return {name: statistics.median(values) for name, values in times.items()}


def percentile(values: list[float], share: float) -> float:
    """Return the value that a share of the values, in [0, 1], does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
