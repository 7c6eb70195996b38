"""The whole library in columns, kept from search to search, and read again where it has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import numpy as np
from sqlalchemy.orm import Session

from pixfind.catalog import Catalog, columns
from pixfind.catalog.columns import Facts, Marks, Owners
from pixfind.catalog.database import setting
from pixfind.catalog.watch import Watch
from pixfind.vectors import Ids
from search.filters import conditions
from search.query.model import Filter

Table = TypeVar("Table", Facts, Marks, Owners)
# Of so few pictures, what is asked for is read by itself: a search that is the only one of its
# process, or follows a change, does not wait until all has been read. Who asks so many times wants
# more, and all is read.
FEW, TIMES = 2000, 4
# What is searched for among the same photos comes in a row: of so many filters these are kept.
CHOICES = 16


class Overview:
    """Keeps what is known of all pictures of a catalog; safe to share by threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._watch = Watch(catalog)
        self._kept: dict[str, tuple[Hashable, object]] = {}
        self._asked: dict[str, tuple[Hashable, int]] = {}
        self._choices: OrderedDict[Hashable, Ids] = OrderedDict()
        self._generation: tuple[Hashable, str | None] | None = None
        self._lock = threading.Lock()

    def version(self) -> Hashable:
        """Return what differs after any change of the catalog; ask before opening a session."""
        return self._watch.version()

    def generation(self, version: Hashable, session: Session) -> str | None:
        """Return the catalog's generation in a version, read once; the session may be newer."""
        known = self._generation
        if known is None or known[0] != version:
            known = self._generation = version, setting(session, "generation")
        return known[1]

    def read(
        self,
        kind: str,
        state: Hashable,
        ids: Ids | None,
        reading: Callable[[Iterable[int] | None], Table],
    ) -> Table:
        """Return a table as of a state, of at least some assets; ``None`` for all.

        Args:
            kind: its name.
            state: what differs if it would.
            ids: the assets, or what else ``reading`` chooses by.
            reading: reads the table of some assets, or of all.
        """
        known = self._kept.get(kind)
        if known is None or known[0] != state:
            if ids is not None and len(ids) <= FEW and not self._asked_enough(kind, state):
                return reading(ids.tolist())
            with self._lock:  # others wait rather than read the same
                known = self._kept.get(kind)
                if known is None or known[0] != state:
                    known = self._kept[kind] = (state, reading(None))
        return known[1]  # type: ignore[return-value]

    def _asked_enough(self, kind: str, state: Hashable) -> bool:
        """Note that a few are asked for, and tell whether that has become usual in this state."""
        known, times = self._asked.get(kind, (None, 0))
        times = times + 1 if known == state else 1
        self._asked[kind] = (state, times)
        return times > TIMES

    def chosen(self, of: Hashable, choosing: Callable[[], Ids]) -> Ids:
        """Return what was chosen before by the same, or else what is chosen now."""
        with self._lock:
            known = self._choices.get(of)
        if known is None:
            known = choosing()
        with self._lock:
            self._choices[of] = known
            self._choices.move_to_end(of)
            if len(self._choices) > CHOICES:
                self._choices.popitem(last=False)
        return known


class View:
    """The columns of a library as one session sees it.

    Args:
        overview: where they are kept.
        version: the overview's, asked for before the session was opened.
        session: reads what is not kept.
        model_id: the model whose embeddings are asked for, if any are.
    """

    def __init__(
        self, overview: Overview, version: Hashable, session: Session, model_id: int = 0
    ) -> None:
        self._overview = overview
        self._session = session
        self._model_id = model_id
        self._facts: tuple[Ids, Facts] | None = None
        self.version = version
        # Files and what is read from them do not change without it; tags do.
        self._generation = overview.generation(version, session)

    def facts(self, ids: Ids | None) -> Facts:
        """Return a table with the facts of at least these assets; read once for several uses."""
        known = self._facts
        if known is None or ids is None or not np.isin(ids, known[0]).all():
            read = self._overview.read
            table = read("facts", self._generation, ids, self._reading(columns.facts))
            known = self._facts = (table.ids if ids is None else ids, table)
        return known[1]

    def matching(self, filters: tuple[Filter, ...]) -> Ids:
        """Return the assets that all filters let pass, int64 (n,)."""
        return self._overview.chosen(
            (self.version, filters), lambda: columns.matching(self._session, conditions(filters))
        )

    def folders(self, ids: Ids) -> Marks:
        """Return the folders of at least these assets."""
        state = self._generation, columns.roots(self._session)
        return self._overview.read("folders", state, ids, self._reading(columns.folders))

    def tags(self, ids: Ids) -> Marks:
        """Return the tags of at least these assets."""
        read = self._overview.read
        return read("tags", self.version, ids, self._reading(columns.tags))

    def owners(self, ids: Ids | None) -> Owners:
        """Return the embeddings of at least these assets that lie in files."""
        return self._overview.read(
            f"owners {self._model_id}",
            self._generation,
            ids,
            lambda some: columns.owners(self._session, self._model_id, some),
        )

    def owners_of(self, embeddings: Ids) -> Owners:
        """Return at least these embeddings, of those that lie in files."""
        return self._overview.read(
            f"owners {self._model_id}",
            self._generation,
            embeddings,
            lambda some: columns.owners(self._session, self._model_id, embeddings=some),
        )

    def _reading(
        self, reader: Callable[[Session, Iterable[int] | None], Table]
    ) -> Callable[[Iterable[int] | None], Table]:
        return lambda some: reader(self._session, some)
