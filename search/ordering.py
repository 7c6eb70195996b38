"""The orders of a result other than by relevance."""

from __future__ import annotations

import numpy as np

from pixfind.catalog.columns import Facts, Numbers
from pixfind.vectors import Ids
from search.query.model import Order

LAST = np.iinfo(np.int64).max


def in_order(ids: Ids, known: Facts, order: Order | None) -> Numbers:
    """Return the places of the pictures that are known in that order; without a date, last."""
    rows = known.rows(ids)
    there = np.flatnonzero(rows >= 0)
    rows = rows[there]
    dates = known.dates[rows]
    match order:
        case None | Order.RELEVANCE:
            return there
        case Order.NAME:
            return there[np.argsort(known.names[rows])]
        case Order.NEWEST:
            return there[np.lexsort((known.names[rows], -dates))]
        case Order.OLDEST:
            return there[np.lexsort((known.names[rows], np.where(dates == 0, LAST, dates)))]
