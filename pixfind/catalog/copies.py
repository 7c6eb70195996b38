"""What may be copies: pictures in several files, all files of a picture, all vectors together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from pixfind.catalog.assets import READ_BATCH, STORED, Ids, count_searchable
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Model, Root

StoredVectors = npt.NDArray[np.float16]


@dataclass(frozen=True)
class StoredFile:
    """A file that holds a picture, as it was when it was indexed; ``mtime_ns`` in nanoseconds."""

    path: Path
    size: int
    mtime_ns: int


def copied_assets(session: Session) -> list[int]:
    """Return the ids of the pictures that lie in more than one file, ascending."""
    return list(
        session.scalars(
            select(File.asset_id)
            .where(File.asset_id.is_not(None))
            .group_by(File.asset_id)
            .having(func.count() > 1)
            .order_by(File.asset_id)
        )
    )


def files_of(session: Session, asset_ids: Sequence[int]) -> dict[int, list[StoredFile]]:
    """Return the files of each of those pictures, ordered by path."""
    rows = session.execute(
        select(Asset.id, Root.path, File.folder, File.name, File.size, File.mtime_ns)
        .join(File, File.asset_id == Asset.id)
        .join(Root, Root.id == File.root_id)
        .where(Asset.id.in_(asset_ids))
        .order_by(Asset.id, Root.path, File.folder, File.name)
    )
    found: dict[int, list[StoredFile]] = {}
    for asset_id, root, folder, name, size, mtime_ns in rows:
        found.setdefault(asset_id, []).append(StoredFile(Path(root, folder, name), size, mtime_ns))
    return found


def stored_vectors(session: Session, model: Model) -> tuple[Ids, StoredVectors]:
    """Return what a model has made of every whole picture that lies in some file.

    Args:
        session: a session on the catalog.
        model: the model.

    Returns:
        Asset ids, int64 (n,), ascending, and unit vectors, float16 (n, dim): as they are stored,
        for half of the memory.
    """
    in_a_file = exists().where(File.asset_id == Embedding.asset_id)
    count = count_searchable(session, model.id)
    ids, vectors = np.empty(count, np.int64), np.empty((count, model.dim), STORED)
    rows = session.execute(
        select(Embedding.asset_id, Embedding.vector)
        .where(Embedding.model_id == model.id, Embedding.kind == WHOLE, in_a_file)
        .order_by(Embedding.asset_id)
        .execution_options(yield_per=READ_BATCH)
    )
    for position, (asset_id, blob) in enumerate(rows):
        ids[position], vectors[position] = asset_id, np.frombuffer(blob, STORED)
    return ids, vectors
