"""Following a run to its end, from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from web.indexing.job import Job, Snapshot

# More often than this nobody can read.
NEWS_EVERY_S = 0.2


class Watch:
    """Follows one run. Close it, or use it as a context manager.

    Args:
        job: the run.
        changed: what is notified when anything changes.
        is_ending: tells whether the server is about to end.
        leave: called once, when it is closed.
    """

    def __init__(
        self,
        job: Job,
        changed: threading.Condition,
        is_ending: Callable[[], bool],
        leave: Callable[[], None],
    ) -> None:
        self._job, self._changed = job, changed
        self._is_ending, self._leave = is_ending, leave
        self._seen = -1
        self._next_at = 0.0
        self._is_open = True

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to come."""
        return self.has_ended or self._is_ending()

    @property
    def has_ended(self) -> bool:
        """Whether the run has, and this has told so."""
        return self._job.state.is_over and not self._has_news()

    def next(self, timeout: float) -> Snapshot | None:
        """Return the newest state of the run once it is news; ``None`` after so many seconds."""
        with self._changed:
            rest = self._next_at - time.monotonic()
            if rest > 0:
                self._changed.wait_for(self._is_urgent, min(rest, timeout))
            self._changed.wait_for(lambda: self._has_news() or self._is_urgent(), timeout)
            if not self._has_news():
                return None
            self._seen = self._job.version
            self._next_at = time.monotonic() + NEWS_EVERY_S
            return self._job.snapshot()

    def close(self) -> None:
        """Make room for others."""
        if self._is_open:
            self._is_open = False
            self._leave()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _has_news(self) -> bool:
        return self._job.version != self._seen

    def _is_urgent(self) -> bool:
        return self._is_ending() or self._job.state.is_over
