"""What the labels of a vocabulary are to each other: no two alike, parents known, no circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from pixfind.catalog.names import folded
from pixfind.errors import UnknownTagError, VocabularyError

if TYPE_CHECKING:
    from search.tags.vocabulary import Label, Vocabulary

SHOWN = 6  # names of a circle


def related(
    source: Path | str,
    entries: Sequence[tuple[Label, int | None]],
    beside: Vocabulary | None = None,
) -> tuple[Label, ...]:
    """Check labels, and call their parents by the names that these have themselves.

    Args:
        source: where they come from; named in errors.
        entries: the labels, each with its line.
        beside: a vocabulary whose labels may be parents too.

    Raises:
        VocabularyError: there is no label; a word stands for two; a parent is none; or labels are
            their own ancestors.
    """
    if not entries:
        raise VocabularyError(source, None, "no labels in it; write one a line")
    owners = _owners(source, entries)
    names = {word: entries[position][0].name for word, position in owners.items()}
    labels = []
    for label, line in entries:
        parents = [_name(parent, names, beside) for parent in label.parents]
        for parent, name in zip(label.parents, parents, strict=True):
            if name is None:
                problem = f"the parent {parent!r} is no label; give it a line of its own"
                raise VocabularyError(source, line, problem)
        known = dict.fromkeys(name for name in parents if name is not None)
        labels.append(replace(label, parents=tuple(known)))
    _refuse_circles(source, labels, {label.name: line for label, line in entries})
    return tuple(labels)


def _owners(source: Path | str, entries: Sequence[tuple[Label, int | None]]) -> dict[str, int]:
    """Return for each word, folded, the position of the one label that it stands for."""
    owners: dict[str, int] = {}
    for position, (label, line) in enumerate(entries):
        for word in dict.fromkeys(folded(word) for word in (label.name, *label.synonyms)):
            if word in owners:
                other, earlier = entries[owners[word]]
                there = repr(other.name) + (f" in line {earlier}" if earlier else "")
                problem = f"{word!r} already stands for {there}; leave one of them out"
                raise VocabularyError(source, line, problem)
            owners[word] = position
    return owners


def _name(word: str, names: Mapping[str, str], beside: Vocabulary | None) -> str | None:
    name = names.get(folded(word))
    if name is None and beside is not None:
        try:
            return beside.label(word).name
        except UnknownTagError:
            return None
    return name


def _refuse_circles(
    source: Path | str, labels: Sequence[Label], lines: Mapping[str, int | None]
) -> None:
    try:
        TopologicalSorter({label.name: label.parents for label in labels}).prepare()
    except CycleError as error:
        # From child to parent, and the first again at the end.
        circle = error.args[1][::-1]
        if len(circle) > SHOWN:
            circle = [*circle[: SHOWN - 2], "...", circle[-1]]
        problem = f"the parents go in a circle ({' > '.join(circle)}); take one of them away"
        raise VocabularyError(source, lines.get(circle[0]), problem) from None
