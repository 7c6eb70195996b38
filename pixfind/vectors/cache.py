"""The FAISS files of a library: derived from the catalog, and never trusted further than that.

For each model there is a manifest, ``KEY.json``, that names the index file, what has changed since
that was written, the library and the generation of the catalog that both reflect, and checksums.
The manifest is replaced last, in one rename, so a process killed at any moment leaves the old files
or the new ones.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from pixfind.catalog import Catalog, assets, parts
from pixfind.catalog.schema import Model
from pixfind.durable import replace_file
from pixfind.machine import give_memory_back
from pixfind.vectors.flat import Vectors
from pixfind.vectors.index import EXACT_LIMIT, VectorIndex, drawn
from pixfind.vectors.manifest import Manifest, checksum, is_checked_whole
from pixfind.vectors.members import Ids

# When the rest of a mapped file, gigabytes that one search hardly looks at, is checked.
CHECKED_AFTER_S = 10.0
# Bringing an index up to date that others may be searching means copying it. Where that takes more
# than so many seconds, it is used as it is for so many times as long: while a large library is
# being indexed, a search would otherwise copy much after every batch.
SLOW_S, REST = 0.5, 20.0
# How often files are tried to be opened that another process replaces meanwhile.
TRIES = 3
# The cosine of a vector with its own 8-bit code.
SAME_VECTOR = 0.98


class VectorCache:
    """The index of one model over the searchable pictures of one library.

    Args:
        catalog: what it is derived from.
        folder: where its files lie.
        model: the model.
        of_parts: whether it is over regions and moments, instead of whole pictures.
    """

    def __init__(
        self, catalog: Catalog, folder: Path, model: Model, *, of_parts: bool = False
    ) -> None:
        self._searchable_ids = parts.searchable_ids if of_parts else assets.searchable_ids
        self._catalog = catalog
        self._folder = folder
        self._model = model
        self._key = f"{_file_safe(model.name)}-{model.fingerprint[:12]}"
        self._saved = -1
        self._reflects = -1
        self._index: VectorIndex | None = None
        self._is_searched = False
        self._refused: Manifest | None = None
        self._checked: tuple[str, int] | None = None
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def current(self, *, at_once: bool = True) -> VectorIndex:
        """Return the index as of the catalog's present generation.

        Args:
            at_once: else, where catching up takes long, it may be a little behind.

        It is opened where the file is whole, and caught up from the catalog where it is behind; a
        missing or damaged file is written anew. An index that was handed out before is never
        changed: another thread may be searching it.
        """
        self._is_searched = True
        known = self._index
        if not self._lock.acquire(blocking=at_once or known is None) and known is not None:
            return known  # another thread is bringing it up to date, or writing it
        try:
            return self._current(at_once)
        finally:
            self._lock.release()

    def _current(self, at_once: bool) -> VectorIndex:
        generation = self._catalog.generation()
        if self._index is not None and self._reflects == generation:
            return self._index
        if self._index is not None and not at_once and time.monotonic() < self._rests_until:
            return self._index
        started = time.monotonic()
        is_copied = self._index is not None
        index = self._read() if self._index is None else self._index.copy()
        if self._reflects != generation:
            index = self._caught_up(index)
            self._reflects = generation
        took = time.monotonic() - started
        is_slow = is_copied and took > SLOW_S
        self._rests_until = started + (1 + REST) * took if is_slow else 0.0
        self._index = index
        return index

    @property
    def is_saved(self) -> bool:
        """Whether the files on disk are those of the index handed out last."""
        return self._saved == self._reflects

    def save(self) -> None:
        """Write the index as of now to disk, unless it stands there already.

        Where nobody has asked for the index, nothing of it stays in memory.
        """
        with self._lock:
            if self._index is None and self._stands():
                return
            index = self._current(at_once=True)
            if not self.is_saved and self._stands():
                self._saved = self._reflects  # another process has been faster
            elif not self.is_saved:
                self._write(index)
            if not self._is_searched:
                del index
                self._index = None
                give_memory_back()

    def _stands(self) -> bool:
        """Return whether the files on disk are those of the present generation."""
        manifest = self._manifest()
        if manifest is None or manifest.library_id != self._catalog.library_id():
            return False
        if manifest == self._refused:
            return False  # files that are not whole behind their beginnings
        try:
            manifest.check(self._folder)
        except OSError:
            return False
        return manifest.generation == self._catalog.generation()

    def _write(self, index: VectorIndex) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest = self._with_changes(index) if index.has_few_changes else None
        if manifest is None:
            manifest = self._written(index)
        manifest.write(self._manifest_file)
        self._refused = None
        self._saved = self._reflects
        if manifest.changes is None and not index.is_exact:
            # What lies in a file need not lie in memory as well.
            file = self._folder / manifest.file
            self._index = VectorIndex.open(file, None, EXACT_LIMIT, self._stored)
        self._remove_all_but(manifest)

    def _written(self, index: VectorIndex) -> Manifest:
        """Write the whole index to a file of its own."""
        file = self._folder / f"{self._key}.{self._reflects}.faiss"
        with replace_file(file) as temporary:
            index.save(temporary)
            return Manifest.describe(
                file,
                temporary,
                model=self._model.name,
                library_id=self._catalog.library_id(),
                generation=self._reflects,
                count=len(index),
            )

    def _with_changes(self, index: VectorIndex) -> Manifest | None:
        """Write what has changed since the lists were written, if those lie there still."""
        manifest = self._manifest()
        if manifest is None or index.file != self._folder / manifest.file:
            return None
        if not index.file.is_file():
            return None
        file = self._folder / f"{self._key}.{self._reflects}.changes"
        with replace_file(file) as temporary:
            index.save_changes(temporary)
            crc32 = checksum(temporary)
        return replace(
            manifest,
            generation=self._reflects,
            count=len(index),
            changes=file.name,
            changes_crc32=crc32,
        )

    def _remove_all_but(self, manifest: Manifest) -> None:
        patterns = (
            f"{self._key}.*.faiss",
            f"{self._key}.*.changes",
            f".{self._key}.*.tmp",  # left by a process that was killed
        )
        for pattern in patterns:
            for old in self._folder.glob(pattern):
                if old.name not in (manifest.file, manifest.changes):
                    # On Windows a reader may hold it open; the next save tries again.
                    with contextlib.suppress(OSError):
                        old.unlink()

    @property
    def _manifest_file(self) -> Path:
        return self._folder / f"{self._key}.json"

    def _manifest(self) -> Manifest | None:
        return Manifest.read(self._manifest_file)

    def _read(self) -> VectorIndex:
        """Open the index that the manifest names, or start an empty one."""
        for _ in range(TRIES):
            manifest = self._manifest()
            index = None if manifest is None else self._whole(manifest)
            if index is not None:
                return index
            # A cache: what cannot be read is derived again, unless another process has just put
            # other files in the place of these.
            if self._manifest() == manifest:
                break
        self._saved = self._reflects = -1
        self._refused = manifest
        return self._empty()

    def _whole(self, manifest: Manifest) -> VectorIndex | None:
        """Open the index of a manifest if it is whole, and one of this library and model."""
        if manifest.library_id != self._catalog.library_id():
            return None
        try:
            index = self._opened(manifest)
        except (OSError, ValueError):
            return None
        sizes = (len(index), index.dim)
        if sizes != (manifest.count, self._model.dim) or not self._is_of_catalog(index):
            return None
        self._saved = self._reflects = manifest.generation
        return index

    def _opened(self, manifest: Manifest) -> VectorIndex:
        """Open the files of a manifest.

        Raises:
            OSError: they cannot be read, or are not those that it describes.
        """
        file, changes = manifest.check(self._folder)
        index = VectorIndex.open(file, changes, EXACT_LIMIT, self._stored)
        if is_checked_whole(file):
            return index
        if index.is_exact:
            if checksum(file) != manifest.crc32:
                raise OSError(f"{file} is damaged")
            return index
        if self._checked == (file.name, manifest.crc32):
            return index
        self._checked = file.name, manifest.crc32
        check = threading.Timer(CHECKED_AFTER_S, self._check, [file, manifest.crc32])
        check.daemon = True
        check.start()
        return index

    def _check(self, file: Path, crc32: int) -> None:
        """Have a mapped file written anew if it is damaged."""
        try:
            if checksum(file) == crc32:
                return
        except OSError:
            return  # another one has taken its place
        with self._lock:
            self._index = self._checked = None
            manifest = self._manifest()
            if manifest is not None and self._folder / manifest.file == file:
                with contextlib.suppress(OSError):
                    self._manifest_file.unlink()

    def _is_of_catalog(self, index: VectorIndex) -> bool:
        """Compare the newest vector: a catalog restored from a backup gives ids out again."""
        newest = index.ids[-1:]
        vectors = self._stored(newest)[1]
        for vector in vectors:
            return index.cosine(newest, vector) > SAME_VECTOR
        return not len(index)

    def _caught_up(self, index: VectorIndex) -> VectorIndex:
        """Return the index as the catalog is now: the same one changed, or another one."""
        with self._catalog.read() as session:
            wanted = self._searchable_ids(session, self._model.id)
            if not index.suits(len(wanted)):
                index = self._laid_out(session, wanted)
            present = index.ids
            index.remove(np.setdiff1d(present, wanted, assume_unique=True))
            missing = np.setdiff1d(wanted, present, assume_unique=True)
            for ids, vectors in assets.vectors_of(session, missing):
                index.add(ids, vectors)
        return index

    def _laid_out(self, session: Session, wanted: Ids) -> VectorIndex:
        """Return an empty index for the vectors that are wanted."""
        if len(wanted) <= EXACT_LIMIT:
            return self._empty()
        sample = [vectors for _, vectors in assets.vectors_of(session, drawn(wanted))]
        return VectorIndex.with_lists(
            np.concatenate(sample), len(wanted), EXACT_LIMIT, self._stored
        )

    def _empty(self) -> VectorIndex:
        return VectorIndex.create(self._model.dim, EXACT_LIMIT, self._stored)

    def _stored(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return vectors as the catalog has them (``vectors.index.Stored``)."""
        with self._catalog.read() as session:
            read = list(assets.vectors_of(session, ids))
        if not read:
            return ids[:0], np.empty((0, self._model.dim), np.float32)
        return np.concatenate([r[0] for r in read]), np.concatenate([r[1] for r in read])


def _file_safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
