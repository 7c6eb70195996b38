"""Pictures to vectors beside the decoding: in small pieces, where the model can work in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np
from PIL import Image

from indexer.progress import Control
from pixfind.encoders.base import Encoder, Vectors

Result = TypeVar("Result")

# Pictures in one call of one thread: few, so that all cores are busy to the end; but large models
# read their weights once a call, so not one by one. All threads together hold no more than this
# while they can: what a large model computes with on its way are megabytes a picture.
HELD = 32
MOST_IN_A_THREAD, LEAST_IN_A_THREAD = 8, 4
# How soon a run that waits hears that it shall end.
HEARS_AFTER_S = 0.2


class Encoding:
    """Embeds the pictures of one run.

    Args:
        encoder: the model.
        threads: how many cores there are to be used.
        control: asked again and again while somebody waits for vectors.
    """

    def __init__(self, encoder: Encoder, threads: int, control: Control) -> None:
        own = encoder.for_threads()
        self._encoder = own or encoder
        self._control = control
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode") if own else None
        self._at_once = min(MOST_IN_A_THREAD, max(LEAST_IN_A_THREAD, HELD // threads))

    def start(self, groups: Sequence[Sequence[Image.Image]]) -> Callable[[], Vectors]:
        """Begin to embed pictures that are prepared for the model.

        Args:
            groups: pictures that a model which takes one caller at a time takes together.

        Returns:
            What waits for the unit vectors of all groups, float32 (n, dim), and returns them; with
            such a model, it computes them there and then.
        """
        none = np.empty((0, self._encoder.spec.dim), np.float32)
        encode, pool = self._encoder.encode_images, self._pool
        if pool is None:
            return lambda: np.concatenate([none, *map(self._now, filter(None, groups))])
        images = [image for group in groups for image in group]
        pieces = [images[i : i + self._at_once] for i in range(0, len(images), self._at_once)]
        futures = [pool.submit(encode, piece) for piece in pieces]
        return lambda: np.concatenate([none, *(result_of(f, self._control) for f in futures)])

    def end(self) -> None:
        """Let go of the threads, and of what has not begun."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _now(self, images: Sequence[Image.Image]) -> Vectors:
        self._control.checkpoint()
        return self._encoder.encode_images(images)


def result_of(future: Future[Result], control: Control) -> Result:
    """Wait for a result as long as the control lets the run go on."""
    control.checkpoint()
    while not future.done():
        wait([future], timeout=HEARS_AFTER_S)
        control.checkpoint()
    return future.result()
