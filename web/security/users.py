"""Who may log in, with passwords of which only hashes are kept (scrypt)."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.security import check_password_hash, generate_password_hash

from pixfind.config import Settings
from pixfind.durable import replace_file
from pixfind.errors import (
    LibraryReadOnlyError,
    PasswordFileError,
    PasswordRefusedError,
    UserRefusedError,
)
from pixfind.messages import said
from pixfind.text import printable

FILE_NAME = "passwords.json"
# OWASP's Password Storage Cheat Sheet names these as one of the least costs: 32 MiB, three times.
METHOD = "scrypt:32768:8:3"
FEWEST_CHARS, MOST_CHARS = 10, 1000
MOST_NAME_CHARS = 64
# Of so many at most one character is composed: a letter and its marks (Unicode's NFC and NFD).
MOST_PARTS = 4
VERSION = 1
# Of the folder and its disk, and not of the file.
UNWRITABLE = (errno.EROFS, errno.ENOSPC, errno.EDQUOT)
# As Werkzeug writes them: the method with its costs, the salt, the hash.
HASH = re.compile(r"scrypt:\d+:\d+:\d+\$[^$]+\$[0-9a-f]+")


def file_of(settings: Settings) -> Path:
    """Return where the passwords of a library's web app are kept."""
    return settings.library / FILE_NAME


class Users:
    """The users of a library's web app; safe to share by threads.

    Args:
        file: where the hashes are; only the system's user who runs pixfind can read it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._read_at: tuple[int, int, int] | None = None
        self._hashes: dict[str, str] = {}
        self._nobodys = ""

    def names(self) -> list[str]:
        """Return who has a password, in order.

        Raises:
            PasswordFileError: the file cannot be read.
        """
        return sorted(self._known())

    def stamp(self, user: str) -> str | None:
        """Return what is another when the user's password is; ``None`` for nobody's name."""
        return self._known().get(user)

    def prepare(self) -> None:
        """Make what passwords of nobody are compared with, so that the first takes no longer."""
        self._nobodys = generate_password_hash(os.urandom(32).hex(), METHOD)

    def check(self, user: str, password: str) -> bool:
        """Return whether it is the user's password; for nobody's name that takes as long.

        Raises:
            PasswordFileError: the file cannot be read.
        """
        if not self._nobodys:
            self.prepare()
        known = self._known().get(user)
        typed = normal(password, MOST_CHARS)
        return check_password_hash(known or self._nobodys, typed) and known is not None

    def set(self, user: str, password: str) -> None:
        """Give a user a password, in the place of the one before.

        Raises:
            UserRefusedError: nobody can have that name.
            PasswordRefusedError: the password is too short, or too long.
            LibraryReadOnlyError: nothing can be written where the file lies.
            PasswordFileError: the file cannot be read or written.
        """
        user = normal(user, MOST_NAME_CHARS)
        _check_name(user)
        # What is too long would be nothing in its one form, and be told to be too short.
        _check_length(password, MOST_PARTS * MOST_CHARS)
        password = normal(password, MOST_CHARS)
        _check_password(user, password)
        hashed = generate_password_hash(
            password, METHOD
        )  # which takes a while, in which others wait
        with self._changing():
            self._save({**self._known(), user: hashed})

    def remove(self, user: str) -> None:
        """Let a user in no more.

        Raises:
            UserRefusedError: there is no such user.
            LibraryReadOnlyError: nothing can be written where the file lies.
            PasswordFileError: the file cannot be read or written.
        """
        name = normal(user, MOST_NAME_CHARS)
        with self._changing():
            known = dict(self._known())
            if known.pop(name, None) is None:
                raise UserRefusedError(
                    said(
                        "%(user)s has no password here; those who have: pixfind password --list",
                        user=repr(user),
                    )
                )
            self._save(known)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one, of all processes, who reads the file to write it anew."""
        from filelock import FileLock  # takes a while, and serving does without

        lock = FileLock(self._file.with_suffix(".lock"), mode=0o600)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise self._not_written(error) from error
        try:
            yield
        finally:
            lock.release()

    def _known(self) -> dict[str, str]:
        with self._lock:
            try:
                found = self._file.stat()
                placed = found.st_mtime_ns, found.st_ino, found.st_size
                if placed != self._read_at:
                    self._hashes = _parsed(self._file.read_bytes())
                    self._read_at = placed
            except FileNotFoundError:
                self._hashes, self._read_at = {}, None
            except (OSError, ValueError) as error:
                self._hashes, self._read_at = {}, None
                raise PasswordFileError(
                    self._file, getattr(error, "strerror", None) or "it is damaged"
                ) from error
            return self._hashes

    def _save(self, hashes: dict[str, str]) -> None:
        document = json.dumps({"version": VERSION, "users": hashes}, indent=1)
        try:
            with replace_file(self._file) as temporary:
                # From the first byte on, nobody else can read it.
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                    file.write(document)
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> LibraryReadOnlyError | PasswordFileError:
        folder = self._file.parent
        if error.errno in UNWRITABLE or (folder.is_dir() and not os.access(folder, os.W_OK)):
            return LibraryReadOnlyError(folder)
        return PasswordFileError(self._file, error.strerror or str(error))


def normal(typed: str, most: int) -> str:
    """Return what was typed in one form: keyboards make accents in several (RFC 8265).

    Args:
        typed: by anybody, so of any length.
        most: how many characters fit. What has more in every form is returned as nothing: the time
            that this takes grows with the square of the length, and all threads wait for it.
    """
    return unicodedata.normalize("NFC", typed) if len(typed) <= MOST_PARTS * most else ""


def _check_name(user: str) -> None:
    fits = 0 < len(user) <= MOST_NAME_CHARS and user == user.strip()
    if not fits or ":" in user or printable(user) != user or not user.isprintable():
        raise UserRefusedError(
            said(
                "a user's name has 1 to %(most)s characters and no colon; choose another one",
                most=MOST_NAME_CHARS,
            )
        )


def _check_password(user: str, password: str) -> None:
    if len(password) < FEWEST_CHARS or password == user:
        raise PasswordRefusedError(
            said(
                "a password has at least %(fewest)s characters, and is not the user's name; "
                "several words are easy to remember",
                fewest=FEWEST_CHARS,
            )
        )
    _check_length(password, MOST_CHARS)


def _check_length(password: str, most: int) -> None:
    if len(password) > most:
        raise PasswordRefusedError(
            said("a password has at most %(most)s characters; take a shorter one", most=MOST_CHARS)
        )


def _parsed(content: bytes) -> dict[str, str]:
    try:
        users = json.loads(content)["users"]
        well = all(HASH.fullmatch(text) for text in users.values())
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError from error
    if not well:
        raise ValueError
    return dict(users)
