"""How long is it from a cold command to a printed result?

``python -m benchmarks cold_search [PHOTOS] [ROUNDS]`` makes a library of so many photos (10,000) in
a temporary folder (``synthetic_library``: no files, but rows and vectors); its index is on disk, as
an indexer leaves it. Then it asks one question of it with the command line.

The baseline is the shortest script that answers the same question with open_clip and FAISS: import
both, build ViT-B-32 (random weights: nothing is downloaded, so it is faster than real use), encode
one text, search a flat index of as many vectors, print the names of the best twenty.

Both are fresh processes, in turns, after one of each that warms the disk cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import faiss
import numpy as np

from benchmarks import alternating, machine, synthetic_library
from pixfind.encoders.base import unit
from pixfind.encoders.store import ModelStore
from pixfind.library import Library

PHOTOS, ROUNDS = 10_000, 9
MODEL = "pocket"
QUERY = "a red telephone box"
SEARCH = "from pixfind.cli.main import main; main()"
BASELINE = """
import sys, faiss, open_clip, torch
vectors, names, query = sys.argv[1:]
model = open_clip.create_model("ViT-B-32").eval()
tokenizer = open_clip.get_tokenizer("ViT-B-32")
with torch.inference_mode():
    text = model.encode_text(tokenizer([query]), normalize=True).numpy()
scores, found = faiss.read_index(vectors).search(text, 20)
with open(names) as lines:
    names = lines.read().splitlines()
for score, number in zip(scores[0], found[0]):
    print(f"{score:.3f}  {names[number]}")
"""
BASELINE_DIM = 512


def run(photos: str = str(PHOTOS), rounds: str = str(ROUNDS)) -> None:
    """Measure and print medians and their ratio."""
    figures = measure(int(photos), int(rounds))
    print(f"{int(photos):,} photos, medians of {rounds} rounds")
    for name, best in (("pixfind", "pixfind best"), ("open_clip", "open_clip best")):
        print(f"{name}: {figures[name]:.3f} s (best {figures[best]:.3f} s)")
    print(f"ratio: {figures['ratio']:.3f} (of the best: {figures['best ratio']:.3f})")
    print(machine.describe())


def measure(photos: int = PHOTOS, rounds: int = ROUNDS) -> dict[str, float]:
    """Return seconds from process start to end, medians and best ones, and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ways = {
            "pixfind": _pixfind(home, photos),
            "open_clip": _baseline(home, photos),
        }
        times = alternating.seconds(
            {name: partial(_answer, home, command) for name, command in ways.items()}, rounds
        )
    medians = alternating.medians(times)
    best = {f"{name} best": min(values) for name, values in times.items()}
    return {
        **medians,
        **best,
        "ratio": medians["pixfind"] / medians["open_clip"],
        "best ratio": best["pixfind best"] / best["open_clip best"],
    }


def _pixfind(home: Path, photos: int) -> list[str]:
    """Make the library; return the command that searches it."""
    encoder = ModelStore(home / "models").load(MODEL)
    with Library.create(home / "library") as library:
        synthetic_library.fill(library, encoder, photos)
        library.save_vectors(library.add_model(encoder.spec))
    # --all, since the baseline ranks everything, too.
    return [sys.executable, "-c", SEARCH, "search", QUERY, "--all"]


def _baseline(home: Path, photos: int) -> list[str]:
    """Write the index and the names; return the command that searches them."""
    numbers = np.random.default_rng(0)
    index = faiss.IndexFlatIP(BASELINE_DIM)
    index.add(unit(numbers.standard_normal((photos, BASELINE_DIM), np.float32)))
    faiss.write_index(index, str(home / "flat.faiss"))
    names = home / "names.txt"
    names.write_text("".join(f"/photos/IMG_{n}.jpg\n" for n in range(1, photos + 1)), "utf-8")
    return [sys.executable, "-c", BASELINE, str(home / "flat.faiss"), str(names), QUERY]


def _answer(home: Path, command: list[str]) -> None:
    environment = {**os.environ, "PIXFIND_LIBRARY": str(home / "library")}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    if len(done.stdout.splitlines()) != 20:  # noqa: PLR2004 - of both, the best twenty
        raise SystemExit(f"no answer from {command[:4]}: {done.stdout}{done.stderr}")
