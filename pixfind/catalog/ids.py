"""Any number of ids, or names, in one parameter of a statement."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import BindParameter, Select, bindparam, func, select
from sqlalchemy.orm import Session

Value = TypeVar("Value", int, str)


def among(values: Iterable[Value]) -> Select[tuple[Value]]:
    """Return a subquery of ids or names: any number of them in one parameter."""
    return select(func.json_each(json.dumps(list(values))).table_valued("value").c.value)


@functools.cache
def among_chosen() -> Select[tuple[int]]:
    """Return the same for a statement that is made once; ``chosen`` gives it its ids."""
    ids: BindParameter[str] = bindparam("chosen_ids")
    return select(func.json_each(ids).table_valued("value").c.value)


def chosen(ids: Iterable[int]) -> dict[str, str]:
    """Return the parameter of a statement that holds ``among_chosen``."""
    return {"chosen_ids": json.dumps(list(ids))}


def all_of(session: Session, ids: Select[int]) -> npt.NDArray[np.int64]:
    """Return the ids that a statement selects, int64 (n,), ascending.

    In one row: of a million, rows would take as long as the statement.
    """
    found = ids.subquery()
    text = session.scalar(select(func.json_group_array(found.c[0])))
    return np.sort(np.array(json.loads(text or "[]"), np.int64))
