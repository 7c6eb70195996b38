"""What matches in a part of a picture: a region of a photo, a moment of a video."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from pixfind.catalog import parts, selection
from pixfind.encoders.base import Vectors
from pixfind.parts import Part
from pixfind.vectors import Ids, VectorIndex
from search.composition import Direction
from search.matching import Compared

# One of many parts scores high by chance more easily than the picture as a whole. So a part must be
# better by so many standard deviations of what the query scores in general.
# With this margin the captions of dev photos are found as without regions (recall@10 0.870 against
# 0.871), with half of it they are not (0.862), while small objects lose next to nothing (0.785
# against 0.800, benchmarks/README.md).
MARGIN = 1.0
# The same where these are not known, in cosines.
UNKNOWN_SPREAD = 0.03
# Where everything is ranked, a part can move its picture up if it is among so many of the best.
LOOKED_AT = 20_000
# Of more pictures than these, naming all parts takes seconds: enough of theirs are among the best.
NAMED = 20_000


@dataclass(frozen=True)
class PartsIndex:
    """The parts of a library's pictures, as one model sees them."""

    session: Session
    index: VectorIndex
    model_id: int

    def raised(
        self,
        compared: Compared,
        direction: Direction,
        spread: float | None,
        lowest: float | None,
        among: Ids | None,
    ) -> Compared:
        """Return the comparison with pictures raised that have a part which is more similar.

        Args:
            compared: whole pictures. Those that are not among them lie below all that are, or
                below ``lowest``.
            direction: the query.
            spread: the standard deviation of what it scores in general, if that is known.
            lowest: only parts that are worth so high a similarity of the whole; ``None`` for any.
            among: the assets that may be found; ``None`` for all.
        """
        margin = _margin(spread)
        floor = -np.inf
        if lowest is None and len(compared.ids):
            floor = float(compared.similarities.min())
        scores, ids = self._best(direction.vector, lowest, margin, among)
        worth = scores - margin
        higher = worth > floor
        similar = self._by_asset(worth[higher], ids[higher], direction)
        if among is not None:
            findable = set(among.tolist())
            similar = {asset_id: s for asset_id, s in similar.items() if asset_id in findable}
        wholes = selection.embeddings(self.session, self.model_id, similar)
        raised = dict(zip(compared.ids.tolist(), compared.similarities.tolist(), strict=True))
        for whole, asset_id in wholes.items():
            raised[whole] = max(similar[asset_id], raised.get(whole, floor))
        return Compared(
            np.fromiter(raised, np.int64, len(raised)),
            np.fromiter(raised.values(), np.float32, len(raised)),
        )

    def best(
        self, direction: Direction, spread: float | None, asset_ids: Collection[int]
    ) -> dict[int, tuple[float, Part]]:
        """Return of each picture the part that is most similar to a query.

        Before it stands how high a similarity of the whole it is worth; for the arguments see
        ``raised``.
        """
        ids = parts.of_assets(self.session, self.model_id, asset_ids)
        scores, found = self.index.search(direction.vector[np.newaxis], len(ids), ids)
        worth = scores[0] - _margin(spread)
        return {
            asset_id: (score, part)
            for asset_id, score, part in self._firsts(worth, found[0], direction)
        }

    def _best(
        self,
        vector: Vectors,
        lowest: float | None,
        margin: float,
        among: Ids | None,
    ) -> tuple[Vectors, Ids]:
        if lowest is not None:
            # Few, as a rule: sooner found among all than all parts of what may be found are named.
            return self.index.above(vector, lowest + margin)
        allowed = None
        if among is not None and len(among) <= NAMED:
            allowed = parts.of_assets(self.session, self.model_id, among.tolist())
        scores, ids = self.index.search(vector[np.newaxis], LOOKED_AT, allowed)
        return scores[0], ids[0]

    def _by_asset(self, scores: Vectors, ids: Ids, direction: Direction) -> dict[int, float]:
        """Return the best score of each asset, in the order of scores."""
        return {asset_id: score for asset_id, score, _ in self._firsts(scores, ids, direction)}

    def _firsts(
        self, scores: Vectors, ids: Ids, direction: Direction
    ) -> Iterator[tuple[int, float, Part]]:
        """Yield the first part of each asset that can be compared with the query.

        A picture that is asked for is compared with whole pictures, which a moment of a video is
        and a region of a photo is not.
        """
        owners = parts.owners(self.session, ids.tolist())
        seen: set[int] = set()
        for score, embedding_id in zip(scores.tolist(), ids.tolist(), strict=True):
            # It may have been removed since the index was read.
            asset_id, part = owners.get(embedding_id, (0, None))
            if part is None or asset_id in seen or (direction.pictures and part.box is not None):
                continue
            seen.add(asset_id)
            yield asset_id, score, part


def _margin(spread: float | None) -> float:
    return MARGIN * (UNKNOWN_SPREAD if spread is None else spread)
