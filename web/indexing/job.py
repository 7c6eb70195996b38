"""One run: how far it is, whether it shall go on, and how it ended."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from indexer import Summary
from indexer.progress import CancelledError, Control, Phase, Standing
from pixfind.errors import NoIndexingError
from pixfind.text import printable

# A rate that is worth showing is that of the last half minute, and not of one batch.
RATE_OVER_S = 30.0
RATE_AFTER_S = 2.0


class Kind(str, Enum):
    """What a run was asked for."""

    ADD = "add"
    UPDATE = "update"
    RETRY = "retry"


class State(str, Enum):
    """Whether a run goes on, and else how it ended."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self in (State.DONE, State.CANCELLED, State.FAILED)


@dataclass(frozen=True)
class Snapshot:
    """A run as it stood at one moment.

    ``folders`` are those to add, as people can read them. The numbers from ``looked`` to ``failed``
    are those of ``indexer.progress.Standing``. ``rate`` is in files a second; ``seconds`` leave out
    pauses. ``reason`` says why a run failed, and ``summary`` what one did that ended otherwise.
    """

    id: int
    kind: Kind
    folders: tuple[str, ...]
    model: str
    state: State
    phase: Phase
    looked: int
    done: int
    total: int
    failed: int
    rate: float | None
    seconds: float
    seconds_left: float | None
    started_at: str
    ended_at: str | None
    reason: str | None
    summary: Summary | None

    def document(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        document = {**asdict(self), "folders": list(self.folders)}
        for name in ("kind", "state", "phase"):
            document[name] = document[name].value
        if document["summary"] is not None:
            for name in ("unreadable", "missing_roots"):
                document["summary"][name] = [printable(p) for p in document["summary"][name]]
        return document


@dataclass
class _Stopwatch:
    """Measures the time that a run was not paused, and how fast files were done in it."""

    before: float = 0.0
    since: float | None = field(default_factory=time.monotonic)
    marks: deque[tuple[float, int]] = field(default_factory=deque)

    def seconds(self) -> float:
        """Return the seconds that have counted so far."""
        return self.before + (time.monotonic() - self.since if self.since is not None else 0.0)

    def stop(self) -> None:
        """Count no further."""
        self.before, self.since = self.seconds(), None

    def start(self) -> None:
        """Count on."""
        self.since = time.monotonic()

    def mark(self, done: int) -> None:
        """Remember that so many files were done by now."""
        now = self.seconds()
        self.marks.append((now, done))
        while len(self.marks) > 1 and self.marks[1][0] < now - RATE_OVER_S:
            self.marks.popleft()

    def rate(self) -> float | None:
        """Return files a second of late, if enough have been done to tell."""
        if not self.marks:
            return None
        seconds = self.seconds() - self.marks[0][0]
        done = self.marks[-1][1] - self.marks[0][1]
        return done / seconds if done and seconds >= RATE_AFTER_S else None


class Job(Control):
    """A run that is going on, or has ended.

    Args:
        number: tells it from others of this server.
        kind: what was asked for.
        folders: those to add, if any.
        model: what it embeds with.
        changed: guards the job, and is notified when anything of it changes.
    """

    def __init__(
        self,
        number: int,
        kind: Kind,
        folders: tuple[str, ...],
        model: str,
        changed: threading.Condition,
    ) -> None:
        self.number, self.kind = number, kind
        self.version = 0
        self.state = State.RUNNING
        self._folders, self._model = folders, model
        self._changed = changed
        self._standing = Standing()
        self._watch = _Stopwatch()
        self._started_at = _now()
        self._ended_at: str | None = None
        self._reason: str | None = None
        self._summary: Summary | None = None

    def checkpoint(self) -> None:
        """See ``Control``."""
        if self.state is State.RUNNING:  # for every file: without the lock
            return
        with self._changed:
            self._changed.wait_for(lambda: self.state is not State.PAUSED)
            if self.state is State.CANCELLING:
                raise CancelledError

    def give_up(self) -> None:
        """See ``Control``."""
        with self._changed:
            if not self.state.is_over:
                self._cancel()

    def stands(self, standing: Standing) -> None:
        """See ``Control``."""
        with self._changed:
            self._standing = standing
            if standing.phase is Phase.WORKING:
                self._watch.mark(standing.done)
            self._tell()

    def pause(self) -> None:
        """Let it wait before the next file; nothing if it waits or ends already.

        Raises:
            NoIndexingError: it has ended.
        """
        with self._changed:
            self._require_active()
            if self.state is State.RUNNING:
                self._watch.stop()
                self._become(State.PAUSED)

    def resume(self) -> None:
        """Let it go on; nothing if it does.

        Raises:
            NoIndexingError: it has ended.
        """
        with self._changed:
            self._require_active()
            if self.state is State.PAUSED:
                self._watch.start()
                self._become(State.RUNNING)

    def cancel(self) -> None:
        """Let it end before the next file; what is committed stays.

        Raises:
            NoIndexingError: it has ended.
        """
        with self._changed:
            self._require_active()
            self._cancel()

    def end(self, summary: Summary) -> None:
        """Take note that the run has ended, early or not."""
        self._end(State.CANCELLED if summary.interrupted else State.DONE, None, summary)

    def fail(self, reason: str) -> None:
        """Take note that the run has failed as a whole."""
        self._end(State.FAILED, printable(reason), None)

    def snapshot(self) -> Snapshot:
        """Return it as it stands now."""
        with self._changed:
            rate = None if self.state.is_over else self._watch.rate()
            standing = self._standing
            left = standing.total - standing.done
            return Snapshot(
                id=self.number,
                kind=self.kind,
                folders=self._folders,
                model=self._model,
                state=self.state,
                **vars(standing),
                rate=rate,
                seconds=self._watch.seconds(),
                seconds_left=left / rate if rate else None,
                started_at=self._started_at,
                ended_at=self._ended_at,
                reason=self._reason,
                summary=self._summary,
            )

    def _cancel(self) -> None:
        if self.state is State.PAUSED:
            self._watch.start()
        self._become(State.CANCELLING)

    def _require_active(self) -> None:
        if self.state.is_over:
            raise NoIndexingError

    def _end(self, state: State, reason: str | None, summary: Summary | None) -> None:
        with self._changed:
            self._watch.stop()
            self._ended_at, self._reason, self._summary = _now(), reason, summary
            self._become(state)

    def _become(self, state: State) -> None:
        self.state = state
        self._tell()

    def _tell(self) -> None:
        self.version += 1
        self._changed.notify_all()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
