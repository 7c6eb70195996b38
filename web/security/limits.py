"""How many pictures somebody may bring, and how many are looked at at once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from flask import Flask, g, request

from pixfind.errors import TooManyPicturesError
from web.security.attempts import client_key

# What takes pictures, decodes and embeds them.
BRINGING = ("pictures.take", "api_pictures.bring")
# Nobody drops so many by hand.
AT_ONCE, A_SECOND = 60, 1.0
MOST_KNOWN = 10_000
# Of the server's eight threads. Those who wait hold a thread as well, so few may.
WORKING, WITH_WAITING = 3, 5
SOON_S = 1.0


class Allowance:
    """How often each may do something: so many times at once, and so many more a second.

    Safe to share by threads. The memory that it takes is bounded.
    """

    def __init__(
        self, at_once: int, a_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once, self._a_second, self._clock = at_once, a_second, clock
        self._lock = threading.Lock()
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """Take one; return 0, or in how many seconds there is one again if none is left."""
        now = self._clock()
        with self._lock:
            left, then = self._left.pop(key, (float(self._at_once), now))
            left = min(self._at_once, left + (now - then) * self._a_second)
            taken = left >= 1
            self._left[key] = (left - 1 if taken else left), now
            while len(self._left) > MOST_KNOWN:
                self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._a_second


class Turns:
    """A few at a time, with a few more who wait; the rest are asked to come again."""

    def __init__(self, working: int, with_waiting: int) -> None:
        self._inside = threading.BoundedSemaphore(with_waiting)
        self._working = threading.BoundedSemaphore(working)

    def enter(self) -> bool:
        """Wait for a turn; return whether there was room to wait."""
        if not self._inside.acquire(blocking=False):
            return False
        self._working.acquire()
        return True

    def leave(self) -> None:
        """Let the next one work."""
        self._working.release()
        self._inside.release()


def register(app: Flask) -> None:
    """Bound what bringing pictures costs."""
    allowance, turns = Allowance(AT_ONCE, A_SECOND), Turns(WORKING, WITH_WAITING)

    @app.before_request
    def take_turns() -> None:
        if request.endpoint not in BRINGING or request.method != "POST":
            return
        wait = allowance.take((client_key(request.remote_addr), g.get("visitor")))
        if wait or not turns.enter():
            raise TooManyPicturesError(wait or SOON_S)
        g.turns = turns

    @app.teardown_request
    def leave_turns(_: BaseException | None) -> None:
        entered: Turns | None = g.pop("turns", None)
        if entered is not None:
            entered.leave()
