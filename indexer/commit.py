"""A batch's results into the catalog, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy.orm import Session

from indexer.prepare import Failed, Fresh, Known
from pixfind.catalog import Catalog, assets, files
from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import Asset
from pixfind.encoders.base import Vectors


def commit(
    catalog: Catalog,
    model_id: int,
    fresh: Sequence[Fresh],
    vectors: Vectors,
    others: Sequence[Known | Failed],
) -> None:
    """Record embedded pictures, known ones in new places, and failures: all or nothing.

    Args:
        catalog: where to.
        model_id: the model that the vectors come from.
        fresh: new pictures.
        vectors: their unit vectors, float32 (len(fresh), dim).
        others: files that needed no embedding, or got none.
    """
    with catalog.write() as session:
        for item, vector in zip(fresh, vectors, strict=True):
            asset = assets.find(session, item.content_id) or _new_asset(session, item)
            # Another process may have embedded the same content since this one looked.
            if assets.embedded_asset(session, item.content_id, model_id) is None:
                assets.add_embedding(session, asset.id, model_id, vector)
            files.place(session, item.place, asset.id)
        for other in others:
            if isinstance(other, Known):
                files.place(session, other.place, other.asset_id)
            else:
                files.fail(session, other.place, other.kind, other.reason)
        bump_generation(session)


def _new_asset(session: Session, item: Fresh) -> Asset:
    photo = item.photo
    asset = Asset(
        content_id=item.content_id,
        byte_size=item.byte_size,
        format=photo.format,
        width=photo.width,
        height=photo.height,
        **asdict(photo.metadata),
    )
    session.add(asset)
    session.flush()
    return asset
