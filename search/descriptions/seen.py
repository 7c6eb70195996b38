"""What is sure enough of a photo to be listed: things, people, scene, light."""

from __future__ import annotations

from dataclasses import dataclass, replace

from search.descriptions.account import Subject
from search.descriptions.beam import is_civil, stems
from search.descriptions.evidence import Evidence
from search.descriptions.inventory import Phrase
from search.descriptions.nouns import row_of, rows_of
from search.descriptions.pixels import Pixels
from search.descriptions.sentence import Parts

# From these probabilities on a further thing, the scene and the light are named.
THING, SCENE, LIGHT = 0.6, 0.6, 0.6
MOST_THINGS = 5
# A count is certain from here on if no higher one is more probable than ``OTHER``: of two people,
# captions also tell what one does. On Flickr8k dev, 96% of the photos said to show one person do.
COUNTED, OTHER = 0.93, 0.15
COUNTS = {
    1: ("a person",),
    2: ("two people", "two men", "two women", "two children", "two boys", "two girls"),
    3: ("three people", "three children"),
}
UNCOUNTED = ("a group of people", "a crowd of people", "a group of children", "a team of players")
LIGHTS = ("at night", "at sunset")


@dataclass(frozen=True)
class Seen:
    """What is sure; see ``account.Account``."""

    things: tuple[tuple[Phrase, float], ...]
    people: int | None
    scene: Phrase | None
    light: str | None


def look(evidence: Evidence, pixels: Pixels) -> Seen:
    """Say what is sure of a photo."""
    return Seen(_things(evidence), people(evidence), _scene(evidence), _light(evidence, pixels))


def people(evidence: Evidence) -> int | None:
    """Return how many people there are, where that is certain."""
    many = max(_true(evidence, f"subject: {text}") for text in UNCOUNTED)
    chances = {
        count: max(_true(evidence, f"subject: {text}") for text in texts)
        for count, texts in COUNTS.items()
    }
    if not evidence.calibrated:
        return None
    for count, chance in chances.items():
        more = max([many, *(other for number, other in chances.items() if number > count)])
        if chance >= COUNTED and more <= OTHER:
            return count
    return None


def without_count(parts: Parts, evidence: Evidence) -> Parts:
    """Return parts that say "people" where they count people whose number is not certain."""
    subject = parts.subject
    is_counted = subject.kinds[0] == "person" and subject.number in ("2", "3")
    row = row_of("subject: people")
    if row is None or not is_counted or str(people(evidence)) == subject.number:
        return parts
    return replace(parts, subject=evidence.phrases[row])


def _things(evidence: Evidence) -> tuple[tuple[Phrase, float], ...]:
    rows = [
        row for row in rows_of("subject") if evidence.true[row] >= THING and is_civil(evidence, row)
    ]
    # What is unusual says more; of several words for one thing the surer one is the first.
    rows.sort(key=lambda row: -(evidence.mentioned[row] - 0.3 * evidence.usual[row]))
    found: list[tuple[Phrase, float]] = []
    for row in rows:
        phrase = evidence.phrases[row]
        # Its general term, or another of the same kind: one thing looks like several.
        general = any(
            other.general and other.general in (phrase.text, phrase.general) for other, _ in found
        )
        alike = any(stems(phrase.text) & stems(other.text) for other, _ in found)
        one_person = phrase.kinds[0] in ("person", "sport") and any(
            other.kinds[0] in ("person", "sport") for other, _ in found
        )
        if not general and not alike and not one_person:
            found.append((phrase, float(evidence.true[row])))
    return tuple(found[:MOST_THINGS])


def _scene(evidence: Evidence) -> Phrase | None:
    rows = rows_of("scene")
    best = max(rows, key=lambda row: evidence.mentioned[row] - 0.3 * evidence.usual[row])
    return evidence.phrases[best] if evidence.true[best] >= SCENE else None


def _light(evidence: Evidence, pixels: Pixels) -> str | None:
    for text in LIGHTS:
        if _true(evidence, f"place: {text}") >= LIGHT:
            return text
    return pixels.light


def subjects_of(seen: Seen) -> tuple[Subject, ...]:
    """Return the things as an account lists them, without their places."""
    return tuple(Subject(phrase.text, round(chance, 3)) for phrase, chance in seen.things)


def _true(evidence: Evidence, key: str) -> float:
    row = row_of(key)
    return 0.0 if row is None else float(evidence.true[row])
