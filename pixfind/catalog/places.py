"""Where pictures lie: which one is at a path, which ones have a name, what a scan comes to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixfind.catalog import roots
from pixfind.catalog.ids import among
from pixfind.catalog.schema import File
from pixfind.photos.formats import is_photo_folder_name


def asset_at(session: Session, path: Path) -> int | None:
    """Return the asset of the file of the library at an absolute path, if there is one."""
    found = file_at(session, path)
    return None if found is None else found.asset_id


def has_changed(known: File, path: Path) -> bool:
    """Return whether a file of the library, at its path, is another since it was indexed.

    As scans tell: by its length and time. One that has gone has not.
    """
    with suppress(OSError):
        now = os.stat(path)  # noqa: PTH116 - a name of any bytes
        return (known.size, known.mtime_ns) != (now.st_size, now.st_mtime_ns)
    return False


def file_at(session: Session, path: Path) -> File | None:
    """Return what is known of the picture's file at an absolute path, if there is one."""
    for root in roots.all_roots(session):
        if not path.is_relative_to(root.path):
            continue
        inside = path.relative_to(root.path)
        folder = "" if inside.parent == Path() else inside.parent.as_posix()
        found = session.scalar(
            select(File).where(
                File.root_id == root.id,
                File.folder == folder,
                File.name == inside.name,
                File.asset_id.is_not(None),
            )
        )
        if found is not None:  # a root may lie in another, in a hidden folder
            return found
    return None


def in_files(session: Session, asset_ids: Iterable[int]) -> set[int]:
    """Return those of these assets that lie in some file."""
    found = session.scalars(select(File.asset_id).where(File.asset_id.in_(among(asset_ids))))
    return {asset_id for asset_id in found if asset_id is not None}


def assets_named(session: Session, name: str) -> list[int]:
    """Return the assets of all files of that name, in any folder."""
    found = select(File.asset_id).where(File.name == name, File.asset_id.is_not(None))
    return [asset_id for asset_id in session.scalars(found.distinct()) if asset_id is not None]


def root_over(session: Session, folder: Path) -> Path | None:
    """Return the root whose next scan comes to a folder, which need not be there yet."""
    # As scans do: what a link to a folder leads to is not looked at.
    place = folder.resolve()
    for root in roots.all_roots(session):
        top = Path(root.path).resolve()
        if root.whole and place.is_relative_to(top):
            inside = place.relative_to(top).parts
            if all(is_photo_folder_name(name) for name in inside):
                return Path(root.path)
    return None
