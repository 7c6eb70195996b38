"""Make pocket again, from the packages of its towers and the captioned photos, in one command.

python -m training --data ../shared --out data/models/pocket
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import torch

from training.build import build
from training.captions import read_splits
from training.card import CARD, MODEL, write_card
from training.heads import Recipe
from training.measure import describe_measured


def main() -> None:
    """Train, export, measure, describe."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="holds training/ and photos/library/"
    )
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--cache", type=Path, default=Path("build/training"), help="for features")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    asked = parser.parse_args()
    # Channels that never fire leave Adam with numbers so small that a CPU crawls over them. Threads
    # take this over when they start, so it comes before all work.
    torch.set_flush_denormal(True)
    asked.cache.mkdir(parents=True, exist_ok=True)
    splits = read_splits(asked.data / "training")
    recipe = Recipe(seed=asked.seed)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.out.parent, prefix=".building-") as folder:
        made = Path(folder) / asked.out.name
        made.mkdir()
        build(splits, recipe, asked.cache, made)
        describe_measured(made, recipe, splits, asked.data)
        # Only now: a run that fails leaves the model that was there.
        shutil.rmtree(asked.out, ignore_errors=True)
        made.replace(asked.out)
    shipped = asked.out.resolve() == MODEL.resolve()
    write_card(asked.out, CARD if shipped else asked.out.with_suffix(".md"))


if __name__ == "__main__":
    main()
