"""How long does the web application take for a page, among very many photos?

``python -m benchmarks web_page [PHOTOS]`` makes a library of so many photos (100,000) in a
temporary folder: no files, but rows, tags, and vectors that lie near what the bundled model makes
of a few words, so that texts find some. Then it asks the application for pages, each query once,
and prints the server's time for first pages by kind of query, for the pages behind them, and for a
thumbnail.
The baseline, alternating with it, is the same query through the engine alone, without facets.
"""

from __future__ import annotations

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

from benchmarks.synthetic_library import PLACES, THINGS, content_of, fill
from pixfind.config import Settings
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.photos.thumbnails import Thumbnails
from search import SearchEngine
from search.engine import open_engine
from web import create_app

Answer = TypeVar("Answer")
MODEL = "pocket"
PAGE = 40
THUMBNAILS = 50
FOLLOWED = 3


def run(photos: str = "100000") -> None:
    """Measure and print times in milliseconds, and the size of the pages."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(*(Path(folder, name) for name in ("library", "models", "demo")))
        store = ModelStore(settings.models)
        encoder = store.load(MODEL)
        with Library.create(settings.library) as library:
            fill(library, encoder, int(photos))
            _add_thumbnails(Thumbnails(library.thumbnails), int(photos))
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


def _add_thumbnails(thumbnails: Thumbnails, photos: int) -> None:
    """Give the last photos a thumbnail."""
    for number in range(max(1, photos - THUMBNAILS + 1), photos + 1):
        thumbnails.save(content_of(number), Image.new("RGB", (400, 300)))


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
