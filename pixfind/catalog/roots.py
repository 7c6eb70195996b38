"""The folders that a library covers."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import File, Root


def all_roots(session: Session) -> list[Root]:
    """Return the roots, ordered by path."""
    return list(session.scalars(select(Root).order_by(Root.path)))


def claim(session: Session, folder: Path) -> tuple[Root, str]:
    """Return the root that ``folder`` (absolute) belongs to, and its place in it.

    A folder inside a known root stays part of it; otherwise it becomes a root and takes over the
    roots inside it, so that no file ever belongs to two.
    """
    roots = all_roots(session)
    for root in roots:
        if folder.is_relative_to(root.path):
            relative = folder.relative_to(root.path).as_posix()
            return root, "" if relative == "." else relative
    root = Root(path=str(folder))
    session.add(root)
    session.flush()
    for inner in roots:
        if Path(inner.path).is_relative_to(folder):
            _absorb(session, root, inner)
    return root, ""


def _absorb(session: Session, outer: Root, inner: Root) -> None:
    prefix = Path(inner.path).relative_to(outer.path).as_posix()
    folders = session.scalars(select(File.folder).where(File.root_id == inner.id).distinct())
    for folder in list(folders):
        session.execute(
            update(File)
            .where(File.root_id == inner.id, File.folder == folder)
            .values(root_id=outer.id, folder=str(PurePosixPath(prefix, folder)))
        )
    session.execute(delete(Root).where(Root.id == inner.id))


def move(session: Session, old: str, new: str) -> bool:
    """Re-point the root at ``old`` to ``new``; return whether there was such a root."""
    moved = session.execute(update(Root).where(Root.path == old).values(path=new))
    bump_generation(session)
    return bool(moved.rowcount)  # type: ignore[attr-defined]


def forget_superseded(session: Session, missing: Root) -> bool:
    """Drop a root that is gone if every picture in it has been found somewhere else.

    That is what a moved folder looks like. A root whose drive is not there just now keeps its
    files, because some of them are nowhere else.
    """
    elsewhere = select(File.asset_id).where(File.root_id != missing.id, File.asset_id.is_not(None))
    only_here = session.scalar(
        select(func.count()).where(
            File.root_id == missing.id,
            File.asset_id.is_not(None),
            File.asset_id.not_in(elsewhere),
        )
    )
    if only_here:
        return False
    session.execute(delete(File).where(File.root_id == missing.id))
    session.execute(delete(Root).where(Root.id == missing.id))
    return True
