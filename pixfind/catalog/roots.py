"""The folders that a library covers."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import File, Root
from pixfind.errors import RootError
from pixfind.photos.formats import is_photo_folder_name

# How many of a root's files are looked for in its new place.
PROBED_FILES = 100


def all_roots(session: Session) -> list[Root]:
    """Return the roots, ordered by path."""
    return list(session.scalars(select(Root).order_by(Root.path)))


def claim(session: Session, folder: Path, *, whole: bool = True) -> tuple[Root, str]:
    """Return the root that ``folder`` (absolute) belongs to, and its place in it.

    A folder that a scan of a known root comes to is part of that root. Otherwise it becomes a root
    and takes over the roots that its own scan comes to, so that no file belongs to two.

    Args:
        session: a transaction.
        folder: an absolute path.
        whole: take in all of the folder, rather than single files of it.
    """
    roots = all_roots(session)
    for root in roots:
        place = _place_within(Path(root.path), folder)
        if place is not None and (root.whole or place == ""):
            if whole and not root.whole:
                root.whole = True
                _absorb_all(session, root, roots)
            return root, place
    root = Root(path=str(folder), whole=whole)
    session.add(root)
    session.flush()
    if whole:
        _absorb_all(session, root, roots)
    return root, ""


def _place_within(root: Path, folder: Path) -> str | None:
    """Return the folder's place in a root if a scan comes there: not hidden, not behind a link."""
    if not folder.is_relative_to(root):
        return None
    parts = folder.relative_to(root).parts
    steps = [root.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    if all(is_photo_folder_name(step.name) and not step.is_symlink() for step in steps):
        return "/".join(parts)
    return None


def _absorb_all(session: Session, outer: Root, others: list[Root]) -> None:
    session.flush()
    for inner in others:
        if inner is not outer and _place_within(Path(outer.path), Path(inner.path)) is not None:
            _absorb(session, outer, inner)


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


def move(session: Session, old: Path, new: Path) -> None:
    """Re-point a root to where its folder lies now.

    Raises:
        RootError: there is no such root, the new folder is covered already, or holds none of the
            root's files.
    """
    moved = by_path(session, old)
    if not _holds_any(session, moved, new):
        raise RootError(f"{new} holds none of the files of {old}; nothing has been changed")
    for other in all_roots(session):
        if other is not moved and (
            new.is_relative_to(other.path) or Path(other.path).is_relative_to(new)
        ):
            raise RootError(
                f"{new} and the library's folder {other.path} overlap; index it instead"
            )
    moved.path = str(new)
    session.flush()


def by_path(session: Session, path: Path) -> Root:
    """Return the root at a path.

    Raises:
        RootError: there is none.
    """
    root = session.scalar(select(Root).where(Root.path == str(path)))
    if root is None:
        raise RootError(f"the library has no folder {path}; its folders: pixfind status")
    return root


def _holds_any(session: Session, root: Root, folder: Path) -> bool:
    files = select(File.folder, File.name).where(File.root_id == root.id).limit(PROBED_FILES)
    places = [Path(folder, inner, name) for inner, name in session.execute(files)]
    return not places or any(place.is_file() for place in places)


def last_file_id(session: Session) -> int:
    """Return the highest id among the files."""
    return session.scalar(select(func.max(File.id))) or 0


def forget_moved(session: Session, missing: Root, before: int) -> bool:
    """Drop a root that is gone if this run has found every picture of it somewhere else.

    That is what a moved folder looks like. An unplugged drive whose pictures have been copied
    elsewhere long ago looks different, and stays.

    Args:
        session: a transaction.
        missing: a root that is not there.
        before: ``last_file_id`` when the run began.
    """
    here = select(File.asset_id).where(File.root_id == missing.id, File.asset_id.is_not(None))
    found = select(File.asset_id).where(
        File.id > before, File.root_id != missing.id, File.asset_id.is_not(None)
    )
    held = session.scalar(select(func.count()).select_from(here.subquery()))
    lost = session.scalar(
        select(func.count()).select_from(here.where(File.asset_id.not_in(found)).subquery())
    )
    if lost or not held:
        return False
    forget(session, missing)
    return True


def forget(session: Session, root: Root) -> int:
    """Drop a root with its files; return how many there were. Their pictures' vectors stay."""
    ids = list(session.scalars(select(File.id).where(File.root_id == root.id)))
    session.execute(delete(File).where(File.root_id == root.id))
    session.execute(delete(Root).where(Root.id == root.id))
    bump_generation(session)
    return len(ids)
