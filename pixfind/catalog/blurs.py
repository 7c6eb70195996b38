"""The blurs of pictures that were indexed before there were any."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pixfind.catalog.schema import Asset


def missing(session: Session, after: int, limit: int) -> dict[int, bytes]:
    """Return the content ids of assets without a blur, by asset id, ascending.

    Args:
        session: the catalog's.
        after: the asset id to begin behind.
        limit: how many at most.
    """
    rows = session.execute(
        select(Asset.id, Asset.content_id)
        .where(Asset.blur.is_(None), Asset.id > after)
        .order_by(Asset.id)
        .limit(limit)
    )
    return {row[0]: row[1] for row in rows}


def put(session: Session, blurs: Mapping[int, bytes]) -> None:
    """Give assets their blurs, by asset id."""
    if blurs:
        session.execute(
            update(Asset), [{"id": asset_id, "blur": blur} for asset_id, blur in blurs.items()]
        )
