"""How fast are photos and queries encoded, against the bundled model's version before this one?

The baseline's files come from this repository's history, or are those of a model folder that is
named: ``python -m benchmarks encoding [FOLDER]``. Both models encode the same prepared photos,
alternating, through ``encode_images`` as indexing does; then queries, one at a time.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pixfind.encoders.base import Encoder
from pixfind.encoders.model_files import MODEL_JSON, read_description
from pixfind.encoders.onnx import OnnxEncoder

MODEL = Path("data/models/pocket")
ROUNDS = 15
PHOTOS = 64
QUERIES = 30
QUERY = "a red telephone box in front of a brick wall"


def run(baseline: str | None = None) -> None:
    """Measure and print medians and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(baseline) if baseline else _version_before(Path(folder) / MODEL.name)
        name = other.name if baseline else "the version before"
        models = {"this version": _load(MODEL), name: _load(other)}
        photos, queries = _measured(models)
    for what, times, unit in (("photos", photos, "photos/s"), ("one query", queries, "ms")):
        for name, values in times.items():
            print(f"{what}, {name}: median {statistics.median(values):.1f} {unit} of {ROUNDS}")
        ours, theirs = (statistics.median(values) for values in times.values())
        print(f"{what}, ratio: {ours / theirs:.2f}")


def _measured(models: dict[str, Encoder]) -> tuple[dict[str, list[float]], ...]:
    """Return photos a second and milliseconds for a query, of every round."""
    noise = np.random.default_rng(0)
    images = [Image.fromarray(noise.integers(0, 256, (260, 260, 3), np.uint8))] * PHOTOS
    photos = _alternating(models, lambda encoder: encoder.encode_images(images))
    queries = _alternating(
        models, lambda encoder: [encoder.encode_texts([QUERY]) for _ in range(QUERIES)]
    )
    speeds = {name: [PHOTOS / seconds for seconds in values] for name, values in photos.items()}
    return speeds, {name: [s * 1e3 / QUERIES for s in values] for name, values in queries.items()}


def _alternating(
    models: dict[str, Encoder], work: Callable[[Encoder], object]
) -> dict[str, list[float]]:
    """Return the seconds of every round; one before them loads the graphs."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for round_number in range(ROUNDS + 1):
        for name, encoder in models.items():
            work(encoder)  # what the other model has left in the caches is not measured
            started = time.perf_counter()
            work(encoder)
            if round_number:
                times[name].append(time.perf_counter() - started)
    return times


def _load(folder: Path) -> Encoder:
    return OnnxEncoder(folder, read_description(folder, folder.name))


def _version_before(folder: Path) -> Path:
    """Write the files of the last commit whose model is of another version than this one."""
    folder.mkdir()
    current = json.loads((MODEL / MODEL_JSON).read_text("utf-8"))["version"]
    for commit in _git("log", "--format=%H", "--", str(MODEL / MODEL_JSON)).decode().split():
        if json.loads(_git("show", f"{commit}:{MODEL / MODEL_JSON}"))["version"] != current:
            for file in _git("ls-tree", "--name-only", f"{commit}:{MODEL}").decode().split():
                (folder / file).write_bytes(_git("show", f"{commit}:{MODEL / file}"))
            return folder
    raise SystemExit(f"the history holds no version of {MODEL.name} before {current}")


def _git(*arguments: str) -> bytes:
    command = ["git", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
