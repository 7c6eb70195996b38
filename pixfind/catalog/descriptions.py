"""Descriptions of pictures, kept so that nobody waits for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among
from pixfind.catalog.schema import WHOLE, Description, Embedding, File


@dataclass(frozen=True)
class StoredDescription:
    """What a model said of a picture. ``account`` is its document; see ``schema.Description``."""

    alt: str
    sentence: str
    account: dict[str, Any]


def description_of(session: Session, asset_id: int) -> StoredDescription | None:
    """Return a picture's description, if it has one."""
    row = session.get(Description, asset_id)
    if row is None:
        return None
    return StoredDescription(row.alt, row.sentence, json.loads(row.account))


def alts_of(session: Session, asset_ids: Iterable[int]) -> dict[int, str]:
    """Return the alternative texts of pictures; those without a description are left out."""
    rows = session.execute(
        select(Description.asset_id, Description.alt).where(
            Description.asset_id.in_(among(asset_ids))
        )
    )
    return {row[0]: row[1] for row in rows}


def undescribed(session: Session, model_id: int) -> list[int]:
    """Return the pictures in files that a model has embedded and not described, ascending."""
    described = select(Description.asset_id).where(Description.model_id == model_id)
    return list(
        session.scalars(
            select(Embedding.asset_id)
            .where(
                Embedding.model_id == model_id,
                Embedding.kind == WHOLE,
                Embedding.asset_id.not_in(described),
                exists().where(File.asset_id == Embedding.asset_id),
            )
            .order_by(Embedding.asset_id)
        )
    )


def keep_description(
    session: Session, asset_id: int, model_id: int, account: Mapping[str, Any]
) -> None:
    """Keep a picture's description in the place of the one before.

    Args:
        session: a writing one.
        asset_id: the picture.
        model_id: whose description.
        account: a JSON document with ``alt`` and ``sentence``.
    """
    session.merge(
        Description(
            asset_id=asset_id,
            model_id=model_id,
            alt=account["alt"],
            sentence=account["sentence"],
            account=json.dumps(account, ensure_ascii=False),
            written_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
    )
