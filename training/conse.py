"""ConSE (Norouzi et al. 2014): describe a photo by the names of the classes it may show.

The classifier's softmax weighs the text embeddings of ImageNet's class names, so a photo lands
among the words of what it shows, without a caption ever having been learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
TEMPERATURE = 1.5


def class_texts() -> list[list[str]]:
    """Return, for each ImageNet class, the texts whose mean embedding names it."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    names = [info.index_to_description(i) for i in range(info.num_classes())]
    return [[name, f"a photo of a {name.split(',')[0]}"] for name in names]


@dataclass(frozen=True)
class Conse:
    """Class embeddings (1000, 384), centred, and the centre (384,) of captions' embeddings."""

    classes: Array
    class_centre: Array
    text_centre: Array

    @classmethod
    def fit(
        cls,
        embed: Callable[[Sequence[str]], Array],
        logits: Array,
        text_features: Array,
    ) -> Conse:
        """Centre both sides on the training data; ``embed`` maps texts to (n, 384)."""
        texts = class_texts()
        flat = embed([text for group in texts for text in group])
        classes = flat.reshape(len(texts), -1, flat.shape[1]).mean(axis=1)
        described = softmax(logits) @ classes
        return cls(classes, described.mean(axis=0), text_features.mean(axis=0))

    def image(self, logits: Array) -> Array:
        """Return unit embeddings (n, 384) for class logits (n, 1000)."""
        return unit(softmax(logits) @ self.classes - self.class_centre)

    def text(self, features: Array) -> Array:
        """Return unit embeddings (n, 384) for text features (n, 384)."""
        return unit(features - self.text_centre)


def softmax(logits: Array) -> Array:
    """Return row-wise class probabilities at ConSE's temperature."""
    scaled = logits / TEMPERATURE
    exps = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=1, keepdims=True), dtype=np.float32)


def unit(vectors: Array) -> Array:
    """Return the rows scaled to length one."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
