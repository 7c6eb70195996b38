"""Many pictures, or all, in columns: as arrays they are sorted and counted in milliseconds.

SQLite hands a column over as one JSON text, which takes a tenth of the time that rows take.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.assets import Ids
from pixfind.catalog.ids import among
from pixfind.catalog.names import camera_name, folded
from pixfind.catalog.schema import WHOLE, Asset, AssetTag, Embedding, File, Root, Tag

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Facts:
    """What pictures in files are sorted and counted by, a row for each.

    Args:
        ids: of the assets, ascending.
        dates: the rank of each one's date among the dates; 0 for those without.
        years: 0 for those without a date.
        names: the rank of the first of the files' names, apart from case; equal names by id.
        cameras: the place of each one's camera in ``camera_names``.
        camera_names: as shown; ``None`` where it is not known.
        are_videos: which of them move.
    """

    ids: Ids
    dates: Numbers
    years: Numbers
    names: Numbers
    cameras: Numbers
    camera_names: tuple[str | None, ...]
    are_videos: Flags

    def rows(self, ids: Ids) -> Numbers:
        """Return the row of each asset, int64 (n,); -1 for those that are not among them."""
        return _places(self.ids, ids)


@dataclass(frozen=True)
class Marks:
    """Which pictures have which of some values: a pair for each, in no order.

    Args:
        ids: of the assets.
        codes: the place of the value in ``values``.
        values: the values, folders or names of tags.
        above: of each value the place of the next one above that holds it; -1 where none does.
    """

    ids: Ids
    codes: Numbers
    values: tuple[str, ...]
    above: Numbers

    def of(self, ids: Ids) -> tuple[Ids, Numbers]:
        """Return the pairs of some assets: their ids and codes."""
        chosen = np.isin(self.ids, ids)
        return self.ids[chosen], self.codes[chosen]


@dataclass(frozen=True)
class Owners:
    """The embeddings of whole pictures: ids, ascending, and the asset of each; int64 (n,)."""

    embeddings: Ids
    assets: Ids

    def of(self, embeddings: Ids) -> Ids:
        """Return the asset of each embedding, int64 (n,); 0 for those that are not among them."""
        if not len(self.assets):
            return np.zeros(len(embeddings), np.int64)
        places = _places(self.embeddings, embeddings)
        return np.where(places < 0, 0, self.assets[places])

    def among(self, assets: Ids) -> Owners:
        """Return only the embeddings of some assets."""
        chosen = np.isin(self.assets, assets)
        return Owners(self.embeddings[chosen], self.assets[chosen])


def facts(session: Session, ids: Iterable[int] | None = None) -> Facts:
    """Return the facts of pictures that lie in some file: of some assets, or of all."""
    placed = _columns(session, select(File.asset_id, File.name), File.asset_id, ids)
    first: dict[int, str] = {}
    for asset_id, name in zip(*placed, strict=True):
        if asset_id not in first or name < first[asset_id]:
            first[asset_id] = name
    asked = select(
        Asset.id,
        Asset.taken_at,
        Asset.camera_make,
        Asset.camera_model,
        Asset.duration.is_not(None),
    ).where(exists().where(File.asset_id == Asset.id))
    asset_ids, taken, makes, models, moving = _columns(session, asked, Asset.id, ids)
    found = _int64(asset_ids)
    order = np.argsort(found)
    dates = sorted({"", *(date or "" for date in taken)})
    ranks = {date: rank for rank, date in enumerate(dates)}
    years = np.array([int(date[:4] or 0) for date in dates], np.int64)
    ranked = _int64(ranks[date or ""] for date in taken)[order]
    spelt = list(dict.fromkeys(zip(makes, models, strict=True)))
    codes = {camera: code for code, camera in enumerate(spelt)}
    return Facts(
        ids=found[order],
        dates=ranked,
        years=years[ranked],
        names=_ranks([_folded(first[asset_id]) for asset_id in found[order].tolist()]),
        cameras=_int64(codes[camera] for camera in zip(makes, models, strict=True))[order],
        camera_names=tuple(camera_name(*camera) for camera in spelt),
        are_videos=_int64(moving)[order].astype(np.bool_),
    )


def roots(session: Session) -> tuple[tuple[int, str], ...]:
    """Return the folders that files lie relative to, which may move."""
    return tuple((row[0], row[1]) for row in session.execute(select(Root.id, Root.path)))


def folders(session: Session, ids: Iterable[int] | None = None) -> Marks:
    """Return in which folders, absolute, pictures lie: some assets, or all."""
    asked = select(File.asset_id, File.root_id, File.folder).where(File.asset_id.is_not(None))
    asset_ids, root_ids, inner = _columns(session, asked, File.asset_id, ids)
    outer = dict(roots(session))
    places = dict.fromkeys(zip(root_ids, inner, strict=True))
    paths = {place: Path(outer[place[0]], place[1]) for place in places}
    codes = {path: code for code, path in enumerate(dict.fromkeys(paths.values()))}
    return Marks(
        _int64(asset_ids),
        _int64(codes[paths[place]] for place in zip(root_ids, inner, strict=True)),
        tuple(map(str, codes)),
        _int64(next((codes[up] for up in path.parents if up in codes), -1) for path in codes),
    )


def tags(session: Session, ids: Iterable[int] | None = None) -> Marks:
    """Return which tags some assets have, or all; each once, wherever it comes from."""
    asked = select(AssetTag.asset_id, AssetTag.tag_id).distinct()
    asset_ids, tag_ids = _columns(session, asked, AssetTag.asset_id, ids)
    known = {row[0]: row[1] for row in session.execute(select(Tag.id, Tag.name))}
    values, codes = np.unique(_int64(tag_ids), return_inverse=True)
    names = tuple(known[tag_id] for tag_id in values.tolist())
    return Marks(_int64(asset_ids), codes, names, np.full(len(names), -1))


def owners(
    session: Session,
    model_id: int,
    ids: Iterable[int] | None = None,
    *,
    embeddings: Iterable[int] | None = None,
) -> Owners:
    """Return the embeddings that a model has of whole pictures in files.

    Those of some assets, or those of some ids, or all.
    """
    model: ColumnElement[int] = Embedding.model_id.expression
    if embeddings is not None:
        model += 0  # or SQLite reads all of the model's by an index, rather than these by their ids
    asked = select(Embedding.id, Embedding.asset_id).where(
        model == model_id,
        Embedding.kind == WHOLE,
        exists().where(File.asset_id == Embedding.asset_id),
    )
    if embeddings is not None:
        asked = asked.where(Embedding.id.in_(among(embeddings)))
    found, assets = map(_int64, _columns(session, asked, Embedding.asset_id, ids))
    order = np.argsort(found)
    return Owners(found[order], assets[order])


def matching(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Ids:
    """Return the assets for which all conditions hold, int64 (n,)."""
    (ids,) = _columns(session, select(Asset.id).where(*conditions), Asset.id, None)
    return _int64(ids)


def _columns(
    session: Session, asked: Any, asset_id: Any, ids: Iterable[int] | None
) -> list[list[Any]]:
    """Return the columns of a statement's rows: of some assets, or of all that have one."""
    limited = asked.where(asset_id.is_not(None) if ids is None else asset_id.in_(among(ids)))
    rows = limited.subquery()
    row = session.execute(select(*map(func.json_group_array, rows.c))).one()
    return [json.loads(column) for column in row]


def _int64(numbers: Iterable[int]) -> Numbers:
    return np.fromiter(numbers, np.int64)


def _places(ascending: Ids, wanted: Ids) -> Numbers:
    """Return where each number stands among ascending ones; -1 for those that do not."""
    if not len(ascending):
        return np.full(len(wanted), -1, np.int64)
    places = np.searchsorted(ascending, wanted).clip(max=len(ascending) - 1)
    return np.where(ascending[places] == wanted, places, -1)


def _folded(name: str) -> str:
    return name.lower() if name.isascii() else folded(name)  # the same, much sooner


def _ranks(texts: Sequence[str]) -> Numbers:
    """Return the rank of each text; of equal ones the first has the lower."""
    ranks = np.empty(len(texts), np.int64)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return ranks
