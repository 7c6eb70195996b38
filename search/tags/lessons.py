"""Tags that the owner has taught by example: a linear layer over pictures and language.

A logistic regression on embeddings (a linear probe: Radford et al. 2021, section 3.2) is joined
with the text prompt by taking how far that stands out as one more feature, which few examples can
rely on and many need not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pixfind.calibration.link import logit
from pixfind.catalog.owner_tags import Examples
from pixfind.encoders.base import Vectors
from search.tags.recognition import TINY_SPREAD, Doubles

FEWEST = 5
# Photos of which nobody has said anything, taken as examples of what the tag is not: all of them
# together count as much as the accepted ones.
OTHERS = 500
# Chosen on dev photos (``python -m benchmarks examples``): how much a standard deviation of the
# prompt counts beside the length of an embedding, and how far the weights may grow.
PROMPT_SCALE, STRENGTH = 0.3, 14.0
# How many standard deviations photos with a tag lie above others, by what has been learned of it.
APART = 1.3


@dataclass(frozen=True)
class Lesson:
    """A taught tag: the weights of embeddings (dim,) and of the prompt's deviation, and a bias."""

    weights: Doubles
    of_prompt: float
    bias: float

    def log_odds(self, photos: Vectors, deviations: Doubles) -> Doubles:
        """Return the log odds of the tag for photos (n, dim) of these deviations (n,)."""
        return np.asarray(photos @ self.weights + self.of_prompt * deviations + self.bias)


@dataclass(frozen=True)
class Seen:
    """Photos with their embeddings (n, dim) and how far the prompt stands out on each (n,)."""

    photos: Vectors
    deviations: Doubles

    @property
    def features(self) -> Doubles:
        """What is learned from, (n, dim + 1)."""
        return np.hstack([self.photos, PROMPT_SCALE * self.deviations[:, np.newaxis]])


def teachable(examples: Mapping[str, Examples]) -> Iterator[str]:
    """Yield the tags with enough accepted examples to learn from."""
    return (name for name, given in examples.items() if len(given.accepted) >= FEWEST)


def learn(accepted: Seen, rejected: Seen, others: Seen, share: float) -> Lesson:
    """Learn a tag from examples.

    Args:
        accepted: photos that have it.
        rejected: photos that have it not; perhaps none.
        others: photos that nobody has said anything of, most of which have it not; at least two.
        share: of photos in general that are expected to have the tag, in (0, 1): the examples do
            not tell.
    """
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([accepted.features, rejected.features, others.features])
    sizes = [len(seen.photos) for seen in (accepted, rejected, others)]
    truth = np.repeat([True, False, False], sizes)
    weights = np.repeat([1.0, 1.0, sizes[0] / sizes[2]], sizes)
    fitted = LogisticRegression(C=STRENGTH, max_iter=1000).fit(features, truth, weights)
    learned = fitted.coef_[0]
    # Few examples in many dimensions tell the direction, and little of how sure to be. So what is
    # learned is a better prompt: it is measured by how far photos stand out from the others.
    usual = others.features @ learned
    scale = APART / max(float(usual.std()), TINY_SPREAD)
    prior = float(logit(share))
    return Lesson(
        weights=learned[:-1] * scale,
        of_prompt=float(learned[-1] * PROMPT_SCALE * scale),
        bias=prior - APART**2 / 2 - float(usual.mean()) * scale,
    )
