"""The moments of videos that have a vector of their own."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixfind.catalog.schema import FRAME, Embedding


def moments_of(session: Session, asset_id: int, model_id: int) -> tuple[float, ...]:
    """Return the seconds of a video at which the model has seen it, ascending."""
    found = session.scalars(
        select(Embedding.second)
        .where(
            Embedding.asset_id == asset_id,
            Embedding.model_id == model_id,
            Embedding.kind == FRAME,
        )
        .order_by(Embedding.second)
    )
    return tuple(second for second in found if second is not None)
