"""All that is asked of a search at once."""

from __future__ import annotations

from dataclasses import dataclass

from search.pages import fingerprint
from search.query.formatting import format_query
from search.query.model import Order, Query


@dataclass(frozen=True)
class Wish:
    """What is wanted: a query, whether also what is improbable, and what goes with the results."""

    query: Query
    everything: bool = False
    with_facets: bool = False
    leave_out: bool = False

    @property
    def needs_all(self) -> bool:
        """Whether the best do not suffice."""
        return self.with_facets or self.query.order not in (None, Order.RELEVANCE)

    @property
    def fingerprint(self) -> bytes:
        """What cursors say that they belong to."""
        return fingerprint(format_query(self.query), self.everything, self.leave_out)

    @property
    def descriptions(self) -> list[str]:
        """The wanted words."""
        return [phrase.text for phrase in self.query.phrases if not phrase.negative]

    @property
    def is_repeatable(self) -> bool:
        """Whether the catalog alone tells what the answer is; other pictures may change."""
        names = [like.picture for like in self.query.likes]
        return all(name.isascii() and name.isdigit() for name in names)
