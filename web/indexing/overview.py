"""What a page about the library says of its folders, its failures and its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from pixfind.catalog import files, roots
from pixfind.library import Library
from pixfind.text import printable
from search.query.naming import typeable

FAILURES_A_PAGE = 50


@dataclass(frozen=True)
class CoveredFolder:
    """A folder of the library: its path to read, whether it is there, and how many files it has.

    ``query`` finds what lies in it; ``None`` if nobody could type that.
    """

    path: str
    available: bool
    files: int
    query: str | None


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be indexed. ``kind`` is "read" or "decode": the first may pass."""

    path: str
    kind: str
    reason: str
    failed_at: str


@dataclass(frozen=True)
class FailurePage:
    """Some of the failures, ordered by path; pages count from 1."""

    failures: tuple[FailedFile, ...]
    count: int
    page: int
    pages: int


@dataclass(frozen=True)
class Overview:
    """A library's folders and model; ``dim`` is how many numbers its vectors have."""

    path: str
    model: str | None
    dim: int | None
    folders: tuple[CoveredFolder, ...]
    failures: FailurePage


def overview(library: Library, page: int = 1) -> Overview:
    """Look at an open library, and at one page of its failures (the last, if it has fewer)."""
    model = library.model()
    with library.catalog.read() as session:
        return Overview(
            path=printable(str(library.folder)),
            model=model.name if model else None,
            dim=model.dim if model else None,
            folders=_folders(session),
            failures=_failures(session, page),
        )


def _folders(session: Session) -> tuple[CoveredFolder, ...]:
    counts = files.count_by_root(session)
    return tuple(
        CoveredFolder(
            printable(root.path),
            Path(root.path).is_dir(),
            counts.get(root.id, 0),
            typeable("folder", root.path),
        )
        for root in roots.all_roots(session)
    )


def _failures(session: Session, page: int) -> FailurePage:
    count = files.count_failures(session)
    pages = max(1, -(-count // FAILURES_A_PAGE))
    page = min(max(page, 1), pages)
    some = files.failures(session, skip=FAILURES_A_PAGE * (page - 1), limit=FAILURES_A_PAGE)
    failed = tuple(
        FailedFile(printable(f"{f.root}/{f.path}"), f.kind, printable(f.reason), f.failed_at)
        for f in some
    )
    return FailurePage(failed, count, page, pages)
