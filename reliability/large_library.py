"""A library of very many photos whose thumbnails are there: what a server is tried with.

Vectors, names and tags are those of ``benchmarks/synthetic_library.py``. The photos' files are not
there. ``THUMBNAILS`` of them, spread evenly, have a real thumbnail each: one of a few pictures of
noise, with the photo's number in a comment, so that whoever gets one can tell whose it is.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.synthetic_library import content_of, fill
from pixfind.catalog.schema import File, Root
from pixfind.config import Settings
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.photos.thumbnails import GRID_EDGE, Thumbnails

MODEL = "pocket"
THUMBNAILS = 4000
PICTURES = 32
# Blocks of this edge make a JPEG of some 20 kB, as photos do.
GRAIN = 8
START = b"\xff\xd8"


def make(settings: Settings, photos: int, encoder: Encoder | None = None) -> None:
    """Make the library; the same every time.

    Args:
        settings: where.
        photos: how many.
        encoder: whose vectors; else the bundled model's.
    """
    encoder = encoder or ModelStore(settings.models).load(MODEL)
    with Library.create(settings.library) as library:
        fill(library, encoder, photos)
        library.save_vectors(library.add_model(encoder.spec))
        _write_thumbnails(Thumbnails(library.thumbnails), photos)


def with_thumbnail(photos: int) -> range:
    """Return the ids of the photos that have a thumbnail."""
    return range(1, photos + 1, max(1, photos // THUMBNAILS))


def comment_of(number: int) -> bytes:
    """Return the comment that stands in the thumbnail of a photo."""
    return f"photo {number:08}".encode()


def add_original(settings: Settings, number: int, file: Path, size: int) -> None:
    """Write a file of so many bytes, and let it be the one of a photo."""
    with file.open("wb") as written:
        written.truncate(size)
    known = file.stat()
    with Library.open(settings.library) as library, library.catalog.write() as session:
        session.add(Root(id=2, path=str(file.parent), whole=True))
        session.flush()
        session.add(
            File(
                root_id=2, folder="", name=file.name, size=known.st_size,
                mtime_ns=known.st_mtime_ns, asset_id=number,
            )
        )  # fmt: skip


def _write_thumbnails(thumbnails: Thumbnails, photos: int) -> None:
    pictures = [_noise(seed) for seed in range(PICTURES)]
    for number in with_thumbnail(photos):
        file = thumbnails.file(content_of(number), "grid")
        file.parent.mkdir(parents=True, exist_ok=True)
        comment = comment_of(number)
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        file.write_bytes(START + segment + pictures[number % PICTURES][len(START) :])


def _noise(seed: int) -> bytes:
    numbers = np.random.default_rng(seed)
    width, height = GRID_EDGE, GRID_EDGE * 3 // 4
    coarse = numbers.integers(0, 256, (height // GRAIN, width // GRAIN, 3), np.uint8)
    written = io.BytesIO()
    large = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    large.save(written, "JPEG", quality=82)
    return written.getvalue()
