"""What is known of the pictures in files, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from pixfind.catalog.schema import (
    FRAME,
    FROM_USER,
    REGION,
    WHOLE,
    Asset,
    AssetTag,
    Description,
    Embedding,
    File,
    TagCoverage,
)


@dataclass(frozen=True)
class Holdings:
    """How many pictures the model has seen, and how many of them there is more to say of.

    ``photos`` are all of them; ``videos`` those that move; ``tagged`` those that automatic tagging
    has looked at and ``accepted`` those that the owner has tagged. ``regions`` and ``moments`` are
    parts of pictures that have a vector of their own.
    """

    photos: int
    videos: int
    regions: int
    moments: int
    tagged: int
    accepted: int
    described: int


def holdings(session: Session, model_id: int) -> Holdings:
    """Count what there is of pictures in files that the model has seen."""

    def having(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    def parts(kind: str) -> int:
        in_a_file = exists().where(File.asset_id == Embedding.asset_id)
        of_kind = Embedding.model_id == model_id, Embedding.kind == kind
        return session.scalar(select(func.count(Embedding.id)).where(*of_kind, in_a_file)) or 0

    seen = exists().where(
        Embedding.asset_id == Asset.id,
        Embedding.model_id == model_id,
        Embedding.kind == WHOLE,
    )
    in_a_file = exists().where(File.asset_id == Asset.id)
    by_owner = exists().where(AssetTag.asset_id == Asset.id, AssetTag.source == FROM_USER)
    # In one go: which pictures there are takes much longer to find than what is known of each.
    photos, videos, tagged, accepted, described = session.execute(
        select(
            func.count(),
            having(Asset.duration.is_not(None)),
            having(exists().where(TagCoverage.asset_id == Asset.id)),
            having(by_owner),
            having(exists().where(Description.asset_id == Asset.id)),
        )
        .select_from(Asset)
        .where(in_a_file, seen)
    ).one()
    return Holdings(
        photos=photos,
        videos=videos,
        regions=parts(REGION),
        moments=parts(FRAME),
        tagged=tagged,
        accepted=accepted,
        described=described,
    )
