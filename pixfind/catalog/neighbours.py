"""The pictures taken just before another one, and just after it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, select, tuple_
from sqlalchemy.orm import Session

from pixfind.catalog.photos import Photo, photos_by_id
from pixfind.catalog.schema import Asset, File

EACH = 4


class Neighbours(NamedTuple):
    """Pictures next to one in time; both the earliest first, pictures of one moment by id."""

    before: tuple[Photo, ...] = ()
    after: tuple[Photo, ...] = ()


def neighbours_of(session: Session, photo: Photo, each: int = EACH) -> Neighbours:
    """Return the pictures taken before and after one, so many at most each.

    A picture without a date has none: where it belongs, nobody knows.
    """
    if photo.taken_at is None:
        return Neighbours()
    moment, here = tuple_(Asset.taken_at, Asset.id), tuple_(photo.taken_at, photo.id)
    before = _nearest(session, moment < here, each, backwards=True)[::-1]
    after = _nearest(session, moment > here, each, backwards=False)
    found = photos_by_id(session, [*before, *after])
    return Neighbours(
        tuple(found[asset_id] for asset_id in before),
        tuple(found[asset_id] for asset_id in after),
    )


def _nearest(
    session: Session, side: ColumnElement[bool], count: int, *, backwards: bool
) -> list[int]:
    columns = (Asset.taken_at, Asset.id)
    order = [column.desc() for column in columns] if backwards else list(columns)
    in_a_file = exists().where(File.asset_id == Asset.id)
    asked = select(Asset.id).where(side, in_a_file).order_by(*order).limit(count)
    return list(session.scalars(asked))
