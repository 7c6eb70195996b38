"""What is wrong with a library as a whole, or a backup of one."""

from __future__ import annotations

from pathlib import Path

from pixfind.errors.base import PixfindError
from pixfind.messages import said


class LibraryError(PixfindError):
    """Something about the library as a whole."""

    def __init__(self, message: str, library: Path) -> None:
        super().__init__(message)
        self.library = library


class LibraryNotFoundError(LibraryError):
    """There is no library in the folder, or one with index files whose catalog is gone."""

    def __init__(self, library: Path, *, has_indexes: bool = False) -> None:
        super().__init__(
            said(
                "the catalog of the library in %(library)s is gone; put back a backup with: "
                "pixfind restore FILE, or begin anew with: pixfind index FOLDER",
                library=library,
            )
            if has_indexes
            else said(
                "there is no library in %(library)s; make one with: pixfind index FOLDER",
                library=library,
            ),
            library,
        )


class LibraryEmptyError(LibraryError):
    """The library has no photo that could be searched."""

    def __init__(self, library: Path) -> None:
        super().__init__(
            said(
                "the library in %(library)s has no photos yet; add some with: pixfind index FOLDER",
                library=library,
            ),
            library,
        )


class LibraryBusyError(LibraryError):
    """Another process is writing to the library."""

    def __init__(self, library: Path) -> None:
        super().__init__(
            said(
                "another pixfind is indexing the library in %(library)s; "
                "wait until it has finished",
                library=library,
            ),
            library,
        )


class LibraryBeingReplacedError(LibraryBusyError):
    """Another catalog is put in the place of the library's."""

    def __init__(self, library: Path) -> None:
        LibraryError.__init__(
            self,
            said(
                "the library in %(library)s is being repaired or restored; "
                "try again when that has ended",
                library=library,
            ),
            library,
        )


class LibraryTooNewError(LibraryError):
    """The catalog's schema is later than this program knows."""

    def __init__(self, library: Path, migration: str) -> None:
        super().__init__(
            said(
                "the library in %(library)s was written by a later pixfind (it has %(migration)s); "
                "update pixfind to open it",
                library=library,
                migration=repr(migration),
            ),
            library,
        )
        self.migration = migration


class LibraryAccessError(LibraryError):
    """The catalog is whole, but cannot be read or written."""

    def __init__(self, library: Path, reason: str) -> None:
        super().__init__(
            said(
                "the catalog in %(library)s cannot be used (%(reason)s); "
                "check the disk's free space and the folder's permissions",
                library=library,
                reason=reason,
            ),
            library,
        )
        self.reason = reason


class LibraryDamagedError(LibraryError):
    """The catalog cannot be read as a database."""

    def __init__(self, library: Path, reason: str) -> None:
        super().__init__(
            said(
                "the catalog in %(library)s cannot be read (%(reason)s); "
                "see what is wrong with: pixfind doctor, or put back a backup: pixfind restore",
                library=library,
                reason=reason,
            ),
            library,
        )
        self.reason = reason


class LibraryReadOnlyError(LibraryAccessError):
    """The library can be read and searched, but not changed."""

    def __init__(self, library: Path) -> None:
        LibraryError.__init__(
            self,
            said(
                "the library in %(library)s can only be read: its folder cannot be written, or its "
                "disk is full; make room or get the permission, or copy the library elsewhere",
                library=library,
            ),
            library,
        )
        self.reason = "read-only"


class BackupError(PixfindError):
    """A backup that cannot be made, or is not to be restored."""


class BackupDamagedError(BackupError):
    """A file that is no backup of a library, or no whole one."""

    def __init__(self, backup: Path, reason: str) -> None:
        super().__init__(
            f"{backup} is no backup that can be restored ({reason}); take another one: "
            "nothing has been changed"
        )
        self.backup = backup
        self.reason = reason


class BackupTooNewError(BackupError):
    """A backup that a later pixfind made."""

    def __init__(self, backup: Path, later: str) -> None:
        super().__init__(
            f"{backup} was made by a later pixfind (it has {later!r}); update pixfind to restore "
            "it: nothing has been changed"
        )
        self.backup = backup
