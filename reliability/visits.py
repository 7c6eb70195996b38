"""What people ask a server for, mixed, and whether the answers are right.

Half of the queries have been asked before, by anyone, and must have the same answer again; the
others are new. All answers must have the status and the type that they should, be as long as they
say, name photos of the library and none of them twice, and keep to what was asked: a page of
another result, a thumbnail of another photo are errors, like a broken connection. But one that was
left open between two requests may be closed meanwhile, as HTTP has it, and clients open another.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import quote

from benchmarks.alternating import percentile
from benchmarks.synthetic_library import THINGS
from benchmarks.warm_search import texts, with_filters
from reliability.large_library import comment_of, with_thumbnail

FOUND = 20
# How often, of a hundred requests. A page of results makes a browser ask for dozens of thumbnails.
SHARES = {
    "thumbnail": 40, "search page": 12, "API search": 16, "facets": 8, "like": 8, "photo page": 8,
    "next page": 3, "completions": 3, "status": 2,
}  # fmt: skip
KEPT_QUERIES, KEPT_FILTERS = 100, 50
JSON, HTML, JPEG = "application/json", "text/html; charset=utf-8", "image/jpeg"
TIMEOUT_S = 60
TILE = re.compile(rb'src="/thumbnails/(\d+)')
MOST_ERRORS = 20
# One of so many requests is the last of its connection, and the next opens another.
CLOSED_EVERY = 20

Check = Callable[[bytes], object]


class WrongAnswerError(Exception):
    """An answer that is not what was asked for."""


@dataclass
class Record:
    """What came of many requests: seconds by kind, and errors."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    elapsed: float = 0.0
    repeated: int = 0
    reopened: int = 0

    def all_seconds(self) -> list[float]:
        """Return the seconds of all requests."""
        return [each for of_kind in self.seconds.values() for each in of_kind]

    def percentiles(self) -> tuple[float, float]:
        """Return the 50th and the 99th percentile of all, in milliseconds."""
        took = self.all_seconds() or [0.0]
        return 1e3 * percentile(took, 0.5), 1e3 * percentile(took, 0.99)

    def lines(self) -> Iterator[str]:
        """Yield what came of each kind, of all together, and the first errors."""
        for kind in SHARES:
            took = self.seconds.get(kind, [])
            if took:
                yield _line(kind, took)
        yield _line("all", self.all_seconds())
        yield (
            f"{len(self.all_seconds()) / max(self.elapsed, 1e-9):.1f} requests a second; "
            f"{self.repeated} answers compared with an earlier one; "
            f"connections opened again that had been closed between requests: {self.reopened}"
        )
        for error, times in self.errors.most_common(MOST_ERRORS):
            yield f"ERROR {times} x {error}"


def _line(kind: str, took: list[float]) -> str:
    if not took:
        return f"{kind:12} {0:7}"
    p50, p99, most = (1e3 * percentile(took, share) for share in (0.5, 0.99, 1.0))
    return f"{kind:12} {len(took):7}  p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  max {most:7.1f} ms"


