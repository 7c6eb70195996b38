"""What sidecars are about: files, what people said of the pictures in them, and what sidecars did.

For tags see ``tags``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.schema import (
    Asset,
    Description,
    File,
    Root,
    Tag,
    TagCoverage,
    TagRejection,
)

BY_SIDECAR = "sidecar"


@dataclass(frozen=True)
class Place:
    """A file that holds an asset; ``folder`` is relative to the root, with forward slashes."""

    asset_id: int
    root_id: int
    root: Path
    folder: str
    name: str

    @property
    def path(self) -> Path:
        """The file, absolute."""
        return Path(self.root, self.folder, self.name)


@dataclass(frozen=True)
class Described:
    """What is said of an asset beside its tags.

    Attributes:
        caption: of the file or a sidecar.
        rating: likewise; 1 to 5 stars, or -1.
        by_sidecar: whether a sidecar said one of them.
        camera: make and model, empty where they are not known.
        alt: a model's description, for those who cannot see the picture.
        sentence: the same in a sentence.
        is_tagged: whether automatic tagging has looked at it.
    """

    caption: str | None
    rating: int | None
    by_sidecar: bool
    camera: tuple[str, str]
    alt: str | None
    sentence: str | None
    is_tagged: bool


def places(session: Session) -> list[Place]:
    """Return all files that hold an asset, ordered by path."""
    rows = session.execute(
        select(File.asset_id, Root.id, Root.path, File.folder, File.name)
        .join(Root, Root.id == File.root_id)
        .where(File.asset_id.is_not(None))
        .order_by(Root.path, File.folder, File.name)
    )
    return [
        Place(asset_id or 0, root_id, Path(root), folder, name)
        for asset_id, root_id, root, folder, name in rows
    ]


def described(session: Session, asset_ids: Iterable[int]) -> dict[int, Described]:
    """Return what is said of assets, by their ids."""
    is_tagged = exists().where(TagCoverage.asset_id == Asset.id)
    rows = session.execute(
        select(
            Asset.id,
            Asset.caption,
            Asset.rating,
            Asset.described_by == BY_SIDECAR,
            func.coalesce(Asset.camera_make, ""),
            func.coalesce(Asset.camera_model, ""),
            Description.alt,
            Description.sentence,
            is_tagged,
        )
        .outerjoin(Description, Description.asset_id == Asset.id)
        .where(Asset.id.in_(among(asset_ids)))
    )
    return {
        row[0]: Described(row[1], row[2], bool(row[3]), (row[4], row[5]), *row[6:8], bool(row[8]))
        for row in rows
    }


def rejected_names(session: Session, asset_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return the tags that the owner has rejected, by asset id, in alphabetical order."""
    rows = session.execute(
        select(TagRejection.asset_id, Tag.name)
        .join(Tag, Tag.id == TagRejection.tag_id)
        .where(TagRejection.asset_id.in_(among(asset_ids)))
        .order_by(Tag.name)
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for asset_id, name in rows:
        found[asset_id].append(name)
    return {asset_id: tuple(names) for asset_id, names in found.items()}


def describe(
    session: Session, asset_id: int, caption: str | None, rating: int | None, *, by_sidecar: bool
) -> None:
    """Write an asset's caption and rating, and whether a sidecar has the last word on them."""
    session.execute(
        update(Asset)
        .where(Asset.id == asset_id)
        .values(caption=caption, rating=rating, described_by=BY_SIDECAR if by_sidecar else None)
    )
