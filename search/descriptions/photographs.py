"""Describes photos by number, by path, or all of a library's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pixfind.catalog import assets, photos
from pixfind.catalog.descriptions import keep_description, undescribed
from pixfind.catalog.names import camera_name
from pixfind.catalog.originals import open_original
from pixfind.catalog.photos import Photo
from pixfind.config import normal_path
from pixfind.decoding.safely import opened
from pixfind.encoders.base import Vectors
from pixfind.errors import PathNotFoundError, PhotoError
from pixfind.library import Library
from search.descriptions.account import Account, Facts
from search.descriptions.describing import Describer
from search.pictures import locate
from search.text_vectors import Working

Failed = Callable[[PhotoError], None]


@dataclass(frozen=True)
class Summary:
    """What a run over a library did: photos described, and those whose files cannot be read."""

    described: int
    failed: int
    interrupted: bool = False


def describe_named(
    describer: Describer, library: Library | None, named: str, *, places: bool = True
) -> tuple[Account, Path]:
    """Describe a photo of the library by its number, or any picture file.

    Args:
        describer: with the model.
        library: whose photo a number names; ``None`` takes it for a file's name.
        named: a number or a path.
        places: see ``Describer.describe``.

    Raises:
        PhotoNotFoundError, PathNotFoundError, QueryError: see ``search.pictures.locate``.
        PhotoError: the file cannot be read or decoded.
    """
    if library is None:
        path = normal_path(Path(named))
        if not os.path.exists(path):  # noqa: PTH110 - Path's raises for names that cannot be
            raise PathNotFoundError(path)
        return describe_file(describer, path, places=places), path
    with library.catalog.read() as session:
        where = locate(session, named, read_files=True)
        if isinstance(where, Path):
            return describe_file(describer, where, places=places), where
        photo = photos.photo(session, where)
    return describe_photo(describer, library, photo, places=places), photo.path


def describe_file(describer: Describer, path: Path, *, places: bool = True) -> Account:
    """Describe a picture file; of a video, the first frame that shows something.

    Raises:
        PhotoError: it cannot be read or decoded.
    """
    photo = opened(path, describer.edge)
    of_file = photo.metadata
    camera = camera_name(of_file.camera_make, of_file.camera_model)
    facts = Facts(
        of_file.taken_at, camera, of_file.latitude, of_file.longitude,
        of_file.caption, of_file.rating, of_file.keywords,
    )  # fmt: skip
    return describer.describe(photo.image, facts, places=places)


def describe_photo(
    describer: Describer,
    library: Library,
    photo: Photo,
    vector: Vectors | None = None,
    *,
    places: bool = True,
) -> Account:
    """Describe a photo of the library by what that knows of it; of a video, its thumbnail's frame.

    Args:
        describer: with the model.
        library: whose photo it is.
        photo: which.
        vector: of that model, (dim,), if it is known.
        places: see ``Describer.describe``.

    Raises:
        PhotoError: its file cannot be read or decoded, or has changed since it was indexed: what is
            known of it is then said of another picture.
    """
    facts = Facts(
        photo.taken_at, photo.camera, photo.latitude, photo.longitude,
        photo.caption, photo.rating, photo.tags,
    )  # fmt: skip
    with open_original(library.catalog, photo.id) as original:
        image = opened(Path(original.name), describer.edge).image
    # A video's vector is of all its frames, which one of them need not be like.
    known = vector if photo.duration is None else None
    return describer.describe(image, facts, known, places=places)


def describe_library(
    library: Library,
    describer: Describer,
    working: Working = lambda done, total: None,
    failed: Failed = lambda error: None,
) -> Summary:
    """Describe and keep what the model has embedded and not described yet.

    Ctrl-C ends it early: what is described stays, and the next run continues.

    Args:
        library: whose photos.
        describer: with the model that they were embedded with.
        working: called with how many photos are done and how many there are.
        failed: called for a photo that cannot be read; the rest go on.

    Raises:
        LibraryBusyError: another process is writing to the library.
        LibraryEmptyError, ModelMismatchError: the library has no photos of that model.
    """
    model = library.require(describer.encoder.spec)
    described = failures = 0
    with library.writing():
        with library.catalog.read() as session:
            todo = undescribed(session, model.id)
        try:
            for done, asset_id in enumerate(todo, start=1):
                with library.catalog.read() as session:
                    photo = photos.photo(session, asset_id)
                    vector = assets.vector_of(session, asset_id, model.id)
                try:
                    account = describe_photo(describer, library, photo, vector)
                except PhotoError as error:
                    failures += 1
                    failed(error)
                else:
                    with library.catalog.write() as session:
                        keep_description(session, asset_id, model.id, account.document())
                    described += 1
                working(done, len(todo))
        except KeyboardInterrupt:
            return Summary(described, failures, interrupted=True)
    return Summary(described, failures)
