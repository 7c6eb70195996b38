"""A batch's results into the catalog, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone

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
    with catalog.write() as session:
        pictures = [assets.find(session, f.content_id) or _new_asset(session, f) for f in fresh]
        read: dict[int, Metadata | None] = {
            other.asset_id: other.metadata for other in others if isinstance(other, Reread)
        }
        read |= {asset.id: f.photo.metadata for asset, f in zip(pictures, fresh, strict=True)}
        films = [assets.find(session, v.content_id) or _new_video(session, v) for v in videos]
        read |= {asset.id: v.metadata for asset, v in zip(films, videos, strict=True)}
        # Before the files are placed, so that the full-text index reads a new picture once.
        _describe(session, read)
        for asset, item, vector, regions in zip(pictures, fresh, vectors, of_tiles, strict=True):
            # Another process may have embedded the same content since this one looked.
            if assets.embedded_asset(session, item.content_id, model_id) is None:
                assets.add_embedding(session, asset.id, model_id, vector)
            if item.tiles and not parts.of_asset_exist(session, asset.id, model_id):
                parts.add(session, asset.id, model_id, [t.part for t in item.tiles], regions)
            files.place(session, item.place, asset.id)
        for asset, video in zip(films, videos, strict=True):
            if assets.embedded_asset(session, video.content_id, model_id) is None:
                assets.add_embedding(session, asset.id, model_id, video.whole)
                parts.add(session, asset.id, model_id, video.moments, video.vectors)
            files.place(session, video.place, asset.id)
        for other in others:
            if isinstance(other, Known | Reread):
                files.place(session, other.place, other.asset_id)
            else:
                files.fail(session, other.place, other.kind, other.reason)
        bump_generation(session)


def _new_asset(session: Session, item: Fresh) -> Asset:
    photo = item.photo
    return _added(session, item, photo.format, photo.width, photo.height)


def _new_video(session: Session, item: FreshVideo) -> Asset:
    return _added(session, item, item.format, item.width, item.height, item.duration)


def _added(
    session: Session,
    item: Fresh | FreshVideo,
    format: str,  # noqa: A002 - the column's name
    width: int,
    height: int,
    duration: float | None = None,
) -> Asset:
    asset = Asset(
        content_id=item.content_id,
        byte_size=item.byte_size,
        format=format,
        width=width,
        height=height,
        duration=duration,
        seen_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        metadata_version=0,
        blur=item.blur,
    )
    session.add(asset)
    session.flush()
    return asset


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
