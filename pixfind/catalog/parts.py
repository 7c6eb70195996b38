"""The embeddings of parts of pictures: regions of photos, frames of videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from pixfind.catalog.assets import STORED, Ids, Vectors
from pixfind.catalog.ids import all_of, among
from pixfind.catalog.schema import FRAME, REGION, Embedding, File
from pixfind.parts import Box, Part

KINDS = (REGION, FRAME)
NO_BOX = dict.fromkeys(("box_left", "box_top", "box_width", "box_height"))


def add(
    session: Session, asset_id: int, model_id: int, parts: Sequence[Part], vectors: Vectors
) -> None:
    """Store the unit vectors, float32 (n, dim), of so many parts of a picture."""
    rows = [
        {
            "asset_id": asset_id,
            "model_id": model_id,
            "kind": REGION if part.second is None else FRAME,
            **(NO_BOX if part.box is None else _columns(part.box)),
            "second": part.second,
            "vector": vector.tobytes(),
        }
        for part, vector in zip(parts, vectors.astype(STORED), strict=True)
    ]
    if rows:
        session.connection().execute(insert(Embedding), rows)


def exist(session: Session, model_id: int) -> bool:
    """Return whether the model has seen parts of any picture."""
    of_model = exists().where(Embedding.model_id == model_id, Embedding.kind.in_(KINDS))
    return bool(session.scalar(select(of_model)))


def of_asset_exist(session: Session, asset_id: int, model_id: int) -> bool:
    """Return whether the model has seen parts of that picture."""
    of_asset = exists().where(
        Embedding.asset_id == asset_id,
        Embedding.model_id == model_id,
        Embedding.kind.in_(KINDS),
    )
    return bool(session.scalar(select(of_asset)))


def drop_regions(session: Session) -> int:
    """Forget the regions of all photos under every model; return how many there were."""
    found = session.execute(delete(Embedding).where(Embedding.kind == REGION))
    return int(found.rowcount)  # type: ignore[attr-defined]


def searchable_ids(session: Session, model_id: int) -> Ids:
    """Return the ids of all embeddings of parts of pictures in files, int64, ascending."""
    in_a_file = exists().where(File.asset_id == Embedding.asset_id)
    return all_of(
        session,
        select(Embedding.id).where(
            Embedding.model_id == model_id, Embedding.kind.in_(KINDS), in_a_file
        ),
    )


def of_assets(session: Session, model_id: int, asset_ids: Iterable[int]) -> Ids:
    """Return the ids of the embeddings of these pictures' parts, int64."""
    rows = session.execute(
        select(Embedding.id).where(
            Embedding.model_id == model_id,
            Embedding.kind.in_(KINDS),
            Embedding.asset_id.in_(among(asset_ids)),
        )
    )
    return np.fromiter((row[0] for row in rows), np.int64)


def owners(session: Session, embedding_ids: Iterable[int]) -> dict[int, tuple[int, Part]]:
    """Return the asset of each embedding of a part, and which part that is."""
    rows = session.execute(
        select(
            Embedding.id,
            Embedding.asset_id,
            Embedding.second,
            Embedding.box_left,
            Embedding.box_top,
            Embedding.box_width,
            Embedding.box_height,
        ).where(Embedding.id.in_(among(embedding_ids)))
    )
    return {row[0]: (row[1], Part(_box(*row[3:]), row[2])) for row in rows}


def _box(
    left: float | None, top: float | None, width: float | None, height: float | None
) -> Box | None:
    if left is None or top is None or width is None or height is None:
        return None
    return Box(left, top, width, height)


def _columns(box: Box) -> dict[str, float]:
    return {f"box_{name}": value for name, value in vars(box).items()}
