"""Who counts the time that workers take."""

from __future__ import annotations

import threading
import time

from pixfind.decoding.process import Worker


class Watch:
    """A thread that counts the time of workers, and kills those that have none left.

    The time that it counts is its own: while the machine sleeps or the program is stopped, none
    passes.

    Args:
        seconds: what a worker has for an answer.
    """

    def __init__(self, seconds: float) -> None:
        self._every = min(0.25, seconds / 8)
        self._workers: set[Worker] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, worker: Worker) -> None:
        """Watch over a worker from now on."""
        with self._lock:
            self._workers.add(worker)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()

    def remove(self, worker: Worker) -> None:
        """Watch over it no more."""
        with self._lock:
            self._workers.discard(worker)

    def all(self) -> list[Worker]:
        """Return those that are watched."""
        with self._lock:
            return list(self._workers)

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(self._every):
            now = time.monotonic()
            for worker in self.all():
                worker.tick(min(now - last, 4 * self._every))
            last = now
