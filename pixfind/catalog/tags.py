"""The tags of pictures: words, by where they come from."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, case, delete, exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among, among_chosen, chosen
from pixfind.catalog.names import folded
from pixfind.catalog.schema import AUTOMATIC, AssetTag, File, Tag, TagRejection


@dataclass(frozen=True)
class TagOn:
    """A tag of a picture; ``score`` is the probability of an automatic one, in [0, 1]."""

    name: str
    source: str
    score: float | None = None


@dataclass(frozen=True)
class TagCount:
    """A tag, on how many pictures it is, and on how many of these by automatic tagging alone."""

    name: str
    pictures: int
    automatic: int
    rejected: int


def set_tags(session: Session, wanted: Mapping[int, Collection[str]], source: str) -> None:
    """Make these the tags that assets have from one source; those from elsewhere stay.

    Names that differ only in case are one tag, in any script, spelt as it was first. SQLite's own
    NOCASE knows the letters of ASCII alone, so names are compared here, by ``folded``. What is the
    same to NOCASE is the same to that too, so the table's index never objects. What the owner has
    rejected for an asset does not come back.

    Args:
        session: a transaction.
        wanted: the names, by asset id. An asset that is not among the keys keeps its tags.
        source: where they come from, ``schema.FROM_FILE`` or ``schema.FROM_SIDECAR``.
    """
    if not wanted:
        return
    ids = ids_of(session, (name for names in wanted.values() for name in names))
    before = from_source(session, list(wanted), source)
    refused = rejected(session, list(wanted))
    dropped: set[int] = set()
    for asset_id, names in wanted.items():
        now = {ids[folded(name)] for name in names} - refused[asset_id]
        gone = before[asset_id] - now
        # Only what differs: each row written makes the full-text index read the asset again.
        session.add_all(
            AssetTag(asset_id=asset_id, tag_id=tag_id, source=source)
            for tag_id in sorted(now - before[asset_id])
        )
        if gone:
            session.execute(
                delete(AssetTag).where(
                    AssetTag.asset_id == asset_id,
                    AssetTag.tag_id.in_(gone),
                    AssetTag.source == source,
                )
            )
        dropped |= gone
    session.flush()
    forget_unused(session, dropped)


def tags_of(session: Session, asset_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return the tags of assets, each in alphabetical order; assets without tags are left out."""
    rows = session.connection().execute(_tags_of(), chosen(asset_ids))
    found = defaultdict(list)
    for asset_id, name in rows.all():
        found[asset_id].append(name)
    return {asset_id: tuple(sorted(names, key=folded)) for asset_id, names in found.items()}


@functools.cache
def _tags_of() -> Select[int, str]:
    """Made once: every search asks this."""
    return (
        select(AssetTag.asset_id, Tag.name)
        .join(Tag, Tag.id == AssetTag.tag_id)
        .where(AssetTag.asset_id.in_(among_chosen()))
        .distinct()
    )


def tags_on(session: Session, asset_ids: Sequence[int]) -> dict[int, tuple[TagOn, ...]]:
    """Return every tag of assets with its source, in alphabetical order; a tag may be there twice.

    Assets without tags are left out.
    """
    rows = session.execute(
        select(AssetTag.asset_id, Tag.name, AssetTag.source, AssetTag.score)
        .join(Tag, Tag.id == AssetTag.tag_id)
        .where(AssetTag.asset_id.in_(among(asset_ids)))
    )
    found: defaultdict[int, list[TagOn]] = defaultdict(list)
    for asset_id, name, source, score in rows:
        found[asset_id].append(TagOn(name, source, score))
    return {
        asset_id: tuple(sorted(tags, key=lambda tag: (folded(tag.name), tag.source)))
        for asset_id, tags in found.items()
    }


def counts(session: Session) -> list[TagCount]:
    """Return all tags with how many pictures in files have them, the most used first."""
    in_a_file = exists().where(File.asset_id == AssetTag.asset_id)
    human = func.max(case((AssetTag.source == AUTOMATIC, 0), else_=1))
    of_picture = (
        select(AssetTag.tag_id, AssetTag.asset_id, human.label("human"))
        .where(in_a_file)
        .group_by(AssetTag.tag_id, AssetTag.asset_id)
        .subquery()
    )
    refused = (
        select(TagRejection.tag_id, func.count().label("rejected"))
        .group_by(TagRejection.tag_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Tag.name,
            func.count(of_picture.c.asset_id),
            func.coalesce(func.sum(1 - of_picture.c.human), 0),
            func.coalesce(func.max(refused.c.rejected), 0),
        )
        .outerjoin(of_picture, of_picture.c.tag_id == Tag.id)
        .outerjoin(refused, refused.c.tag_id == Tag.id)
        .group_by(Tag.id)
    )
    found = [TagCount(*row) for row in rows]
    return sorted(found, key=lambda tag: (-tag.pictures, folded(tag.name)))


def ids_of(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Return the ids of these tags by their folded names, adding those that are new."""
    spellings: dict[str, str] = {}
    for name in names:
        spellings.setdefault(folded(name), name)
    if not spellings:
        return {}
    ids = _spelt(session, spellings.values())
    if len(ids) < len(spellings):
        # Beyond ASCII, upper and lower case are unknown to SQLite.
        ids = known_ids(session)
    new = [Tag(name=name) for key, name in spellings.items() if key not in ids]
    session.add_all(new)
    session.flush()
    ids |= {folded(tag.name): tag.id for tag in new}
    return {key: ids[key] for key in spellings}


def _spelt(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Return the ids of tags with these names, but for the case of ASCII, by folded names."""
    rows = session.execute(select(Tag.id, Tag.name).where(Tag.name.in_(among(names))))
    return {folded(name): tag_id for tag_id, name in rows}


def known_ids(session: Session) -> dict[str, int]:
    """Return the ids of all tags by their folded names."""
    return {folded(name): tag_id for tag_id, name in session.execute(select(Tag.id, Tag.name))}


def rejected(session: Session, asset_ids: Sequence[int]) -> defaultdict[int, set[int]]:
    """Return the ids of the tags that the owner has rejected, by asset id."""
    rows = session.execute(
        select(TagRejection.asset_id, TagRejection.tag_id).where(
            TagRejection.asset_id.in_(among(asset_ids))
        )
    )
    found: defaultdict[int, set[int]] = defaultdict(set)
    for asset_id, tag_id in rows:
        found[asset_id].add(tag_id)
    return found


def forget_unused(session: Session, tag_ids: Collection[int]) -> None:
    """Drop tags that no picture has any more, so that a spelling put right is the first again."""
    if tag_ids:
        used = exists().where(AssetTag.tag_id == Tag.id)
        refused = exists().where(TagRejection.tag_id == Tag.id)
        session.execute(delete(Tag).where(Tag.id.in_(among(tag_ids)), ~used, ~refused))


def from_source(
    session: Session, asset_ids: Sequence[int], source: str
) -> defaultdict[int, set[int]]:
    """Return the ids of the tags that assets have from one source, by asset id."""
    rows = session.execute(
        select(AssetTag.asset_id, AssetTag.tag_id).where(
            AssetTag.asset_id.in_(among(asset_ids)), AssetTag.source == source
        )
    )
    found: defaultdict[int, set[int]] = defaultdict(set)
    for asset_id, tag_id in rows:
        found[asset_id].add(tag_id)
    return found


def first_names(session: Session, count: int) -> list[str]:
    """Return names of tags in alphabetical order, so many at most."""
    return list(session.scalars(select(Tag.name).order_by(Tag.name).limit(count)))
