"""The orders of a result other than by relevance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pixfind.catalog.names import folded
from pixfind.catalog.selection import Facts
from search.query.model import Order


def in_order(ids: Sequence[int], known: Mapping[int, Facts], order: Order | None) -> list[int]:
    """Return the pictures that are known in that order; without a date they come last."""
    there = [asset_id for asset_id in ids if asset_id in known]
    if order in (None, Order.RELEVANCE):
        return there
    there.sort(key=lambda i: (folded(known[i].name), i))
    if order is Order.NAME:
        return there
    dated = [i for i in there if known[i].taken_at]
    dated.sort(key=lambda i: known[i].taken_at or "", reverse=order is Order.NEWEST)
    return dated + [i for i in there if not known[i].taken_at]
