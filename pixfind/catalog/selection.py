"""Sets of pictures: those that conditions choose, and those of some assets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File


def allowed(
    session: Session, model_id: int, conditions: Sequence[ColumnElement[bool]]
) -> dict[int, int]:
    """Return the embeddings of whole pictures in files for which all conditions hold.

    Returns:
        The asset's id by the embedding's.
    """
    in_a_file = exists().where(File.asset_id == Asset.id)
    rows = session.execute(
        select(Embedding.id, Embedding.asset_id)
        .join(Asset, Asset.id == Embedding.asset_id)
        .where(Embedding.model_id == model_id, Embedding.kind == WHOLE, in_a_file, *conditions)
    )
    return {row[0]: row[1] for row in rows}


def embeddings(session: Session, model_id: int, asset_ids: Iterable[int]) -> dict[int, int]:
    """Return the embeddings that the model has of whole pictures, and the asset of each."""
    rows = session.execute(
        select(Embedding.id, Embedding.asset_id).where(
            Embedding.model_id == model_id,
            Embedding.kind == WHOLE,
            Embedding.asset_id.in_(among(asset_ids)),
        )
    )
    return {row[0]: row[1] for row in rows}
