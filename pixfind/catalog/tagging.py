"""Automatic tags and their runs, and the owner's word on them: accepted, rejected, examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import delete, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.names import folded
from pixfind.catalog.schema import (
    AUTOMATIC,
    FROM_USER,
    WHOLE,
    Asset,
    AssetTag,
    Embedding,
    File,
    Model,
    Tag,
    TagCoverage,
    TagRejection,
    TagRun,
)
from pixfind.catalog.tags import forget_unused, from_source, ids_of, known_ids, rejected


@dataclass(frozen=True)
class Run:
    """A run of automatic tagging and what is left of it. ``started_at`` is ISO 8601 in UTC."""

    id: int
    model: str
    vocabulary: str
    started_at: str
    pictures: int
    tags: int


@dataclass(frozen=True)
class Examples:
    """What the owner has said of one tag, by asset id."""

    accepted: frozenset[int]
    rejected: frozenset[int]


def start_run(session: Session, model_id: int, vocabulary: str) -> int:
    """Record that a run begins; return its id."""
    run = TagRun(model_id=model_id, vocabulary=vocabulary, started_at=_now())
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


def accept(
    session: Session,
    names: Collection[str],
    asset_ids: Sequence[int],
    implying: Collection[str] = (),
) -> None:
    """Record that the owner gives these tags to assets, whatever was said before.

    Args:
        session: a transaction.
        names: of the tags.
        asset_ids: of the assets.
        implying: tags that imply one of them; where these were rejected together with it, that is
            forgotten too.
    """
    tag_ids = list(ids_of(session, names).values())
    _forget_rejections(session, names, asset_ids, implying)
    session.execute(
        delete(AssetTag).where(
            AssetTag.tag_id.in_(tag_ids),
            AssetTag.asset_id.in_(among(asset_ids)),
            AssetTag.source.in_((AUTOMATIC, FROM_USER)),
        )
    )
    session.add_all(
        AssetTag(asset_id=asset_id, tag_id=tag_id, source=FROM_USER)
        for asset_id in asset_ids
        for tag_id in tag_ids
    )
    session.flush()


def reject(
    session: Session,
    names: Collection[str],
    asset_ids: Sequence[int],
    implying: Collection[str] = (),
) -> None:
    """Record that these tags are not true of assets: they go, and no run brings them back.

    Args: as for ``accept``; what implies one of the tags is rejected with it.
    """
    said = set(ids_of(session, names).values())
    tag_ids = said | set(ids_of(session, implying).values())
    of_assets = AssetTag.asset_id.in_(among(asset_ids))
    session.execute(delete(AssetTag).where(AssetTag.tag_id.in_(tag_ids), of_assets))
    # Said together is what has the same time, so what was said before keeps its own.
    before, at = rejected(session, asset_ids), _now("microseconds")
    session.execute(
        update(TagRejection)
        .where(TagRejection.tag_id.in_(said), TagRejection.asset_id.in_(among(asset_ids)))
        .values(rejected_at=at)
    )
    session.add_all(
        TagRejection(asset_id=asset_id, tag_id=tag_id, rejected_at=at)
        for asset_id in asset_ids
        for tag_id in tag_ids - before[asset_id]
    )
    session.flush()


def withdraw(
    session: Session,
    names: Collection[str],
    asset_ids: Sequence[int],
    implying: Collection[str] = (),
) -> None:
    """Forget what the owner has said of these tags for assets, one way or the other.

    The next runs give back what the files and the models say of them.

    Args: as for ``accept``.
    """
    tag_ids = list(_of(session, names).values())
    _forget_rejections(session, names, asset_ids, implying)
    session.execute(delete(TagCoverage).where(TagCoverage.asset_id.in_(among(asset_ids))))
    session.execute(
        delete(AssetTag).where(
            AssetTag.tag_id.in_(tag_ids),
            AssetTag.asset_id.in_(among(asset_ids)),
            AssetTag.source == FROM_USER,
        )
    )
    forget_unused(session, tag_ids)


def examples(session: Session) -> dict[str, Examples]:
    """Return what the owner has said, by the tag's name."""
    accepted: dict[str, set[int]] = {}
    refused: dict[str, set[int]] = {}
    given = select(Tag.name, AssetTag.asset_id).join(AssetTag, AssetTag.tag_id == Tag.id)
    for name, asset_id in session.execute(given.where(AssetTag.source == FROM_USER)):
        accepted.setdefault(name, set()).add(asset_id)
    taken = select(Tag.name, TagRejection.asset_id).join(
        TagRejection, TagRejection.tag_id == Tag.id
    )
    for name, asset_id in session.execute(taken):
        refused.setdefault(name, set()).add(asset_id)
    return {
        name: Examples(frozenset(accepted.get(name, ())), frozenset(refused.get(name, ())))
        for name in sorted(accepted.keys() | refused.keys())
    }


def _of(session: Session, names: Collection[str]) -> dict[str, int]:
    known = known_ids(session)
    return {key: known[key] for key in dict.fromkeys(map(folded, names)) if key in known}


def _forget_rejections(
    session: Session,
    names: Collection[str],
    asset_ids: Sequence[int],
    implying: Collection[str],
) -> None:
    tag_ids, with_them = _of(session, names).values(), _of(session, implying).values()
    of_these = select(TagRejection.asset_id, TagRejection.rejected_at).where(
        TagRejection.tag_id.in_(tag_ids), TagRejection.asset_id.in_(among(asset_ids))
    )
    said_together = tuple_(TagRejection.asset_id, TagRejection.rejected_at).in_(of_these)
    # What the files say of them went, too: the next run of indexing reads that again.
    session.execute(
        update(Asset)
        .where(Asset.id.in_(of_these.with_only_columns(TagRejection.asset_id)))
        .values(metadata_version=0)
    )
    session.execute(delete(TagRejection).where(TagRejection.tag_id.in_(with_them), said_together))
    session.execute(
        delete(TagRejection).where(
            TagRejection.tag_id.in_(tag_ids), TagRejection.asset_id.in_(among(asset_ids))
        )
    )
    forget_unused(session, set(with_them))


def _now(timespec: str = "seconds") -> str:
    return datetime.now(timezone.utc).isoformat(timespec=timespec)
