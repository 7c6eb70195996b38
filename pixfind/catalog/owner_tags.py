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
from pixfind.catalog.tags import forget_unused, from_source, ids_of, known_ids, rejected


@dataclass(frozen=True)
class Examples:
    """What the owner has said of one tag, by asset id."""

    accepted: frozenset[int]
    rejected: frozenset[int]


def accept(
    session: Session,
    name: str,
    asset_ids: Sequence[int],
    *,
    implied: Collection[str] = (),
    implying: Collection[str] = (),
) -> None:
    """Record that the owner gives a tag to assets, whatever was said before.

    Args:
        session: a transaction.
        name: of the tag.
        asset_ids: of the assets.
        implied: tags that it implies, which they get with it.
        implying: tags that imply it; where these were rejected together with it, that is
            forgotten too.
    """
    _forget_rejections(session, [name, *implied], asset_ids, implying)
    at = _now()
    _renew(session, name, asset_ids, at, implied)
    _give(session, [name], asset_ids, at, anew=True)
    _give(session, implied, asset_ids, at, anew=False)


def _renew(
    session: Session, name: str, asset_ids: Sequence[int], at: str, implied: Collection[str]
) -> None:
    """Let what was accepted together with a tag stay so when that is said again."""
    tag_ids, with_it = _of(session, [name]).values(), _of(session, implied).values()
    before = select(AssetTag.asset_id, AssetTag.said_at).where(
        AssetTag.source == FROM_USER,
        AssetTag.tag_id.in_(tag_ids),
        AssetTag.asset_id.in_(among(asset_ids)),
    )
    session.execute(
        update(AssetTag)
        .where(
            AssetTag.source == FROM_USER,
            AssetTag.tag_id.in_(with_it),
            tuple_(AssetTag.asset_id, AssetTag.said_at).in_(before),
        )
        .values(said_at=at)
        .execution_options(synchronize_session=False)
    )


def imply(session: Session, name: str, asset_ids: Sequence[int], implied: Collection[str]) -> None:
    """Give assets that the owner has given a tag what it implies, where they lack that.

    Args: as for ``accept``.
    """
    tag_id = ids_of(session, [name])[folded(name)]
    rows = session.execute(
        select(AssetTag.said_at, AssetTag.asset_id).where(
            AssetTag.tag_id == tag_id,
            AssetTag.source == FROM_USER,
            AssetTag.asset_id.in_(among(asset_ids)),
        )
    ).all()
    for at, asset_id in rows:
        _give(session, implied, [asset_id], at, anew=False)


def _give(
    session: Session,
    names: Collection[str],
    asset_ids: Sequence[int],
    at: str | None,
    *,
    anew: bool,
) -> None:
    """Make tags the owner's; those that are so already keep their time unless said anew."""
    tag_ids = set(ids_of(session, names).values())
    sources = (AUTOMATIC, FROM_USER) if anew else (AUTOMATIC,)
    of_these = AssetTag.tag_id.in_(tag_ids), AssetTag.asset_id.in_(among(asset_ids))
    session.execute(delete(AssetTag).where(*of_these, AssetTag.source.in_(sources)))
    given = from_source(session, asset_ids, FROM_USER)
    session.add_all(
        AssetTag(asset_id=asset_id, tag_id=tag_id, source=FROM_USER, said_at=at)
        for asset_id in asset_ids
        for tag_id in sorted(tag_ids - given[asset_id])
    )
    session.flush()


def reject(
    session: Session,
    names: Collection[str],
    asset_ids: Sequence[int],
    implying: Collection[str] = (),
) -> None:
    """Record that these tags are not true of assets: they go, and no run brings them back.

    Args:
        session: a transaction.
        names: of the tags.
        asset_ids: of the assets.
        implying: tags that imply one of them, which are rejected with it.
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
    name: str,
    asset_ids: Sequence[int],
    *,
    implied: Collection[str] = (),
    implying: Collection[str] = (),
) -> None:
    """Forget what the owner has said of a tag for assets, one way or the other.

    What was accepted or rejected together with it goes, too. The next runs give back what the
    files and the models say of them.

    Args: as for ``accept``.
    """
    _forget_rejections(session, [name], asset_ids, implying)
    session.execute(delete(TagCoverage).where(TagCoverage.asset_id.in_(among(asset_ids))))
    tag_ids, with_it = _of(session, [name]).values(), _of(session, implied).values()
    of_owner = AssetTag.source == FROM_USER, AssetTag.asset_id.in_(among(asset_ids))
    said = select(AssetTag.asset_id, AssetTag.said_at).where(
        *of_owner, AssetTag.tag_id.in_(tag_ids)
    )
    together = [tuple(row) for row in session.execute(said)]
    for asset_id, at in together:
        session.execute(
            delete(AssetTag).where(
                AssetTag.source == FROM_USER,
                AssetTag.asset_id == asset_id,
                AssetTag.said_at == at,
                AssetTag.tag_id.in_(with_it),
            )
        )
    session.execute(delete(AssetTag).where(*of_owner, AssetTag.tag_id.in_(tag_ids)))
    forget_unused(session, {*tag_ids, *with_it})


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


def said_of(
    session: Session, asset_ids: Sequence[int]
) -> dict[int, tuple[frozenset[int], frozenset[int]]]:
    """Return the ids of the tags that the owner has accepted and rejected, by asset id."""
    given, refused = from_source(session, asset_ids, FROM_USER), rejected(session, asset_ids)
    return {i: (frozenset(given[i]), frozenset(refused[i])) for i in asset_ids}


def rejected_names(session: Session, asset_id: int) -> list[str]:
    """Return the tags that the owner has rejected for an asset, in alphabetical order."""
    names = session.scalars(
        select(Tag.name)
        .join(TagRejection, TagRejection.tag_id == Tag.id)
        .where(TagRejection.asset_id == asset_id)
    )
    return sorted(names, key=folded)


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
