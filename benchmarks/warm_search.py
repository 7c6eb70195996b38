"""How long does a query take over HTTP, among very many photos, and how late are the latest?

``python -m benchmarks warm_search [PHOTOS] [ROUNDS] [QUERIES]`` makes a library of so many photos
(100,000) without files in a temporary folder, starts ``pixfind serve`` on it, and asks its API for
twenty photos at a time, from one client and from sixteen at once, in a process of their own and
over connections that they keep open. Each query is asked once, so nothing of it is remembered. The
last round's queries have filters (``camera:``, ``date:``).

The baseline, alternating with it, is the least that can answer the same: in one process, without a
server, the same model encodes the text and FAISS finds the twenty nearest of the same vectors in a
flat index of float16; one thread, and sixteen at once. It knows no names of photos, no words, no
cutoff. ``baseline`` is as both libraries are by themselves, with a thread for each core; ``tuned``
gives each query one core, as the server does.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import faiss
import numpy as np

from benchmarks import machine
from benchmarks.alternating import percentile
from benchmarks.synthetic_library import FIRST_YEAR, LOOKS, PLACES, THINGS, TRIPS, YEARS, fill
from pixfind.catalog import assets
from pixfind.config import Settings
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.machine import cores

Ask = Callable[[str], object]
Way = Callable[[Sequence[str], int], list[float]]
MODEL = "pocket"
PHOTOS, ROUNDS, QUERIES = 100_000, 5, 320
FOUND = 20
CLIENTS = (1, 16)
FILTERED = 1000
SERVER = "from pixfind.cli.main import main; main()"
ADJECTIVES = (
    *LOOKS, "colourful", "lonely", "huge", "snowy", "blurred", "beautiful", "black and white",
    "sunlit", "wet",
)  # fmt: skip
SETTINGS = (
    *PLACES, "a hill at sunrise", "a busy market", "the harbour", "a birthday party", "the garden",
    "a stage with coloured lights", "wet stones", "an island in the fog",
)  # fmt: skip
FORMS = (
    "a {look} {thing}", "{thing} on {place}", "a {look} {thing} on {place}",
    "{look} {thing} near {place} in the evening", "two people and a {look} {thing} at {place}",
    "photo of a {thing} in front of {place}, seen from far away",
)  # fmt: skip
# Words that stand in names and tags, too: one of so many queries.
NAMED_EVERY = 10


def run(photos: str = str(PHOTOS), rounds: str = str(ROUNDS), queries: str = str(QUERIES)) -> None:
    """Measure and print percentiles in milliseconds, and the ratios."""
    figures = measure(int(photos), int(rounds), int(queries))
    for clients in CLIENTS:
        for who in ("server", "baseline", "tuned"):
            p50, p99 = (figures[f"{who}, {clients}, {share}"] for share in ("p50", "p99"))
            print(f"{clients:2} at once: {who:8} p50 {p50:6.1f} ms, p99 {p99:6.1f} ms")
        print(
            f"{clients:2} at once: p50 of the server to the baseline's "
            f"{figures[f'p50 to baseline, {clients}']:.2f}, to the tuned one's "
            f"{figures[f'p50 to tuned, {clients}']:.2f}; "
            f"p99 to p50 of the server {figures[f'p99 to p50, {clients}']:.2f}"
        )
    for clients in CLIENTS:
        p50, p99 = (figures[f"filtered, {clients}, {share}"] for share in ("p50", "p99"))
        print(f"{clients:2} at once, with filters: server p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    print(f"medians of {rounds} rounds of {queries} queries; {machine.describe()}")


def measure(
    photos: int = PHOTOS, rounds: int = ROUNDS, queries: int = QUERIES, filtered: int = FILTERED
) -> dict[str, float]:
    """Return percentiles in milliseconds, and the ratios of the goals.

    By ``server``, ``baseline``, ``tuned`` or ``filtered``, how many asked at once, and ``p50`` or
    ``p99``.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder, "library"), Path(folder, "models"), Path(folder, "demo"))
        encoder = ModelStore(settings.models).load(MODEL)
        with Library.create(settings.library) as library:
            fill(library, encoder, photos)
            library.save_vectors(library.add_model(encoder.spec))
        return measure_library(settings, rounds, queries, filtered)


def measure_library(
    settings: Settings, rounds: int, queries: int, filtered: int
) -> dict[str, float]:
    """Return the same of a library that ``fill`` has made."""
    encoder = ModelStore(settings.models).load(MODEL)
    with Library.open(settings.library) as library:
        index = _flat(library, encoder)
    asked = texts()
    times: dict[str, list[list[float]]] = {}
    with _served(settings) as address, _client() as client:

        def over_http(batch: Sequence[str], clients: int) -> list[float]:
            return client.submit(_over_http, address, batch, clients).result()

        ways: dict[str, Way] = {
            "baseline": partial(_at_once, _bare(encoder, index, 0)),
            "tuned": partial(_at_once, _bare(encoder.for_threads() or encoder, index, 1)),
            "server": over_http,
        }
        for number in range(rounds + 1):
            for clients in CLIENTS:
                for who, way in ways.items():
                    took = way(list(islice(asked, queries)), clients)
                    if number:  # the first round warms up
                        times.setdefault(f"{who}, {clients}", []).append(took)
        lines = list(with_filters(filtered))
        for part, clients in enumerate(CLIENTS):
            took = over_http(lines[part :: len(CLIENTS)], clients)
            times[f"filtered, {clients}"] = [took]
    return _figures(times)


