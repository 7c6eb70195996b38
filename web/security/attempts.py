"""How often somebody may try to log in: a few times at once, then after waits that grow.

Failures count by address, by name, and by both, the pair. Who knows a name's secret takes back what
the same address has failed in for that name, and nothing else: else somebody with a name of his
own could try those of others behind the same address, and log in himself each time before he would
have to wait.
"""

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
# An address waits long, with one name or with several. A name, which everybody can try, waits
# shortly: its owner wants in as well.
LONGEST_WAIT_S = {"client": 900.0, "pair": 900.0, "user": 60.0}
FORGOTTEN_S = 900.0
# Only what counts is remembered, so to push others out takes failures at more than a thousand
# addresses, with a password hashed for each.
MOST = 20_000
# An Internet provider gives a household all the IPv6 addresses of such a network.
HOUSEHOLD_BITS = 64
NAME_CHARS = 64

Key = tuple[str, str]


@dataclass
class _Failures:
    longest_s: float
    count: int = 0
    last: float = 0.0
    before: float = 0.0  # when the one before the last was

    @property
    def until(self) -> float:
        """When there may be another attempt."""
        return self.last + _wait(self.count, self.longest_s)


class Attempts:
    """Counts what failed, by address, by user and by both; safe to share by threads.

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
                failures.before, failures.last = failures.last, now

    def forgive(self, pair: Key, keys: Sequence[Key]) -> None:
        """Take all that a pair has failed in back of these: it has known the secret.

        Args:
            pair: an address and a name.
            keys: what the attempt that was good counted as, the pair among them.
        """
        with self._lock:
            self._take_back(pair, keys, MOST)

    def take_back(self, pair: Key, keys: Sequence[Key]) -> None:
        """Count one attempt less of each: nobody has looked whether it was good."""
        with self._lock:
            self._take_back(pair, keys, 1)

    def _take_back(self, pair: Key, keys: Sequence[Key], most: int) -> None:
        # Never more than the pair has left: of two attempts at once, one may have taken both back.
        known = self._known.get(pair)
        count = 0 if known is None else min(known.count, most)
        for key in keys if count else ():
            known = self._known.get(key)
            if known is not None:
                known.count -= count
                # What was good makes nobody wait, and keeps nothing from being forgotten.
                known.last = known.before
                if known.count <= 0:
                    del self._known[key]

    def _failures(self, key: Key, now: float) -> _Failures:
        known = self._known.get(key)
        if known is None or now - known.until > FORGOTTEN_S:
            known = self._known[key] = _Failures(LONGEST_WAIT_S[key[0]])
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


def pair_key(client: Key, name: Key) -> Key:
    """Return what a name counts as that is tried at an address."""
    return "pair", f"{client[1]}\0{name[1]}"


def _wait(count: int, longest: float) -> float:
    if count < FREE:
        return 0.0
    return float(min(FIRST_WAIT_S * 2 ** min(count - FREE, 20), longest))
