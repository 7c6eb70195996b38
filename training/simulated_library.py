"""Libraries drawn from the dev photos, and queries of which half find nothing there.

No photos are labelled with all that could be asked for. But a caption says what its photo shows:
a photo matches a query if its captions hold all the query's words. Where they hold half of the
words or more, nobody knows, and such pairs are left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.captions import Photo

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

KINDS = ("short", "bigram", "word", "sentence")
PICTURE = "picture"
# In each library as many queries that match and as many that do not, whatever they are.
QUERIES = 48
# Photos, and how many libraries of as many: about equally many pairs that match of each size.
SIZES = {124: 120, 300: 48, 800: 21}
# A word that more photos than this have in common tells nothing apart.
COMMONEST = 0.05
# From this share of a query's words on a photo may match, though its captions do not say so.
AMBIGUOUS = 0.5
SHORTEST_WORD = 4
STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "on",
        "in",
        "at",
        "with",
        "and",
        "or",
        "to",
        "for",
        "by",
        "from",
        "its",
        "his",
        "her",
        "their",
        "is",
        "are",
        "be",
        "being",
        "it",
        "this",
        "that",
        "some",
        "two",
        "three",
        "one",
        "while",
        "over",
        "under",
        "near",
        "into",
        "up",
        "down",
        "out",
        "off",
        "behind",
        "front",
        "beside",
        "next",
        "he",
        "she",
        "they",
        "them",
        "who",
        "which",
    ]
)


@dataclass(frozen=True)
class Queries:
    """Texts or pictures, and which photos they match.

    Args:
        texts: for each query what it asks for.
        kinds: of each query, ``KINDS`` or ``PICTURE``.
        matches: bool (queries, photos).
        unsure: pairs that may match or not, bool (queries, photos).
        own: the number of the photo that each query is, which is in none of its libraries; -1 of
            a text. int (queries,).
    """

    texts: list[str]
    kinds: list[str]
    matches: Flags
    unsure: Flags
    own: Numbers


@dataclass(frozen=True)
class Case:
    """A query in a library.

    Args:
        query: its number.
        photos: the numbers of the library's photos (n,).
        matches: bool (n,).
        sure: the pairs to count, bool (n,).
    """

    query: int
    photos: Numbers
    matches: Flags
    sure: Flags


def dev_queries(photos: Sequence[Photo], seed: int = 0) -> Queries:
    """Return queries of four kinds that match some of the photos, but not many of them.

    They are the short queries of photos that have one, their pairs of neighbouring words and their
    single words, and of each other photo a sentence, which matches the photos that it is of.
    """
    kinds = _kinds(photos, np.random.default_rng(seed))
    texts = list(kinds)
    said = [{_stem(word) for text in photo.texts for word in _words(text)} for photo in photos]
    overlap = _overlap([{_stem(word) for word in _words(text)} for text in texts], said)
    matches = overlap == 1
    lines = [{text.lower() for text in photo.texts} for photo in photos]
    for row, text in enumerate(texts):
        if kinds[text] == "sentence":
            matches[row] = [text in of_photo for of_photo in lines]
    kept = matches.any(axis=1) & (matches.mean(axis=1) < COMMONEST)
    unsure = (overlap >= AMBIGUOUS) & ~matches
    texts = [text for text, keep in zip(texts, kept, strict=True) if keep]
    own = np.full(len(texts), -1)
    return Queries(texts, [kinds[text] for text in texts], matches[kept], unsure[kept], own)


def photos_as_queries(photos: Sequence[Photo], queries: Queries) -> Queries:
    """Return photos as queries, which match what their short queries match: people's own words.

    Probabilities of their captions, by the model, would be labels for all photos, but its mistakes
    would be right; and they tell which photo a caption is of rather than what is like it.

    Args:
        photos: those with a short query are asked for.
        queries: see ``dev_queries``.
    """
    rows = {text: row for row, text in enumerate(queries.texts)}
    known = {
        number: rows[photo.query.lower()]
        for number, photo in enumerate(photos)
        if photo.query and photo.query.lower() in rows
    }
    own, row = np.array(list(known)), np.array(list(known.values()))
    matches, unsure = queries.matches[row], queries.unsure[row]
    # Nobody asks what is like a photo to be shown the photo.
    matches[np.arange(len(own)), own], unsure[np.arange(len(own)), own] = False, True
    texts = [queries.texts[r] for r in row]
    return Queries(texts, [PICTURE] * len(own), matches, unsure, own)


def libraries(queries: Queries, size: int, count: int, seed: int = 0) -> Iterator[Case]:
    """Draw libraries, and for each of them queries that match and as many that do not.

    Args:
        queries: see ``dev_queries``.
        size: how many photos a library has.
        count: how many libraries.
        seed: of all draws.
    """
    numbers = np.random.default_rng((seed, size))
    kinds = np.array(queries.kinds)
    each = QUERIES // len(set(queries.kinds))
    for _ in range(count):
        # One more, in the place of the photo that a query is.
        drawn = numbers.choice(queries.matches.shape[1], size + 1, replace=False)
        matching = queries.matches[:, drawn].any(axis=1)
        for kind in sorted(set(queries.kinds)):
            for found in (True, False):
                rows = np.flatnonzero((matching == found) & (kinds == kind))
                for row in numbers.permutation(rows)[:each]:
                    photos = drawn[drawn != queries.own[row]][:size]
                    sure = ~queries.unsure[row, photos]
                    yield Case(int(row), photos, queries.matches[row, photos], sure)


def _kinds(photos: Sequence[Photo], numbers: np.random.Generator) -> dict[str, str]:
    """Return the kind of each query, by its text; of a text of several kinds the first."""
    asked = [photo.query.lower() for photo in photos if photo.query]
    kinds = dict.fromkeys(asked, "short")
    for query in asked:
        words = query.split()
        pairs = itertools.pairwise(words)
        kinds |= {
            f"{one} {two}": "bigram" for one, two in pairs
            if not {one, two} & STOP and f"{one} {two}" not in kinds
        }  # fmt: skip
        kinds |= {
            word: "word" for word in words
            if word not in STOP and len(word) >= SHORTEST_WORD and word not in kinds
        }  # fmt: skip
    for photo in photos:
        if not photo.query:
            kinds.setdefault(str(numbers.choice(photo.sentences)).lower(), "sentence")
    return kinds


def _overlap(asked: Sequence[set[str]], said: Sequence[set[str]]) -> Doubles:
    """Return the share of each query's words that each photo's captions hold, (queries, photos)."""
    known = {word: column for column, word in enumerate(sorted(set().union(*asked, *said)))}
    held = np.zeros((len(known), len(said)), np.float32)
    for column, words in enumerate(said):
        held[[known[word] for word in words], column] = 1
    counts = [held[[known[word] for word in words]].sum(axis=0) for words in asked]
    return np.stack(counts) / np.array([[max(len(words), 1)] for words in asked])


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z]+", text.lower()) if word not in STOP]


def _stem(word: str) -> str:
    """Return a word without the commonest endings: enough to match plurals and participles."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= len("cat"):
            return word[: -len(ending)]
    return word
