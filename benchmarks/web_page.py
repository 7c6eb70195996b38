"""How long does the web application take for a page, among very many photos?

``python -m benchmarks web_page [PHOTOS]`` makes a library of so many photos (100,000) in a
temporary folder: no files, but rows, tags, and vectors that lie near what the bundled model makes
of a few words, so that texts find some. Then it asks the application for pages, each query once,
and prints the server's time for first pages by kind of query, for the pages behind them, and for a
thumbnail.
The baseline, alternating with it, is the same query through the engine alone, without facets.
"""

from __future__ import annotations

import hashlib
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import insert

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import FROM_USER, WHOLE, Asset, AssetTag, Embedding, File, Root, Tag
from pixfind.config import Settings
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.photos.thumbnails import Thumbnails
from search import SearchEngine
from search.engine import open_engine
from web import create_app

Answer = TypeVar("Answer")
MODEL = "pocket"
BATCH = 5000
PAGE = 40
THINGS = (
    "dog", "cat", "beach", "mountain", "snow", "flower", "car", "bicycle", "boat", "bridge",
    "church", "castle", "tree", "forest", "lake", "river", "sunset", "street", "child", "horse",
    "bird", "cow", "bread", "cake", "coffee", "guitar", "book", "train", "airplane", "tower",
)  # fmt: skip
PLACES = ("grass", "the sea", "a wall", "a table", "a road", "the sky")
CAMERAS = (
    ("Canon", "Canon EOS 450D"), ("NIKON", "NIKON D40"), ("Apple", "iPhone 6"), (None, None),
)  # fmt: skip
# Of a photo's vector, along the text's; captions and their photos are about so alike.
LIKENESS = (0.1, 0.7)
THUMBNAILS = 50
FOLLOWED = 3


