"""What matches in a part of a picture: a region of a photo, a moment of a video."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
MARGIN = 1.0
# The same where these are not known, in cosines.
UNKNOWN_SPREAD = 0.03
# Where everything is ranked, a part can move its picture up if it is among so many of the best.
LOOKED_AT = 20_000


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
        among: Mapping[int, int] | None,
    ) -> Compared:
        """Return the comparison with pictures raised that have a part which is more similar.

        Args:
            compared: whole pictures. Those that are not among them lie below all that are, or
                below ``lowest``.
            direction: the query.
            spread: the standard deviation of what it scores in general, if that is known.
            lowest: only parts that are worth so high a similarity of the whole; ``None`` for any.
            among: the embeddings of whole pictures that may be found, and the asset of each;
                ``None`` for all.
        """
        margin = MARGIN * (UNKNOWN_SPREAD if spread is None else spread)
        scores, ids = self._best(direction.vector, lowest, margin, among)
        similar = self._by_asset(scores - margin, ids, pictures=direction.pictures > 0)
        wholes = selection.embeddings(self.session, self.model_id, similar)
        raised = dict(zip(compared.ids.tolist(), compared.similarities.tolist(), strict=True))
        floor = -np.inf if lowest is not None else min(raised.values(), default=-np.inf)
        for whole, asset_id in wholes.items():
            if similar[asset_id] > raised.get(whole, floor):
                raised[whole] = similar[asset_id]
        return Compared(
            np.fromiter(raised, np.int64, len(raised)),
            np.fromiter(raised.values(), np.float32, len(raised)),
        )

    def best(self, vector: Vectors, asset_ids: Collection[int]) -> dict[int, tuple[float, Part]]:
        """Return of each picture the part that is most similar to a query, with its cosine."""
        ids = parts.of_assets(self.session, self.model_id, asset_ids)
        scores, found = self.index.search(vector[np.newaxis], len(ids), ids)
        owners = parts.owners(self.session, found[0].tolist())
        best: dict[int, tuple[float, Part]] = {}
        for score, embedding_id in zip(scores[0].tolist(), found[0].tolist(), strict=True):
            if embedding_id in owners:
                asset_id, part = owners[embedding_id]
                best.setdefault(asset_id, (score, part))
        return best

    def _best(
        self,
        vector: Vectors,
        lowest: float | None,
        margin: float,
        among: Mapping[int, int] | None,
    ) -> tuple[Vectors, Ids]:
        allowed = None
        if among is not None:
            allowed = parts.of_assets(self.session, self.model_id, set(among.values()))
        if lowest is not None:
            return self.index.above(vector, lowest + margin, allowed)
        scores, ids = self.index.search(vector[np.newaxis], LOOKED_AT, allowed)
        return scores[0], ids[0]

    def _by_asset(self, scores: Vectors, ids: Iterable[int], *, pictures: bool) -> dict[int, float]:
        """Return the best score of each asset, in the order of scores.

        A picture that is asked for is compared with whole pictures, which a moment of a video is
        and a region of a photo is not.
        """
        found = parts.owners(self.session, [int(i) for i in ids])
        best: dict[int, float] = {}
        for score, embedding_id in zip(scores.tolist(), ids, strict=True):
            owner = found.get(int(embedding_id))
            if owner is not None and not (pictures and owner[1].box is not None):
                best.setdefault(owner[0], score)
        return best