def _figures(times: dict[str, list[list[float]]]) -> dict[str, float]:
    """Return the medians over the rounds, in milliseconds, and the ratios of the goals."""
    figures = {
        f"{name}, p{100 * share:.0f}": 1e3
        * statistics.median(percentile(took, share) for took in of_rounds)
        for name, of_rounds in times.items()
        for share in (0.5, 0.99)
    }
    for clients in CLIENTS:
        p50 = figures[f"server, {clients}, p50"]
        for bare in ("baseline", "tuned"):
            figures[f"p50 to {bare}, {clients}"] = p50 / figures[f"{bare}, {clients}, p50"]
        figures[f"p99 to p50, {clients}"] = figures[f"server, {clients}, p99"] / p50
    return figures


def _bare(encoder: Encoder, index: Any, threads: int) -> Ask:
    """Return what encodes a text and finds the nearest vectors, and does nothing else."""

    def ask(text: str) -> object:
        faiss.omp_set_num_threads(threads or cores())
        return index.search(encoder.encode_texts([text]), FOUND)

    return ask


def _flat(library: Library, encoder: Encoder) -> Any:
    """Return an index of a library's vectors as they are stored."""
    index = faiss.IndexScalarQuantizer(
        encoder.spec.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    model = library.add_model(encoder.spec)
    with library.catalog.read() as session:
        ids = np.asarray(assets.searchable_ids(session, model.id))
        for _, vectors in assets.vectors_of(session, ids):
            index.add(np.ascontiguousarray(vectors))
    return index


def texts() -> Iterator[str]:
    """Yield what people look for in photos, no two the same."""
    numbers = random.Random(0)  # noqa: S311 - the same every time
    seen: set[str] = set()
    for number in count():
        thing = numbers.choice(THINGS)
        if number % NAMED_EVERY:
            text = numbers.choice(FORMS).format(
                look=numbers.choice(ADJECTIVES), thing=thing, place=numbers.choice(SETTINGS)
            )
        else:
            text = f"{thing} trip {numbers.randrange(TRIPS)}"
        if text not in seen:
            seen.add(text)
            yield text


def with_filters(many: int) -> Iterator[str]:
    """Yield so many queries, no two with the same filters, some of few photos and some of many."""
    numbers = random.Random(1)  # noqa: S311 - the same every time
    years = range(FIRST_YEAR, FIRST_YEAR + YEARS)
    kept = [
        f"{camera}{negated}date:{first}-{month:02d}..{last}-{month:02d}"
        for camera in ("", "camera:canon ", "camera:nikon ", "-camera:apple ")
        for negated in ("", "-")
        for first in years
        for last in years
        for month in range(1, 13)
        if last >= first
    ]
    for line in numbers.sample(kept, many):
        yield f"a {numbers.choice(ADJECTIVES)} {numbers.choice(THINGS)} {line}"


def _at_once(ask: Ask, batch: Sequence[str], threads: int) -> list[float]:
    """Ask every query of a batch once, from so many threads; return the seconds of each."""
    return _in_threads([ask] * threads, batch)


def _over_http(address: str, batch: Sequence[str], clients: int) -> list[float]:
    """Ask a server every query of a batch once; return the seconds of each."""
    parts = urlsplit(address)
    open_ = [http.client.HTTPConnection(parts.hostname or "", parts.port) for _ in range(clients)]
    try:
        for connection in open_:
            connection.connect()
        return _in_threads([_asking(connection) for connection in open_], batch)
    finally:
        for connection in open_:
            connection.close()


def _asking(connection: http.client.HTTPConnection) -> Ask:
    def ask(query: str) -> None:
        connection.request("GET", f"/api/v1/search?q={quote(query)}&limit={FOUND}")
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise RuntimeError(f"{query}: {answer.status} {content[:500]!r}")

    return ask


def _in_threads(asking: Sequence[Ask], batch: Sequence[str]) -> list[float]:
    """Let each of several ask what is next in a batch until all is asked."""
    left, times = iter(batch), list[float]()
    errors: list[BaseException] = []

    def work(ask: Ask) -> None:
        try:
            for query in left:  # taking the next of a list's is one step
                started = time.perf_counter()
                ask(query)
                times.append(time.perf_counter() - started)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(ask,)) for ask in asking]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return times


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    """Start ``pixfind serve`` on a library; yield its address, and end it."""
    environment = {
        **os.environ,
        "PIXFIND_LIBRARY": str(settings.library),
        "PIXFIND_MODELS": str(settings.models),
    }
    command = [sys.executable, "-c", SERVER, "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            if server.stdout is None:
                raise RuntimeError("the server has no output")
            yield json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")["url"]
        finally:
            server.terminate()


@contextmanager
def _client() -> Iterator[ProcessPoolExecutor]:
    """Yield a process that can ask a server."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        yield process
