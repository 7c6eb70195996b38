"""Sets of pictures: those that conditions choose, in an order, with what they have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.schema import WHOLE, Asset, AssetTag, Embedding, File, Root, Tag


@dataclass(frozen=True)
class Facts:
    """What pictures are sorted and counted by; ``name`` is the first of the files' names."""

    asset_id: int
    taken_at: str | None
    name: str
    camera_make: str | None
    camera_model: str | None


def allowed(
    session: Session, model_id: int, conditions: Sequence[ColumnElement[bool]]
) -> dict[int, int]:
    """Return the embeddings of whole pictures in files for which all conditions hold.

    Returns:
        The asset's id by the embedding's.
    """
    in_a_file = exists().where(File.asset_id == Asset.id)
    rows = session.execute(
        select(Embedding.id, Embedding.asset_id)
        .join(Asset, Asset.id == Embedding.asset_id)
        .where(Embedding.model_id == model_id, Embedding.kind == WHOLE, in_a_file, *conditions)
    )
    return {row[0]: row[1] for row in rows}


def embeddings(session: Session, model_id: int, asset_ids: Iterable[int]) -> dict[int, int]:
    """Return the embeddings that the model has of whole pictures, and the asset of each."""
    rows = session.execute(
        select(Embedding.id, Embedding.asset_id).where(
            Embedding.model_id == model_id,
            Embedding.kind == WHOLE,
            Embedding.asset_id.in_(among(asset_ids)),
        )
    )
    return {row[0]: row[1] for row in rows}


def facts(session: Session, ids: Sequence[int]) -> dict[int, Facts]:
    """Return the facts of pictures that lie in some file, by id."""
    rows = session.execute(
        select(Asset.id, Asset.taken_at, func.min(File.name), Asset.camera_make, Asset.camera_model)
        .join(File, File.asset_id == Asset.id)
        .where(Asset.id.in_(among(ids)))
        .group_by(Asset.id)
    )
    return {row[0]: Facts(*row) for row in rows}


def folders(session: Session, ids: Sequence[int]) -> dict[Path, set[int]]:
    """Return the folders that pictures lie in, absolute, and which lie in each."""
    rows = session.execute(
        select(Root.path, File.folder, File.asset_id)
        .join(Root, Root.id == File.root_id)
        .where(File.asset_id.in_(among(ids)))
    )
    found: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for root, folder, asset_id in rows:
        found[root, folder].add(asset_id or 0)
    return {Path(root, folder): inside for (root, folder), inside in found.items()}


def count_tags(session: Session, ids: Sequence[int]) -> dict[str, int]:
    """Return how many of the pictures have each tag."""
    rows = session.execute(
        select(Tag.name, func.count(AssetTag.asset_id.distinct()))
        .join(Tag, Tag.id == AssetTag.tag_id)
        .where(AssetTag.asset_id.in_(among(ids)))
        .group_by(Tag.id)
    )
    return {row[0]: row[1] for row in rows}
