"""Pictures and their embeddings: added together, read back as arrays."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, bindparam, exists, func, insert, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from pixfind.catalog.ids import all_of, among, among_chosen, chosen
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Model

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
STORED = np.dtype("<f2")
READ_BATCH = 4000


def model_row(session: Session, name: str, fingerprint: str, dim: int) -> Model:
    """Return the model's row, adding it where the library has none."""
    row = session.scalar(select(Model).where(Model.name == name, Model.fingerprint == fingerprint))
    if row is None:
        row = Model(name=name, fingerprint=fingerprint, dim=dim)
        session.add(row)
        session.flush()
    return row


def by_content(session: Session, content_ids: Sequence[bytes]) -> dict[bytes, int]:
    """Return the ids of the assets with these SHA-256: a batch's, since each is a parameter."""
    found = session.execute(
        select(Asset.content_id, Asset.id).where(Asset.content_id.in_(content_ids))
    )
    return {row[0]: row[1] for row in found}


def add(session: Session, rows: Sequence[dict[str, Any]]) -> dict[bytes, int]:
    """Add assets, given as values by their columns' names; return their ids by their SHA-256."""
    if not rows:
        return {}
    session.connection().execute(insert(Asset), rows)
    return by_content(session, [row["content_id"] for row in rows])


def placed(session: Session, content_id: bytes) -> int | None:
    """Return the id of the asset with that SHA-256 if it lies in some file."""
    return session.scalar(
        select(Asset.id).where(
            Asset.content_id == content_id, exists().where(File.asset_id == Asset.id)
        )
    )


def embedded_asset(session: Session, content_id: bytes, model_id: int) -> int | None:
    """Return the id of the asset with that SHA-256 if the model has seen it whole."""
    wanted = {"content_id": content_id, "model_id": model_id}
    return session.connection().scalar(_embedded(), wanted)


@functools.cache
def _embedded() -> Select[int]:
    """Made once: every file that is read asks this."""
    return (
        select(Asset.id)
        .join(Embedding, Embedding.asset_id == Asset.id)
        .where(
            Asset.content_id == bindparam("content_id"),
            Embedding.model_id == bindparam("model_id"),
            Embedding.kind == WHOLE,
        )
    )


def embedded_among(session: Session, asset_ids: Sequence[int], model_id: int) -> set[int]:
    """Return those of these assets that the model has seen whole."""
    return set(
        session.scalars(
            select(Embedding.asset_id).where(
                Embedding.asset_id.in_(among(asset_ids)),
                Embedding.model_id == model_id,
                Embedding.kind == WHOLE,
            )
        )
    )


def metadata_version(session: Session, asset_id: int) -> int:
    """Return which reading of its file's metadata an asset has; 0, none, for an unknown asset."""
    return session.scalar(select(Asset.metadata_version).where(Asset.id == asset_id)) or 0


def add_embeddings(
    session: Session, asset_ids: Sequence[int], model_id: int, vectors: Vectors
) -> None:
    """Store the unit vectors (n, dim) of so many whole pictures."""
    if not len(asset_ids):
        return
    stored = vectors.astype(STORED)
    session.connection().execute(
        insert(Embedding),
        [
            {"asset_id": asset_id, "model_id": model_id, "kind": WHOLE, "vector": vector.tobytes()}
            for asset_id, vector in zip(asset_ids, stored, strict=True)
        ],
    )


def vector_of(session: Session, asset_id: int, model_id: int) -> Vectors | None:
    """Return the whole picture's vector, float32 (dim,), or ``None``."""
    blob = session.scalar(
        select(Embedding.vector).where(
            Embedding.asset_id == asset_id,
            Embedding.model_id == model_id,
            Embedding.kind == WHOLE,
        )
    )
    return None if blob is None else np.frombuffer(blob, STORED).astype(np.float32)


def searchable_ids(session: Session, model_id: int) -> Ids:
    """Return the ids of all embeddings of pictures that lie in some file, int64, ascending."""
    in_a_file = exists().where(File.asset_id == Embedding.asset_id)
    # One a picture, so that counts are of photos and an exclusion is of the photo.
    return all_of(
        session,
        select(Embedding.id).where(
            Embedding.model_id == model_id, Embedding.kind == WHOLE, in_a_file
        ),
    )


def vectors_of(session: Session, ids: Sequence[int] | Ids) -> Iterator[tuple[Ids, Vectors]]:
    """Yield the embeddings with those ids in batches: ids (n,) and vectors (n, dim) float32."""
    for start in range(0, len(ids), READ_BATCH):
        wanted = [int(i) for i in ids[start : start + READ_BATCH]]
        rows = session.connection().execute(_vectors(), chosen(wanted)).all()
        if not rows:
            continue
        found = np.array([row[0] for row in rows], np.int64)
        try:
            stored = np.frombuffer(b"".join(row[1] for row in rows), STORED).reshape(len(rows), -1)
        except (TypeError, ValueError) as error:
            # Not all of one size, or none: the rows are not what was written.
            reason = sqlite3.DatabaseError("what should be a vector is none")
            raise DatabaseError(None, None, reason) from error
        yield found, stored.astype(np.float32)


@functools.cache
def _vectors() -> Select[int, bytes]:
    """Made once: searches among many vectors compare the best of them again."""
    return select(Embedding.id, Embedding.vector).where(Embedding.id.in_(among_chosen()))


def asset_ids(session: Session, embedding_ids: Sequence[int]) -> dict[int, int]:
    """Return the asset of each embedding id."""
    rows = session.execute(
        select(Embedding.id, Embedding.asset_id).where(Embedding.id.in_(among(embedding_ids)))
    )
    return {row[0]: row[1] for row in rows}


def count_unseen(session: Session, model_id: int, other_id: int) -> int:
    """Return how many pictures in files only the other model has embedded."""
    if model_id == other_id:
        return 0  # without asking: after every run of a library that stays with its model
    in_a_file = exists().where(File.asset_id == Embedding.asset_id)
    seen = select(Embedding.asset_id).where(Embedding.model_id == model_id)
    return (
        session.scalar(
            select(func.count(Embedding.asset_id.distinct())).where(
                Embedding.model_id == other_id, in_a_file, Embedding.asset_id.not_in(seen)
            )
        )
        or 0
    )


def count_searchable(session: Session, model_id: int) -> int:
    """Return how many pictures in files the model has embedded."""
    in_a_file = exists().where(File.asset_id == Embedding.asset_id)
    return (
        session.scalar(
            select(func.count()).where(
                Embedding.model_id == model_id, Embedding.kind == WHOLE, in_a_file
            )
        )
        or 0
    )
