"""How long is it from a cold command to a printed result?

The baseline is the shortest script that answers the same question with open_clip: import it, build
ViT-B-32 (random weights: nothing is downloaded, so it is faster than real use), encode one text.
Both are fresh processes, alternating, after one of each that warms the disk cache.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROUNDS = 7
PHOTOS = 100
BASELINE = """
import open_clip, torch
model = open_clip.create_model("ViT-B-32").eval()
tokenizer = open_clip.get_tokenizer("ViT-B-32")
with torch.inference_mode():
    print(model.encode_text(tokenizer(["a red telephone box"]), normalize=True).shape)
"""
QUERY = "a red telephone box"
SEARCH = "import sys; from pixfind.cli.main import main; main()"


def run() -> None:
    """Measure and print medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PIXFIND_LIBRARY": str(Path(folder) / "library")}
        _make_library(Path(folder) / "photos", environment)
        commands = {
            # --all, since the baseline ranks everything too, and noise matches nothing.
            "pixfind search": [sys.executable, "-c", SEARCH, "search", QUERY, "--all"],
            "open_clip ViT-B-32, one text": [sys.executable, "-c", BASELINE],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for round_number in range(ROUNDS + 1):
            for name, command in commands.items():
                seconds = _timed(command, environment)
                if round_number:
                    times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name}: median {medians[name]:.2f} s of {ROUNDS} (best {min(values):.2f} s)")
    ours, theirs = medians.values()
    print(f"ratio: {ours / theirs:.3f}")


def _make_library(photos: Path, environment: dict[str, str]) -> None:
    photos.mkdir()
    noise = np.random.default_rng(0)
    for number in range(PHOTOS):
        pixels = noise.integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).resize((320, 240)).save(photos / f"{number}.jpg")
    subprocess.run(
        [sys.executable, "-c", SEARCH, "index", str(photos)], env=environment, check=True
    )


def _timed(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
