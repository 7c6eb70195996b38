"""The pictures that a query names: photos of the library, or files beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixfind.catalog import assets, photos
from pixfind.catalog.schema import File, Root
from pixfind.config import normal_path
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import PathNotFoundError, PhotoNotFoundError, QueryError
from pixfind.text import printable

MAX_ID = 2**63 - 1  # SQLite's; a query can hold more


@dataclass(frozen=True)
class Picture:
    """A unit vector (dim,), and the asset's id if it is a photo of the library."""

    vector: Vectors
    asset_id: int | None


class Pictures:
    """Finds and embeds pictures for one model.

    Args:
        encoder: the model.
        model_id: its row in the catalog.
        read_files: whether a query may name files outside the library. What reaches a server from
            elsewhere must not: it would tell strangers what lies on the disk.
    """

    def __init__(self, encoder: Encoder, model_id: int, *, read_files: bool) -> None:
        self._encoder = encoder
        self._model_id = model_id
        self._read_files = read_files

    def find(self, session: Session, named: str) -> Picture:
        """Return the picture that a query names: by number, by path, or by a file name.

        Raises:
            PhotoNotFoundError: the library has no photo of that number.
            PathNotFoundError: there is no such file.
            QueryError: it cannot be told which picture is meant, or it is not to be read.
            PhotoError: the file cannot be read or decoded.
        """
        if named.isascii() and named.isdigit():
            return self._of_asset(session, int(named))
        path = normal_path(Path(named))
        known = _at(session, path)
        if known is not None:
            if not path.exists():
                raise PathNotFoundError(path)  # though its number would still do
            return self._of_asset(session, known)
        if self._read_files and path.exists():
            return self._of_file(session, path)
        namesakes = _named(session, Path(named).name) if Path(named).name == named else []
        if len(namesakes) == 1:
            return self._of_asset(session, namesakes[0])
        if namesakes:
            raise QueryError(
                f"{len(namesakes)} photos are called {printable(named)}; "
                f"name one by its number, for example: like:{namesakes[0]}"
            )
        if self._read_files:
            raise PathNotFoundError(path)
        raise QueryError(
            f"the library has no photo {printable(named)}; name one by its number: like:12"
        )

    def _of_asset(self, session: Session, asset_id: int) -> Picture:
        if not 0 < asset_id <= MAX_ID:
            raise PhotoNotFoundError(asset_id)
        photos.photo(session, asset_id)  # or say that it is gone
        vector = assets.vector_of(session, asset_id, self._model_id)
        if vector is None:
            raise QueryError(
                f"photo {asset_id} has not been seen by the model {self._encoder.spec.name} yet; "
                "bring the library up to date with: pixfind index"
            )
        return Picture(vector, asset_id)

    def _of_file(self, session: Session, path: Path) -> Picture:
        from pixfind.photos.decode import decode, read_bytes

        content = read_bytes(path)
        known = assets.embedded_asset(session, hashlib.sha256(content).digest(), self._model_id)
        if known is not None:
            vector = assets.vector_of(session, known, self._model_id)
            if vector is not None:
                return Picture(vector, known)
        photo = decode(content, path, self._encoder.spec.image_size)
        return Picture(self._encoder.encode_images([photo.image])[0], None)


def _at(session: Session, path: Path) -> int | None:
    """Return the asset of a file of the library."""
    for root_id, root in session.execute(select(Root.id, Root.path)):
        if path.is_relative_to(root):
            inside = path.relative_to(root)
            folder = "" if inside.parent == Path() else inside.parent.as_posix()
            return session.scalar(
                select(File.asset_id).where(
                    File.root_id == root_id, File.folder == folder, File.name == inside.name
                )
            )
    return None


def _named(session: Session, name: str) -> list[int]:
    found = select(File.asset_id).where(File.name == name, File.asset_id.is_not(None))
    return [asset_id for asset_id in session.scalars(found.distinct()) if asset_id is not None]
