"""How likely each phrase is true of a photo, by what its vector says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.calibration.link import sigmoid
from pixfind.encoders.base import Encoder, Vectors
from search.descriptions.inventory import Phrase, inventory
from search.descriptions.learned import UNUSUAL, Learned, learned
from search.descriptions.nouns import lexicon
from search.text_vectors import Working, embed_cached

Floats = npt.NDArray[np.float32]

# Of phrases compared with the photo as any text is: log odds of a mention for a standard deviation
# above what the phrase scores in general, and for none. Fitted on training captions.
PER_DEVIATION, AT_NONE = 1.21, -0.82
# The same of the further nouns, with even odds at 5.3. Fitted on everyday dev captions.
NOUN_PER_DEVIATION, NOUN_AT_NONE = 1.45, -7.7
# From the log odds that one caption mentions a phrase to those that any of five does, which is the
# least that is true. Fitted on Flickr8k dev.
TRUE_PER_MENTION, TRUE_AT_NONE = 1.24, 1.34
TINY_SPREAD = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What is known of a photo, phrase by phrase.

    Args:
        phrases: those of ``nouns.lexicon``.
        mentioned: log odds that a caption mentions them, (n,).
        usual: the same of any photo, (n,).
        calibrated: whether the odds mean what they say; else they only rank.
    """

    phrases: tuple[Phrase, ...]
    mentioned: Floats
    usual: Floats
    calibrated: bool

    @cached_property
    def true(self) -> Floats:
        """The probabilities that the phrases are true of the photo, (n,)."""
        return np.asarray(sigmoid(TRUE_PER_MENTION * self.mentioned + TRUE_AT_NONE), np.float32)


class Witness:
    """Says what a model sees; keeps the vectors of the phrases.

    Args:
        encoder: the model.
        cache: see ``search.text_vectors``.
        preparing: called with how many phrases are embedded and how many there are.
    """

    def __init__(
        self, encoder: Encoder, cache: Path, preparing: Working = lambda done, total: None
    ) -> None:
        self._known = learned()
        self._phrases = lexicon()
        self._listed = len(inventory().phrases)
        self._usual = _in_order(self._known, self._phrases, self._known.usual)
        self._learns = self._known.fingerprint == encoder.spec.fingerprint
        self.calibrated = encoder.calibration is not None
        self._vectors = embed_cached(encoder, [p.prompt for p in self._phrases], cache, preparing)
        if encoder.calibration is not None:
            self._general, self._spread = encoder.calibration.in_general(self._vectors)

    def evidence(self, image: Vectors) -> Evidence:
        """Return what a photo's unit vector (dim,) says."""
        above = self.above(image)
        further = NOUN_PER_DEVIATION * above[self._listed :] + NOUN_AT_NONE
        further = (further - TRUE_AT_NONE) / TRUE_PER_MENTION
        if self._learns:
            learned_odds = self._known.log_odds(image)
            first = _in_order(self._known, self._phrases[: self._listed], learned_odds)
        else:
            listed = slice(self._listed)
            odds = self._usual[listed] + PER_DEVIATION * above[listed] + AT_NONE
            first = np.asarray(odds, np.float32)
        mentioned = np.concatenate([first, further]).astype(np.float32)
        return Evidence(self._phrases, mentioned, self._usual, self.calibrated)

    def above(self, images: Vectors) -> Floats:
        """Return how many standard deviations phrases score above what they do in general.

        A model without calibration does not know that; there they are measured against each other.

        Args:
            images: unit vectors, (dim,) or (m, dim).

        Returns:
            (n,) or (n, m), in the order of ``nouns.lexicon``.
        """
        scores = self._vectors @ images.T
        if self.calibrated:
            shape = (-1, *[1] * (scores.ndim - 1))
            general, spread = self._general.reshape(shape), self._spread.reshape(shape)
            return np.asarray((scores - general) / spread, np.float32)
        spread = np.maximum(scores.std(axis=0), TINY_SPREAD)
        return np.asarray((scores - scores.mean(axis=0)) / spread, np.float32)


def _in_order(known: Learned, phrases: tuple[Phrase, ...], values: Floats) -> Floats:
    """Return the values of phrases; those that were not counted get a low one."""
    of = dict(zip(known.keys, values.tolist(), strict=True))
    return np.array([of.get(phrase.key, UNUSUAL) for phrase in phrases], np.float32)
