"""From scores and a cutoff to what is shown, and how right it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixfind.evaluation.measures import Flags

Doubles = npt.NDArray[np.float64]
# The share of the greatest F1 that may be spared for a stricter cutoff.
SPARED = 0.01


@dataclass(frozen=True)
class Shown:
    """How right what is shown is, over all pairs of a query and a photo (micro-averaged).

    Args:
        pairs: how many are shown.
        right: how many of them match.
        matches: how many match, shown or not.
    """

    pairs: int
    right: int
    matches: int

    @property
    def precision(self) -> float:
        """The share of what is shown that matches; 1 where nothing is shown."""
        return self.right / self.pairs if self.pairs else 1.0

    @property
    def recall(self) -> float:
        """The share of what matches that is shown; 1 where nothing matches."""
        return self.right / self.matches if self.matches else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / max(self.pairs + self.matches, 1)


def shown(chosen: Flags, matches: Flags) -> Shown:
    """Return how right the chosen pairs are; both of one shape."""
    return Shown(int(chosen.sum()), int((chosen & matches).sum()), int(matches.sum()))


def best_cutoff(scores: npt.ArrayLike, matches: Flags) -> float:
    """Return the score from which on pairs have to be shown for the greatest F1.

    It is chosen in hindsight, and lies half-way to the next lower score.

    Args:
        scores: of pairs, higher is better, any shape, at least one.
        matches: bool, of the same shape.
    """
    ordered, f1 = _f1_by_score(scores, matches)
    return _half_way(ordered, int(f1.argmax()))


def strict_cutoff(scores: npt.ArrayLike, matches: Flags) -> float:
    """Return the highest score from which on F1 is at most a hundredth below the greatest.

    Around the greatest F1 lies a plateau: a stricter cutoff shows fewer right photos, but also
    fewer wrong ones where nothing matches. See ``best_cutoff``.
    """
    ordered, f1 = _f1_by_score(scores, matches)
    return _half_way(ordered, int((f1 >= (1 - SPARED) * f1.max()).argmax()))


def _f1_by_score(scores: npt.ArrayLike, matches: Flags) -> tuple[Doubles, Doubles]:
    """Return the scores, falling, and F1 if pairs are shown down to each; -1 between equal ones."""
    given = np.asarray(scores, np.float64).ravel()
    order = np.argsort(-given, kind="stable")
    ordered, right = given[order], np.cumsum(matches.ravel()[order])
    f1 = 2 * right / (np.arange(1, len(given) + 1) + right[-1])
    # Pairs of equal scores are shown together or not at all.
    return ordered, np.where(ordered > np.append(ordered[1:], -np.inf), f1, -1.0)


def _half_way(ordered: Doubles, row: int) -> float:
    below = ordered[min(row + 1, len(ordered) - 1)]
    return float((ordered[row] + below) / 2)
