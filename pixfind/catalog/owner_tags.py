"""The owner's word on tags of pictures: accepted, rejected, taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.names import folded
from pixfind.catalog.schema import (
    AUTOMATIC,
    FROM_USER,
    Asset,
    AssetTag,
    Tag,
    TagCoverage,
    TagRejection,
)
from pixfind.catalog.tags import forget_unused, ids_of, known_ids, rejected


@dataclass(frozen=True)
class Examples:
    """What the owner has said of one tag, by asset id."""

    accepted: frozenset[int]
    rejected: frozenset[int]


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
    before, at = rejected(session, asset_ids), _now()
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


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
