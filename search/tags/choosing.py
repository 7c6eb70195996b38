"""Which tags a photo gets: those that are likely enough, with all that they imply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from search.tags.recognition import Doubles
from search.tags.vocabulary import Vocabulary

# From this probability on a tag is given. On dev photos a fifth of the pairs at it were named by
# captions, which leave out most of what is there (``python -m benchmarks tags`` has the labels of
# people who looked for everything).
LIKELY = 0.2
# More than so many tags, beside what they imply, nobody reads.
MOST = 10


@dataclass(frozen=True)
class Chooser:
    """Chooses among the labels of one vocabulary."""

    vocabulary: Vocabulary

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
            At most ``MOST`` tags of at least ``LIKELY``, and after them what they imply, which is
            as probable as they are.
        """
        order = np.argsort(-probabilities, kind="stable")
        best = [int(row) for row in order[: 4 * MOST] if probabilities[row] >= LIKELY]
        implied = {above for row in best for above in self._ancestors[row]}
        own = [row for row in best if row not in implied][:MOST]
        chosen = {row: float(probabilities[row]) for row in own}
        for row in own:
            for above in self._ancestors[row]:
                known = chosen.get(above, float(probabilities[above]))
                chosen[above] = max(known, float(probabilities[row]))
        names = self.vocabulary.labels
        return {names[row].name: round(p, 4) for row, p in chosen.items()}

    @cached_property
    def _ancestors(self) -> tuple[npt.NDArray[np.intp], ...]:
        rows = {label.name: row for row, label in enumerate(self.vocabulary.labels)}
        return tuple(
            np.array([rows[name] for name in self.vocabulary.ancestors(label.name)], np.intp)
            for label in self.vocabulary.labels
        )
