"""Which pictures a text finds by its words: names of files and folders, tags, captions."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, column, func, select, table, text
from sqlalchemy.orm import Session

from pixfind.catalog.ids import among_chosen, chosen

# What says nothing about a picture's content, and stands in most descriptions of one.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about above across after against all along among an and are around as at be been before
        behind being below beneath beside between beyond but by down during for from had has have
        he her here his i in inside into is it its my near next no not of off on onto or our out
        outside over photo photograph picture image she some that the their them there these they
        this those through to under up upon was we were which while who whose with without you
        your""",
    )
)
# The columns of ``document``, and what a match in each is worth to the ranking.
FIELDS = ("name", "folder", "tags", "caption")
WEIGHTS = (2.0, 1.0, 4.0, 2.0)
_MARK = "\x02"
_document = table("document", column("rowid"), column("document"))


def words_of(description: str) -> tuple[str, ...]:
    """Return the words of a description that a name or a caption could hold, each once.

    In lower case, which the index knows, rather than without case: to it, an eszett is not ss.
    """
    # Not every letter with a mark has one character: to the index, marks are part of the word.
    pattern = r"[^\W_](?:[^\W_]|[\u0300-\u036f])*"
    found = re.findall(pattern, unicodedata.normalize("NFC", description))
    words = (word.lower() for word in found)
    return tuple(dict.fromkeys(word for word in words if word not in STOP_WORDS))


def matching(
    session: Session, descriptions: Sequence[str], fields: Sequence[str] = FIELDS
) -> dict[int, float]:
    """Return the assets whose words hold all of those of one of the descriptions.

    Args:
        session: a session.
        descriptions: in plain words.
        fields: where to look, of ``FIELDS``.

    Returns:
        By asset id, the BM25 rank as FTS5 gives it (Robertson & Zaragoza 2009): the lower, the
        better.
    """
    asked = _expression(descriptions, fields)
    if not asked:
        return {}
    rows = session.connection().execute(_ranked(), {"asked": asked})
    return {row[0]: row[1] for row in rows.all()}


@functools.cache
def _ranked() -> Select[int, float]:
    """Made once: every search asks this."""
    return (
        select(column("rowid"), func.bm25(column("document"), *WEIGHTS))
        .select_from(_document)
        .where(text("document MATCH :asked"))
    )


def fields_matched(
    session: Session, descriptions: Sequence[str], asset_ids: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """Return in which fields the words of the descriptions stand, for the assets that match."""
    asked = _expression(descriptions)
    if not asked or not asset_ids:
        return {}
    wanted = {"asked": asked, **chosen(asset_ids)}
    rows = session.connection().execute(_highlighted(), wanted)
    return {
        row[0]: tuple(
            name for name, shown in zip(FIELDS, row[1:], strict=True) if _MARK in (shown or "")
        )
        for row in rows
    }


@functools.cache
def _highlighted() -> Select[Any]:
    marked = [
        func.highlight(column("document"), number, _MARK, "") for number in range(len(FIELDS))
    ]
    return (
        select(column("rowid"), *marked)
        .select_from(_document)
        .where(text("document MATCH :asked"), column("rowid").in_(among_chosen()))
    )


def _expression(descriptions: Sequence[str], fields: Sequence[str] = FIELDS) -> str:
    """Return FTS5's own query: quoted words only, so that nothing in them is an operator."""
    known = [words for words in map(words_of, descriptions) if words]
    if not known:
        return ""
    phrases = ("(" + " AND ".join(f'"{word}"' for word in words) + ")" for words in known)
    return f"{{{' '.join(fields)}}} : ({' OR '.join(phrases)})"
