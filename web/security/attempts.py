"""How often somebody may try to log in: a few times at once, then after waits that grow."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pixfind.errors import TooManyAttemptsError

FREE = 5
FIRST_WAIT_S = 15.0
# An address waits long. A name, which everybody can try, waits shortly: its owner wants in as well.
LONGEST_WAIT_S = {"client": 900.0, "user": 60.0}
FORGOTTEN_S = 900.0
# Only what counts is remembered, so to push others out takes failures at more than a thousand
# addresses, with a password hashed for each.
MOST = 10_000
# An Internet provider gives a household all the IPv6 addresses of such a network.
HOUSEHOLD_BITS = 64
NAME_CHARS = 64

Key = tuple[str, str]


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0
    last: float = 0.0


class Attempts:
    """Counts what failed, by address and by user; safe to share by threads.

    An attempt counts as failed until it is known to be good, so many at once gain nothing.

    Args:
        clock: seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Key, _Failures] = OrderedDict()

    def begin(self, keys: Sequence[Key]) -> None:
        """Count an attempt of each of these.

        Raises:
            TooManyAttemptsError: one of them has to wait. Nothing is counted then.
        """
        now = self._clock()
        with self._lock:
            known = (self._known.get(key) for key in keys)
            wait = max((one.until - now for one in known if one is not None), default=0.0)
            if wait > 0:
                raise TooManyAttemptsError(wait)
            for key in keys:
                failures = self._failures(key, now)
                failures.count += 1
                failures.last = now
                failures.until = now + _wait(failures.count, LONGEST_WAIT_S[key[0]])

    def forgive(self, keys: Sequence[Key]) -> None:
        """Forget what these have failed in: somebody knew the secret."""
        with self._lock:
            for key in keys:
                self._known.pop(key, None)

    def take_back(self, keys: Sequence[Key]) -> None:
        """Count one attempt less of each: nobody has looked whether it was good."""
        now = self._clock()
        with self._lock:
            for key in keys:
                known = self._known.get(key)
                if known is not None:
                    known.count = max(0, known.count - 1)
                    known.until = min(known.until, now)
                    if not known.count:
                        del self._known[key]

    def _failures(self, key: Key, now: float) -> _Failures:
        known = self._known.get(key)
        if known is None or now - max(known.last, known.until) > FORGOTTEN_S:
            known = self._known[key] = _Failures()
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return known


def client_key(address: str | None) -> Key:
    """Return what an address counts as."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:  # of no network, or what a proxy says
        return "client", (address or "")[:NAME_CHARS]
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return "client", str(known.ipv4_mapped)
        household = partial(ipaddress.ip_network, strict=False)
        return "client", str(household((int(known), HOUSEHOLD_BITS)))
    return "client", str(known)


def user_key(user: str) -> Key:
    """Return what a name counts as."""
    return "user", user[:NAME_CHARS]


def _wait(count: int, longest: float) -> float:
    if count < FREE:
        return 0.0
    return float(min(FIRST_WAIT_S * 2 ** min(count - FREE, 20), longest))
