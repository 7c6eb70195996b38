"""The files that a library knows: what is unchanged, what is gone, what failed and why."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.orm import Session, aliased

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import FRAME, REGION, WHOLE, Asset, Embedding, File, Root

READ_FAILURE = "read"
DECODE_FAILURE = "decode"
# SQLite's own limit on host parameters has been 32,766 since 2020; well below it.
SWEEP_BATCH = 5000
# Of a row, what is known of a file that nobody has opened.
NOTHING = dict.fromkeys(("asset_id", "failure_kind", "failure_reason", "failed_at"))


class KnownFile(NamedTuple):
    """What the catalog remembers of a file: enough to tell whether to look at it again.

    ``metadata_version`` is that of its asset, and ``None`` for a failure, which has none.
    ``has_parts`` is false wherever nobody asked for it.
    """

    name: str
    id: int
    size: int
    mtime_ns: int
    embedded: bool
    has_parts: bool
    failure_kind: str | None
    metadata_version: int | None


# ``KnownFile._make`` without its checks, for every file that is looked at.
_AS_KNOWN = functools.partial(tuple.__new__, KnownFile)


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


def known_in(
    session: Session, root_id: int, folder: str, model_id: int, *, with_parts: bool = False
) -> dict[str, KnownFile]:
    """Return the files known directly in ``folder``, by name; with parts, whether they have any."""
    # Executed below the ORM, whose share in a row would be as much as the rest.
    rows = session.connection().execute(
        _known_files(with_parts), {"root_id": root_id, "folder": folder, "model_id": model_id}
    )
    return {file.name: file for file in map(_AS_KNOWN, rows.all())}


@functools.cache
def _known_files(with_parts: bool) -> Executable:
    """Made once: a scan asks this of every folder."""
    model_id: BindParameter[int] = bindparam("model_id")
    part = aliased(Embedding)
    in_parts: ColumnElement[bool] = (
        exists().where(
            part.asset_id == File.asset_id,
            part.model_id == model_id,
            part.kind.in_((REGION, FRAME)),
        )
        if with_parts
        else literal(False)
    )
    return (
        select(
            File.name,
            File.id,
            File.size,
            File.mtime_ns,
            Embedding.id.is_not(None),
            in_parts,
            File.failure_kind,
            Asset.metadata_version,
        )
        # A whole picture has one embedding of a model, so there is one row a file.
        .outerjoin(
            Embedding,
            and_(
                Embedding.asset_id == File.asset_id,
                Embedding.model_id == model_id,
                Embedding.kind == WHOLE,
            ),
        )
        .outerjoin(Asset, Asset.id == File.asset_id)
        .where(File.root_id == bindparam("root_id"), File.folder == bindparam("folder"))
    )


def folders_of(session: Session, root_id: int) -> list[str]:
    """Return every folder of a root that a known file lies in."""
    return list(session.scalars(select(File.folder).where(File.root_id == root_id).distinct()))


def names_in(session: Session, root_id: int) -> frozenset[str]:
    """Return the names of the files known directly in a root."""
    return frozenset(
        session.scalars(select(File.name).where(File.root_id == root_id, File.folder == ""))
    )


def place(session: Session, placed: Sequence[tuple[Place, int]]) -> None:
    """Record which asset lies in which place, replacing what was known of these files."""
    _put(session, [_row(where, asset_id=asset_id) for where, asset_id in placed])


def fail(session: Session, failed: Sequence[tuple[Place, str, str]]) -> None:
    """Record the files that could not be indexed: where, of which kind, and why."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    _put(
        session,
        [
            _row(where, failure_kind=kind, failure_reason=reason, failed_at=now)
            for where, kind, reason in failed
        ],
    )


def _row(where: Place, **found: Any) -> dict[str, Any]:
    return {**vars(where), **NOTHING, **found}


def _put(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write rows of files: in the place of those that are known, which keep their ids."""
    if rows:
        session.connection().execute(_put_files(), rows)


@functools.cache
def _put_files() -> Insert:
    statement = insert(File)
    return statement.on_conflict_do_update(
        index_elements=(File.root_id, File.folder, File.name),
        set_={name: statement.excluded[name] for name in ("size", "mtime_ns", *NOTHING)},
    )


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
