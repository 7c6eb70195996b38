"""Originals and uploads, decoded in workers that this process keeps from file to file."""

from __future__ import annotations

import atexit
import functools
import threading
from pathlib import Path

from pixfind.decoding.answers import Wanted
from pixfind.decoding.workers import Workers
from pixfind.errors import PhotoError
from pixfind.machine import cores
from pixfind.photos.decode import DecodedPhoto, read_bytes
from pixfind.photos.exif import Metadata
from pixfind.photos.formats import is_video_name

# How long a request waits while others have all workers.
WAIT_S = 30.0
_lock = threading.Lock()


def shared() -> Workers:
    """Return the workers of this process, as many as it has cores; they end when it does."""
    with _lock:  # two threads must not each make some
        return _made()


@functools.cache
def _made() -> Workers:
    workers = Workers(cores(), wait_s=WAIT_S)
    atexit.register(workers.close)
    return workers


def decode(content: bytes, path: Path, edge: int) -> DecodedPhoto:
    """Decode a picture: see ``photos.decode.decode``.

    Raises:
        PhotoError: it cannot be decoded, or not within the limits.
        DecodersBusyError, DecodersStartError: see ``Workers``, here and in all that follow.
    """
    return shared().photo(content, path, Wanted(edge)).photo


def decode_file(path: Path, edge: int) -> DecodedPhoto:
    """Read and decode a picture's file: see ``photos.decode.decode_file``."""
    return decode(read_bytes(path), path, edge)


def opened(path: Path, edge: int) -> DecodedPhoto:
    """Read and decode a picture's file, or the first frame of a video that shows something.

    Raises:
        PhotoError: it cannot be read or decoded, or not within the limits.
    """
    if is_video_name(path.name):
        return shared().still(path, Wanted(edge)).photo
    return decode_file(path, edge)


def small_jpeg(content: bytes, path: Path, edge: int) -> bytes:
    """Return a picture as a JPEG whose long edge is ``edge`` pixels at most.

    Raises:
        PhotoError: it cannot be decoded, or not within the limits.
    """
    return shared().photo(content, path, Wanted(edge, image=False, jpeg=edge)).jpeg


def small_still(path: Path, edge: int, second: float | None) -> bytes:
    """Return a frame of a video as a JPEG, as above: at a moment, or the first that shows much.

    Raises:
        PhotoError: it cannot be read or decoded, or not within the limits.
    """
    return shared().still(path, Wanted(edge, image=False, jpeg=edge), second).jpeg


def metadata_of_file(path: Path) -> Metadata | None:
    """Return what a photo's or a video's file says of it; ``None`` if it cannot be opened now.

    Raises:
        PhotoReadError: a photo's bytes could not be read.
    """
    content = None if is_video_name(path.name) else read_bytes(path)
    try:
        if content is None:
            return shared().video_facts(path)
        return shared().facts(content, path)
    except PhotoError:
        return None
