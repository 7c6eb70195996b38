"""Who is asking: somebody who has logged in, or a program that sends credentials each time."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from pixfind.errors import PasswordFileError, TooManyAttemptsError
from pixfind.text import printable
from web.security.attempts import Attempts, client_key, pair_key, user_key
from web.security.doors import Door
from web.security.sessions import Sessions
from web.security.users import MOST_NAME_CHARS, normal

Value = TypeVar("Value")
LOG = logging.getLogger("pixfind.access")
# A program's password is not hashed anew for each request, but after so long without any.
TRUSTED_S = 600.0
MOST_KNOWN = 1000


@dataclass(frozen=True)
class Visitor:
    """Somebody who may come in.

    ``by_cookie`` tells that a browser says so by itself, whoever's page makes it ask.
    """

    user: str
    by_cookie: bool


class Access:
    """Lets those in who know a secret, and remembers them; safe to share by threads.

    Args:
        door: checks secrets.
        clock: seconds that never go backwards.
    """

    def __init__(self, door: Door, clock: Callable[[], float] = time.monotonic) -> None:
        self.door = door
        self._sessions = Sessions(clock)
        self._attempts = Attempts(clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        # Keyed hashes of credentials that were good a while ago, with their stamps.
        self._good: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()
        # What is being checked at this moment, by the same keys.
        self._checks: dict[Hashable, Future[str | None]] = {}
        # From where users have come in before: they are not kept out by who tries their names.
        self._came_from: OrderedDict[Hashable, None] = OrderedDict()

    def log_in(self, user: str, secret: str, address: str | None) -> str | None:
        """Return the id of a new session, or ``None`` if the secret is wrong.

        Raises:
            TooManyAttemptsError: too much was wrong before, or others are being checked.
        """
        user = self._name(user)
        stamp = self._tried(user, secret, address)
        return None if stamp is None else self._sessions.begin(user, stamp)

    def log_out(self, session_id: str) -> None:
        """End a session."""
        self._sessions.end(session_id)

    def of_session(self, session_id: str) -> Visitor | None:
        """Return whose session it is, if it goes on."""
        user = self._sessions.find(session_id, self.door.stamp)
        return None if user is None else Visitor(user, by_cookie=True)

    def still_known(self, visitor: Visitor, session_id: str) -> Callable[[], bool]:
        """Return what tells, as often as it is asked, whether somebody may still come in.

        To ask is no use of a session, and prolongs none.

        Args:
            visitor: who was let in just now.
            session_id: of the session; of no account for who sends credentials.
        """
        stamp_now = self.door.stamp(visitor.user)

        def is_known() -> bool:
            try:
                if visitor.by_cookie:
                    return self._sessions.goes_on(session_id, self.door.stamp)
                return stamp_now is not None and self.door.stamp(visitor.user) == stamp_now
            except PasswordFileError:
                return False

        return is_known

    def of_credentials(self, user: str, secret: str, address: str | None) -> Visitor | None:
        """Return who sends these with a request, if they are right.

        Raises:
            TooManyAttemptsError: as for ``log_in``.
        """
        user = self._name(user)
        told = "\0".join((address or "", user, secret)).encode("utf-8", "surrogatepass")
        key = hmac.new(self._key, told, hashlib.sha256).digest()
        now, stamp_now = self._clock(), self.door.stamp(user)
        with self._lock:
            stamp, until = self._good.get(key, ("", 0.0))
            if now < until and stamp == stamp_now:
                _keep(self._good, key, (stamp, now + TRUSTED_S))
                return Visitor(user, by_cookie=False)
            check = self._checks.get(key)
            is_first = check is None
            if check is None:
                check = self._checks[key] = Future()
        if is_first:
            self._run(check, key, lambda: self._tried(user, secret, address))
        return None if check.result() is None else Visitor(user, by_cookie=False)

    def _run(
        self, check: Future[str | None], key: Hashable, tried: Callable[[], str | None]
    ) -> None:
        """Check credentials once for all that send them at this moment, as programs do in parallel.

        It counts as one attempt. Those who wait for it hold their threads no longer than it takes.
        """
        stamp = None
        try:
            stamp = tried()
            check.set_result(stamp)
        except BaseException as error:  # else the others would wait for ever
            check.set_exception(error)
        finally:
            with self._lock:
                del self._checks[key]
                if stamp is not None:
                    _keep(self._good, key, (stamp, self._clock() + TRUSTED_S))

    def _name(self, user: str) -> str:
        return normal(user, MOST_NAME_CHARS) if self.door.has_users else ""

    def _tried(self, user: str, secret: str, address: str | None) -> str | None:
        """Return the stamp of the secret if it is the user's; count it if it is not."""
        client, name = client_key(address), user_key(user)
        pair = pair_key(client, name)
        keys = [client, pair]
        if self.door.has_users and pair not in self._came_from:
            keys.append(name)
        self._attempts.begin(keys)
        # Before it is checked: a password that is changed meanwhile ends the session.
        stamp = self.door.stamp(user)
        try:
            right = self.door.opens(user, secret)
        except TooManyAttemptsError:
            self._attempts.take_back(pair, keys)
            raise
        if not right:
            # Not what was typed for a name unless it is one: people type passwords there as well.
            known = self.door.has_users and stamp is not None
            as_whom = f" as {user}" if known else ""
            LOG.warning("a login from %s%s failed", printable(client[1]), printable(as_whom))
            return None
        self._attempts.forgive(pair, keys)
        with self._lock:
            _keep(self._came_from, pair, None)
        return stamp


def _keep(kept: OrderedDict[Hashable, Value], key: Hashable, value: Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_KNOWN:
        kept.popitem(last=False)
