"""Ways through a library: how many pictures there are of each month, folder and camera.

All count pictures that lie in some file, each once, whether a model has seen it or not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import ColumnElement, distinct, exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.names import camera_name, folded
from pixfind.catalog.roots import all_roots
from pixfind.catalog.schema import Asset, File


@dataclass(frozen=True)
class Month:
    """The pictures taken in a month: how many, and the last of them."""

    year: int
    month: int
    pictures: int
    last: int


@dataclass(frozen=True)
class Folder:
    """A folder of a root. ``place`` is relative to it, with forward slashes; empty for the root.

    ``pictures`` are those in it and below, ``inside`` those in it; a picture that lies in several
    files counts once. ``last`` is one of them, ``folders`` those directly in it.
    """

    root_id: int
    root: Path
    place: str
    pictures: int
    inside: int
    last: int
    folders: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where it lies, absolute."""
        return Path(self.root, self.place)


@dataclass(frozen=True)
class Camera:
    """A camera: its pictures, the days of the first and the last (ISO 8601), its lenses."""

    name: str
    pictures: int
    first: str | None
    last: str | None
    lenses: tuple[tuple[str, int], ...]


def months(session: Session) -> list[Month]:
    """Return the months in which pictures were taken, the latest first."""
    month = func.substr(Asset.taken_at, 1, 7)
    # SQLite takes the id from the row that has the greatest date.
    rows = session.execute(
        select(month, func.count(), func.max(Asset.taken_at), Asset.id)
        .where(Asset.taken_at.is_not(None), _in_a_file())
        .group_by(month)
        .order_by(month.desc())
    )
    return [Month(int(row[0][:4]), int(row[0][5:7]), row[1], row[3]) for row in rows]


def count_undated(session: Session) -> int:
    """Return how many pictures do not say when they were taken."""
    undated = select(func.count()).where(Asset.taken_at.is_(None), _in_a_file())
    return session.scalar(undated) or 0


def folders(session: Session) -> dict[tuple[int, str], Folder]:
    """Return every folder that pictures lie in or below, by root and place."""
    roots = {root.id: Path(root.path) for root in all_roots(session)}
    below: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    inside: Counter[tuple[int, str]] = Counter()
    children: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    rows = session.execute(
        select(File.root_id, File.folder, File.asset_id).where(File.asset_id.is_not(None))
    )
    held: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    for root_id, place, asset_id in rows:
        held[root_id, place].add(asset_id or 0)
    for (root_id, place), ids in held.items():
        inside[root_id, place] = len(ids)
        for outer in (place, *_outer(place)):
            below[root_id, outer] |= ids
            if outer:
                children[root_id, _above(outer)].add(outer)
    return {
        (root_id, place): Folder(
            root_id,
            roots[root_id],
            place,
            len(ids),
            inside[root_id, place],
            max(ids),
            tuple(sorted(children[root_id, place], key=folded)),
        )
        for (root_id, place), ids in below.items()
    }


def cameras(session: Session) -> list[Camera]:
    """Return the cameras by name, in whatever case it is written, the most used first."""
    rows = session.execute(
        select(
            Asset.camera_make,
            Asset.camera_model,
            Asset.lens,
            func.count(distinct(Asset.id)),
            func.min(func.substr(Asset.taken_at, 1, 10)),
            func.max(func.substr(Asset.taken_at, 1, 10)),
        )
        .where(_in_a_file())
        .group_by(Asset.camera_make, Asset.camera_model, Asset.lens)
    )
    found: defaultdict[str, list[tuple[str, str | None, int, str | None, str | None]]]
    found = defaultdict(list)
    for make, model, lens, count, first, last in rows:
        name = camera_name(make, model)
        if name:
            found[folded(name)].append((name, lens, count, first, last))
    return sorted(map(_camera, found.values()), key=lambda one: (-one.pictures, folded(one.name)))


def _camera(rows: list[tuple[str, str | None, int, str | None, str | None]]) -> Camera:
    spellings: Counter[str] = Counter()
    lenses: Counter[str] = Counter()
    for name, lens, count, _, _ in rows:
        spellings[name] += count
        if lens:
            lenses[lens] += count
    return Camera(
        max(spellings, key=lambda name: (spellings[name], name)),
        spellings.total(),
        min((first for *_, first, _ in rows if first), default=None),
        max((last for *_, last in rows if last), default=None),
        tuple(lenses.most_common()),
    )


def _in_a_file() -> ColumnElement[bool]:
    return exists().where(File.asset_id == Asset.id)


def _outer(place: str) -> list[str]:
    """Return the folders around a place, the root last."""
    if not place:
        return []
    return [*(str(outer) for outer in PurePosixPath(place).parents if str(outer) != "."), ""]


def _above(place: str) -> str:
    outer = str(PurePosixPath(place).parent)
    return "" if outer == "." else outer
