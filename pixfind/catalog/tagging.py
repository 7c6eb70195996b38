"""Automatic tags, by the run that gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.names import folded
from pixfind.catalog.schema import (
    AUTOMATIC,
    FROM_USER,
    WHOLE,
    AssetTag,
    Embedding,
    File,
    Model,
    TagCoverage,
    TagRun,
)
from pixfind.catalog.tags import forget_unused, from_source, ids_of, rejected


@dataclass(frozen=True)
class Run:
    """A run of automatic tagging and what is left of it. ``started_at`` is ISO 8601 in UTC."""

    id: int
    model: str
    vocabulary: str
    started_at: str
    pictures: int
    tags: int


def start_run(session: Session, model_id: int, vocabulary: str) -> int:
    """Record that a run begins; return its id."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    run = TagRun(model_id=model_id, vocabulary=vocabulary, started_at=now)
    session.add(run)
    session.flush()
    return run.id


def pending(session: Session, model_id: int, fingerprint: str) -> dict[int, int]:
    """Return the embeddings of whole pictures in files whose automatic tags are not up to date.

    Args:
        session: a session.
        model_id: the model that sees them.
        fingerprint: of all that the tags depend on.

    Returns:
        The asset's id by the embedding's.
    """
    in_a_file = exists().where(File.asset_id == Embedding.asset_id)
    up_to_date = (
        select(TagCoverage.asset_id)
        .join(TagRun, TagRun.id == TagCoverage.run_id)
        .where(TagRun.model_id == model_id, TagCoverage.fingerprint == fingerprint)
    )
    rows = session.execute(
        select(Embedding.id, Embedding.asset_id).where(
            Embedding.model_id == model_id,
            Embedding.kind == WHOLE,
            in_a_file,
            Embedding.asset_id.not_in(up_to_date),
        )
    )
    return {row[0]: row[1] for row in rows}


def set_automatic(
    session: Session,
    run_id: int,
    fingerprint: str,
    wanted: Mapping[int, Mapping[str, float]],
) -> int:
    """Make these the automatic tags of assets, except those that the owner has spoken of.

    Args:
        session: a transaction.
        run_id: the run that found them; those of earlier runs go.
        fingerprint: of all that they depend on.
        wanted: the probability in [0, 1] by the tag's name, by asset id.

    Returns:
        How many tags there are now.
    """
    ids = ids_of(session, {name for names in wanted.values() for name in names})
    refused = rejected(session, list(wanted))
    given = from_source(session, list(wanted), FROM_USER)
    chosen = among(wanted)
    earlier = AssetTag.asset_id.in_(chosen), AssetTag.source == AUTOMATIC
    before = set(session.scalars(select(AssetTag.tag_id).where(*earlier).distinct()))
    session.execute(delete(AssetTag).where(*earlier))
    session.execute(delete(TagCoverage).where(TagCoverage.asset_id.in_(chosen)))
    tags = [
        {"asset_id": asset_id, "tag_id": tag_id, "score": score}
        for asset_id, names in wanted.items()
        for tag_id, score in ((ids[folded(name)], score) for name, score in names.items())
        if tag_id not in refused[asset_id] and tag_id not in given[asset_id]
    ]
    if tags:
        session.execute(insert(AssetTag).values(source=AUTOMATIC, run_id=run_id), tags)
    if wanted:
        covered = insert(TagCoverage).values(run_id=run_id, fingerprint=fingerprint)
        session.execute(covered, [{"asset_id": asset_id} for asset_id in wanted])
    forget_unused(session, before)
    return len(tags)


def runs(session: Session) -> list[Run]:
    """Return the runs of which something is left, the latest first."""
    tags = (
        select(AssetTag.run_id, func.count().label("tags"))
        .where(AssetTag.run_id.is_not(None))
        .group_by(AssetTag.run_id)
        .subquery()
    )
    covered = (
        select(TagCoverage.run_id, func.count().label("pictures"))
        .group_by(TagCoverage.run_id)
        .subquery()
    )
    rows = session.execute(
        select(
            TagRun.id,
            Model.name,
            TagRun.vocabulary,
            TagRun.started_at,
            func.coalesce(covered.c.pictures, 0),
            func.coalesce(tags.c.tags, 0),
        )
        .join(Model, Model.id == TagRun.model_id)
        .outerjoin(tags, tags.c.run_id == TagRun.id)
        .outerjoin(covered, covered.c.run_id == TagRun.id)
        .where(or_(tags.c.tags.is_not(None), covered.c.pictures.is_not(None)))
        .order_by(TagRun.id.desc())
    )
    return [Run(*row) for row in rows]


def undo(session: Session, run_id: int) -> int:
    """Take back what a run has tagged; return how many tags that were.

    The pictures count as not tagged yet. What the owner accepted or rejected stays.
    """
    of_run = AssetTag.run_id == run_id
    used = set(session.scalars(select(AssetTag.tag_id).where(of_run).distinct()))
    count = session.scalar(select(func.count()).select_from(AssetTag).where(of_run)) or 0
    session.execute(delete(AssetTag).where(of_run))
    session.execute(delete(TagCoverage).where(TagCoverage.run_id == run_id))
    session.execute(delete(TagRun).where(TagRun.id == run_id))
    forget_unused(session, used)
    return count
