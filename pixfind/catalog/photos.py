"""What a reader sees of a picture: its facts and the files that hold it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from pixfind.catalog import tags
from pixfind.catalog.contents import version_of
from pixfind.catalog.ids import among_chosen, chosen
from pixfind.catalog.names import camera_name
from pixfind.catalog.schema import Asset, File, Root
from pixfind.errors import PhotoNotFoundError


@dataclass(frozen=True)
class Photo:
    """A picture of the library. Units are those of ``schema.Asset``; paths are absolute."""

    id: int
    content_id: bytes
    paths: tuple[Path, ...]
    byte_size: int
    format: str
    width: int
    height: int
    taken_at: str | None
    camera: str | None
    lens: str | None
    iso: int | None
    focal_length: float | None
    aperture: float | None
    exposure_time: float | None
    latitude: float | None
    longitude: float | None
    altitude: float | None
    rating: int | None
    caption: str | None
    tags: tuple[str, ...]
    seen_at: str | None
    duration: float | None = None
    blur: bytes | None = None

    @property
    def version(self) -> str:
        """What tells this picture from another library's with the same id, 12 hex digits."""
        return version_of(self.content_id)

    @property
    def path(self) -> Path:
        """The first of the files that is there; the first at all if none is."""
        return next((path for path in self.paths if path.exists()), self.paths[0])


def photos_by_id(session: Session, ids: Sequence[int]) -> dict[int, Photo]:
    """Return the pictures with those asset ids that lie in some file."""
    if not ids:
        return {}
    rows = session.connection().execute(_placed(), chosen(ids))
    found: dict[int, tuple[Row[Any], list[Path]]] = {}
    for row in rows.all():
        found.setdefault(row.id, (row, []))[1].append(Path(row.root, row.folder, row.name))
    tagged = tags.tags_of(session, ids)
    return {
        asset_id: _photo(row, paths, tagged.get(asset_id, ()))
        for asset_id, (row, paths) in found.items()
    }


@functools.cache
def _placed() -> Select[Any]:
    """Made once: every search asks this, and making it takes longer than the answer."""
    return (
        select(Asset.__table__, Root.path.label("root"), File.folder, File.name)
        .join(File, File.asset_id == Asset.id)
        .join(Root, Root.id == File.root_id)
        .where(Asset.id.in_(among_chosen()))
        .order_by(Asset.id, Root.path, File.folder, File.name)
    )


def photo(session: Session, asset_id: int) -> Photo:
    """Return one picture.

    Raises:
        PhotoNotFoundError: there is none with that id, or no file holds it any more.
    """
    found = photos_by_id(session, [asset_id]).get(asset_id)
    if found is None:
        raise PhotoNotFoundError(asset_id)
    return found


def latest(session: Session, limit: int) -> list[Photo]:
    """Return the pictures taken last, and after them those without a date."""
    ids = list(
        session.scalars(
            select(Asset.id)
            .join(File, File.asset_id == Asset.id)
            .group_by(Asset.id)
            .order_by(Asset.taken_at.is_(None), Asset.taken_at.desc(), func.min(File.name))
            .limit(limit)
        )
    )
    found = photos_by_id(session, ids)
    return [found[i] for i in ids]


def _photo(asset: Row[Any], paths: list[Path], names: tuple[str, ...]) -> Photo:
    return Photo(
        id=asset.id,
        content_id=asset.content_id,
        paths=tuple(paths),
        byte_size=asset.byte_size,
        format=asset.format,
        width=asset.width,
        height=asset.height,
        taken_at=asset.taken_at,
        camera=camera_name(asset.camera_make, asset.camera_model),
        lens=asset.lens,
        iso=asset.iso,
        focal_length=asset.focal_length,
        aperture=asset.aperture,
        exposure_time=asset.exposure_time,
        latitude=asset.latitude,
        longitude=asset.longitude,
        altitude=asset.altitude,
        rating=asset.rating,
        caption=asset.caption,
        tags=names,
        seen_at=asset.seen_at,
        duration=asset.duration,
        blur=asset.blur,
    )
