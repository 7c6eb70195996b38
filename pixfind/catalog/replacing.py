"""Who may write to a catalog, or open it, while another one is put in its place.

SQLite knows nothing of a database's file being replaced: what is committed to the old one is lost,
and what opens one file and the log of the other reads neither. So two files beside the catalog are
locked, each as long as is needed: ``catalog.open.lock`` while a connection is opened and while the
files are exchanged, ``catalog.write.lock`` during every write transaction and for as long as the
catalog to come is made from the present one. All but who replaces it share them.

Where nothing can be written, and a lock file is missing, it is read without. So it is where there
are no such locks: on Windows, which does not let a file be replaced that others have open, and on
file systems that have none.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pixfind.errors import LibraryAccessError, LibraryBeingReplacedError, LibraryBusyError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

OPEN_LOCK, WRITE_LOCK = "catalog.open.lock", "catalog.write.lock"
# How long those wait who replace a catalog, for writers to end.
PATIENCE_S = 30
# Between two tries to get a lock, seconds.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.02
# Where a lock file cannot be made, or not be opened.
_CANNOT_MAKE = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}

# Folders whose catalog this thread keeps from being replaced, or replaces: it waits for nobody.
_here = threading.local()


@contextmanager
def opening(folder: Path, timeout_s: float) -> Iterator[None]:
    """Have the catalog in a folder stay the same file while a connection to it is opened.

    Raises:
        LibraryBeingReplacedError: another one is put in its place all the while.
    """
    if _held()[folder]:
        yield
        return
    lock = _waited(folder, timeout_s, lambda: _locked(folder / OPEN_LOCK, is_shared=True))
    try:
        yield
    finally:
        _release(lock)


@contextmanager
def writing(folder: Path, timeout_s: float) -> Iterator[None]:
    """Have the catalog in a folder stay the same file for a write transaction.

    Raises:
        LibraryBeingReplacedError: another one is made, or put in its place, all the while.
        LibraryAccessError: the lock is not to be had.
    """
    if _held()[folder]:
        yield
        return
    lock = _waited(folder, timeout_s, lambda: _shared_to_write(folder))
    with _holding(folder, lock):
        yield


@contextmanager
def without_writers(folder: Path) -> Iterator[None]:
    """Keep all others from writing to the catalog in a folder; it can be opened and read.

    Raises:
        LibraryBusyError: one goes on writing for longer than is waited for.
        LibraryAccessError: the lock is not to be had.
    """
    # Whoever comes meanwhile waits: however many write, none does when the last has ended.
    gate = _alone(folder, OPEN_LOCK)
    try:
        lock = _alone(folder, WRITE_LOCK)
    finally:
        _release(gate)
    with _holding(folder, lock):
        yield


@contextmanager
def exchanging(folder: Path) -> Iterator[None]:
    """Keep all others from opening the catalog in a folder; the caller is ``without_writers``.

    Raises:
        LibraryBusyError, LibraryAccessError: as for ``without_writers``.
    """
    lock = _alone(folder, OPEN_LOCK)
    try:
        yield
    finally:
        _release(lock)


class _Taken(Exception):  # noqa: N818 - no error: it is tried again
    """Somebody has the lock."""


def _waited(folder: Path, timeout_s: float, lock: Callable[[], int | None]) -> int | None:
    until, pause = time.monotonic() + timeout_s, FIRST_PAUSE_S
    while True:
        try:
            return lock()
        except _Taken:
            if time.monotonic() >= until:
                raise LibraryBeingReplacedError(folder) from None
        except OSError as error:
            reason = f"{error.filename or OPEN_LOCK}: {error.strerror}"
            raise LibraryAccessError(folder, reason) from error
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _alone(folder: Path, name: str) -> int | None:
    try:
        return _waited(
            folder, PATIENCE_S, lambda: _locked(folder / name, is_shared=False, must=True)
        )
    except LibraryBeingReplacedError as error:
        raise LibraryBusyError(folder) from error


def _shared_to_write(folder: Path) -> int | None:
    # Through the same gate as those who open it, behind which nobody waits.
    gate = _locked(folder / OPEN_LOCK, is_shared=True, must=True)
    try:
        return _locked(folder / WRITE_LOCK, is_shared=True, must=True)
    finally:
        _release(gate)


def _locked(file: Path, *, is_shared: bool, must: bool = False) -> int | None:
    """Return the descriptor of a locked file; ``None`` where there is none, or are no locks."""
    if fcntl is None:  # pragma: no cover - Windows
        return None
    descriptor = _opened(file, must)
    if descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError) or error.errno == errno.EACCES:
            raise _Taken from error
        return None
    return descriptor


def _opened(file: Path, must: bool) -> int | None:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in _CANNOT_MAKE:
            raise
    try:
        # Somebody else's, or on a full disk: a lock needs no more.
        return os.open(file, os.O_RDONLY)
    except OSError as error:
        if must or error.errno not in _CANNOT_MAKE:
            raise
    return None


def _release(lock: int | None) -> None:
    if lock is not None:
        # Said, not left to the end: a process that was forked meanwhile has it open, too.
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


@contextmanager
def _holding(folder: Path, lock: int | None) -> Iterator[None]:
    held = _held()
    held[folder] += 1
    try:
        yield
    finally:
        held[folder] -= 1
        _release(lock)


def _held() -> Counter[Path]:
    if not hasattr(_here, "held"):
        _here.held = Counter()
    held: Counter[Path] = _here.held
    return held
