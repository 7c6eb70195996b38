"""How many pictures have each of the few values that a property can have."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.schema import Asset, AssetTag, File


def kinds(session: Session) -> Mapping[str, int]:
    """Return how many photos there are, and how many videos."""
    (photos, videos) = _counted(session, Asset.duration.is_(None), Asset.duration.is_not(None))
    return {"photo": photos, "video": videos}


def knowledge(session: Session) -> Mapping[str, int]:
    """Return of how many pictures the place is known, tags, and a caption."""
    tagged = exists().where(AssetTag.asset_id == Asset.id)
    conditions = (Asset.latitude.is_not(None), tagged, Asset.caption.is_not(None))
    return dict(zip(("gps", "tag", "caption"), _counted(session, *conditions), strict=True))


def shapes(session: Session) -> Mapping[str, int]:
    """Return how many upright pictures are wider than high, higher than wide, and square."""
    width, height = Asset.width, Asset.height
    counts = _counted(session, width > height, width < height, width == height)
    return dict(zip(("landscape", "portrait", "square"), counts, strict=True))


def ratings(session: Session) -> Mapping[int, int]:
    """Return how many pictures have each number of stars, most stars first; not the rejected."""
    stars = func.coalesce(Asset.rating, 0)
    rows = session.execute(
        select(stars, func.count())
        .where(_in_a_file(), stars >= 0)
        .group_by(stars)
        .order_by(stars.desc())
    )
    return {row[0]: row[1] for row in rows}


def _counted(session: Session, *conditions: ColumnElement[bool]) -> list[int]:
    counts = [func.count().filter(condition) for condition in conditions]
    return list(session.execute(select(*counts).select_from(Asset).where(_in_a_file())).one())


def _in_a_file() -> ColumnElement[bool]:
    return exists().where(File.asset_id == Asset.id)
