"""The phrases that descriptions are made of: an inventory that ships as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Slot = Literal["subject", "scene", "modifier", "detail", "action", "place"]
Number = Literal["1", "2", "3", "many", "any"]
# What a phrase says little without: the kinds of subject that it needs, named in general.
BEARERS = {
    "person": "a person", "sport": "a person", "dog": "a dog", "animal": "an animal",
    "vehicle": "a vehicle", "food": "food", "plant": "a plant", "object": "an object",
    "thing": "an object", "flying": "a bird", "flower": "a flower",
}  # fmt: skip
SEVERAL = {"a person": "people", "a dog": "dogs"}
FOLDER = "descriptions"
SLOTS: tuple[Slot, ...] = ("subject", "scene", "modifier", "detail", "action", "place")
# Kinds of subject that count as others for what they may do, wear and be in.
ALSO = {
    "person": ("person", "moving", "any"),
    "sport": ("sport", "person", "moving", "any"),
    "dog": ("dog", "moving", "any"),
    "animal": ("animal", "moving", "flying", "any"),
    "vehicle": ("vehicle", "moving", "flying", "any"),
    "food": ("food", "thing"),
    "plant": ("plant", "thing"),
    "flower": ("flower", "thing"),
    "object": ("object", "thing"),
    "document": ("document", "thing"),
}


@dataclass(frozen=True)
class Phrase:
    """A phrase and where it may stand.

    Args:
        text: as it stands in a sentence: "a dog", "brown", "running", "in the snow".
        slot: its part in a sentence.
        kinds: of a subject or scene its own kind, of others those of the subjects that they go
            with.
        number: how many a subject is; of others, how many their subject may be.
        general: what to say instead of a subject while it is not sure; may be empty.
        words: alternatives that captions mention it by, each of words that all must occur.
    """

    text: str
    slot: Slot
    kinds: tuple[str, ...]
    number: Number = "any"
    general: str = ""
    words: tuple[tuple[str, ...], ...] = ()

    @property
    def key(self) -> str:
        """What tells it from all other phrases."""
        return f"{self.slot}: {self.text}"

    @property
    def prompt(self) -> str:
        """The text that stands for it where it is compared with photos on its own."""
        if self.slot in ("subject", "scene"):
            return f"a photo of {self.text}"
        bearer = BEARERS.get(self.kinds[0])
        if bearer is None:
            return self.text
        if self.slot == "modifier":
            return f"a {self.text} {bearer.split()[-1]}"
        return f"{SEVERAL.get(bearer, bearer) if self.number == 'many' else bearer} {self.text}"

    def fits(self, subject: Phrase) -> bool:
        """Whether it may be said of a subject."""
        several = subject.number != "1"
        if self.number != "any" and several != (self.number == "many"):
            return False
        counts_as = ("scene",) if subject.slot == "scene" else ALSO.get(subject.kinds[0], ())
        return bool(set(counts_as) & set(self.kinds))


@dataclass(frozen=True)
class Inventory:
    """All phrases, in the order of the files."""

    phrases: tuple[Phrase, ...]


@cache
def inventory() -> Inventory:
    """Read the phrases that ship with the program."""
    return Inventory(tuple(phrase for slot in SLOTS for phrase in _read(slot)))


def _read(slot: Slot) -> list[Phrase]:
    file = resources.files("pixfind_data") / FOLDER / f"{slot}s.tsv"
    header, *rows = (line.split("\t") for line in file.read_text("utf-8").splitlines())
    return [_phrase(slot, dict(zip(header, row, strict=True))) for row in rows]


def _phrase(slot: Slot, row: dict[str, str]) -> Phrase:
    alternatives = row["words"].split("|") if row["words"] else []
    return Phrase(
        row["phrase"],
        slot,
        tuple(row.get("kinds", row.get("kind", "")).split()),
        row.get("number", "any"),  # type: ignore[arg-type] # checked by a test of the files
        row.get("general", ""),
        tuple(tuple(words.split("+")) for words in alternatives),
    )
