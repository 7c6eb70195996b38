"""Any number of ids in one parameter of a statement."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Select, func, select


def among(ids: Iterable[int]) -> Select[tuple[int]]:
    """Return a subquery of ids: any number of them in one parameter."""
    return select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value)
