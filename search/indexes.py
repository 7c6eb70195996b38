"""The indexes that searches go through: asked for when they may have changed."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass

from pixfind.catalog.schema import Model
from pixfind.encoders.base import EncoderSpec
from pixfind.library import Library
from pixfind.vectors import VectorIndex

# While the catalog stays as it is, so do its indexes, unless they were behind and catch up.
UNASKED_S = 1.0


@dataclass(frozen=True)
class Indexes:
    """A model of a library, and its indexes of whole pictures and of parts, if it has seen any."""

    model: Model
    wholes: VectorIndex
    parts: VectorIndex | None


class CurrentIndexes:
    """Keeps the indexes of a library under one model; safe to share by threads."""

    def __init__(self, library: Library, spec: EncoderSpec) -> None:
        self._library = library
        self._spec = spec
        self._known: tuple[Hashable, float, Indexes] | None = None

    def get(self, version: Hashable) -> Indexes:
        """Return them as of now; to find out that nothing has changed takes several statements.

        Args:
            version: of the catalog.

        Raises:
            LibraryEmptyError, ModelMismatchError: as for ``Library.require``.
        """
        known = self._known
        if known is None or known[0] != version or time.monotonic() >= known[1]:
            model = self._library.require(self._spec)
            found = Indexes(model, self._library.index(model), self._library.parts_index(model))
            known = self._known = version, time.monotonic() + UNASKED_S, found
        return known[2]