def run(photos: str = "100000") -> None:
    """Measure and print times in milliseconds, and the size of the pages."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(*(Path(folder, name) for name in ("library", "models", "demo")))
        store = ModelStore(settings.models)
        encoder = store.load(MODEL)
        with Library.create(settings.library) as library:
            _fill(library, encoder, int(photos))
            library.save_vectors(library.add_model(encoder.spec))
            client = create_app(settings).test_client()
            engine = open_engine(library, store)
            _get(client, "/?q=warm")
            _measure(client, engine)


def _measure(client: FlaskClient, engine: SearchEngine) -> None:
    totals: list[float] = []
    following: list[float] = []
    sizes: list[int] = []
    for kind, queries in _queries().items():
        pages, alone = [], []
        for query in queries:
            # Each query once: what is remembered of the one before would flatter.
            took, answer = _timed(lambda asked=query: _get(client, "/", q=asked, limit=PAGE))
            pages.append(took)
            sizes.append(len(answer.encode()))
            alone.append(_timed(lambda asked=query: engine.search(asked, PAGE))[0])
            following += _following(engine, query)
        totals += pages
        _print(f"first page, {kind}", pages, f"the engine alone {statistics.median(alone):.0f}")
    _print("first page, all of these", totals, f"{len(totals)} queries")
    print(f"HTML of a first page: median {statistics.median(sizes) / 1e3:.0f} kB, uncompressed")
    _print("a page that follows, the engine alone", following, f"{len(following)} pages")
    _measure_thumbnails(client)


def _following(engine: SearchEngine, query: str) -> Iterator[float]:
    cursor = engine.search(query, PAGE).cursor
    for _ in range(FOLLOWED):
        if cursor is None:
            return
        took, page = _timed(lambda at=cursor: engine.search(query, PAGE, cursor=at))
        cursor = page.cursor
        yield took


def _measure_thumbnails(client: FlaskClient) -> None:
    page = _get(client, "/", q="type:photo", limit=THUMBNAILS)
    addresses = re.findall(r'src="(/[^"]*thumb[^"]*)"', page)
    times = [_timed(lambda at=address: client.get(at).close())[0] for address in addresses]
    if times:
        _print("a thumbnail", times, f"{len(times)} of them")


def _queries() -> dict[str, list[str]]:
    """Return queries of each kind, in which no two are the same."""
    pairs = [(thing, place) for place in PLACES[:2] for thing in THINGS[:12]]
    return {
        "plain text": [f"a {thing} on {place}" for thing, place in pairs],
        "text and filters": [
            f"{thing} {kept}"
            for thing, kept in zip(
                THINGS, ("camera:canon", "year:2004", 'folder:"trip 7"', "type:photo") * 3,
                strict=False,
            )
        ],
        "exclusions": [f"{thing} -{THINGS[-n]}" for n, thing in enumerate(THINGS[:12], 1)],
        "sort:date": [f"{thing} sort:date" for thing in THINGS[:12]],
        "filters alone": [
            "camera:canon", "year:2004", "year:2001..2009 camera:nikon", "-camera:canon",
            'folder:"trip 7"', "tag:dog", "month:6 camera:apple", "type:photo", "-tag:cat",
        ],
        "like": [f"like:{number}" for number in range(1, 13)],
    }  # fmt: skip


def _fill(library: Library, encoder: Encoder, count: int) -> None:
    numbers = np.random.default_rng(0)
    model = library.add_model(encoder.spec)
    texts = encoder.encode_texts([f"a {thing} on {place}" for thing in THINGS for place in PLACES])
    thumbnails = Thumbnails(library.thumbnails)
    with library.catalog.write() as session:
        session.add(Root(id=1, path="/photos", whole=True))
        session.add_all(Tag(id=n, name=thing) for n, thing in enumerate(THINGS, 1))
    for start in range(1, count + 1, BATCH):
        ids = range(start, min(start + BATCH, count + 1))
        kinds = numbers.integers(0, len(texts), len(ids))
        vectors = _near(texts[kinds], numbers).astype("<f2")
        tagged = [(n, kind // len(PLACES) + 1) for n, kind in zip(ids, kinds.tolist(), strict=True)]
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
    for number in range(1, count + 1):
        if count - number < THUMBNAILS:  # the last ones have one
            thumbnails.save(_content(number), Image.new("RGB", (400, 300)))


def _near(texts: Vectors, numbers: np.random.Generator) -> Vectors:
    """Return unit vectors that are more or less like those of texts."""
    noise = numbers.standard_normal(texts.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    share = numbers.uniform(*LIKENESS, (len(texts), 1)).astype(np.float32)
    vectors = share * texts + np.sqrt(1 - share**2) * noise
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _content(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def _asset(number: int) -> dict[str, object]:
    make, name = CAMERAS[number % len(CAMERAS)]
    day = f"{2000 + number % 25}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    return {
        "id": number, "content_id": _content(number), "byte_size": 1, "format": "JPEG",
        "width": 4000, "height": 3000, "taken_at": f"{day}T{number % 24:02d}:{number % 60:02d}:00",
        "camera_make": make, "camera_model": name, "metadata_version": 1,
    }  # fmt: skip


def _file(number: int) -> dict[str, object]:
    folder = f"{2000 + number % 25}/trip {number % 40}"
    return {
        "root_id": 1, "folder": folder, "name": f"IMG_{number}.jpg", "size": 1, "mtime_ns": 1,
        "asset_id": number,
    }  # fmt: skip


def _get(client: FlaskClient, address: str, **asked: object) -> str:
    answer = client.get(address, query_string=asked or None)
    if answer.status_code != 200:  # noqa: PLR2004 - OK
        raise SystemExit(f"{address} {asked}: {answer.status}")
    return answer.text


def _timed(action: Callable[[], Answer]) -> tuple[float, Answer]:
    """Return how long an action took, in milliseconds, and what it returned."""
    started = time.perf_counter()
    answer = action()
    return 1e3 * (time.perf_counter() - started), answer


def _print(what: str, times: list[float], note: str) -> None:
    median, late = statistics.median(times), float(np.quantile(times, 0.95))
    print(f"{what:42} median {median:6.1f} ms, p95 {late:6.1f} ms; {note}")
