"""What a query wants and does not want, as vectors."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from pixfind.encoders.base import Encoder
from search.composition import Part
from search.pictures import Pictures
from search.query.model import Query


@dataclass(frozen=True)
class Terms:
    """The embedded terms of a query.

    Args:
        wanted: what photos should show or be like.
        unwanted: what they must not.
        descriptions: the wanted words.
        refused: the unwanted words.
        named: the assets of all pictures that are named.
        disliked: the assets of those that are unwanted.
    """

    wanted: tuple[Part, ...]
    unwanted: tuple[Part, ...]
    descriptions: tuple[str, ...]
    refused: tuple[str, ...]
    named: frozenset[int]
    disliked: frozenset[int]


def read_terms(
    asked: Query, encoder: Encoder, pictures: Pictures, session: Session, model_id: int
) -> Terms:
    """Embed the words and pictures of a query.

    Args:
        asked: the query.
        encoder: the model.
        pictures: finds those that are named.
        session: the library's.
        model_id: the model's row in the catalog.

    Raises:
        PathNotFoundError, PhotoNotFoundError, PhotoError, QueryError: of a picture.
    """
    phrases = asked.phrases
    texts = encoder.encode_texts([phrase.text for phrase in phrases]) if phrases else ()
    parts = [
        (phrase.negative, Part(vector, phrase.weight, False))
        for phrase, vector in zip(phrases, texts, strict=True)
    ]
    named: dict[int, bool] = {}
    for like in asked.likes:
        picture = pictures.find(session, like, model_id)
        parts.append((like.negative, Part(picture.vector, like.weight, True)))
        if picture.asset_id is not None:
            named[picture.asset_id] = like.negative
    return Terms(
        wanted=tuple(part for negative, part in parts if not negative),
        unwanted=tuple(part for negative, part in parts if negative),
        descriptions=tuple(phrase.text for phrase in phrases if not phrase.negative),
        refused=tuple(phrase.text for phrase in phrases if phrase.negative),
        named=frozenset(named),
        disliked=frozenset(asset_id for asset_id, negative in named.items() if negative),
    )
