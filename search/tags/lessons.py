"""Tags that the owner has taught by example: a linear layer over pictures and language.

A logistic regression on embeddings (a linear probe: Radford et al. 2021, section 3.2) is joined
with the text prompt by taking how far that stands out as one more feature, which few examples can
rely on and many need not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pixfind.catalog.tagging import Examples
from pixfind.encoders.base import Vectors
from search.tags.recognition import Doubles

FEWEST = 5
# Photos of which nobody has said anything, taken as examples of what the tag is not.
OTHERS = 500
# Chosen on dev photos (``python -m benchmarks examples``): how much a standard deviation of the
# prompt counts beside the embedding, and how little the weights may grow.
PROMPT_SCALE, EMBEDDING_SCALE, STRENGTH = 1.0, 10.0, 0.1


@dataclass(frozen=True)
class Lesson:
    """A taught tag: the weights of embeddings (dim,) and of the prompt's deviation, and a bias."""

    weights: Doubles
    of_prompt: float
    bias: float

    def log_odds(self, photos: Vectors, deviations: Doubles) -> Doubles:
        """Return the log odds of the tag for photos (n, dim) of these deviations (n,)."""
        return np.asarray(photos @ self.weights + self.of_prompt * deviations + self.bias)


def teachable(examples: Mapping[str, Examples]) -> Iterator[str]:
    """Yield the tags with enough accepted examples to learn from."""
    return (name for name, given in examples.items() if len(given.accepted) >= FEWEST)


def learn(
    positive: Vectors, negative: Vectors, of_positive: Doubles, of_negative: Doubles, share: float
) -> Lesson:
    """Learn a tag from examples.

    Args:
        positive: embeddings of photos that have it, (p, dim).
        negative: of photos that have it not, or probably not, (n, dim).
        of_positive: how far the prompt stands out on each, in standard deviations, (p,).
        of_negative: the same, (n,).
        share: of photos in general that are expected to have the tag, in (0, 1): the examples do
            not tell.
    """
    from sklearn.linear_model import LogisticRegression

    photos = np.concatenate([positive, negative]).astype(np.float64)
    prompts = np.concatenate([of_positive, of_negative])[:, np.newaxis]
    features = np.hstack([EMBEDDING_SCALE * photos, PROMPT_SCALE * prompts])
    truth = np.arange(len(photos)) < len(positive)
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    fitted.fit(features, truth)
    weights = fitted.coef_[0]
    return Lesson(
        weights[:-1] * EMBEDDING_SCALE,
        float(weights[-1] * PROMPT_SCALE),
        # Balanced, the examples are half of either kind; photos are not.
        float(fitted.intercept_[0] + np.log(share / (1 - share))),
    )
