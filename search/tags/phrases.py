"""How a word stands in a sentence: with the article that English wants before it."""

from __future__ import annotations

import re

# Words that begin a phrase which needs no article.
DETERMINERS = frozenset(
    {
        "a", "an", "the", "some", "any", "no", "my", "our", "your", "his", "her", "their",
        "its", "this", "that", "these", "those", "one", "two", "three", "four", "five", "many",
        "several", "something", "someone", "people"
    }
)  # fmt: skip
# Single words that have none though they look like what has one.
UNCOUNTED = frozenset(
    {
        "art", "bread", "chaos", "clothing", "coffee", "food", "fog", "furniture", "grass",
        "hair", "ice", "luggage", "money", "moss", "mud", "music", "nature", "people", "rain",
        "rice", "sand", "smoke", "snow", "tea", "traffic", "water", "weather", "wine"
    }
)  # fmt: skip
# They end like an activity and are things.
THINGS_IN_ING = frozenset(
    {
        "building", "ceiling", "drawing", "evening", "king", "morning", "painting", "ring",
        "spring", "string", "swing", "thing", "wedding", "wing"
    }
)  # fmt: skip
SOUNDS_OF_VOWELS = re.compile(
    r"[aeio]|u(?!ni|se|sa|ti|ku|\b)|hour|honest|heir|x-ray", re.IGNORECASE
)
NOT_VOWELS = re.compile(r"eu|one\b|once", re.IGNORECASE)


def phrase_of(word: str) -> str:
    """Return how a label stands in "a photo of ...": "cat" as "a cat", "tulips" as it is.

    Labels that have an article, look plural, name an activity or are in another script stay.
    """
    words = word.split()
    first, last = words[0].casefold(), words[-1].casefold()
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is", "'s"))
    activity = len(words) == 1 and last.endswith("ing") and last not in THINGS_IN_ING
    if (
        first in DETERMINERS
        or last in UNCOUNTED
        or plural
        or activity
        or _does_something(words)
        or not ("a" <= first[0] <= "z")
    ):
        return word
    vowel = SOUNDS_OF_VOWELS.match(word) and not NOT_VOWELS.match(word)
    return f"{'an' if vowel else 'a'} {word}"


def _does_something(words: list[str]) -> bool:
    """Return whether it is "riding a bicycle" rather than "living room"."""
    return (
        len(words) > 2  # noqa: PLR2004 - the article and what follows it
        and words[0].casefold().endswith("ing")
        and words[1].casefold() in DETERMINERS | {"in", "on", "at", "with", "under", "over"}
    )
