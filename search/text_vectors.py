"""Vectors of texts that are asked for again, kept on disk: a model takes long for many."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.durable import replace_file
from pixfind.encoders.base import Encoder, Vectors

BATCH = 64
# What takes less than a moment is not worth a file.
FEW = 100
FOLDER = "texts"
STORED = np.dtype("<f2")

Working = Callable[[int, int], None]


def embed_cached(
    encoder: Encoder,
    texts: Sequence[str],
    cache: Path,
    working: Working = lambda done, total: None,
) -> Vectors:
    """Embed texts, or read what they were embedded as before.

    Args:
        encoder: the model.
        texts: in plain words.
        cache: a folder for files that can be made again.
        working: called with how many are done and how many there are.

    Returns:
        Unit vectors, float32 (n, dim), as exact as float16.
    """
    file = cache / FOLDER / f"{_key(encoder, texts)}.npy"
    known = _read(file, (len(texts), encoder.spec.dim))
    if known is not None:
        return known
    parts = [np.empty((0, encoder.spec.dim), np.float32)]
    for start in range(0, len(texts), BATCH):
        parts.append(encoder.encode_texts(texts[start : start + BATCH]))
        working(min(start + BATCH, len(texts)), len(texts))
    stored = np.concatenate(parts).astype(STORED)
    if len(texts) > FEW:
        # A full disk costs the time to embed them again, and not what they are for.
        with suppress(OSError):
            _write(file, stored)
    return stored.astype(np.float32)


def _key(encoder: Encoder, texts: Sequence[str]) -> str:
    content = json.dumps([encoder.spec.fingerprint, list(texts)])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _write(file: Path, stored: npt.NDArray[np.float16]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(file, sync=False) as temporary, temporary.open("wb") as opened:
        np.save(opened, stored, allow_pickle=False)


def _read(file: Path, shape: tuple[int, int]) -> Vectors | None:
    try:
        stored = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None  # a cache: what cannot be read is made again
    if stored.shape != shape or stored.dtype != STORED:
        return None
    return np.asarray(stored, np.float32)
