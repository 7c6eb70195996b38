"""All that answers a query, ranked: by what photos look like, and by the words that they carry."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy.orm import Session

from pixfind.calibration import Calibration
from pixfind.catalog import documents
from pixfind.catalog.columns import Owners
from pixfind.errors import QueryError
from pixfind.messages import said
from pixfind.vectors import Ids, VectorIndex, Vectors, all_above
from search.composition import Direction, compose
from search.fusion import fuse
from search.matching import Compared, Matches, Sample, Scale, judge
from search.ordering import in_order
from search.overview import View
from search.parts import PartsIndex
from search.query.model import Numbers, Order, Query
from search.scored import NOBODY, Scored, within, worths
from search.terms import Terms

# How many photos are shown where none answers the query.
NEAREST = 5
# How many times as many are looked at where the first were too few.
WIDER = 8
# Where a word tells what a photo shows; folders' names tell of many at once.
CONTENT = ("name", "tags", "caption")


@dataclass(frozen=True)
class State:
    """One consistent state of a library, seen by one model; ``parts`` if it has seen any."""

    session: Session
    view: View
    index: VectorIndex
    model_id: int
    calibration: Calibration | None
    parts: PartsIndex | None = None


@dataclass(frozen=True)
class Extent:
    """How much of a library is wanted.

    Args:
        everything: also what is improbable.
        depth: how many of the best suffice; ``None`` for all.
        left_out: assets that are not.
    """

    everything: bool = False
    depth: int | None = None
    left_out: Collection[int] = ()


@dataclass(frozen=True)
class Ranking:
    """Assets, best first, with what is known of them; ``total`` counts also those further down.

    ``cutoff`` is the probability that was asked of them, ``nearest`` what comes nearest if none
    has it. ``worded`` are those whose words matched. ``direction`` is what pictures were compared
    with, ``spread`` the standard deviation of what that scores in general.
    """

    found: Scored
    total: int
    cutoff: float | None = None
    nearest: Scored = NOBODY
    worded: Ids = field(default_factory=lambda: NOBODY.ids)
    direction: Direction | None = None
    spread: float | None = None


def rank(
    state: State, asked: Query, terms: Terms, usual: Callable[[], Sample], extent: Extent
) -> Ranking:
    """Return what answers a query.

    Args:
        state: what is searched.
        asked: the query.
        terms: the same, embedded.
        usual: returns the sample of the index; it is asked only where it is needed.
        extent: how much is wanted.

    Raises:
        QueryError: a score was asked for and there is nothing to score by, or nothing is wanted
            and there is no calibration.
    """
    direction = compose(terms.wanted, terms.unwanted, state.calibration)
    if direction is None and asked.score is not None:
        raise QueryError(
            said(
                "score: needs words or a picture to score by; "
                "describe what photos should show, for example: a dog score:>0.5"
            )
        )
    if state.calibration is None and asked.score is not None:
        raise QueryError(
            said(
                "this model has no calibration, "
                "so it cannot tell the probability that score: asks for"
            )
        )
    if state.calibration is None and direction is None and terms.unwanted:
        raise QueryError(
            said(
                "this model has no calibration, "
                "so a query needs something wanted beside what is not"
            )
        )
    search = _Search(state, asked, terms, extent)
    if direction is None:
        return search.filtered()
    scale = None if state.calibration is None else Scale(state.calibration, direction, usual())
    return search.ranked(direction, scale)


class _Search:
    """One query on one state of a library."""

    def __init__(self, state: State, asked: Query, terms: Terms, extent: Extent) -> None:
        self._state = state
        self._session = state.session
        self._asked = asked
        self._terms = terms
        self._extent = extent
        self._hidden = {*extent.left_out, *terms.disliked}
        self._hidden |= documents.matching(state.session, terms.refused, CONTENT).keys()
        # Without filters everything is allowed, and nobody needs a list of it.
        self._owners: Owners | None = self._chosen() if asked.filters else None
        self._allowed: Ids | None = None if self._owners is None else self._owners.embeddings
        # What has been compared: where nothing scores high enough, it holds what comes nearest.
        self._known: Compared | None = None
        self._knows_all = False

    def filtered(self) -> Ranking:
        """Rank by date where nothing is wanted that could be compared: filters and exclusions."""
        owners = self._state.view.owners(None) if self._owners is None else self._owners
        if self._terms.unwanted:  # of what was added since the index was read, nothing is known
            ids = np.intersect1d(owners.embeddings, self._state.index.ids)
            kept = self._judged(Compared(ids, np.zeros(len(ids), np.float32)), None)
            found = owners.of(kept.ids)
        else:
            found = owners.assets
        found = found[~np.isin(found, list(self._hidden))]
        order = in_order(found, self._state.view.facts(found), Order.NEWEST)
        return Ranking(Scored(found[order]), len(order))

    def ranked(self, direction: Direction, scale: Scale | None) -> Ranking:
        """Rank by likeness and by words."""
        worded = documents.matching(self._session, self._terms.descriptions)
        wanted = self._range(scale)
        partial = self._is_partial(wanted, worded)
        compared = self._candidates(direction, scale, wanted, worded, partial)
        found = self._by_asset(self._judged(compared, scale))
        alike = within(found.scores, wanted)
        named = worths(found.ids, worded)
        if self._asked.score is not None:
            named[~alike] = np.nan
        is_named = ~np.isnan(named)
        if is_named.any():
            order = fuse(found.ids, np.where(alike, found.scores, np.nan), named)
        else:
            order = np.flatnonzero(alike)
        nearest = found
        if not len(order) and wanted is not None:
            nearest = self._nearest(direction, scale)
        return Ranking(
            found.at(order),
            total=self._count() if partial else len(order),
            cutoff=None if wanted is None else wanted.low,
            nearest=nearest.at(slice(NEAREST)),
            worded=found.ids[is_named],
            direction=direction,
            spread=None if scale is None else scale.spread,
        )

    def _range(self, scale: Scale | None) -> Numbers | None:
        """Return the probabilities that are wanted; ``None``: any, or nobody knows them."""
        if scale is None or (self._extent.everything and self._asked.score is None):
            return None
        return self._asked.score or Numbers(scale.cutoff, None)

    def _is_partial(self, wanted: Numbers | None, worded: Collection[int]) -> bool:
        """Whether the best suffice, because nothing below leaves out or moves up."""
        moved = self._terms.unwanted or worded
        return wanted is None and self._extent.depth is not None and not moved

    def _candidates(
        self,
        direction: Direction,
        scale: Scale | None,
        wanted: Numbers | None,
        worded: Collection[int],
        partial: bool,
    ) -> Compared:
        """Compare with the query what can be similar enough, and what its words stand in."""
        index, vector, allowed = self._state.index, direction.vector, self._allowed
        if partial:
            best = self._best(direction, (self._extent.depth or 0) + len(self._hidden))
            return self._raised(best, direction, scale, None)
        lowest = None
        if wanted is None or scale is None:
            ranked = self._first(direction, len(index))
            scores, ids = ranked.similarities, ranked.ids
        else:
            lowest = scale.lowest(wanted.low or 0.0)
            above = self._above(direction, lowest)
            scores, ids = above.similarities, above.ids
        if worded:
            named = np.fromiter(worded, np.int64, len(worded))
            more = np.setdiff1d(self._state.view.owners(named).among(named).embeddings, ids)
            if allowed is not None:
                more = np.intersect1d(more, allowed)
            also, their_ids = index.search(vector[np.newaxis], len(more), more)
            scores, ids = np.append(scores, also[0]), np.append(ids, their_ids[0])
        return self._raised(Compared(ids, scores), direction, scale, lowest)

    def _raised(
        self, compared: Compared, direction: Direction, scale: Scale | None, lowest: float | None
    ) -> Compared:
        """Raise pictures that have a part which is more similar to the query."""
        if self._state.parts is None:
            return compared
        spread = None if scale is None else scale.spread
        among = None if self._owners is None else self._owners.assets
        raised = self._state.parts.raised(compared, direction, spread, lowest, among)
        if not self._terms.unwanted:
            return raised
        # What was added since the index was read cannot be compared with what is unwanted.
        known = np.isin(raised.ids, self._state.index.among(raised.ids))
        return Compared(raised.ids[known], raised.similarities[known])

    def _best(self, direction: Direction, depth: int) -> Compared:
        """Compare with the query the best, and whatever is worth as much as the last of them.

        Which of these would come first is not for the depth to say, or pages would overlap.
        """
        k = depth + 1
        while True:
            compared = self._first(direction, k)
            scores = compared.similarities
            if len(scores) < k or scores[-1] < scores[depth - 1]:
                return compared
            k *= WIDER

    def _nearest(self, direction: Direction, scale: Scale | None) -> Scored:
        """Find the few that come nearest, whatever that is worth."""
        k = 10 * NEAREST + len(self._hidden)
        while True:
            compared = self._first(direction, k)
            raised = self._raised(compared, direction, scale, None)
            found = self._by_asset(self._judged(raised, scale))
            # Any number of them may show what is unwanted.
            if len(found.ids) >= NEAREST or len(compared.ids) < k:
                return found
            k *= WIDER

    def _above(self, direction: Direction, lowest: float) -> Compared:
        """Compare with the query all that scores at least so much."""

        def best(k: int) -> tuple[Vectors, Ids]:
            compared = self._first(direction, k)
            return compared.similarities, compared.ids

        scores, ids = all_above(lowest, best)
        return Compared(ids, scores)

    def _first(self, direction: Direction, k: int) -> Compared:
        """Compare with the query so many of the best, or all."""
        known = self._known
        if known is None or (len(known.ids) < k and not self._knows_all):
            query = direction.vector[np.newaxis]
            scores, ids = self._state.index.search(query, k, self._allowed)
            known = self._known = Compared(ids[0], scores[0])
            self._knows_all = len(known.ids) < k
        return Compared(known.ids[:k], known.similarities[:k])

    def _judged(self, compared: Compared, scale: Scale | None) -> Matches:
        unwanted, calibration = self._terms.unwanted, self._state.calibration
        return judge(self._state.index, compared, unwanted, calibration, scale)

    def _by_asset(self, matches: Matches) -> Scored:
        """Return the assets of the embeddings, less those that are not to be shown."""
        owners = self._owners or self._state.view.owners_of(matches.ids)
        ids = owners.of(matches.ids)
        # It may have been removed since the index was read.
        shown = (ids > 0) & ~np.isin(ids, list(self._hidden))
        return Scored(ids, matches.similarities, matches.probabilities).at(np.flatnonzero(shown))

    def _chosen(self) -> Owners:
        ids = self._state.view.matching(self._asked.filters)
        return self._state.view.owners(ids).among(ids)

    def _count(self) -> int:
        """Return how many photos there are to rank."""
        hidden = np.fromiter(self._hidden, np.int64, len(self._hidden))
        if self._owners is not None:
            return len(self._owners.assets) - int(np.isin(self._owners.assets, hidden).sum())
        index = self._state.index
        if not len(hidden):
            return len(index)
        # Those that lie in no file any more have embeddings still, but not in the index.
        ids = self._state.view.owners(hidden).among(hidden).embeddings
        return len(index) - len(np.intersect1d(ids, index.ids))
