"""A batch's results into the catalog, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone

import numpy as np
from sqlalchemy.orm import Session

from indexer.prepare import Failed, Fresh, Known, Reread
from indexer.videos import FreshVideo
from pixfind.catalog import Catalog, assets, files, parts
from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import FROM_FILE, Asset
from pixfind.catalog.tags import set_tags
from pixfind.encoders.base import Vectors
from pixfind.photos.exif import VERSION, Metadata


def commit(
    catalog: Catalog,
    model_id: int,
    fresh: Sequence[Fresh],
    vectors: Vectors,
    of_tiles: Sequence[Vectors],
    videos: Sequence[FreshVideo],
    others: Sequence[Known | Reread | Failed],
) -> None:
    """Record embedded pictures, known ones in new places, and failures: all or nothing.

    Args:
        catalog: where to.
        model_id: the model that the vectors come from.
        fresh: new pictures.
        vectors: their unit vectors, float32 (len(fresh), dim).
        of_tiles: those of each one's regions, float32 (tiles, dim).
        videos: new videos, which bring their vectors.
        others: files that needed no embedding, or got none.
    """
    new: list[Fresh | FreshVideo] = [*fresh, *videos]
    with catalog.write() as session:
        read = {other.asset_id: other.metadata for other in others if isinstance(other, Reread)}
        ids = _assets(session, new, read)
        # Before the files are placed, so that the full-text index reads a new picture once.
        _describe(session, read)
        # Another process may have embedded the same content since this one looked.
        seen = assets.embedded_among(session, list(ids.values()), model_id)
        unseen = [n for n, item in enumerate(fresh) if ids[item.content_id] not in seen]
        ids_unseen = [ids[fresh[n].content_id] for n in unseen]
        assets.add_embeddings(session, ids_unseen, model_id, vectors[unseen])
        for item, regions in zip(fresh, of_tiles, strict=True):
            asset_id = ids[item.content_id]
            if item.tiles and not parts.of_asset_exist(session, asset_id, model_id):
                parts.add(session, asset_id, model_id, [t.part for t in item.tiles], regions)
        for video in videos:
            asset_id = ids[video.content_id]
            if asset_id not in seen:
                assets.add_embeddings(session, [asset_id], model_id, video.whole[np.newaxis])
                parts.add(session, asset_id, model_id, video.moments, video.vectors)
        placed = [(item.place, ids[item.content_id]) for item in new]
        placed += [(o.place, o.asset_id) for o in others if isinstance(o, Known | Reread)]
        files.place(session, placed)
        failed = [(o.place, o.kind, o.reason) for o in others if isinstance(o, Failed)]
        files.fail(session, failed)
        bump_generation(session)


def _assets(
    session: Session, new: Sequence[Fresh | FreshVideo], read: dict[int, Metadata | None]
) -> dict[bytes, int]:
    """Return the assets of new files by their contents, adding those that there are not.

    What the files of the others say is added to what was ``read``.
    """
    known = assets.by_content(session, [item.content_id for item in new])
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rows = {}
    keywords = {}
    for item in new:
        asset_id = known.get(item.content_id)
        if asset_id is not None:
            read[asset_id] = _metadata(item)
            continue
        facts = dict(vars(_metadata(item)))
        keywords[item.content_id] = facts.pop("keywords")
        rows[item.content_id] = {
            "content_id": item.content_id,
            "byte_size": item.byte_size,
            **_shape(item),
            **facts,
            "seen_at": now,
            "metadata_version": VERSION,
            "blur": item.blur,
        }
    added = assets.add(session, list(rows.values()))
    set_tags(session, {added[c]: words for c, words in keywords.items() if words}, FROM_FILE)
    return known | added


def _metadata(item: Fresh | FreshVideo) -> Metadata:
    return item.photo.metadata if isinstance(item, Fresh) else item.metadata


def _shape(item: Fresh | FreshVideo) -> dict[str, object]:
    shown = item.photo if isinstance(item, Fresh) else item
    return {
        "format": shown.format,
        "width": shown.width,
        "height": shown.height,
        "duration": None if isinstance(item, Fresh) else item.duration,
    }


def _describe(session: Session, read: Mapping[int, Metadata | None]) -> None:
    """Write what the files of assets say, by asset id, where an older version said it before.

    Where nothing could be read now, what is known stays; the next run need not try again.
    """
    keywords = {}
    for asset_id, metadata in read.items():
        asset = session.get_one(Asset, asset_id)
        if asset.metadata_version >= VERSION:
            continue
        asset.metadata_version = VERSION
        if metadata is not None:
            facts = asdict(metadata)
            keywords[asset_id] = facts.pop("keywords")
            if asset.described_by is not None:  # a sidecar, which has the last word
                del facts["rating"], facts["caption"]
            for name, value in facts.items():
                setattr(asset, name, value)
    session.flush()
    set_tags(session, keywords, FROM_FILE)
