"""A library of very many photos without files: rows, tags, and vectors that texts find.

The vectors lie in clusters, around what a model makes of some texts, one for every one of
``LOOKS``, ``THINGS`` and ``PLACES`` together: each photo is more or less like its text, a few very
much so, and random beyond that. Searches for such texts find some dozens of photos, those for
others few or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from sqlalchemy import insert

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import FROM_USER, WHOLE, Asset, AssetTag, Embedding, File, Root, Tag
from pixfind.encoders.base import Encoder, Vectors, unit
from pixfind.library import Library

BATCH = 5000
THINGS = (
    "dog", "cat", "beach", "mountain", "snow", "flower", "car", "bicycle", "boat", "bridge",
    "church", "castle", "tree", "forest", "lake", "river", "sunset", "street", "child", "horse",
    "bird", "cow", "bread", "cake", "coffee", "guitar", "book", "train", "airplane", "tower",
)  # fmt: skip
LOOKS = ("small", "old", "red", "white", "brown", "wooden")
PLACES = ("grass", "the sea", "a wall", "a table", "a road", "the sky")
CAMERAS = (
    ("Canon", "Canon EOS 450D"), ("NIKON", "NIKON D40"), ("Apple", "iPhone 6"), (None, None),
)  # fmt: skip
YEARS, FIRST_YEAR, TRIPS = 25, 2000, 40
# Of a photo's vector, along the text's: the median is that of captions and their photos. Among so
# many photos, only what is far more like a text than these is taken for what it describes.
LIKENESS = (0.1, 0.95)


def fill(
    library: Library,
    encoder: Encoder,
    count: int,
    vectors_of: Callable[[range], Vectors] | None = None,
) -> None:
    """Put so many photos into an empty library, under the ids from 1 on; the same every time.

    Args:
        library: an empty one.
        encoder: whose vectors they are.
        count: how many.
        vectors_of: returns the vectors of photos, float32 (n, dim); else they are ``near`` texts.
    """
    numbers = np.random.default_rng(0)
    model = library.add_model(encoder.spec)
    texts = encoder.encode_texts([
        f"a {look} {thing} on {place}" for thing in THINGS for look in LOOKS for place in PLACES
    ])  # fmt: skip
    per_thing = len(LOOKS) * len(PLACES)
    with library.catalog.write() as session:
        session.add(Root(id=1, path="/photos", whole=True))
        session.add_all(Tag(id=n, name=thing) for n, thing in enumerate(THINGS, 1))
    for start in range(1, count + 1, BATCH):
        ids = range(start, min(start + BATCH, count + 1))
        kinds = numbers.integers(0, len(texts), len(ids))
        made = near(texts[kinds], numbers) if vectors_of is None else vectors_of(ids)
        vectors = made.astype("<f2")
        tagged = [(n, kind // per_thing + 1) for n, kind in zip(ids, kinds.tolist(), strict=True)]
        with library.catalog.write() as session:
            session.execute(insert(Asset), [_asset(n) for n in ids])
            session.execute(insert(AssetTag), [
                {"asset_id": n, "tag_id": tag, "source": FROM_USER} for n, tag in tagged if n % 2
            ])  # fmt: skip
            session.execute(insert(Embedding), [
                {"asset_id": n, "model_id": model.id, "kind": WHOLE, "vector": vector.tobytes()}
                for n, vector in zip(ids, vectors, strict=True)
            ])  # fmt: skip
            session.execute(insert(File), [_file(n) for n in ids])
            bump_generation(session)


def near(texts: Vectors, numbers: np.random.Generator) -> Vectors:
    """Return unit vectors that are more or less like those of texts, float32 (n, dim) both."""
    noise = unit(numbers.standard_normal(texts.shape).astype(np.float32))
    least, most = LIKENESS
    share = least + (most - least) * numbers.random((len(texts), 1), np.float32) ** 2
    return unit(np.asarray(share * texts + np.sqrt(1 - share**2) * noise, np.float32))


def content_of(number: int) -> bytes:
    """Return the content id of the photo with that id."""
    return hashlib.sha256(str(number).encode()).digest()


def _asset(number: int) -> dict[str, object]:
    make, name = CAMERAS[number % len(CAMERAS)]
    day = f"{FIRST_YEAR + number % YEARS}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    return {
        "id": number, "content_id": content_of(number), "byte_size": 1, "format": "JPEG",
        "width": 4000, "height": 3000, "taken_at": f"{day}T{number % 24:02d}:{number % 60:02d}:00",
        "camera_make": make, "camera_model": name, "metadata_version": 1,
    }  # fmt: skip


def _file(number: int) -> dict[str, object]:
    folder = f"{FIRST_YEAR + number % YEARS}/trip {number % TRIPS}"
    return {
        "root_id": 1, "folder": folder, "name": f"IMG_{number}.jpg", "size": 1, "mtime_ns": 1,
        "asset_id": number,
    }  # fmt: skip
