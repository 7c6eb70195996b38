"""What a worker thread does with a video: hash it piece by piece, embed a frame of each shot."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from pixfind.catalog.files import Place
from pixfind.decoding.answers import Film
from pixfind.decoding.workers import RemoteVideo, StoppedError, Workers
from pixfind.encoders.base import Encoder, Vectors, unit
from pixfind.errors import PhotoDecodeError, PhotoReadError
from pixfind.messages import said
from pixfind.parts import Part
from pixfind.photos import reasons
from pixfind.photos.exif import Metadata
from pixfind.photos.small import blur_of
from pixfind.photos.thumbnails import THUMBNAIL_SHORT_EDGE, Thumbnails

# Frames encoded at once, and so held in memory by each thread.
CHUNK = 16
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class FreshVideo:
    """New content, embedded: vectors are all that is left of the frames.

    ``whole`` is the unit mean, float32 (dim,), of ``vectors``, float32 (n, dim): one for each of
    the ``moments``. ``blur`` is that of ``photos.small.blur_of``, of the first frame.
    """

    place: Place
    content_id: bytes
    byte_size: int
    format: str
    width: int
    height: int
    duration: float
    metadata: Metadata
    moments: tuple[Part, ...]
    vectors: Vectors
    whole: Vectors
    blur: bytes


class VideoEmbedder:
    """Embeds videos for one run; called from many threads, each with its own video.

    Args:
        encoder: the model.
        thumbnails: where the first frames are kept.
        workers: decode them.
        go_on: called again and again while a video is read; may hold that up, or end it.
    """

    def __init__(
        self,
        encoder: Encoder,
        thumbnails: Thumbnails,
        workers: Workers,
        go_on: Callable[[], None],
    ) -> None:
        self._encoder = encoder
        self._thumbnails = thumbnails
        self._workers = workers
        self._may_go_on = go_on
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End what is under way: a film takes a minute, and Ctrl-C should not."""
        self._stopped.set()

    def digest(self, path: Path) -> bytes:
        """Return the SHA-256 of a file that may be larger than the memory.

        Raises:
            PhotoReadError: it is not there, not a regular file or not readable.
        """
        digest = hashlib.sha256()
        try:
            if path.exists() and not path.is_file():
                raise PhotoReadError(path, reasons.NOT_REGULAR)
            with path.open("rb") as file:
                while piece := file.read(READ_BYTES):
                    self._go_on()
                    digest.update(piece)
        except OSError as error:
            raise PhotoReadError(path, error.strerror or str(error)) from error
        return digest.digest()

    def embed(self, place: Place, path: Path, content_id: bytes) -> FreshVideo:
        """Embed the frames that stand for a video, and keep the first as its thumbnail.

        Raises:
            PhotoDecodeError: it cannot become a video.
            PhotoReadError: it could not be read now, or is being written to.
        """
        edge = max(self._encoder.spec.image_size, THUMBNAIL_SHORT_EDGE)
        film, seconds, vectors, blur = self._workers.video(
            path, edge, lambda video: self._embedded(video, content_id), self._go_on
        )
        if not seconds:
            raise PhotoDecodeError(path, said("it has no frame that can be decoded"))
        if _has_changed(path, place):
            reason = said("it is being written to; run pixfind index again later")
            raise PhotoReadError(path, reason)
        return FreshVideo(
            place=place,
            content_id=content_id,
            byte_size=place.size,
            format=film.format,
            width=film.width,
            height=film.height,
            duration=film.duration,
            metadata=film.metadata,
            moments=tuple(Part(second=second) for second in seconds),
            vectors=vectors,
            whole=unit(vectors.mean(axis=0, keepdims=True))[0],
            blur=blur,
        )

    def _embedded(
        self, video: RemoteVideo, content_id: bytes
    ) -> tuple[Film, list[float], Vectors, bytes]:
        """Return what the file says, the seconds of chosen frames, their vectors, a first blur."""
        seconds: list[float] = []
        vectors = []
        blur = b""
        chosen = video.chosen()
        while frames := list(islice(chosen, CHUNK)):
            if not seconds:
                self._thumbnails.save(content_id, frames[0].image)
                blur = blur_of(frames[0].image)
            seconds += [frame.second for frame in frames]
            images = [self._encoder.prepare(frame.image) for frame in frames]
            vectors.append(self._encoder.encode_images(images))
        joined = np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)
        return video.film, seconds, joined, blur

    def _go_on(self) -> None:
        self._may_go_on()
        if self._stopped.is_set():
            raise StoppedError


def _has_changed(path: Path, place: Place) -> bool:
    """Tell whether the file is another than the scan saw, and so perhaps than was hashed."""
    try:
        now = path.stat()
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns) != (place.size, place.mtime_ns)
