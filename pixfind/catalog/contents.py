"""Which content a picture's number stands for: all that a server of thumbnails has to know."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from pixfind.catalog.schema import Asset, File
from pixfind.errors import PhotoNotFoundError


def content_of(session: Session, asset_id: int) -> bytes:
    """Return the SHA-256 of a picture that lies in some file.

    Raises:
        PhotoNotFoundError: there is none with that id, or no file holds it any more.
    """
    content_id = session.scalar(
        select(Asset.content_id).where(
            Asset.id == asset_id, exists().where(File.asset_id == Asset.id)
        )
    )
    if content_id is None:
        raise PhotoNotFoundError(asset_id)
    return content_id


def version_of(content_id: bytes) -> str:
    """Return what tells a picture from another library's with the same id, 12 hex digits."""
    return content_id.hex()[:12]
