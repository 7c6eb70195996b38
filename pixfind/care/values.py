"""Whether rows hold what their columns are for: SQLite itself takes anything."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Float, Integer, LargeBinary, Table, and_, case, func, null, or_
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.schema import Column

from pixfind.catalog.schema import Base, PathText

TABLES: dict[str, Table] = dict(Base.metadata.tables)
NUMBERS = (-(1 << 63), (1 << 63) - 1)


def kinds(column: Column[Any]) -> tuple[str, ...]:
    """Return what SQLite's ``typeof`` says of a column's values."""
    if isinstance(column.type, PathText):
        return ("text",)
    if isinstance(column.type, LargeBinary):
        return ("blob",)
    if isinstance(column.type, Integer | Boolean):
        return ("integer",)
    if isinstance(column.type, Float):
        return ("real", "integer")
    return ("text",)


def is_sound(column: Column[Any]) -> ColumnElement[bool]:
    """Whether the value is one of the column's kind, or missing where it may be."""
    right = func.typeof(column).in_(kinds(column))
    return or_(column.is_(None), right) if column.nullable else right


def is_row_sound(table: Table) -> ColumnElement[bool]:
    """Whether all that a row must have is of the right kind."""
    return and_(*(is_sound(column) for column in table.columns if not column.nullable))


def sound_or_nothing(column: Column[Any]) -> ColumnElement[Any]:
    """Return the value, or nothing in the place of one that may be missing and is not sound."""
    if not column.nullable:
        return column
    return case((is_sound(column), column), else_=null())


def number_of(table: Table) -> Column[Any]:
    """Return the integer that rows of a table are found by; settings have none."""
    return table.c.id if "id" in table.c else table.c.asset_id
