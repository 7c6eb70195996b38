"""Who has logged in and not out again. Kept in memory alone: a restart ends every session."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# What is not used for a day ends, and everything after a week.
IDLE_S = 24 * 3600
LONGEST_S = 7 * 24 * 3600
MOST = 1000
ID_BYTES = 32


@dataclass
class _Session:
    user: str
    stamp: str
    began: float
    used: float


class Sessions:
    """Sessions by secret ids; safe to share by threads.

    Args:
        clock: seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # By the ids' hashes: how long a look-up takes tells nothing of an id. Longest unused first.
        self._known: OrderedDict[bytes, _Session] = OrderedDict()

    def begin(self, user: str, stamp: str) -> str:
        """Return the id of a new session.

        Args:
            user: who has logged in.
            stamp: of the credentials that were good for it (see ``find``).
        """
        session_id = secrets.token_urlsafe(ID_BYTES)
        now = self._clock()
        with self._lock:
            self._known[_key(session_id)] = _Session(user, stamp, now, now)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return session_id

    def find(self, session_id: str, stamp_of: Callable[[str], str | None]) -> str | None:
        """Return whose session it is, if it goes on.

        Args:
            session_id: as the browser tells it.
            stamp_of: returns the stamp of a user's credentials as they are now. A session ends when
                they are others, or none.
        """
        key, now = _key(session_id), self._clock()
        with self._lock:
            session = self._going_on(key, now, stamp_of)
            if session is None:
                return None
            session.used = now
            self._known.move_to_end(key)
            return session.user

    def goes_on(self, session_id: str, stamp_of: Callable[[str], str | None]) -> bool:
        """Return whether ``find`` would find a session, which is no use of it that prolongs it."""
        with self._lock:
            return self._going_on(_key(session_id), self._clock(), stamp_of) is not None

    def end(self, session_id: str) -> None:
        """End a session, if there is one of that id."""
        with self._lock:
            self._known.pop(_key(session_id), None)

    def _going_on(
        self, key: bytes, now: float, stamp_of: Callable[[str], str | None]
    ) -> _Session | None:
        session = self._known.get(key)
        if session is None:
            return None
        over = now - session.used > IDLE_S or now - session.began > LONGEST_S
        if over or stamp_of(session.user) != session.stamp:
            del self._known[key]
            return None
        return session


def _key(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogateescape")).digest()
