"""The files that a library knows: what is unchanged, what is gone, what failed and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Root

READ_FAILURE = "read"
DECODE_FAILURE = "decode"
# SQLite's own limit on host parameters has been 32,766 since 2020; well below it.
SWEEP_BATCH = 5000


@dataclass(frozen=True)
class KnownFile:
    """What the catalog remembers of a file: enough to tell whether to look at it again.

    ``metadata_version`` is that of its asset, and ``None`` for a failure, which has none.
    """

    id: int
    size: int
    mtime_ns: int
    embedded: bool
    has_parts: bool
    failure_kind: str | None
    metadata_version: int | None


@dataclass(frozen=True)
class Place:
    """Where a file lies and how it looked to the scan; ``mtime_ns`` in nanoseconds."""

    root_id: int
    folder: str
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Failure:
    """A file that could not be indexed. ``path`` is relative to ``root``."""

    root: str
    path: str
    kind: str
    reason: str
    failed_at: str


def known_in(session: Session, root_id: int, folder: str, model_id: int) -> dict[str, KnownFile]:
    """Return the files known directly in ``folder``, by name."""
    embedded = exists().where(
        Embedding.asset_id == File.asset_id,
        Embedding.model_id == model_id,
        Embedding.kind == WHOLE,
    )
    in_parts = exists().where(
        Embedding.asset_id == File.asset_id,
        Embedding.model_id == model_id,
        Embedding.kind != WHOLE,
    )
    rows = session.execute(
        select(
            File.name,
            File.id,
            File.size,
            File.mtime_ns,
            embedded,
            in_parts,
            File.failure_kind,
            Asset.metadata_version,
        )
        .outerjoin(Asset, Asset.id == File.asset_id)
        .where(File.root_id == root_id, File.folder == folder)
    )
    return {
        row[0]: KnownFile(row[1], row[2], row[3], bool(row[4]), bool(row[5]), row[6], row[7])
        for row in rows
    }


def folders_of(session: Session, root_id: int) -> list[str]:
    """Return every folder of a root that a known file lies in."""
    return list(session.scalars(select(File.folder).where(File.root_id == root_id).distinct()))


def names_in(session: Session, root_id: int) -> frozenset[str]:
    """Return the names of the files known directly in a root."""
    return frozenset(
        session.scalars(select(File.name).where(File.root_id == root_id, File.folder == ""))
    )


def place(session: Session, where: Place, asset_id: int) -> None:
    """Record that the asset lies there, replacing what was known of that file."""
    file = _file_at(session, where)
    file.asset_id = asset_id
    file.failure_kind = file.failure_reason = file.failed_at = None
    session.flush()


def fail(session: Session, where: Place, kind: str, reason: str) -> None:
    """Record that the file could not be indexed, and why."""
    file = _file_at(session, where)
    file.asset_id = None
    file.failure_kind, file.failure_reason = kind, reason
    file.failed_at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    session.flush()


def _file_at(session: Session, where: Place) -> File:
    file = session.scalar(
        select(File).where(
            File.root_id == where.root_id, File.folder == where.folder, File.name == where.name
        )
    )
    if file is None:
        file = File(root_id=where.root_id, folder=where.folder, name=where.name)
        session.add(file)
    file.size, file.mtime_ns = where.size, where.mtime_ns
    return file


def sweep(session: Session, gone: Iterable[int]) -> int:
    """Forget files by id; their assets stay, so that bringing a file back costs only a hash."""
    ids = list(gone)
    for start in range(0, len(ids), SWEEP_BATCH):
        session.execute(delete(File).where(File.id.in_(ids[start : start + SWEEP_BATCH])))
    if ids:
        bump_generation(session)
    return len(ids)


def failures(session: Session, *, skip: int = 0, limit: int | None = None) -> list[Failure]:
    """Return the failures, ordered by path; of many, a page: ``limit`` after so many."""
    # Computed, or SQLite would look up every file in the order of an index: far more than sorting.
    rows = session.execute(
        select(Root.path, File)
        .join(Root, Root.id == File.root_id + 0)
        .where(File.failure_reason.is_not(None))
        .order_by(Root.path, File.folder, File.name)
        .offset(skip)
        .limit(limit)
    )
    return [
        Failure(
            root=root,
            path=f"{file.folder}/{file.name}" if file.folder else file.name,
            kind=file.failure_kind or "",
            reason=file.failure_reason or "",
            failed_at=file.failed_at or "",
        )
        for root, file in rows
    ]


def count_failures(session: Session) -> int:
    """Return how many files could not be indexed."""
    return session.scalar(select(func.count()).where(File.failure_reason.is_not(None))) or 0


def count_by_root(session: Session) -> dict[int, int]:
    """Return how many files of each root hold an asset, by the root's id; nothing for none."""
    # Computed, or SQLite would go through an index and look up every row: twenty times as long.
    root_id = File.root_id + 0
    rows = session.execute(
        select(root_id, func.count()).where(File.asset_id.is_not(None)).group_by(root_id)
    )
    return {row[0]: row[1] for row in rows}


def count_files(session: Session) -> int:
    """Return how many files hold an asset."""
    return session.scalar(select(func.count()).where(File.asset_id.is_not(None))) or 0
