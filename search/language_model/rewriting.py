"""A photo's description in better words, whose numbers are still those of its account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from search.language_model import prompts
from search.language_model.client import LanguageModel

# Without "one", which is as often a pronoun.
NUMBER_WORDS = {
    word: float(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2
    )
}
# Their parts may be written in digits again (on 4 July), but count nothing (four dogs).
TIMES = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d)?)?")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
NUMBER = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")


@dataclass(frozen=True)
class Rewriting:
    """A description, rewritten or not.

    Attributes:
        text: what to show.
        notice: why the text is pixfind's own, and not the model's; ``None`` where it is rewritten.
    """

    text: str
    notice: str | None = None


def rewrite_description(
    model: LanguageModel, account: Mapping[str, object], draft: str
) -> Rewriting:
    """Let the model put a description into better words.

    A rewriting that has a number which neither the account nor the draft has is asked for once
    more; if that has one too, the draft stays, and the notice says so. Other inventions are not
    recognised: only the prompt speaks against them.

    Args:
        model: which model is asked.
        account: what is known of the photo, as JSON; the folders and names of files are not sent.
        draft: pixfind's own description.

    Raises:
        LanguageModelError: the model does not answer.
    """
    known = _Known(f"{prompts.account_text(account)}\n{draft}")
    messages = prompts.rewriting(account, draft)
    text = _one_line(model.complete(messages))
    if foreign := known.foreign(text):
        problem = f"the account does not say {foreign}"
        text = _one_line(model.complete(prompts.correction(messages, text, problem)))
        foreign = known.foreign(text)
    if not foreign:
        return Rewriting(text)
    return Rewriting(
        draft,
        f"the language model's rewriting says {foreign}, which the photo's account does not: "
        "the description is pixfind's own",
    )


class _Known:
    """The numbers that a rewriting may have."""

    def __init__(self, facts: str) -> None:
        self._in_digits = set(_numbers(facts).values())
        self._in_words = set(_numbers(TIMES.sub(" ", facts)).values())

    def foreign(self, text: str) -> str:
        """Return the other numbers in a text, as it writes them, in one line."""
        return ", ".join(
            f'"{written}"'
            for written, value in _numbers(text).items()
            if value not in (self._in_digits if written[0].isdecimal() else self._in_words)
        )


def _numbers(text: str) -> dict[str, float]:
    """Return the numbers in a text by the way in which each is written."""
    words = NUMBER.findall(THOUSANDS.sub("", text))
    digits = {word: float(word) for word in words if word[0].isdecimal()}
    return digits | {
        word: NUMBER_WORDS[word.lower()] for word in words if word.lower() in NUMBER_WORDS
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())