class Crowd:
    """Visitors at once, in threads; what one has been told, all others must be told, too.

    Args:
        host: where the server is.
        port: and at which port.
        photos: how many the library has.
        seed: another one asks for other things.
    """

    def __init__(self, host: str, port: int, photos: int, seed: int = 0) -> None:
        self.host, self.port, self.photos, self.seed = host, port, photos, seed
        self.record = Record()
        self.lock = threading.Lock()
        self.kept = [*islice(texts(), KEPT_QUERIES), *islice(with_filters(1000), KEPT_FILTERS)]
        self._fresh = islice(texts(), KEPT_QUERIES + 1000 * seed, None)
        self._told: dict[str, object] = {}

    def visit(self, clients: int, seconds: float = 0.0, requests: int = 0) -> Record:
        """Let so many ask for so long, or until there were so many requests; return the record."""
        started = time.monotonic()
        until = started + seconds if seconds else float("inf")
        left = iter(range(requests)) if requests else iter(int, 1)
        visitors = [_Visitor(self, random.Random(f"{self.seed}, {n}")) for n in range(clients)]
        threads = [threading.Thread(target=visitor.run, args=(left, until)) for visitor in visitors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.record.elapsed = time.monotonic() - started
        return self.record

    def fresh(self) -> str:
        """Return a query that nobody has asked for."""
        with self.lock:
            return next(self._fresh)

    def compare(self, path: str, answer: object) -> None:
        """Remember an answer.

        Raises:
            WrongAnswerError: there was another one before.
        """
        with self.lock:
            known = self._told.setdefault(path, answer)
            self.record.repeated += known is not answer
        if known != answer:
            raise WrongAnswerError("another answer to the same query")


class _Visitor:
    def __init__(self, crowd: Crowd, numbers: random.Random) -> None:
        self._crowd, self._numbers = crowd, numbers
        self._connection = http.client.HTTPConnection(crowd.host, crowd.port, timeout=TIMEOUT_S)
        self._following: list[tuple[str, list[int]]] = []
        self._ways: dict[str, Callable[[], tuple[str, str, Check]]] = {
            "thumbnail": self._thumbnail, "search page": self._page, "API search": self._search,
            "facets": self._facets, "like": self._like, "photo page": self._photo,
            "next page": self._next, "completions": self._completions, "status": self._status,
        }  # fmt: skip

    def run(self, left: Iterator[int], until: float) -> None:
        record, lock = self._crowd.record, self._crowd.lock
        kinds, shares = list(SHARES), list(SHARES.values())
        while time.monotonic() < until:
            with lock:
                if next(left, None) is None:
                    break
            (kind,) = self._numbers.choices(kinds, shares)
            path, content_type, check = self._ways[kind]()
            started = time.perf_counter()
            error = ""
            try:
                body = self._get(path, content_type)
            except (OSError, http.client.HTTPException, WrongAnswerError) as failed:
                error = repr(failed)
                self._connection.close()
            took = time.perf_counter() - started
            try:
                if not error:
                    check(body)
            except (WrongAnswerError, ValueError, KeyError, TypeError) as failed:
                error = repr(failed)
            with lock:
                record.seconds.setdefault(kind, []).append(took)
                if error:
                    record.errors[f"{kind}: {error} ({path[:80]})"] += 1
        self._connection.close()

    def _get(self, path: str, content_type: str) -> bytes:
        is_last = not self._numbers.randrange(CLOSED_EVERY)
        answer = self._asked(path, {"Connection": "close"} if is_last else {})
        body = answer.read()  # raises IncompleteRead where it is cut
        if answer.status != 200:
            raise WrongAnswerError(f"status {answer.status}: {body[:200]!r}")
        if answer.headers["Content-Type"] != content_type:
            raise WrongAnswerError(f"type {answer.headers['Content-Type']}")
        return body

    def _asked(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        was_open = self._connection.sock is not None
        try:
            self._connection.request("GET", path, headers=headers)
            return self._connection.getresponse()
        except ConnectionError:
            if not was_open:
                raise
            self._connection.close()
            with self._crowd.lock:
                self._crowd.record.reopened += 1
            self._connection.request("GET", path, headers=headers)
            return self._connection.getresponse()

    def _query(self) -> str:
        kept = self._crowd.kept
        return self._numbers.choice(kept) if self._numbers.random() < 0.5 else self._crowd.fresh()

    def _any(self) -> int:
        return self._numbers.choice(with_thumbnail(self._crowd.photos))

    def _thumbnail(self) -> tuple[str, str, Check]:
        number = self._any()

        def check(body: bytes) -> None:
            if comment_of(number) not in body[:64] or not body.endswith(b"\xff\xd9"):
                raise WrongAnswerError("not the thumbnail of this photo")

        return f"/thumbnails/{number}", JPEG, check

    def _page(self) -> tuple[str, str, Check]:
        path = f"/?q={quote(self._query())}"
        return path, HTML, lambda body: self._crowd.compare(path, self._tiles(body))

    def _search(self, extra: str = "") -> tuple[str, str, Check]:
        query = self._query()
        path = f"/api/v1/search?q={quote(query)}&limit={FOUND}{extra}"

        def check(body: bytes) -> None:
            answer = json.loads(body)
            ids = self._ids(answer["results"])
            if not len(ids) == min(FOUND, answer["total"]):
                raise WrongAnswerError(f"{len(ids)} results of {answer['total']}")
            if answer["cursor"] is not None:
                following = f"{path}&cursor={quote(answer['cursor'])}"
                self._following = [*self._following[-4:], (following, ids)]
            self._crowd.compare(path, (ids, answer["total"], answer.get("facets")))

        return path, JSON, check

    def _facets(self) -> tuple[str, str, Check]:
        return self._search("&facets=1")

    def _like(self) -> tuple[str, str, Check]:
        number = self._any()
        if self._numbers.random() < 0.3:
            path = f"/?q=like:{number}"
            return path, HTML, lambda body: self._crowd.compare(path, self._tiles(body))
        path = f"/api/v1/photos/{number}/similar?limit={FOUND}"

        def check(body: bytes) -> None:
            ids = self._ids(json.loads(body)["results"])
            if number in ids or len(ids) != FOUND:
                raise WrongAnswerError("not what is like this photo")
            self._crowd.compare(path, ids)

        return path, JSON, check

    def _photo(self) -> tuple[str, str, Check]:
        number = self._any()

        def check(body: bytes) -> None:
            if (
                f"/thumbnails/{number}".encode() not in body
                and f"IMG_{number}" not in body.decode()
            ):
                raise WrongAnswerError("not the page of this photo")
            self._tiles(body)

        return f"/photos/{number}", HTML, check

    def _next(self) -> tuple[str, str, Check]:
        if not self._following:
            return self._search()
        path, before = self._following.pop()

        def check(body: bytes) -> None:
            ids = self._ids(json.loads(body)["results"])
            if set(ids) & set(before):
                raise WrongAnswerError("the next page has photos of the page before")

        return path, JSON, check

    def _completions(self) -> tuple[str, str, Check]:
        typed = self._numbers.choice(("camera:", "tag:", "date:", "folder:", "ty"))
        typed += self._numbers.choice(THINGS)[:2] if typed == "tag:" else ""
        path = f"/api/v1/completions?q={quote(typed)}"

        def check(body: bytes) -> None:
            answer: Any = json.loads(body)
            self._crowd.compare(path, [each["insert"] for each in answer["completions"]])

        return path, JSON, check

    def _status(self) -> tuple[str, str, Check]:
        def check(body: bytes) -> None:
            if json.loads(body)["photos"] != self._crowd.photos:
                raise WrongAnswerError("another number of photos")

        return "/api/v1/status", JSON, check

    def _ids(self, results: list[dict[str, Any]]) -> list[int]:
        ids = [int(result["id"]) for result in results]
        if len(set(ids)) != len(ids) or any(not 1 <= n <= self._crowd.photos for n in ids):
            raise WrongAnswerError(f"photos twice, or not of this library: {ids}")
        return ids

    def _tiles(self, body: bytes) -> list[int]:
        if not body.rstrip().endswith(b"</html>"):
            raise WrongAnswerError("half a page")
        ids = [int(number) for number in TILE.findall(body)]
        if any(not 1 <= number <= self._crowd.photos for number in ids):
            raise WrongAnswerError(f"photos that are not of this library: {ids}")
        return ids


def visit(host: str, port: int, photos: int, clients: int, seconds: float, seed: int = 0) -> Record:
    """Let a crowd ask a server; for a process of its own."""
    return Crowd(host, port, photos, seed).visit(clients, seconds)
