"""What a worker thread does with one file: read, hash, and decode only what is new."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from indexer.videos import FreshVideo, VideoEmbedder
from pixfind.catalog import Catalog, assets, parts
from pixfind.catalog.files import DECODE_FAILURE, READ_FAILURE, Place
from pixfind.decoding.answers import Wanted
from pixfind.decoding.workers import Workers
from pixfind.encoders.base import Encoder
from pixfind.errors import PhotoError, PhotoReadError
from pixfind.parts import FINEST, Part, tiles
from pixfind.photos.decode import DecodedPhoto, read_bytes
from pixfind.photos.exif import VERSION, Metadata
from pixfind.photos.formats import is_video_name
from pixfind.photos.thumbnails import SIZES, THUMBNAIL_SHORT_EDGE, Thumbnails


@dataclass(frozen=True)
class Known:
    """The content is in the library and embedded already."""

    place: Place
    asset_id: int


@dataclass(frozen=True)
class Reread:
    """Known, and the metadata that was read by an older version read again, if it could be."""

    place: Place
    asset_id: int
    metadata: Metadata | None


@dataclass(frozen=True)
class Tile:
    """A region of a photo, shrunk to what the encoder looks at."""

    part: Part
    image: Image.Image


@dataclass(frozen=True)
class Fresh:
    """New content, decoded and shrunk to what the encoder looks at; its regions if asked for.

    ``blur`` is that of ``photos.small.blur_of``.
    """

    place: Place
    content_id: bytes
    byte_size: int
    photo: DecodedPhoto
    blur: bytes
    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True)
class Twin:
    """The same content is in another worker's hands: to be looked at again when that is in."""

    place: Place


@dataclass(frozen=True)
class Failed:
    """The file could not become a picture."""

    place: Place
    kind: str
    reason: str


@dataclass(frozen=True)
class Vanished:
    """The file went away after the scan had seen it."""

    place: Place


@dataclass(frozen=True)
class Unread:
    """The unchanged file of a known picture cannot be read now: what is known of it stays."""

    place: Place


Prepared = Known | Reread | Fresh | FreshVideo | Twin | Failed | Vanished | Unread


class Preparer:
    """Prepares files for one run; called from many threads.

    Args:
        catalog: the library's.
        model_id: the model's row.
        encoder: the model.
        thumbnails: where they are kept.
        workers: decode files; as many as there are threads that call.
        go_on: called again and again within a file that takes long; may hold that up, or end it.
        with_regions: cut photos into tiles as well.
    """

    def __init__(
        self,
        catalog: Catalog,
        model_id: int,
        encoder: Encoder,
        thumbnails: Thumbnails,
        workers: Workers,
        *,
        go_on: Callable[[], None],
        with_regions: bool = False,
    ) -> None:
        self._catalog = catalog
        self._model_id = model_id
        self._encoder = encoder
        self._thumbnails = thumbnails
        self._workers = workers
        self._with_regions = with_regions
        self._videos = VideoEmbedder(encoder, thumbnails, workers, go_on)
        self._in_hand: set[bytes] = set()
        self._lock = threading.Lock()

    def prepare(self, place: Place, path: Path, *, outdated: bool = False) -> Prepared:
        """Read a file and decode it if the model has not seen its content.

        Args:
            place: where it lies.
            path: the same, absolute.
            outdated: it is unchanged, and opened for its metadata alone.
        """
        # A video's bytes are never held as a whole.
        is_video = is_video_name(place.name)
        try:
            content = None if is_video else read_bytes(path)
            content_id = _sha256(content) if content is not None else self._videos.digest(path)
        except PhotoReadError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return Vanished(place)
            # Before, nobody would have opened it: no reason to take the picture out of the results.
            return Unread(place) if outdated else Failed(place, READ_FAILURE, error.reason)
        known = self._known(place, path, content, content_id)
        if known is not None:
            return known
        if not self._take(content_id):
            return Twin(place)
        return self._taken(place, path, content, content_id)

    def stop(self) -> None:
        """Give up what takes long: the run has ended early."""
        self._videos.stop()
        self._workers.stop()

    def release(self, content_ids: list[bytes]) -> None:
        """Say that these contents are committed or have failed."""
        with self._lock:
            self._in_hand.difference_update(content_ids)

    def _known(
        self, place: Place, path: Path, content: bytes | None, content_id: bytes
    ) -> Known | Reread | None:
        with self._catalog.read() as session:
            asset_id = assets.embedded_asset(session, content_id, self._model_id)
            if asset_id is None:
                return None
            if self._with_regions and not parts.of_asset_exist(session, asset_id, self._model_id):
                return None
            version = assets.metadata_version(session, asset_id)
        if version < VERSION:
            return Reread(place, asset_id, self._facts(path, content))
        return Known(place, asset_id)

    def _facts(self, path: Path, content: bytes | None) -> Metadata | None:
        try:
            if content is None:
                return self._workers.video_facts(path)
            return self._workers.facts(content, path)
        except PhotoError:  # it was decoded once, so what is known of it stays
            return None

    def _take(self, content_id: bytes) -> bool:
        with self._lock:
            if content_id in self._in_hand:
                return False
            self._in_hand.add(content_id)
            return True

    def _taken(
        self, place: Place, path: Path, content: bytes | None, content_id: bytes
    ) -> Prepared:
        """Decode what nobody else has in hand, and let it go unless it is new."""
        try:
            # Who had it in hand may have committed it between the two questions.
            known = self._known(place, path, content, content_id)
            if known is None:
                return self._new(place, path, content, content_id)
        except PhotoError as error:
            self.release([content_id])
            kind = READ_FAILURE if isinstance(error, PhotoReadError) else DECODE_FAILURE
            return Failed(place, kind, error.reason)
        except BaseException:
            self.release([content_id])
            raise
        self.release([content_id])
        return known

    def _new(self, place: Place, path: Path, content: bytes | None, content_id: bytes) -> Prepared:
        if content is None:
            return self._videos.embed(place, path, content_id)
        return self._fresh(place, path, content, content_id)

    def _fresh(self, place: Place, path: Path, content: bytes, content_id: bytes) -> Fresh:
        photo, blur = self._decode(content, content_id, path)
        tiles = self._tiles(photo) if self._with_regions else ()
        image = self._encoder.prepare(photo.image)
        return Fresh(place, content_id, len(content), replace(photo, image=image), blur, tiles)

    def _decode(self, content: bytes, content_id: bytes, path: Path) -> tuple[DecodedPhoto, bytes]:
        """Return the photo and its blur, and keep its thumbnail."""
        seen = self._encoder.spec.image_size
        # So that the smallest region has the pixels that the encoder looks at.
        edge = math.ceil(seen / FINEST[1]) if self._with_regions else seen
        file = self._thumbnails.file(content_id, "grid")
        jpeg = 0 if file.exists() else SIZES["grid"]
        wanted = Wanted(max(edge, THUMBNAIL_SHORT_EDGE), jpeg=jpeg, blur=True)
        found = self._workers.photo(content, path, wanted)
        if jpeg:
            self._thumbnails.keep(file, found.jpeg)
        return found.photo, found.blur

    def _tiles(self, photo: DecodedPhoto) -> tuple[Tile, ...]:
        image = photo.image
        boxes = tiles(photo.width, photo.height, self._encoder.spec.image_size)
        return tuple(
            Tile(Part(box), self._encoder.prepare(image.crop(box.pixels(*image.size))))
            for box in boxes
        )


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
