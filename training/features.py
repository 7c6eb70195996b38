"""What the frozen towers see in every photo and caption, computed once and cached."""

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

from pixfind.durable import replace_file
from pixfind.encoders.runtime import onnx_runtime
from training import towers
from training.captions import Photo
from training.towers import CLASSES, IMAGE_DIM, PREPROCESSING, TEXT_DIM, ImageTower, TextTower

Array = npt.NDArray[np.float32]
BATCH = 32


def image_features(
    photos: Sequence[Photo], cache: Path, *, mirrored: bool = False
) -> tuple[Array, Array]:
    """Return pooled features (n, IMAGE_DIM) and class logits (n, 1000), float32, in order."""
    # A change of the tower, or of what it is shown, must not meet features of before.
    seen = [Path(towers.__file__).read_text("utf-8"), f"{mirrored}", *(str(p.path) for p in photos)]
    key = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16]
    file = cache / f"image-{key}.npz"
    if not file.exists():
        features, logits = _run_image_tower(photos, cache, mirrored)
        with replace_file(file) as temporary, temporary.open("wb") as opened:
            halves = {"features": features.astype(np.float16), "logits": logits.astype(np.float16)}
            np.savez(opened, **halves)
    with np.load(file) as saved:
        return saved["features"].astype(np.float32), saved["logits"].astype(np.float32)


def _run_image_tower(photos: Sequence[Photo], cache: Path, mirrored: bool) -> tuple[Array, Array]:
    session = onnx_runtime().InferenceSession(
        str(_exported_image_tower(cache)), providers=["CPUExecutionProvider"]
    )
    features = np.empty((len(photos), IMAGE_DIM), np.float32)
    logits = np.empty((len(photos), CLASSES), np.float32)
    starts = range(0, len(photos), BATCH)
    with ThreadPoolExecutor(1) as ahead:
        pending = ahead.submit(_load, photos[:BATCH], mirrored)
        for start in track(starts, description="image features"):
            pixels = pending.result()
            pending = ahead.submit(_load, photos[start + BATCH : start + 2 * BATCH], mirrored)
            part = slice(start, start + len(pixels))
            features[part], logits[part] = session.run(None, {"pixels": pixels})
    return features, logits


def _exported_image_tower(cache: Path) -> Path:
    """Export the tower: ONNX Runtime runs it several times faster than torch on a CPU."""
    file = cache / "image-tower.onnx"
    if not file.exists() or file.stat().st_mtime < Path(towers.__file__).stat().st_mtime:
        pixels = torch.zeros(2, PREPROCESSING.size, PREPROCESSING.size, 3, dtype=torch.uint8)
        torch.onnx.export(
            ImageTower(),
            (pixels,),
            file,
            input_names=["pixels"],
            output_names=["features", "logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            external_data=False,
        )
    return file


def _load(photos: Sequence[Photo], mirrored: bool) -> npt.NDArray[np.uint8]:
    images = [Image.open(photo.path).convert("RGB") for photo in photos]
    if mirrored:
        images = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in images]
    return PREPROCESSING.pixels(images)


@torch.inference_mode()
def text_features(tower: TextTower, tokenizer: Tokenizer, texts: Sequence[str]) -> Array:
    """Return unit text features (n, 384), float32, in order; equal lengths run together."""
    encoded = [(e.ids, e.attention_mask) for e in _unpadded(tokenizer, texts)]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i][0]))
    features = np.empty((len(texts), TEXT_DIM), np.float32)
    for start in track(range(0, len(order), 256), description="text features"):
        chosen = order[start : start + 256]
        longest = max(len(encoded[i][0]) for i in chosen)
        ids = torch.zeros(len(chosen), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, i in enumerate(chosen):
            length = len(encoded[i][0])
            ids[row, :length] = torch.tensor(encoded[i][0])
            mask[row, :length] = 1
        features[chosen] = tower(ids, mask).numpy()
    return features


def _unpadded(tokenizer: Tokenizer, texts: Sequence[str]) -> list[object]:
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.no_padding()
    return list(plain.encode_batch(list(texts)))
