"""Guided search: phrases that are likely alone, together and as a whole sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from pixfind.encoders.base import Encoder, Vectors
from search.descriptions.evidence import Evidence
from search.descriptions.inventory import Phrase, Slot
from search.descriptions.learned import Learned, learned
from search.descriptions.nouns import row_of, rows_of
from search.descriptions.sentence import Parts, sentence

# What says nothing of its own, as far as two phrases may share it.
STOP = frozenset(
    {
        "a", "an", "the", "of", "on", "in", "at", "with", "and", "to", "from", "its", "their",
        "down", "up", "over", "into", "through", "front", "next", "two", "three", "some",
        "wearing", "for", "by", "near"
    }
)  # fmt: skip
# Places that one moves along, or flies in, ask for something that does.
MOVES = {
    "moving": re.compile(
        r"(runn|walk|jump|rid|swimm|rac|ski|hik|snowb|carry|chas|climb|fly|driv|catch|do|slid|"
        r"march|kick|paddl|danc|play|throw)ing"
    ),
    "flying": re.compile("flying"),
}


@dataclass(frozen=True)
class Weights:
    """How much counts what; found by CIDEr on dev captions (``benchmarks/descriptions.py``).

    A phrase joins a sentence if its log odds, with those of its company, exceed its slot's floor.
    """

    specific: float = 0.6
    together: float = 0.7
    whole: float = 5.0
    action: float = -1.5
    place: float = -1.8
    detail: float = -1.2
    modifier: float = -0.8
    surest: float = 0.25
    beam: int = 24
    read: int = 32


WEIGHTS = Weights()
# Below these probabilities a sentence says "perhaps": of its subject, and of all else. They are
# those of a mention in one of five captions, which is less than what is true.
SURE_OF_SUBJECT, SURE_OF_REST = 0.55, 0.4
# Somebody's age and sex are told from here on, and never with a "perhaps".
SURE_OF_AGE_AND_SEX = 0.65
TELLS_AGE_OR_SEX = re.compile(
    r"\b(wom[ae]n|m[ae]n|boys?|girls?|child|children|baby|toddler|bride)\b"
)
SUBJECTS, CHOICES = 8, 6


@dataclass(frozen=True)
class Found:
    """Parts and how good they are: higher is better, between sentences on one photo."""

    parts: Parts
    score: float


class Search:
    """Finds sentences for photos.

    Args:
        encoder: reads whole sentences.
        weights: see ``Weights``.
    """

    def __init__(self, encoder: Encoder | None, weights: Weights = WEIGHTS) -> None:
        self._encoder = encoder
        self._weights = weights
        self._known: Learned = learned()

    def best(self, evidence: Evidence, image: Vectors) -> list[Found]:
        """Return sentences, best first; none where nothing is likely enough to be said.

        Args:
            evidence: what the photo's vector says of the phrases.
            image: that unit vector, (dim,).
        """
        beam = self._subjects(evidence)
        for grow in (self._actions, self._places, self._details, self._modifiers):
            grown = [found for one in beam for found in grow(evidence, one)]
            grown.sort(key=lambda found: -found.score)
            beam = _distinct(grown)[: self._weights.beam]
        return self._read_whole(beam[: self._weights.read], image)

    def _subjects(self, evidence: Evidence) -> list[Found]:
        rows = [row for row in rows_of("subject", "scene") if is_civil(evidence, row)]
        likely = [row for row in rows if evidence.true[row] >= SURE_OF_SUBJECT]
        # Rather what is sure and less telling than what would need a "perhaps".
        likely = likely or [row for row in rows if evidence.true[row] >= self._weights.surest]
        scores = evidence.mentioned - self._weights.specific * evidence.usual
        likely.sort(key=lambda row: -scores[row])
        return [Found(Parts(evidence.phrases[r]), float(scores[r])) for r in likely[:SUBJECTS]]

    def _actions(self, evidence: Evidence, found: Found) -> Iterator[Found]:
        yield found
        for phrase, gain in self._choices(evidence, found, "action", self._weights.action):
            yield Found(replace(found.parts, action=phrase), found.score + gain)

    def _places(self, evidence: Evidence, found: Found) -> Iterator[Found]:
        yield found
        for phrase, gain in self._choices(evidence, found, "place", self._weights.place):
            action = found.parts.action.text if found.parts.action else ""
            asks = next((move for kind, move in MOVES.items() if kind in phrase.kinds), None)
            if asks is None or asks.match(action):
                yield Found(replace(found.parts, place=phrase), found.score + gain)

    def _details(self, evidence: Evidence, found: Found) -> Iterator[Found]:
        yield found
        for phrase, gain in self._choices(evidence, found, "detail", self._weights.detail):
            yield Found(replace(found.parts, detail=phrase), found.score + gain)

    def _modifiers(self, evidence: Evidence, found: Found) -> Iterator[Found]:
        yield found
        for phrase, gain in self._choices(evidence, found, "modifier", self._weights.modifier):
            yield Found(replace(found.parts, modifiers=(phrase,)), found.score + gain)

    def _choices(
        self, evidence: Evidence, found: Found, slot: Slot, floor: float
    ) -> list[tuple[Phrase, float]]:
        """Return what may be added, with what that adds to the score."""
        said = found.parts.phrases
        likely = []
        for row in rows_of(slot):
            phrase = evidence.phrases[row]
            sure = evidence.true[row] >= self._least(slot, found.parts)
            if not (sure and is_civil(evidence, row) and phrase.fits(found.parts.subject)):
                continue
            if any(stems(phrase.text) & stems(other.text) for other in said):
                continue
            company = sum(self._known.affinity(phrase.key, other.key) for other in said)
            gain = float(evidence.mentioned[row]) + self._weights.together * company - floor
            if gain > 0:
                likely.append((phrase, gain))
        return sorted(likely, key=lambda choice: -choice[1])[:CHOICES]

    def _least(self, slot: Slot, parts: Parts) -> float:
        """What may be said with a hedge need not be sure.

        What further nouns do, no caption has told.
        """
        hedged = slot == "action" and bool(parts.subject.words)
        return self._weights.surest if hedged else SURE_OF_REST

    def _read_whole(self, beam: list[Found], image: Vectors) -> list[Found]:
        """Weigh in how near each whole sentence comes to the photo."""
        if self._encoder is None or not beam or not self._weights.whole:
            return beam
        vectors = self._encoder.encode_texts([sentence(found.parts) for found in beam])
        near = nearness(self._encoder, vectors, image)
        read = [
            Found(found.parts, found.score + self._weights.whole * float(value))
            for found, value in zip(beam, near, strict=True)
        ]
        return sorted(read, key=lambda found: -found.score)


def is_civil(evidence: Evidence, row: int) -> bool:
    """Whether a phrase tells nobody's age and sex, or surely enough."""
    phrase = evidence.phrases[row]
    tells = phrase.kinds == ("person",) and (
        phrase.slot == "modifier" or bool(TELLS_AGE_OR_SEX.search(phrase.text))
    )
    return not tells or bool(evidence.true[row] >= SURE_OF_AGE_AND_SEX)


def unsure(parts: Parts, evidence: Evidence) -> frozenset[str]:
    """Return the keys of the phrases that are to be hedged."""
    found = set()
    for phrase in parts.phrases:
        row = row_of(phrase.key)
        least = SURE_OF_SUBJECT if phrase == parts.subject else SURE_OF_REST
        if row is not None and (not evidence.calibrated or evidence.true[row] < least):
            found.add(phrase.key)
    return frozenset(found)


def nearness(encoder: Encoder, vectors: Vectors, image: Vectors) -> Vectors:
    """Return how near texts (n, dim) come to a photo (dim,), in standard deviations, (n,)."""
    scores = vectors @ image
    if encoder.calibration is not None:
        return encoder.calibration.standardise(vectors, scores[:, np.newaxis])[:, 0]
    return np.asarray((scores - scores.mean()) / max(float(scores.std()), 1e-3), np.float32)


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """Return the beginnings of the words that carry a phrase's meaning."""
    return frozenset(w[:5] for w in re.findall(r"[a-z]+", text) if w not in STOP)


def _distinct(found: Iterable[Found]) -> list[Found]:
    by_parts: dict[Parts, Found] = {}
    for one in found:
        by_parts.setdefault(one.parts, one)
    return list(by_parts.values())
