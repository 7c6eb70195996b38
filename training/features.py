"""What the towers see in every photo and text; the image tower's part is computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.progress import track
from tokenizers import Tokenizer
from torch import Tensor

from pixfind.durable import replace_file
from pixfind.encoders.model_files import sha256_of
from pixfind.encoders.runtime import onnx_runtime
from training import views
from training.captions import Photo
from training.quantise import INPUT
from training.towers import CLASSES, IMAGE_DIM, PREPROCESSING, TEXT_DIM, TextTower, normalised

Halves = npt.NDArray[np.float16]
Tokens = list[list[int]]
BATCH = 32
TEXTS_AT_ONCE = 256


def image_features(
    tower: Path, photos: Sequence[Photo], cache: Path, view: str
) -> tuple[Halves, Halves]:
    """Return one view's features (n, IMAGE_DIM) and class logits (n, 1000), float16, in order.

    ``tower`` is the graph that computes them, ``view`` one of ``views.TRAINING``.
    """
    # A change of the tower, or of what it is shown, must not meet features of before.
    sources = [Path(str(file)).read_text("utf-8") for file in (__file__, views.__file__)]
    seen = [
        sha256_of(tower),
        *sources,
        repr(PREPROCESSING),
        view,
        *(str(photo.path) for photo in photos),
    ]
    key = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16]
    file = cache / f"image-{key}.npz"
    if not file.exists():
        features, logits = _run_image_tower(tower, photos, view)
        with replace_file(file) as temporary, temporary.open("wb") as opened:
            np.savez(opened, features=features, logits=logits)
    with np.load(file) as saved:
        return saved["features"], saved["logits"]


def _run_image_tower(tower: Path, photos: Sequence[Photo], view: str) -> tuple[Halves, Halves]:
    session = onnx_runtime().InferenceSession(str(tower), providers=["CPUExecutionProvider"])
    features = np.empty((len(photos), IMAGE_DIM), np.float16)
    logits = np.empty((len(photos), CLASSES), np.float16)
    with ThreadPoolExecutor(1) as ahead:
        pending = ahead.submit(_load, photos[:BATCH], 0, view)
        for start in track(range(0, len(photos), BATCH), description=f"image features, {view}"):
            pixels = pending.result()
            after = start + BATCH
            pending = ahead.submit(_load, photos[after : after + BATCH], after, view)
            part = slice(start, start + len(pixels))
            features[part], logits[part] = session.run(None, {INPUT: pixels})
    return features, logits


def _load(photos: Sequence[Photo], first: int, view: str) -> npt.NDArray[np.float32]:
    number = list(views.TRAINING).index(view)
    pixels = np.empty((len(photos), PREPROCESSING.size, PREPROCESSING.size, 3), np.uint8)
    for row, photo in enumerate(photos):
        rng = np.random.default_rng([number, first + row])
        pixels[row] = np.asarray(views.TRAINING[view](Image.open(photo.path).convert("RGB"), rng))
    return normalised(torch.from_numpy(pixels)).numpy()


def tokenised(tokenizer: Tokenizer, texts: Sequence[str]) -> Tokens:
    """Return the token ids of each text, without padding."""
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.no_padding()
    return [encoded.ids for encoded in plain.encode_batch(list(texts))]


def padded(tokens: Tokens) -> tuple[Tensor, Tensor]:
    """Return ids and mask, int64 (n, longest)."""
    ids = torch.zeros(len(tokens), max(map(len, tokens)), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = 1
    return ids, mask


@torch.no_grad()
def text_features(tower: TextTower, tokens: Tokens) -> Tensor:
    """Return text features, float16 (n, TEXT_DIM), in order; equal lengths run together."""
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    features = torch.empty(len(tokens), TEXT_DIM, dtype=torch.float16)
    starts = range(0, len(order), TEXTS_AT_ONCE)
    for start in track(starts, description="text features"):
        chosen = order[start : start + TEXTS_AT_ONCE]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features[chosen] = tower(*padded([tokens[i] for i in chosen])).to(torch.float16)
    return features
