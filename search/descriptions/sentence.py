"""From phrases to a sentence: articles, agreement, order, and how sure it sounds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from search.descriptions.inventory import Phrase

VOWEL = re.compile(r"(?!uni|eu|one\b|use|ukulele)[aeiou]|hour|honest|heir", re.IGNORECASE)
ARTICLE = re.compile(r"\b(an?)(?= (\w+))", re.IGNORECASE)
# Begins what is said of a subject that goes on: "is running"; others describe: "with a beard".
PARTICIPLE = re.compile(r"(\w+ing|parked|perched)\b")

# Begins what follows a noun phrase's own noun: "corn on the cob", "wheat growing in a field".
NOT_HEAD = re.compile(r" (?:of|on|in|with|under|and|growing|lying)\b")
PLURALS = ("people", "men", "women", "children", "sheep", "dice")


@dataclass(frozen=True)
class Parts:
    """The phrases of one sentence.

    Args:
        subject: of the slot subject or scene.
        modifiers: adjectives, of size or age before colour.
        detail: what it wears.
        action: what it does.
        place: where.
    """

    subject: Phrase
    modifiers: tuple[Phrase, ...] = ()
    detail: Phrase | None = None
    action: Phrase | None = None
    place: Phrase | None = None

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """All of them, the subject first."""
        rest = (self.detail, self.action, self.place)
        return (self.subject, *self.modifiers, *(phrase for phrase in rest if phrase))


def noun_phrase(parts: Parts) -> str:
    """Return the subject with its adjectives: "two small brown dogs"."""
    words = parts.subject.text.split(" ")
    adjectives = " ".join(phrase.text for phrase in parts.modifiers)
    if adjectives:
        counted = words[0] in ("a", "an", "the", "two", "three", "four", "some")
        words.insert(1 if counted else 0, adjectives)
    return with_articles(" ".join(words))


def sentence(parts: Parts, perhaps: frozenset[str] = frozenset()) -> str:
    """Return one sentence, with a capital and a full stop.

    Args:
        parts: what it says.
        perhaps: keys of the phrases that are not sure.
    """
    said = noun_phrase(parts)
    if parts.subject.key in perhaps:
        return _finished(f"a photo, perhaps of {_with_rest(said, parts)}")
    if parts.phrases == (parts.subject,) and " " not in said:
        return _finished(f"a photo of {said}")  # "Broccoli." is no sentence
    if parts.action is None or not PARTICIPLE.match(parts.action.text):
        return _finished(_with_rest(said, parts))
    hedge = "perhaps " if parts.action.key in perhaps else ""
    verb = "is" if parts.subject.number == "1" else "are"
    detail = f" {parts.detail.text}" if parts.detail else ""
    place = f" {parts.place.text}" if parts.place else ""
    return _finished(f"{said}{detail} {verb} {hedge}{agreeing(parts)}{place}")


def _with_rest(said: str, parts: Parts) -> str:
    action = agreeing(parts) if parts.action else ""
    rest = [parts.detail.text if parts.detail else "", action, parts.place and parts.place.text]
    return " ".join([said, *(part for part in rest if part)])


def agreeing(parts: Parts) -> str:
    """Return the action with the pronoun of its subject."""
    if parts.action is None:
        return ""
    if parts.subject.number == "1":
        return parts.action.text
    return re.sub(r"\bits mouth\b", "their mouths", parts.action.text)


def is_plural(noun: str) -> bool:
    """Whether a noun phrase asks for "are": "trees" and "two men", but not "grass" or "a dog"."""
    head = NOT_HEAD.split(noun)[0].split(" ")
    if head[0] in ("a", "an", "the"):
        return False
    ends_so = head[-1].endswith("s") and not head[-1].endswith(("ss", "us"))
    return ends_so or head[-1] in PLURALS


def with_articles(text: str) -> str:
    """Return the text with ``a`` or ``an`` as the next word asks for."""

    def right(match: re.Match[str]) -> str:
        article = "an" if VOWEL.match(match[2]) else "a"
        return article.capitalize() if match[1][0].isupper() else article

    return ARTICLE.sub(right, text)


def joined(items: list[str]) -> str:
    """Return an enumeration: "a, b and c"."""
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def _finished(text: str) -> str:
    said = " ".join(text.split())
    return f"{said[0].upper()}{said[1:].rstrip('.')}."
