"""Draws what ``benchmarks/growth.py`` has found, log against log, readable on light and on dark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "plots"
# Dark enough for white, light enough for black.
INK, COLOURS = "#7a7f87", ("#2f81f7", "#d9730d", "#2da44e", "#a371f7")
BYTES_OF_VECTOR = 2.0 * 768
# Samples of fewer photos than this share of all of them tell little of what each costs.
SMOOTHED = 1.2

Lines = Mapping[str, tuple[list[float], list[float]]]


def plot(found: dict[str, Any]) -> None:
    """Write one SVG for each question: time, queries, memory, disk."""
    stages = {float(size): stage for size, stage in found["stages"].items()}
    FOLDER.mkdir(exist_ok=True)
    _draw(
        "growth_indexing",
        "ms a photo, without the model",
        _indexing(found["samples"], list(stages)),
    )
    _draw(
        "growth_search",
        "ms",
        {
            "search, warm": _of(stages, "search, ms"),
            "of that: the text's vector": _of(stages, "of that the text, ms"),
            "opening the library": _of(stages, "opening, s", 1e3),
        },
    )
    samples = [s for s in found["samples"] if s["process"] == found["samples"][-1]["process"]]
    photos = [s["photos"] for s in samples]
    _draw(
        "growth_memory",
        "MB",
        {
            "indexing": (photos, [s["MB"] for s in samples]),
            "indexing, without mapped files": (photos, [s["anonymous MB"] for s in samples]),
            "searching": _of(stages, "searching, MB"),
            "searching, without mapped files": _of(stages, "searching, anonymous MB"),
        },
    )
    _draw(
        "growth_disk",
        "bytes a photo, without thumbnails",
        {
            "catalog": _of(stages, "disk, catalog, B a photo"),
            "index": _of(stages, "disk, vectors, B a photo"),
            "the vector itself, fp16": (list(stages), [BYTES_OF_VECTOR] * len(stages)),
        },
    )


def _of(
    stages: Mapping[float, Mapping[str, float]], name: str, times: float = 1
) -> tuple[list[float], list[float]]:
    return list(stages), [times * stage[name] for stage in stages.values()]


def _indexing(samples: list[dict[str, float]], sizes: list[float]) -> Lines:
    """Return what a photo costs between two samples some growth apart, within one stage."""
    wall: tuple[list[float], list[float]] = [], []
    cpu: tuple[list[float], list[float]] = [], []
    first = samples[0]
    for last in samples[1:]:
        photos = last["photos"] - first["photos"]
        # What lies between two stages is not indexing: files are made, and searches asked.
        if any(first["photos"] <= size < last["photos"] for size in sizes):
            first = last
        elif last["photos"] >= SMOOTHED * first["photos"]:
            encoding = last["encoding s"] - first["encoding s"]
            for line, name in ((wall, "wall s"), (cpu, "CPU s")):
                line[0].append(last["photos"])
                line[1].append(1e3 * (last[name] - first[name] - encoding) / photos)
            first = last
    return {"elapsed": wall, "processor": cpu}


def _draw(name: str, unit: str, lines: Lines) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    mpl.rcParams |= {
        "svg.fonttype": "none",
        "svg.hashsalt": name,  # or every drawing would be another file
        "font.size": 9,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
        **dict.fromkeys(("xtick.color", "ytick.color", "grid.color"), INK),
    }
    figure, axes = pyplot.subplots(figsize=(4.8, 3.0), layout="constrained")
    for colour, (label, (across, up)) in zip(COLOURS, lines.items(), strict=False):
        marker = "o" if len(across) < 2 * len(COLOURS) else None
        axes.plot(across, up, color=colour, label=label, marker=marker, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="photos", ylabel=unit)
    axes.grid(which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(FOLDER / f"{name}.svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
