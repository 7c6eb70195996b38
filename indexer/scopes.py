"""What a run looks at: the paths that were asked for, or every folder that the library covers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from indexer.scan import Scope
from pixfind.catalog import Catalog, files, roots
from pixfind.catalog.schema import Root
from pixfind.config import normal_path
from pixfind.errors import NotAPictureError, PathNotFoundError
from pixfind.photos.formats import is_indexed_name


@dataclass
class Choice:
    """The scopes of a run, and the roots that are not there (or empty, as without their drive)."""

    scopes: list[Scope] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)


def require_paths(paths: Sequence[Path]) -> list[Path]:
    """Return the paths in their normal spelling.

    Raises:
        PathNotFoundError: there is nothing at one of them.
        NotAPictureError: one is a file, but neither picture nor video by its name.
    """
    normal = [normal_path(path) for path in paths]
    for path in normal:
        if not path.exists():
            raise PathNotFoundError(path)
        if not path.is_dir() and not is_indexed_name(path.name):
            raise NotAPictureError(path)
    return normal


def choose(catalog: Catalog, paths: Sequence[Path], *, everything: bool) -> Choice:
    """Return what to look at; new paths become roots, or parts of those that they lie in.

    Args:
        catalog: the library's.
        paths: in their normal spelling; none means every root.
        everything: look at every root all the same.
    """
    with catalog.write() as session:
        # Twice, because a later path may take over the root of an earlier one.
        asked = [_scope(session, path) for path in [*paths, *paths]][len(paths) :]
        if everything or not paths:
            asked = [_whole_root(session, root) for root in roots.all_roots(session)]
        apart = dict.fromkeys(asked)
        wanted = [a for a in apart if not any(a.is_within(b) for b in apart if a != b)]
        missing = {scope.root for scope in wanted if _is_missing(session, scope)}
    return Choice([s for s in wanted if s.root not in missing], sorted(missing))


def _scope(session: Session, path: Path) -> Scope:
    if path.is_dir():
        root, start = roots.claim(session, path)
        return Scope(root.id, Path(root.path), start)
    root, start = roots.claim(session, path.parent, whole=False)
    return Scope(root.id, Path(root.path), start, frozenset([path.name]))


def _whole_root(session: Session, root: Root) -> Scope:
    only = None if root.whole else files.names_in(session, root.id)
    return Scope(root.id, Path(root.path), only=only)


def _is_missing(session: Session, scope: Scope) -> bool:
    """A drive that is not plugged in leaves no folder, or an empty one."""
    if not scope.root.is_dir():
        return True
    try:
        with os.scandir(scope.root) as entries:
            is_empty = next(entries, None) is None
    except OSError:
        return False  # not readable: the scan says so
    return is_empty and bool(files.folders_of(session, scope.root_id))
