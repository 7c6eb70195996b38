"""What cannot be done for those who use the web app, or not for them."""

from __future__ import annotations

import math
from pathlib import Path

from pixfind.errors.base import PixfindError
from pixfind.messages import said


class DescriberBusyError(PixfindError):
    """Describing goes one photo at a time, and others are waiting."""

    def __init__(self) -> None:
        super().__init__(said("other photos are being described; ask again in a moment"))


class IndexingError(PixfindError):
    """Indexing from the browser that cannot be done as was asked."""


class IndexingActiveError(IndexingError):
    """One run at a time writes to a library."""

    def __init__(self) -> None:
        super().__init__(
            said("photos are being indexed already; wait until that has ended or cancel it")
        )


class NoIndexingError(IndexingError):
    """There is nothing to pause or cancel."""

    def __init__(self) -> None:
        super().__init__(said("nothing is being indexed now"))


class FolderRefusedError(IndexingError):
    """A folder that may not be added from the browser, or is not there."""


class TooManyWatchersError(IndexingError):
    """Each page that shows progress live keeps a thread of the server."""

    def __init__(self) -> None:
        super().__init__(
            said("too many pages follow the indexing live; close one, or load this again")
        )


class AccessError(PixfindError):
    """Something about who may use the web app."""


class UnguardedError(AccessError):
    """Others could connect, and nothing would ask them who they are."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"anybody who can reach {host} could see all photos; let in only those who log in "
            "with: --auth token or --auth password (or everybody with: --insecure)"
        )
        self.host = host


class TokenError(AccessError):
    """A token that could be guessed, or that no header can hold."""

    def __init__(self) -> None:
        super().__init__(
            "the token in PIXFIND_TOKEN must be 16 to 256 letters, digits or any of ._~+/-; "
            "leave it unset to have one made"
        )


class UserRefusedError(AccessError):
    """A name that no user can have, or that none has."""


class PasswordRefusedError(AccessError):
    """A password that is too easy to guess, or too long."""


class PasswordFileError(AccessError):
    """The file of the passwords' hashes cannot be read or written."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(
            said(
                "the passwords in %(file)s cannot be used (%(reason)s); check its permissions, or "
                "remove it and set them anew with: pixfind password",
                file=file,
                reason=reason,
            )
        )
        self.file = file
        self.reason = reason


class LoginRequiredError(AccessError):
    """Only those who have logged in are answered."""

    def __init__(self) -> None:
        super().__init__(
            said("this server answers those who log in; programs send credentials instead")
        )


class TooManyAttemptsError(AccessError):
    """Too many logins have failed, or are being checked at this moment."""

    def __init__(self, seconds: float, why: str | None = None) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            said(
                "%(why)s; try again in %(seconds)s s",
                why=why or said("too many logins have failed"),
                seconds=self.seconds,
            )
        )


class TooManyPicturesError(PixfindError):
    """Pictures to search by come faster than they can be looked at."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            said(
                "too many pictures are brought to search by; try again in %(seconds)s s",
                seconds=self.seconds,
            )
        )
