"""Photos of the training sets with what is said of them, for what is measured on many real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pixfind.encoders.base import Encoder, Vectors

TRAINING = Path("../shared/training")
FLICKR, EVERYDAY = TRAINING / "flickr8k", TRAINING / "everyday"
HELD_APART = ("training/everyday_dev.txt", "training/everyday_test.txt")
BATCH = 64


def captions(split: str) -> dict[Path, str]:
    """Return a caption for each photo of a split of Flickr8k."""
    first: dict[str, str] = {}
    for name, caption in _rows(FLICKR):
        first.setdefault(name, caption)
    names = (FLICKR / f"split_{split}.txt").read_text("utf-8").split()
    return {FLICKR / "images" / name: first[name] for name in names}


def short_queries(*, held_apart: bool) -> dict[Path, str]:
    """Return what somebody would type for each everyday photo: those trained on, or the others."""
    apart = {name for file in HELD_APART for name in Path(file).read_text("utf-8").split()}
    return {
        EVERYDAY / "images" / row[0]: row[2]
        for row in _rows(EVERYDAY)
        if (row[0] in apart) == held_apart
    }


def embedded(encoder: Encoder, files: Sequence[Path]) -> Vectors:
    """Return the unit vectors of photos, float32 (n, dim)."""
    vectors = []
    for start in range(0, len(files), BATCH):
        images = [Image.open(file).convert("RGB") for file in files[start : start + BATCH]]
        vectors.append(encoder.encode_images([encoder.prepare(image) for image in images]))
    return np.concatenate(vectors)


def _rows(folder: Path) -> list[list[str]]:
    return [line.split("\t") for line in (folder / "captions.tsv").read_text("utf-8").splitlines()]
