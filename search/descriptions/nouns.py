"""All phrases: those of the inventory, and as further subjects the vocabulary of tags."""

from __future__ import annotations

from functools import cache

from search.descriptions.inventory import Number, Phrase, Slot, inventory
from search.descriptions.sentence import is_plural
from search.tags.vocabulary import Label, shipped

# Kinds of tag that are things to be seen, and the kind of subject that they make.
KINDS = {
    "animal": "animal", "plant": "plant", "food": "food", "object": "object",
    "vehicle": "vehicle", "building": "scene", "scene": "scene",
}  # fmt: skip
DOG = "dog"


@cache
def nouns() -> tuple[Phrase, ...]:
    """Return the vocabulary's things as subjects, less those that the inventory has."""
    vocabulary = shipped()
    known = {phrase.text for phrase in inventory().phrases}
    found = []
    for label in vocabulary.labels:
        text = _said(label)
        kind = "dog" if DOG in label.parents else KINDS.get(label.kind or "")
        if kind is None or text in known:
            continue
        known.add(text)
        general = _said(vocabulary.label(label.parents[0])) if label.parents else ""
        slot: Slot = "scene" if kind == "scene" else "subject"
        found.append(Phrase(text, slot, (kind,), _number(text), general))
    return tuple(found)


@cache
def lexicon() -> tuple[Phrase, ...]:
    """Return all phrases: those of the inventory, then the further nouns."""
    return (*inventory().phrases, *nouns())


@cache
def rows_of(*slots: Slot) -> tuple[int, ...]:
    """Return the rows of the phrases that belong to some slots."""
    return tuple(row for row, phrase in enumerate(lexicon()) if phrase.slot in slots)


@cache
def row_of(key: str) -> int | None:
    """Return the row of the phrase with that key, if there is one."""
    return next((row for row, phrase in enumerate(lexicon()) if phrase.key == key), None)


def _said(label: Label) -> str:
    """Return what a sentence says of a tag: "a lime, the fruit" tells a model more than people."""
    return label.phrase.partition(",")[0]


def _number(text: str) -> Number:
    return "many" if is_plural(text) else "1"
