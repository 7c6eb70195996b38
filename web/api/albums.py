"""Albums: queries with names."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pixfind.catalog import albums
from pixfind.catalog.albums import SavedSearch
from pixfind.text import printable
from search.albums import save_album
from web.api.fields import MAX_QUERY_CHARS
from web.api.library_answers import Album, AlbumsAnswer
from web.api.operations import Operations, Request
from web.state import state

blueprint = Operations("albums", "Albums")

AlbumName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=albums.MAX_NAME_CHARS,
        pattern="^[^/]+$",
        description="The album's name, in whatever case.",
    ),
]


class AlbumBody(Request):
    """What an album is."""

    query: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARS)] = Field(
        examples=["a dog on grass"]
    )
    """In the query language."""


@blueprint.operation("GET", "/albums")
def all_albums() -> AlbumsAnswer:
    """List the albums."""
    with state().library().catalog.read() as session:
        return {"albums": [_document(album) for album in albums.all_albums(session)]}


@blueprint.operation("GET", "/albums/<name>")
def album(name: AlbumName) -> Album:
    """Return one album."""
    with state().library().catalog.read() as session:
        return _document(albums.find(session, name))


@blueprint.operation("PUT", "/albums/<name>")
def save(name: AlbumName, body: AlbumBody) -> Album:
    """Save a query under a name, over the album of that name if there is one."""
    return _document(
        save_album(state().library(), name, body.query, replace=True, read_files=False)
    )


@blueprint.operation("DELETE", "/albums/<name>", status=204)
def remove(name: AlbumName) -> None:
    """Forget an album. No photo is touched."""
    with state().library().catalog.write() as session:
        albums.remove(session, name)


def _document(saved: SavedSearch) -> Album:
    return {
        "name": printable(saved.name),
        "query": printable(saved.query),
        "saved_at": saved.saved_at,
    }
