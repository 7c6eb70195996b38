"""What opens the door: one token that all share, or names with passwords."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from typing import Protocol

from pixfind.errors import TokenError, TooManyAttemptsError
from pixfind.messages import said
from web.security.users import MOST_NAME_CHARS, Users, normal

# What may follow "Bearer" in a header (RFC 6750), long enough not to be guessed.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*")
# Each check of a password takes 32 MiB and a tenth of a second or two, on purpose.
CHECKS_AT_ONCE = 2
SOON_S = 1.0


class Door(Protocol):
    """Knows who may come in."""

    scheme: str
    """Of the ``Authorization`` header (RFC 9110)."""
    has_users: bool
    """Whether a name belongs to the secret."""

    def opens(self, user: str, secret: str) -> bool:
        """Return whether a secret is the user's; takes as long whatever is wrong with it.

        Raises:
            TooManyAttemptsError: enough others are being checked.
        """

    def stamp(self, user: str) -> str | None:
        """Return what is another once the user's secret is; ``None`` for nobody's name."""


class TokenDoor:
    """Opens to all who have the token.

    Raises:
        TokenError: it is short enough to be guessed, or cannot be sent in a header.
    """

    scheme = "Bearer"
    has_users = False

    def __init__(self, token: str) -> None:
        if not TOKEN.fullmatch(token):
            raise TokenError
        self._digest = hashlib.sha256(token.encode()).digest()

    def opens(self, user: str, secret: str) -> bool:
        """See ``Door``."""
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(digest, self._digest)

    def stamp(self, user: str) -> str | None:
        """See ``Door``."""
        return "token"


class PasswordDoor:
    """Opens to users with their passwords.

    Args:
        users: who they are; may change while this is in use.
    """

    scheme = "Basic"
    has_users = True

    def __init__(self, users: Users) -> None:
        users.prepare()
        self._users = users
        self._checks = threading.BoundedSemaphore(CHECKS_AT_ONCE)

    def opens(self, user: str, secret: str) -> bool:
        """See ``Door``."""
        # Not waiting: a flood would hold every thread of the server.
        if not self._checks.acquire(blocking=False):
            raise TooManyAttemptsError(SOON_S, said("others are logging in just now"))
        try:
            return self._users.check(user, secret)
        finally:
            self._checks.release()

    def stamp(self, user: str) -> str | None:
        """See ``Door``."""
        return self._users.stamp(normal(user, MOST_NAME_CHARS))
