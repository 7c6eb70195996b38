"""Which tags a photo gets: those that are likely enough, with all that they imply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Vectors
from search.tags.recognition import Doubles
from search.tags.vocabulary import Vocabulary

# From this probability on a tag is given. Captions, by which it was fitted, leave out most of what
# is there, so it is more likely than it says.
LIKELY = 0.25
# What somebody is (a child, a woman, a bride) is not guessed at: it is as sure as in descriptions.
SURE_OF_PEOPLE, PEOPLE = 0.65, "person"
# Labels whose scores on photos in general go together so closely stand for the same evidence: of
# breeds of cats, or a road and a path, only the likeliest is given. On dev photos, of as many tags,
# captions named 0.60 and 0.49 instead of 0.53 and 0.38.
SAME_EVIDENCE = 0.5
# More than so many tags, beside what they imply, nobody reads. And how far down is looked for them.
MOST, DEEPEST = 10, 80
DIGITS = 4


@dataclass(frozen=True)
class Chooser:
    """Chooses among the labels of one vocabulary.

    Args:
        vocabulary: the labels.
        directions: see ``recognition.directions``.
    """

    vocabulary: Vocabulary
    directions: Vectors

    def consistent(self, probabilities: Doubles) -> Doubles:
        """Return probabilities (n, labels) that no label has less than one that implies it."""
        raised = probabilities.copy()
        for row, ancestors in enumerate(self._ancestors):
            for above in ancestors:
                np.maximum(raised[:, above], raised[:, row], out=raised[:, above])
        return raised

    def choose(self, probabilities: Doubles) -> dict[str, float]:
        """Return the tags of one photo with their probabilities, the most probable first.

        Args:
            probabilities: of all labels, (labels,).

        Returns:
            At most ``MOST`` tags that are likely enough, and what they imply.
        """
        chosen: list[int] = []
        likely = np.flatnonzero(probabilities >= self._least)
        order = np.argsort(-probabilities[likely], kind="stable")[:DEEPEST]
        for row in likely[order].tolist():
            if len(chosen) < MOST and not self._is_explained(row, chosen):
                chosen.append(row)
        tags = {row: float(probabilities[row]) for row in chosen}
        for row in chosen:
            for above in self._ancestors[row].tolist():
                tags[above] = max(tags.get(above, 0.0), float(probabilities[above]))
        ranked = sorted(tags, key=lambda row: -tags[row])
        names = self.vocabulary.labels
        return {names[row].name: round(tags[row], DIGITS) for row in ranked}

    def _is_explained(self, row: int, chosen: Sequence[int]) -> bool:
        """Return whether a likelier label, not above or below it, stands for the same evidence."""
        related = set(self._ancestors[row].tolist())
        others = [one for one in chosen if one not in related and row not in self._ancestors[one]]
        return bool(
            others and (self.directions[others] @ self.directions[row]).max() > SAME_EVIDENCE
        )

    @cached_property
    def _least(self) -> Doubles:
        """How probable each label must be; that there is somebody at all is a thing like others."""
        return np.array(
            [
                SURE_OF_PEOPLE if label.kind == PEOPLE and label.parents else LIKELY
                for label in self.vocabulary.labels
            ]
        )

    @cached_property
    def _ancestors(self) -> tuple[npt.NDArray[np.intp], ...]:
        rows = {label.name: row for row, label in enumerate(self.vocabulary.labels)}
        return tuple(
            np.array([rows[name] for name in self.vocabulary.ancestors(label.name)], np.intp)
            for label in self.vocabulary.labels
        )
