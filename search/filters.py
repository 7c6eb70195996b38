"""The filters of a query as SQL: which assets may be found at all."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BLOB,
    ColumnElement,
    Integer,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from pixfind.catalog.functions import EARTH_RADIUS_M
from pixfind.catalog.schema import Asset, AssetTag, File, Root, Tag
from search.query.model import Area, Dates, Filter, Numbers, Text, Value

Condition = ColumnElement[bool]


def conditions(filters: Sequence[Filter]) -> list[Condition]:
    """Return what must hold of an ``Asset``, one condition a filter.

    A fact that is not known is never what was asked for, so a negative filter keeps the photo.
    """
    return [_condition(asked) for asked in filters]


def _condition(asked: Filter) -> Condition:
    one_of = or_(*(FIELDS[asked.field](value) for value in asked.values))
    return not_(func.coalesce(one_of, false())) if asked.negative else one_of


def _bytes(column: Any) -> Any:
    # SQLite's driver hands text to functions as UTF-8, which names of files need not be.
    return cast(column, BLOB)


def _camera(value: Value) -> Condition:
    make, model = _bytes(Asset.camera_make), _bytes(Asset.camera_model)
    return func.is_camera(make, model, _pattern(value)) == true()


def _lens(value: Value) -> Condition:
    return func.holds(_bytes(Asset.lens), _pattern(value)) == true()


def _tag(value: Value) -> Condition:
    named = func.equals(_bytes(Tag.name), _pattern(value)) == true()
    return Asset.id.in_(select(AssetTag.asset_id).join(Tag, Tag.id == AssetTag.tag_id).where(named))


def _file(value: Value) -> Condition:
    # All names in one go, which takes a third of the time of asking for each asset's.
    named = func.holds(_bytes(File.name), _pattern(value)) == true()
    return Asset.id.in_(select(File.asset_id).where(File.asset_id.is_not(None), named))


def _folder(value: Value) -> Condition:
    # Each folder is looked at once, however many files lie in it.
    folder = select(File.root_id, File.folder).distinct().subquery()
    path = _bytes(Root.path).concat(b"/").concat(_bytes(folder.c.folder))
    below = func.lies_in(cast(path, BLOB), _pattern(value)) == true()
    chosen = select(folder.c.root_id, folder.c.folder).join(Root, Root.id == folder.c.root_id)
    inside = tuple_(File.root_id, File.folder).in_(chosen.where(below))
    return Asset.id.in_(select(File.asset_id).where(File.asset_id.is_not(None), inside))


def _type(value: Value) -> Condition:
    # Videos, and only these, have a duration.
    is_photo = Asset.duration.is_(None)
    return is_photo if _text(value) == "photo" else not_(is_photo)


def _has(value: Value) -> Condition:
    match _text(value):
        case "gps":
            return Asset.latitude.is_not(None)
        case "caption":
            return Asset.caption.is_not(None)
        case _:
            return exists().where(AssetTag.asset_id == Asset.id)


def _orientation(value: Value) -> Condition:
    shape = case(
        (Asset.width > Asset.height, "landscape"),
        (Asset.width < Asset.height, "portrait"),
        else_="square",
    )
    return shape == _text(value)


def _near(value: Value) -> Condition:
    if not isinstance(value, Area):
        raise TypeError(value)
    # A band first, which SQL compares by itself.
    degrees = math.degrees(value.radius / EARTH_RADIUS_M)
    return and_(
        Asset.latitude.between(value.latitude - degrees, value.latitude + degrees),
        func.distance(Asset.latitude, Asset.longitude, value.latitude, value.longitude)
        <= value.radius,
    )


def _rounded(column: Any) -> Callable[[Value], Condition]:
    """Compare as it is shown: phones write 1244236/699009 for an aperture of 1.78."""
    shown = func.round(column, SHOWN_DIGITS)
    in_range = _number(shown)

    def condition(value: Value) -> Condition:
        if isinstance(value, Numbers) and value.low is not None and value.low == value.high:
            # Rounded by SQLite, too, which rounds halves up.
            return shown == func.round(value.low, SHOWN_DIGITS)
        return in_range(value)

    return condition


def _number(column: Any) -> Callable[[Value], Condition]:
    def condition(value: Value) -> Condition:
        if not isinstance(value, Numbers):
            raise TypeError(value)
        found: list[Condition] = [column.is_not(None)]
        if value.low is not None:
            found.append(column >= value.low if value.low_included else column > value.low)
        if value.high is not None:
            found.append(column <= value.high if value.high_included else column < value.high)
        return and_(*found)

    return condition


def _date(column: Any) -> Callable[[Value], Condition]:
    def condition(value: Value) -> Condition:
        if not isinstance(value, Dates):
            raise TypeError(value)
        found: list[Condition] = [column.is_not(None)]
        if value.first is not None:
            found.append(column >= value.first.isoformat())
        if value.last is not None:
            # Times of the last day sort before the next day; the last day of all has no next.
            end = (
                value.last.isoformat() + "U"
                if value.last.year == MAX_YEAR
                else (value.last + timedelta(days=1)).isoformat()
            )
            found.append(column < end)
        return and_(*found)

    return condition


def _part_of_date(first: int, length: int) -> Any:
    return cast(func.substr(Asset.taken_at, first, length), Integer)


def _text(value: Value) -> str:
    if not isinstance(value, Text):
        raise TypeError(value)
    return value.text


def _pattern(value: Value) -> bytes:
    # Of halves of characters, only those that stand for a byte of a file's name can be in one.
    return os.fsencode(re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", _text(value)))


def _stars() -> Any:
    # What was rejected (-1) is not merely worth fewer stars: it has none to compare.
    return func.nullif(func.coalesce(Asset.rating, literal(0)), REJECTED)


MAX_YEAR = 9999
REJECTED = -1
SHOWN_DIGITS = 2

FIELDS: dict[str, Callable[[Value], Condition]] = {
    "folder": _folder,
    "file": _file,
    "type": _type,
    "camera": _camera,
    "lens": _lens,
    "date": _date(Asset.taken_at),
    "year": _number(_part_of_date(1, 4)),
    "month": _number(_part_of_date(6, 2)),
    "has": _has,
    "near": _near,
    "width": _number(Asset.width),
    "height": _number(Asset.height),
    "orientation": _orientation,
    "tag": _tag,
    "rating": _number(_stars()),
    "iso": _number(Asset.iso),
    "focal": _rounded(Asset.focal_length),
    "aperture": _rounded(Asset.aperture),
    "seen": _date(Asset.seen_at),
    "id": _number(Asset.id),
}
