"""Photos, texts and classes to vectors, a batch at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from pixfind.decoding.safely import decode_file
from pixfind.encoders.base import Encoder, Vectors, unit
from pixfind.errors import PhotoError
from pixfind.machine import cores

BATCH = 32
TEXT_BATCH = 64
# Prompt ensembling: CLIP, Radford et al. 2021, section 3.1.4. Written around the first of a
# class's names; all of them together, as they stand, are one prompt more.
TEMPLATES = ("{}", "a photo of a {}")

Working = Callable[[int, int], None]


def refuse(position: int, error: PhotoError) -> None:
    """Leave no photo out: raise the error."""
    raise error


def embed_photos(
    encoder: Encoder,
    files: Sequence[Path],
    working: Working = lambda done, total: None,
    unreadable: Callable[[int, PhotoError], None] = refuse,
) -> Vectors:
    """Decode photos in threads and embed them; at least one must be readable.

    Args:
        encoder: the model.
        files: the photos.
        working: called with how many are done and how many there are.
        unreadable: called for a photo that cannot be read, with its position; it is left out
            unless this raises, which ``refuse`` does.

    Returns:
        float32 (n, dim), the photos that could be read, in their order.
    """
    parts: list[Vectors] = []
    batch: list[Image.Image] = []
    for position, image in enumerate(_decoded(encoder, files)):
        if isinstance(image, PhotoError):
            unreadable(position, image)
        else:
            batch.append(image)
        if len(batch) == BATCH or (batch and position == len(files) - 1):
            parts.append(encoder.encode_images(batch))
            batch = []
            working(position + 1, len(files))
    return np.concatenate(parts)


def embed_texts(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Embed texts: float32 (n, dim)."""
    starts = range(0, len(texts), TEXT_BATCH)
    return np.concatenate([encoder.encode_texts(texts[s : s + TEXT_BATCH]) for s in starts])


def embed_classes(encoder: Encoder, names: Sequence[str]) -> Vectors:
    """Embed classes as the mean of their prompts, scaled to length one: float32 (n, dim)."""
    prompts = [class_prompts(name) for name in names]
    vectors = embed_texts(encoder, [prompt for own in prompts for prompt in own])
    ends = np.cumsum([len(own) for own in prompts])
    return unit(np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])]))


def class_prompts(name: str) -> list[str]:
    """Return what is embedded for a class, for example for "tabby, tabby cat"."""
    first = name.partition(",")[0].strip() or name
    prompts = [*(template.format(first) for template in TEMPLATES), name]
    return list(dict.fromkeys(prompts))


def _decoded(encoder: Encoder, files: Sequence[Path]) -> Iterator[Image.Image | PhotoError]:
    def load(file: Path) -> Image.Image | PhotoError:
        try:
            return encoder.prepare(decode_file(file, encoder.spec.image_size).image)
        except PhotoError as error:
            return error

    pending: deque[Future[Image.Image | PhotoError]] = deque()
    with ThreadPoolExecutor(cores()) as pool:
        for file in files:
            pending.append(pool.submit(load, file))
            if len(pending) > 2 * BATCH:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
