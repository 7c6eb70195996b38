"""The FAISS files of a library: derived from the catalog, and never trusted further than that.

For each model there is a manifest, ``KEY.json``, that names the index file, the library and the
generation of the catalog that it reflects, and its checksum. The manifest is replaced last, in one
rename, so a process killed at any moment leaves the old pair or the new one.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pixfind.catalog import Catalog, assets, parts
from pixfind.catalog.schema import Model
from pixfind.durable import replace_file
from pixfind.vectors import VectorIndex

READ_CHUNK = 1 << 22
# Bringing an index up to date that others may be searching means copying it. Where that takes more
# than so many seconds, it is used as it is for so many times as long: while a large library is
# being indexed, a search would otherwise copy gigabytes after every batch.
SLOW_S, REST = 0.5, 20.0
# The cosine of a vector with its own 8-bit code.
SAME_VECTOR = 0.98


@dataclass(frozen=True)
class Manifest:
    """What an index file reflects, and how to tell that it is whole."""

    file: str
    model: str
    library_id: str
    generation: int
    count: int
    crc32: int


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
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def current(self, *, at_once: bool = True) -> VectorIndex:
        """Return the index as of the catalog's present generation.

        Args:
            at_once: else, where catching up takes long, it may be a little behind.

        It is read from disk where the file is whole, and caught up from the catalog where it is
        behind; a missing or damaged file is rebuilt. An index that was handed out before is
        never changed: another thread may be searching it.
        """
        with self._lock:
            generation = self._catalog.generation()
            if self._index is not None and self._reflects == generation:
                return self._index
            if self._index is not None and not at_once and time.monotonic() < self._rests_until:
                return self._index
            started = time.monotonic()
            index = self._read() if self._index is None else self._index.copy()
            if self._reflects != generation:
                self._catch_up(index)
                self._reflects = generation
            took = time.monotonic() - started
            self._rests_until = started + (1 + REST) * took if took > SLOW_S else 0.0
            self._index = index
            return index

    @property
    def is_saved(self) -> bool:
        """Whether the files on disk are those of the index handed out last."""
        return self._saved == self._reflects

    def save(self) -> None:
        """Write the current index to disk unless it stands there already."""
        index = self.current()
        if self.is_saved:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{self._key}.{self._reflects}.faiss"
        with replace_file(file) as temporary:
            index.save(temporary)
            checksum = _crc32(temporary)
        manifest = Manifest(
            file.name,
            self._model.name,
            self._catalog.library_id(),
            self._reflects,
            len(index),
            checksum,
        )
        with replace_file(self._manifest_file) as temporary:
            temporary.write_text(json.dumps(asdict(manifest), indent=1), "utf-8")
        self._saved = self._reflects
        killed = self._folder.glob(f".{self._key}.*.tmp")  # left by a process that was killed
        for old in (*self._folder.glob(f"{self._key}.*.faiss"), *killed):
            if old != file:
                # On Windows a reader may hold it open; the next save tries again.
                with contextlib.suppress(OSError):
                    old.unlink()

    @property
    def _manifest_file(self) -> Path:
        return self._folder / f"{self._key}.json"

    def _read(self) -> VectorIndex:
        """Read the index that the manifest names, or start an empty one."""
        self._saved = self._reflects = -1
        try:
            manifest = Manifest(**json.loads(self._manifest_file.read_text("utf-8")))
            file = self._folder / manifest.file
            if manifest.library_id == self._catalog.library_id() and (
                _crc32(file) == manifest.crc32
            ):
                index = VectorIndex.open(file)
                sizes = (len(index), index.dim)
                if sizes == (manifest.count, self._model.dim) and self._is_of_catalog(index):
                    self._saved = self._reflects = manifest.generation
                    return index
        except (OSError, ValueError, TypeError):
            pass  # a cache: what cannot be read is derived again
        return VectorIndex.create(self._model.dim)

    def _is_of_catalog(self, index: VectorIndex) -> bool:
        """Compare the newest vector: a catalog restored from a backup gives ids out again."""
        newest = index.ids[-1:]
        with self._catalog.read() as session:
            for _, vectors in assets.vectors_of(session, newest):
                return float(index.search(vectors, 1, newest)[0].item()) > SAME_VECTOR
        return not len(index)

    def _catch_up(self, index: VectorIndex) -> None:
        with self._catalog.read() as session:
            wanted = self._searchable_ids(session, self._model.id)
            present = index.ids
            index.remove(np.setdiff1d(present, wanted, assume_unique=True))
            missing = np.setdiff1d(wanted, present, assume_unique=True)
            for ids, vectors in assets.vectors_of(session, missing):
                index.add(ids, vectors)


def _file_safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)


def _crc32(file: Path) -> int:
    checksum = 0
    with file.open("rb") as opened:
        while chunk := opened.read(READ_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
