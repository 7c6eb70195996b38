"""From an account's parts to its texts: the alternative text and the long account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from pixfind.text import shortened
from search.descriptions.account import Facts, Subject
from search.descriptions.beam import stems
from search.descriptions.nouns import lexicon
from search.descriptions.pixels import Pixels
from search.descriptions.sentence import is_plural, joined, with_articles

ALT_LENGTH = 125
NUMBERS = {1: "One person", 2: "Two people", 3: "Three people"}
LIGHTS = {
    "at night": "It was taken at night.",
    "at sunset": "The light is that of a sunset.",
    "dark": "The picture is dark.",
    "bright": "The picture is bright.",
}
# Too general to be worth a word beside anybody.
ANYBODY = ("a person", "people")
SIDES = {
    "left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom",
    "upper left": "in the upper left", "upper right": "in the upper right",
    "lower left": "in the lower left", "lower right": "in the lower right",
    "centre": "in the middle",
}  # fmt: skip


def alt_text(sentence: str) -> str:
    """Return the sentence as an alternative text, of ``ALT_LENGTH`` characters at most."""
    return shortened(sentence.rstrip("."), ALT_LENGTH)


def long_text(
    sentence: str,
    subjects: Sequence[Subject],
    people: int | None,
    scene: str | None,
    light: str | None,
    pixels: Pixels,
    facts: Facts,
) -> str:
    """Return all that an account says, in sentences."""
    parts = [sentence, *_placed(sentence, subjects), _also(sentence, subjects)]
    if people is not None:
        parts.append(f"{NUMBERS[people]} can be seen.")
    if scene is not None and not stems(scene) & stems(sentence.lower()):
        # Not "the setting": it may be a wall or a sky.
        parts.append(f"The scene seems to show {with_articles(scene)}.")
    if light in LIGHTS and not stems(light) & stems(sentence.lower()):
        parts.append(LIGHTS[light])
    parts += [_colours(pixels), _when_and_where(facts)]
    return " ".join(part for part in parts if part)


def _placed(sentence: str, subjects: Sequence[Subject]) -> list[str]:
    """Say where things are, in a sentence for each place: of what was said, "the dog"."""
    said, implied = stems(sentence.lower()), _implied(sentence)
    by_place: dict[str, list[str]] = {}
    for subject in subjects:
        if subject.place in SIDES:
            is_known = subject.name in implied or stems(subject.name) <= said
            name = _definite(subject.name) if is_known else subject.name
            by_place.setdefault(SIDES[subject.place], []).append(name)
    return [_capital(f"{place} {_is(names)} {joined(names)}.") for place, names in by_place.items()]


def _definite(name: str) -> str:
    return f"the {name.removeprefix('a ').removeprefix('an ')}"


def _implied(sentence: str) -> frozenset[str]:
    """Return the general terms of all that a sentence names: of a butterfly, "an insect"."""
    said = stems(sentence.lower())
    found: set[str] = set()
    for text in _generals():
        above = _generals()[text] if stems(text) and stems(text) <= said else ""
        while above and above not in found:
            found.add(above)
            above = _generals().get(above, "")
    return frozenset(found)


@cache
def _generals() -> dict[str, str]:
    """Return the general term of each thing that has one."""
    return {p.text: p.general for p in lexicon() if p.slot == "subject" and p.general}


def _also(sentence: str, subjects: Sequence[Subject]) -> str:
    said, implied = stems(sentence.lower()), _implied(sentence)
    if any(one in implied or stems(one) <= said for one in ANYBODY):
        implied |= set(ANYBODY)
    names = [
        subject.name
        for subject in subjects
        if subject.place not in SIDES
        and subject.name not in implied
        and not stems(subject.name) & said
    ]
    return f"It also shows {joined(names)}." if names else ""


def _colours(pixels: Pixels) -> str:
    if pixels.black_and_white:
        return "It is a black and white picture."
    return (
        f"The main colours are {joined(list(pixels.colours))}."
        if pixels.colours[1:]
        else (f"The main colour is {pixels.colours[0]}." if pixels.colours else "")
    )


def _when_and_where(facts: Facts) -> str:
    said = []
    if facts.taken_at:
        moment = datetime.fromisoformat(facts.taken_at)
        said.append(f"on {moment.day} {moment:%B} {moment.year} at {moment:%H:%M}")
    if facts.latitude is not None and facts.longitude is not None:
        said.append(f"at {_degrees(facts.latitude, 'NS')}, {_degrees(facts.longitude, 'EW')}")
    if facts.camera:
        said.append(f"with the camera {facts.camera}")
    return f"Taken {', '.join(said)}." if said else ""


def _degrees(value: float, signs: str) -> str:
    return f"{abs(value):.4f}° {signs[value < 0]}"


def _is(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 or is_plural(names[0].removeprefix("the ")) else "is"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
