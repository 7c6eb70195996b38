"""Workers that outlive a run: to start some for each would take longer than most tests do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pixfind.decoding import SECONDS, safely, workers
from pixfind.decoding.process import Worker
from pixfind.decoding.workers import Workers

MOST = 4


@contextmanager
def keep_workers(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hand those that a run has left idle, and nobody has stopped, to the next one."""
    kept: list[Worker] = []
    close = Workers.close

    def start(seconds: float, large: threading.Semaphore) -> Worker:
        while kept and seconds == SECONDS:
            worker = kept.pop()
            if worker._process.poll() is None:
                return worker
            worker.end()
        return Worker(seconds, large)

    def keep(own: Workers) -> None:
        if own._seconds == SECONDS and not own._stopped:
            own._stopped = True
            while own._idle and len(kept) < MOST:
                kept.append(own._idle.pop())
                own._watch.remove(kept[-1])
        close(own)

    patch.setattr(workers, "Worker", start)
    patch.setattr(Workers, "close", keep)
    yield
    for worker in kept:
        worker.end()
    close(safely.shared())
