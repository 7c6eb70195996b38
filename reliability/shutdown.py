"""When a server is told to end, does everybody who has asked get the whole answer?

``python -m reliability shutdown [ROUNDS] [PHOTOS] [SEED]`` starts ``pixfind serve`` so many times
(20) on a library of so many photos (20,000), asks for ``ASKED`` things at once over connections of
their own: searches with a thousand results, descriptions, a large original, whole and in part. At a
random moment after the last is sent, SIGTERM or SIGINT follows. It must hold that every answer
comes, is as long as it says and no error; that nobody new is let in; that the process ends with
status 0 within ``END_S`` of the signal.

Then as many rounds, a quarter of the first, with a folder that is being indexed from the browser,
its progress being watched: the stream of progress must end, the process too, and the next server's
run must find what was done and do the rest, no more.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks import machine, small_files
from benchmarks.warm_search import texts
from pixfind.config import Settings
from reliability import large_library
from reliability.served import Server, served

ROUNDS, PHOTOS = 20, 20_000
ASKED = 16
END_S = 25.0
# From the last request to the signal.
LATEST_S = 0.5
LARGE, LARGE_BYTES = 2, 64 * 2**20
FILES = 600
SIGNALS = (signal.SIGTERM, signal.SIGINT)
TIMEOUT_S = 60
JSON = {"Content-Type": "application/json"}

Wanted = tuple[str, str, dict[str, str], str | None]


@dataclass
class Tally:
    """What came of all rounds."""

    answers: int = 0
    cut: int = 0
    let_in: int = 0
    statuses: int = 0
    slowest_s: float = 0.0


def run(rounds: str = str(ROUNDS), photos: str = str(PHOTOS), seed: str = "0") -> None:
    """Make a library, try it and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder, "library"), Path(folder, "models"), Path(folder, "demo"))
        large_library.make(settings, int(photos))
        original = Path(folder, "large.jpg")
        large_library.add_original(settings, LARGE, original, LARGE_BYTES)
        held = try_requests(settings, int(rounds), int(photos), int(seed))
        held = try_indexing(Path(folder), max(1, int(rounds) // 4), int(seed)) and held
        print(machine.describe())
        if not held:
            sys.exit(1)


def try_requests(settings: Settings, rounds: int, photos: int, seed: int = 0) -> bool:
    """End servers that are answering; return whether all held."""
    numbers, tally = random.Random(seed), Tally()
    queries = texts()
    for number in range(rounds):
        how = SIGNALS[number % len(SIGNALS)]
        with served(settings) as server:
            wanted = list(islice(_wanted(queries, photos, numbers), ASKED))
            _end_while_asking(server, wanted, how, numbers.uniform(0, LATEST_S), tally)
    print(
        f"shutdown: {rounds} ends with {ASKED} requests in flight: {tally.answers} whole answers, "
        f"{tally.cut} cut off, missing or errors, {tally.let_in} let in afterwards, "
        f"{tally.statuses} with another status than 0, ended after {tally.slowest_s:.1f} s at "
        f"most (bound {END_S:.0f})"
    )
    failures = tally.cut + tally.let_in + tally.statuses
    return not failures and tally.slowest_s <= END_S


def _wanted(queries: Iterator[str], photos: int, numbers: random.Random) -> Iterator[Wanted]:
    for kind in cycle(("page", "original", "API", "part", "description")):
        query = quote(next(queries))
        if kind == "page":
            yield "GET", f"/?q={query}&limit=1000&all=1", {}, None
        elif kind == "API":
            yield "GET", f"/api/v1/search?q={query}&limit=1000&all=1&facets=1", {}, None
        elif kind == "description":
            one = numbers.randrange(1, photos)
            yield "POST", f"/api/v1/photos/{one}/description", JSON, "{}"
        else:
            more = {"Range": "bytes=1-"} if kind == "part" else {}
            yield "GET", f"/originals/{LARGE}", more, None


def _end_while_asking(
    server: Server, wanted: list[Wanted], how: signal.Signals, wait_s: float, tally: Tally
) -> None:
    connections = []
    for method, path, headers, body in wanted:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_S)
        connection.request(method, path, body, headers)
        connections.append(connection)
    lock = threading.Lock()

    def read(connection: http.client.HTTPConnection, path: str) -> None:
        error = ""
        try:
            answer = connection.getresponse()
            answer.read()
            # Photos without files cannot all be described, which is an answer, too.
            error = "" if answer.status < 500 else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as failed:
            error = repr(failed)
        with lock:
            tally.answers += not error
            tally.cut += bool(error)
        if error:
            print(f"ERROR {how.name} after {wait_s:.2f} s: {path[:60]}: {error}")

    threads = [
        threading.Thread(target=read, args=(connection, path))
        for connection, (_, path, _, _) in zip(connections, wanted, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(wait_s)
    server.process.send_signal(how)
    started = time.monotonic()
    time.sleep(0.5)
    tally.let_in += _is_let_in(server)
    status = server.process.wait(TIMEOUT_S)
    tally.slowest_s = max(tally.slowest_s, time.monotonic() - started)
    tally.statuses += status != 0
    for thread in threads:
        thread.join()


def _is_let_in(server: Server) -> bool:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/api/v1/status")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def try_indexing(folder: Path, rounds: int, seed: int = 0) -> bool:
    """End servers that are indexing; return whether all held."""
    photos = folder / "photos"
    small_files.make(photos, 0, FILES)
    numbers = random.Random(seed)
    wrong, slowest_s, done_before = 0, 0.0, []
    for number in range(rounds):
        name = f"indexed {number}"
        settings = Settings(folder / name, folder / "models", folder / "demo")
        how = SIGNALS[number % len(SIGNALS)]
        with served(settings, "--allow-index", str(photos)) as server:
            _ask(server, "POST", "/api/v1/jobs", {"kind": "add"})
            stream = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_S)
            stream.request("GET", "/api/v1/jobs/1/events")
            events = stream.getresponse()
            least = numbers.randrange(1, FILES // 2)
            while _ask(server, "GET", "/api/v1/jobs/1")["done"] < least:
                time.sleep(0.05)
            started = time.monotonic()
            status = server.end(how)
            slowest_s = max(slowest_s, time.monotonic() - started)
            wrong += status != 0
            wrong += _is_cut(events)
        with served(settings, "--allow-index", str(photos)) as server:
            before = int(_ask(server, "GET", "/api/v1/status")["photos"])
            done_before.append(before)
            _ask(server, "POST", "/api/v1/jobs", {"kind": "update"})
            while (job := _ask(server, "GET", "/api/v1/jobs/1"))["state"] == "running":
                time.sleep(0.1)
            summary = job["summary"]
            wrong += not least <= before <= FILES
            wrong += (summary["embedded"], summary["photos"]) != (FILES - before, FILES)
    print(
        f"shutdown: {rounds} ends while {FILES} files were being indexed, after {done_before}: "
        f"{wrong} promises broken (status, whole stream, the next run does the rest and no more), "
        f"ended after {slowest_s:.1f} s at most (bound {END_S:.0f})"
    )
    return not wrong and slowest_s <= END_S


def _ask(server: Server, method: str, path: str, body: object = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body) if body else None, JSON)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
        return dict(json.loads(content))
    finally:
        connection.close()


def _is_cut(events: http.client.HTTPResponse) -> bool:
    try:
        events.read()
    except (OSError, http.client.HTTPException) as error:
        print(f"ERROR the stream of progress: {error!r}")
        return True
    return False
