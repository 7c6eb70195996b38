"""From ranked assets to what is shown of them: photos, scores, matched fields and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pixfind.catalog import documents, photos
from pixfind.catalog.photos import Photo
from pixfind.encoders.base import Vectors
from pixfind.parts import Part
from search.ranking import Ranking, State
from search.results import Result
from search.scored import Scored

ROUNDING = 1e-4


def shown(
    state: State, ranking: Ranking, page: Scored, descriptions: Sequence[str]
) -> tuple[Result, ...]:
    """Return the results of some assets of a ranking.

    Args:
        state: the library as it is now; assets that have gone from it are left out.
        ranking: what the assets were found by.
        page: the assets.
        descriptions: the words that may stand in their names, tags and captions.
    """
    ids: list[int] = page.ids.tolist()
    similarity, probability = _by_id(ids, page.similarity), _by_id(ids, page.probability)
    found = photos.photos_by_id(state.session, ids)
    parts = _best_parts(state, ranking, found, similarity)
    worded = np.intersect1d(page.ids, ranking.worded, assume_unique=True).tolist()
    fields = documents.fields_matched(state.session, descriptions, worded)
    return tuple(
        Result(
            found[asset_id],
            similarity.get(asset_id),
            probability.get(asset_id),
            fields.get(asset_id, ()),
            parts.get(asset_id),
        )
        for asset_id in ids
        if asset_id in found
    )


def _by_id(ids: Sequence[int], values: Vectors | None) -> dict[int, float]:
    return {} if values is None else dict(zip(ids, values.tolist(), strict=True))


def _best_parts(
    state: State, ranking: Ranking, found: Mapping[int, Photo], similarity: Mapping[int, float]
) -> dict[int, Part]:
    """Return the part of each picture to be pointed at: where in a photo, when in a video."""
    if state.parts is None or ranking.direction is None:
        return {}
    best = state.parts.best(ranking.direction, ranking.spread, found)
    return {
        asset_id: part
        for asset_id, (worth, part) in best.items()
        # A photo is pointed into if that is why it stands where it does.
        if part.second is not None or worth > similarity.get(asset_id, np.inf) - ROUNDING
    }
