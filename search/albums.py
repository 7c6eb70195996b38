"""Saving a query so that it means the same whenever, and from wherever, it is asked."""

from __future__ import annotations

from dataclasses import replace as replaced

from sqlalchemy.orm import Session

from pixfind.catalog import albums
from pixfind.catalog.albums import SavedSearch
from pixfind.errors import QueryError
from pixfind.library import Library
from pixfind.messages import said
from search.pictures import locate
from search.query.formatting import format_query
from search.query.model import Like, Query, Term
from search.query.parser import parse


def save_album(
    library: Library, name: str, query: str, *, replace: bool = False, read_files: bool = True
) -> SavedSearch:
    """Save a query under a name.

    It is kept as it was typed, unless ``like:`` names a file: what that means depends on the
    folder one is in. A photo of the library is then named by its number, which stays when the
    file moves, any other picture by its absolute path; the rest of the query takes its canonical
    form.

    Args:
        library: where it is kept.
        name: 1 to 100 characters.
        query: in the query language (``docs/QUERY.md``).
        replace: save over an album of that name.
        read_files: whether ``like:`` may name picture files outside the library.

    Raises:
        QueryError: the query is empty or wrong, or it cannot be told which picture it means.
        PathNotFoundError, PhotoNotFoundError: a picture that it names is not there.
        AlbumNameError, AlbumExistsError: of the name.
    """
    asked = parse(query)
    if not asked.terms:
        raise QueryError(
            said("the query is empty; an album needs one, for example: a dog on grass")
        )
    with library.catalog.write() as session:
        fixed = Query(tuple(_fixed(session, term, read_files) for term in asked.terms))
        text = query.strip() if fixed == asked else _text(fixed)
        return albums.save(session, name, text, replace=replace)


def _fixed(session: Session, term: Term, read_files: bool) -> Term:
    """Return the term so that it means the same in any folder."""
    if not isinstance(term, Like):
        return term
    return replaced(term, picture=str(locate(session, term.picture, read_files=read_files)))


def _text(query: Query) -> str:
    """Return the query's canonical text, which an absolute path may have made impossible."""
    text = format_query(query)
    try:
        same = parse(text) == query
    except QueryError:
        same = False
    if not same:
        raise QueryError(
            said(
                "a path in the query is too long, or has characters that no query can hold; "
                "index the picture and name it by its number, for example: like:12"
            )
        )
    return text
