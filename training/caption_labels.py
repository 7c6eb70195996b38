"""Which labels of a vocabulary the captions of photos name: the truth about tags, as far as known.

What no caption names may be there all the same, so a precision by captions is too low; but it is
so for all that is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from search.tags.vocabulary import Vocabulary
from training.captions import Photo

Flags = npt.NDArray[np.bool_]
Phrase = tuple[str, ...]

# Words that in captions mean something else more often than what the label means.
AMBIGUOUS = frozenset(
    {
        "bar",  # to hold on to
        "bill",  # of a bird
        "black and white",  # a dog
        "camera",  # somebody looks at it
        "can",  # somebody can
        "coach",  # of a team
        "couple",  # a couple of boys
        "fly",  # through the air
        "game",  # of football
        "orange",  # the colour
        "pitcher",  # of baseball
        "row",  # of seats
        "square",  # a shape
        "talk",  # two people do
        "track",  # of a race, a train
        "trunk",  # of an elephant; trunks, to swim in
        "watch",  # others do
    }
)
# Of these, captions use the verb: "two boys swim" is swimming.
VERBS = "activity"
SHORTEST = 3  # letters that are left of a word without its ending


def named_labels(vocabulary: Vocabulary, photos: Sequence[Photo]) -> Flags:
    """Tell which labels the texts of photos name, by a word for them or for what implies them.

    Args:
        vocabulary: the labels.
        photos: with what is said of them.

    Returns:
        bool (photos, labels).
    """
    positions = {label.name: position for position, label in enumerate(vocabulary.labels)}
    implied = [
        [position, *(positions[above] for above in vocabulary.ancestors(label.name))]
        for position, label in enumerate(vocabulary.labels)
    ]
    ways = _ways(vocabulary)
    named = np.zeros((len(photos), len(vocabulary)), bool)
    for row, photo in enumerate(photos):
        for text in photo.texts:
            for position in _named(ways, text):
                named[row, implied[position]] = True
    return named


def singular(word: str) -> str:
    """Return a noun without the ending of a regular plural."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    if re.search("(s|x|z|ch|sh)es$", word):
        # "glasses", but "horses" too: only the former have two.
        return word[:-2] if re.search("(ss|x|zz|ch|sh)es$", word) else word[:-1]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > SHORTEST:
        return word[:-1]
    return word


def stem(word: str) -> str:
    """Return a verb without its ending: "swims" and "swimming" are "swim", "rides" is "rid"."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            word = word[: -len(ending)]
            break
    return word[:-1] if re.search(r"([^aeioulsz])\1$", word) else word


Reduce = Callable[[str], str]
# How words are reduced before they are compared, with the phrases for each label so reduced.
Way = tuple[Reduce, dict[Phrase, set[int]]]


def _ways(vocabulary: Vocabulary) -> list[Way]:
    """Return the ways to find labels, the closest first: "waves" are the sea's before they wave."""
    ways: list[Way] = [(str, {}), (singular, {}), (stem, {})]
    for position, label in enumerate(vocabulary.labels):
        for phrase in (label.name, *label.synonyms):
            for reduce, known in ways if label.kind == VERBS else ways[:-1]:
                words = _reduced(phrase, reduce)
                # What is named in the plural, as "glasses" are, is something else in the singular.
                plural = reduce is singular and words != _reduced(phrase, str)
                if not plural and " ".join(words) not in AMBIGUOUS:
                    known.setdefault(words, set()).add(position)
    return ways


def _named(ways: list[Way], text: str) -> set[int]:
    """Return the positions of the labels that a text names."""
    found: set[int] = set()
    taken: set[tuple[int, int]] = set()
    for reduce, known in ways:
        words = _reduced(text, reduce)
        for length in {len(phrase) for phrase in known}:
            for start in range(len(words) - length + 1):
                there = known.get(words[start : start + length])
                if there and (start, length) not in taken:
                    taken.add((start, length))
                    found |= there
    return found


def _reduced(text: str, reduce: Reduce) -> Phrase:
    return tuple(reduce(word) for word in re.findall("[a-z]+", text.lower()))
