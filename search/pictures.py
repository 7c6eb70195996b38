"""The pictures that a query names: photos of the library, or files beside it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from pixfind.catalog import assets, photos, places
from pixfind.config import normal_path
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import PathNotFoundError, PhotoNotFoundError, QueryError
from pixfind.library import Library
from pixfind.messages import said
from pixfind.parts import Box
from pixfind.photos.brought import is_token
from pixfind.text import printable
from search.query.model import Like

if TYPE_CHECKING:
    from search.picture_vectors import PictureVectors

MAX_ID = 2**63 - 1  # SQLite's; a query can hold more
MAX_DIGITS = 40  # Python writes out no numbers of thousands of digits, and nobody reads them


@dataclass(frozen=True)
class Picture:
    """A unit vector (dim,), and the asset's id if it is a photo of the library."""

    vector: Vectors
    asset_id: int | None


class Pictures:
    """Finds and embeds pictures for one model; safe to share by threads.

    Args:
        library: whose photos and brought pictures a query may name.
        encoder: the model.
        read_files: whether a query may name files outside the library. What reaches a server from
            elsewhere must not: it would tell strangers what lies on the disk.
    """

    def __init__(self, library: Library, encoder: Encoder, *, read_files: bool) -> None:
        self._library = library
        self._encoder = encoder
        self._read_files = read_files

    def find(self, session: Session, like: Like, model_id: int) -> Picture:
        """Return the picture that a query names, or the part of it.

        Args:
            session: the library's.
            like: a number, a path, a file name, or the token of a picture that was brought.
            model_id: the model's row in the catalog.

        Raises:
            PhotoError: a file cannot be read or decoded.
            QueryError: the model has not seen the photo yet, a part cannot be looked at, or what
                was brought is not kept any more; or as ``locate``, as the following.
            PathNotFoundError, PhotoNotFoundError: see ``locate``.
        """
        if is_token(like.picture):
            return Picture(self._vectors.of_brought(like.picture, like.box), None)
        where = locate(session, like.picture, read_files=self._read_files)
        if isinstance(where, int):
            return self._of_asset(session, where, like.box, model_id)
        return self._of_file(session, where, like.box, model_id)

    @cached_property
    def _vectors(self) -> PictureVectors:
        # Decodes files, which most queries have no use for.
        from search.picture_vectors import PictureVectors

        return PictureVectors(self._library, self._encoder)

    def _of_asset(self, session: Session, asset_id: int, box: Box | None, model_id: int) -> Picture:
        if box is not None:
            return Picture(self._vectors.of_photo(photos.photo(session, asset_id), box), asset_id)
        vector = assets.vector_of(session, asset_id, model_id)
        if vector is None:
            raise QueryError(
                said(
                    "photo %(photo)s has not been seen by the model %(model)s yet; "
                    "bring the library up to date with: pixfind index",
                    photo=asset_id,
                    model=self._encoder.spec.name,
                )
            )
        return Picture(vector, asset_id)

    def _of_file(self, session: Session, path: Path, box: Box | None, model_id: int) -> Picture:
        from pixfind.photos.decode import read_bytes

        content = read_bytes(path)
        known = assets.embedded_asset(session, hashlib.sha256(content).digest(), model_id)
        if known is not None and box is None:
            return self._of_asset(session, known, box, model_id)
        return Picture(self._vectors.of_file(content, path, box), known)


def locate(session: Session, named: str, *, read_files: bool) -> int | Path:
    """Return the photo of the library that a query names, or else the file.

    Args:
        session: the library's.
        named: a number, a path, or the name of a file of the library.
        read_files: see ``Pictures``.

    Returns:
        an asset's id, or an absolute path.

    Raises:
        PhotoNotFoundError: the library has no photo of that number.
        PathNotFoundError: there is no such file.
        QueryError: the number is beyond all measure, it cannot be told which picture is meant, or
            it is not to be read; or it was brought, and is neither.
    """
    if is_token(named):
        raise QueryError(
            said(
                "a picture that was brought is kept for a while only, to search by; "
                "index it, and name it by its number: like:12"
            )
        )
    if named.isascii() and named.isdigit():
        digits = named.lstrip("0") or "0"
        # Cut, a number that is too long is so still.
        return photos.photo(session, possible_id(int(digits[: MAX_DIGITS + 1]))).id
    path = _path(named, read_files)
    if path is not None:
        # Not Path's: it raises for names that cannot be.
        is_there = os.path.exists(path)  # noqa: PTH110
        known = places.file_at(session, path)
        if known is not None and known.asset_id is not None and is_there:
            # What is there now is what is meant, not what was there when it was indexed.
            return path if read_files and places.has_changed(known, path) else known.asset_id
        if known is not None:
            raise PathNotFoundError(path)  # though its number would still do
        if read_files and is_there:
            return path
    return _of_name(session, named, read_files)


def possible_id(number: int) -> int:
    """Return the number, if a photo can have it.

    Raises:
        PhotoNotFoundError: none can.
        QueryError: none can, and the number is too long to be told.
    """
    if abs(number) >= 10**MAX_DIGITS:
        raise QueryError(
            said("no photo's number has more than %(digits)s digits", digits=len(str(MAX_ID)))
        )
    if not 0 < number <= MAX_ID:
        raise PhotoNotFoundError(number)
    return number


def _path(named: str, read_files: bool) -> Path | None:
    """Return the path that a name stands for; ``None`` if it is to stand for none.

    For strangers that is an absolute one only: what lies under ``~`` or beside the program would
    tell of the machine.
    """
    if read_files:
        return normal_path(Path(named))
    path = Path(named)
    return path if path.is_absolute() and ".." not in path.parts else None


def _of_name(session: Session, named: str, read_files: bool) -> int:
    namesakes = places.assets_named(session, named) if Path(named).name == named else []
    if len(namesakes) == 1:
        return namesakes[0]
    if namesakes:
        raise QueryError(
            said(
                "%(count)s photos are called %(name)s; "
                "name one by its number, for example: like:%(number)s",
                count=len(namesakes),
                name=printable(named),
                number=namesakes[0],
            )
        )
    if read_files:
        raise PathNotFoundError(normal_path(Path(named)))
    raise QueryError(
        said(
            "the library has no photo %(name)s; name one by its number: like:12",
            name=printable(named),
        )
    )
