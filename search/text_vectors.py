"""Vectors of texts that are asked for again, kept on disk: a model takes long for many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from pixfind.durable import replace_file
from pixfind.encoders.base import Encoder, Vectors

BATCH = 64
# What takes less than a moment is not worth a file.
FEW = 100
FOLDER = "texts"
STORED = np.dtype("<f2")
KEY_BYTES = 16

Working = Callable[[int, int], None]
Kept = dict[bytes, npt.NDArray[np.float16]]


def embed_cached(
    encoder: Encoder,
    texts: Sequence[str],
    cache: Path,
    working: Working = lambda done, total: None,
) -> Vectors:
    """Embed texts, each of them only if the model has not embedded it before.

    Args:
        encoder: the model.
        texts: in plain words.
        cache: a folder for files that can be made again; one file a model.
        working: called with how many are done and how many there are to do.

    Returns:
        Unit vectors, float32 (n, dim), as exact as float16.
    """
    many = len(texts) > FEW
    file = cache / FOLDER / f"{encoder.spec.fingerprint[:32]}.npz"
    kept = _read(file, encoder.spec.dim) if many else {}
    keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest()[:KEY_BYTES] for text in texts]
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
    _embed(encoder, new, kept, working)
    if new and many:
        # A full disk costs the time to embed them again, and not what they are for.
        with suppress(OSError):
            _write(file, kept)
    found = np.empty((len(texts), encoder.spec.dim), np.float32)
    for row, key in enumerate(keys):
        found[row] = kept[key]
    return found


def _embed(encoder: Encoder, new: dict[bytes, str], kept: Kept, working: Working) -> None:
    keys, texts = list(new), list(new.values())
    for start in range(0, len(texts), BATCH):
        vectors = encoder.encode_texts(texts[start : start + BATCH]).astype(STORED)
        kept.update(zip(keys[start : start + BATCH], vectors, strict=True))
        working(min(start + BATCH, len(texts)), len(texts))


def _write(file: Path, kept: Kept) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    keys = np.frombuffer(b"".join(kept), np.uint8).reshape(len(kept), KEY_BYTES)
    with replace_file(file, sync=False) as temporary, temporary.open("wb") as opened:
        np.savez(opened, keys=keys, vectors=np.stack(list(kept.values())))


def _read(file: Path, dim: int) -> Kept:
    try:
        with np.load(file, allow_pickle=False) as stored:
            keys, vectors = stored["keys"], stored["vectors"]
        if vectors.dtype != STORED or vectors.shape != (len(keys), dim):
            return {}
        return dict(zip((key.tobytes() for key in keys), vectors, strict=True))
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return {}  # a cache: what cannot be read is made again
