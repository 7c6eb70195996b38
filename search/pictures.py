"""The pictures that a query names: photos of the library, or files beside it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from pixfind.catalog import assets, photos, places
from pixfind.config import normal_path
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import PathNotFoundError, PhotoNotFoundError, QueryError
from pixfind.text import printable

MAX_ID = 2**63 - 1  # SQLite's; a query can hold more
MAX_DIGITS = 40  # Python writes out no numbers of thousands of digits, and nobody reads them


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
            PhotoError: a file cannot be read or decoded.
            QueryError: the model has not seen the photo yet; or as ``locate``, as the following.
            PathNotFoundError, PhotoNotFoundError: see ``locate``.
        """
        where = locate(session, named, read_files=self._read_files)
        if isinstance(where, int):
            return self._of_asset(session, where)
        return self._of_file(session, where)

    def _of_asset(self, session: Session, asset_id: int) -> Picture:
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
            return self._of_asset(session, known)
        photo = decode(content, path, self._encoder.spec.image_size)
        return Picture(self._encoder.encode_images([photo.image])[0], None)


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
            it is not to be read.
    """
    if named.isascii() and named.isdigit():
        digits = named.lstrip("0") or "0"
        # Cut, a number that is too long is so still.
        return photos.photo(session, possible_id(int(digits[: MAX_DIGITS + 1]))).id
    path = _path(named, read_files)
    if path is not None:
        # Not Path's: it raises for names that cannot be.
        is_there = os.path.exists(path)  # noqa: PTH110
        known = places.asset_at(session, path)
        if known is not None and is_there:
            return known
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
        raise QueryError(f"no photo's number has more than {len(str(MAX_ID))} digits")
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
            f"{len(namesakes)} photos are called {printable(named)}; "
            f"name one by its number, for example: like:{namesakes[0]}"
        )
    if read_files:
        raise PathNotFoundError(normal_path(Path(named)))
    raise QueryError(
        f"the library has no photo {printable(named)}; name one by its number: like:12"
    )
