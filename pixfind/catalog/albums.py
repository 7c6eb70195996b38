"""Albums: named queries. An album holds no photos; it is asked anew whenever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import delete, insert, select, type_coerce, update
from sqlalchemy.orm import Session

from pixfind.catalog.names import folded
from pixfind.catalog.schema import Album, PathText
from pixfind.errors import AlbumExistsError, AlbumNameError, AlbumNotFoundError
from pixfind.messages import said
from pixfind.text import printable

MAX_NAME_CHARS = 100


@dataclass(frozen=True)
class SavedSearch:
    """A name for a query in the query language. ``saved_at`` is ISO 8601 in UTC."""

    name: str
    query: str
    saved_at: str


def all_albums(session: Session) -> list[SavedSearch]:
    """Return the albums, ordered by name."""
    rows = session.scalars(select(Album))
    return sorted(map(_saved, rows), key=lambda album: folded(album.name))


def find(session: Session, name: str) -> SavedSearch:
    """Return the album of that name, in whatever case it is written.

    Raises:
        AlbumNameError: no album can have that name.
        AlbumNotFoundError: there is none.
    """
    return _saved(_row(session, name))


def save(session: Session, name: str, query: str, *, replace: bool = False) -> SavedSearch:
    """Keep a query under a name.

    Args:
        session: a transaction.
        name: 1 to 100 characters that can be printed; white space around them is dropped.
        query: one that can be parsed: ``search.albums.save_album`` sees to that.
        replace: save over an album of that name, which is then spelt like this.

    Raises:
        AlbumNameError: no album can have that name.
        AlbumExistsError: there is one already.
    """
    name = _checked(name)
    saved = SavedSearch(name, query, datetime.now(timezone.utc).isoformat(timespec="seconds"))
    # A query can name files, whose names may hold bytes that are not UTF-8.
    values = {**vars(saved), "query": type_coerce(query, PathText())}
    known = _known(session, name)
    if known is None:
        session.execute(insert(Album).values(values))
    elif replace:
        session.execute(update(Album).where(Album.id == known.id).values(values))
    else:
        raise AlbumExistsError(known.name)
    return saved


def remove(session: Session, name: str) -> SavedSearch:
    """Forget an album, and return what it was. No photo is touched.

    Raises:
        AlbumNameError: no album can have that name.
        AlbumNotFoundError: there is none.
    """
    row = _row(session, name)
    session.execute(delete(Album).where(Album.id == row.id))
    return _saved(row)


def _checked(name: str) -> str:
    """Return a name as it is kept."""
    kept = name.strip()
    if not 1 <= len(kept) <= MAX_NAME_CHARS:
        raise AlbumNameError(
            said(
                "an album's name has 1 to %(most)s characters, this one %(count)s",
                most=MAX_NAME_CHARS,
                count=f"{len(kept):,}",
            )
        )
    if kept != printable(kept):
        raise AlbumNameError(
            said(
                "an album's name has only characters that can be printed, unlike %(name)s",
                name=repr(printable(kept)),
            )
        )
    return kept


def _row(session: Session, name: str) -> Album:
    name = _checked(name)
    row = _known(session, name)
    if row is None:
        raise AlbumNotFoundError(name)
    return row


def _known(session: Session, name: str) -> Album | None:
    # Compared here: SQLite's own NOCASE knows the letters of ASCII alone. What is the same to
    # that is the same to ``folded`` too, so the table's index never objects.
    key = folded(name)
    rows = session.scalars(select(Album))
    return next((row for row in rows if folded(row.name) == key), None)


def _saved(row: Album) -> SavedSearch:
    return SavedSearch(row.name, row.query, row.saved_at)
