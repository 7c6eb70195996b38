"""Describes photos while somebody looks at them, and keeps what is said where that is allowed."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from pixfind.catalog.descriptions import StoredDescription, description_of, keep_description
from pixfind.catalog.photos import Photo
from pixfind.encoders.base import Encoder
from pixfind.errors import DescriberBusyError, LibraryError
from pixfind.library import Library
from search.descriptions.describing import Describer
from search.descriptions.photographs import describe_photo

# The server's threads are few, and a large model may work on one photo for a long while.
PATIENCE_S = 20.0


class LiveDescriber:
    """Describes the photos of one library, one at a time; safe to share by threads.

    Args:
        library: whose photos.
        encoder: the model that the library is searched with.
        cache: a folder, see ``search.text_vectors``.
        keeps: whether the library keeps what is said.
    """

    def __init__(
        self, library: Library, encoder: Encoder, cache: Path, *, keeps: bool = True
    ) -> None:
        self._library = library
        self._keeps = keeps
        self._encoder = encoder
        self._cache = cache
        self._describer: Describer | None = None
        self._lock = threading.Lock()

    def describe(self, photo: Photo) -> StoredDescription:
        """Return the description of a photo, made if there is none.

        The first one takes longer: the model reads all phrases that there are.

        Raises:
            PhotoError: its file cannot be read or decoded, or has changed since it was indexed.
            LibraryError, ModelError: the library has no embeddings of the model.
            DescriberBusyError: other photos are being described.
        """
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise DescriberBusyError
        try:
            # Somebody else may have waited for the same photo.
            return self._kept(photo) or self._described(photo)
        finally:
            self._lock.release()

    def _kept(self, photo: Photo) -> StoredDescription | None:
        with self._library.catalog.read() as session:
            return description_of(session, photo.id)

    def _described(self, photo: Photo) -> StoredDescription:
        model = self._library.require(self._encoder.spec)
        if self._describer is None:
            self._describer = Describer(self._encoder, self._cache)
        account = describe_photo(self._describer, self._library, photo).document()
        if self._keeps:
            # A library that cannot be written to, or not now, is no reason to keep silent.
            with suppress(LibraryError), self._library.catalog.write() as session:
                keep_description(session, photo.id, model.id, account)
        return StoredDescription(account["alt"], account["sentence"], account)
