"""The tags of pictures: words, by where they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.names import folded
from pixfind.catalog.schema import FROM_FILE, AssetTag, Tag


def set_file_tags(session: Session, wanted: Mapping[int, Collection[str]]) -> None:
    """Make these the tags that come from the assets' files; those from elsewhere stay.

    Names that differ only in case are one tag, in any script, spelt as it was first. SQLite's own
    NOCASE knows the letters of ASCII alone, so names are compared here, by ``folded``. What is the
    same to NOCASE is the same to that too, so the table's index never objects.

    Args:
        session: a transaction.
        wanted: the names, by asset id. An asset that is not among the keys keeps its tags.
    """
    ids = _ids(session, wanted)
    before = _from_files(session, list(wanted))
    dropped: set[int] = set()
    for asset_id, names in wanted.items():
        now = {ids[folded(name)] for name in names}
        gone = before[asset_id] - now
        # Only what differs: each row written makes the full-text index read the asset again.
        session.add_all(
            AssetTag(asset_id=asset_id, tag_id=tag_id, source=FROM_FILE)
            for tag_id in sorted(now - before[asset_id])
        )
        if gone:
            session.execute(
                delete(AssetTag).where(
                    AssetTag.asset_id == asset_id,
                    AssetTag.tag_id.in_(gone),
                    AssetTag.source == FROM_FILE,
                )
            )
        dropped |= gone
    session.flush()
    _forget_unused(session, dropped)


def tags_of(session: Session, asset_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return the tags of assets, each in alphabetical order; assets without tags are left out."""
    rows = session.execute(
        select(AssetTag.asset_id, Tag.name)
        .join(Tag, Tag.id == AssetTag.tag_id)
        .where(AssetTag.asset_id.in_(among(asset_ids)))
        .distinct()
    )
    found = defaultdict(list)
    for asset_id, name in rows:
        found[asset_id].append(name)
    return {asset_id: tuple(sorted(names, key=folded)) for asset_id, names in found.items()}


def _ids(session: Session, wanted: Mapping[int, Collection[str]]) -> dict[str, int]:
    """Return the ids of the tags by their folded names, adding those that are new."""
    spellings: dict[str, str] = {}
    for names in wanted.values():
        for name in names:
            spellings.setdefault(folded(name), name)
    if not spellings:
        return {}
    ids = {folded(name): tag_id for tag_id, name in session.execute(select(Tag.id, Tag.name))}
    new = [Tag(name=name) for key, name in spellings.items() if key not in ids]
    session.add_all(new)
    session.flush()
    return ids | {folded(tag.name): tag.id for tag in new}


def _from_files(session: Session, asset_ids: Sequence[int]) -> defaultdict[int, set[int]]:
    rows = session.execute(
        select(AssetTag.asset_id, AssetTag.tag_id).where(
            AssetTag.asset_id.in_(among(asset_ids)), AssetTag.source == FROM_FILE
        )
    )
    found: defaultdict[int, set[int]] = defaultdict(set)
    for asset_id, tag_id in rows:
        found[asset_id].add(tag_id)
    return found


def _forget_unused(session: Session, tag_ids: set[int]) -> None:
    """Drop tags that no picture has any more, so that a spelling put right is the first again."""
    if tag_ids:
        used = exists().where(AssetTag.tag_id == Tag.id)
        session.execute(delete(Tag).where(Tag.id.in_(tag_ids), ~used))
