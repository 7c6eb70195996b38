"""``pixfind albums``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pixfind.cli.output import json_option, limit_option, model_option, notice, print_json
from pixfind.cli.search import QueryCommand, all_option, open_for_search, query_line, show
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.catalog.albums import SavedSearch

LIST_HINT = "no albums yet; save a search with: pixfind albums save NAME QUERY"


@click.group()
def albums() -> None:
    """Save searches under a name: live albums, which new photos join by themselves.

    An album is a query, not a list of photos: it is asked anew each time.

    \b
    Example:
      pixfind albums save "Best of 2019" 'date:2019 rating:>=4 sort:date'
      pixfind albums show "Best of 2019"
      pixfind export --album "Best of 2019" --copy-to ~/best-of-2019
    """


@albums.command(cls=QueryCommand)
@click.argument("name")
@click.argument("query", nargs=-1, required=True)
@click.option("--replace", is_flag=True, help="Save over an album of that name.")
@json_option
@click.pass_obj
def save(
    settings: Settings, name: str, query: tuple[str, ...], replace: bool, as_json: bool
) -> None:
    """Save a query under a name of 1 to 100 characters; upper and lower case are the same.

    A picture file that like: names is found again from any folder: a photo of the library is kept
    by its number, any other by its whole path.

    \b
    Example:
      pixfind albums save "By the sea" a beach with people date:2019..
      pixfind albums save cats 'a cat -dog limit:200' --replace
    """
    from pixfind.library import Library
    from search.albums import save_album

    with Library.open(settings.library) as library:
        saved = save_album(library, name, query_line(query), replace=replace)
    if as_json:
        print_json(vars(saved))
    else:
        click.echo(f"saved {_line(saved)}")


@albums.command("list")
@json_option
@click.pass_obj
def list_albums(settings: Settings, as_json: bool) -> None:
    """List the albums with their queries and when they were saved (UTC).

    \b
    Example:
      pixfind albums list
    """
    from pixfind.catalog.albums import all_albums
    from pixfind.library import Library

    with Library.open(settings.library) as library, library.catalog.read() as session:
        found = all_albums(session)
    if as_json:
        print_json({"albums": [vars(album) for album in found]})
        return
    for album in found:
        click.echo(f"{_line(album)}  ({album.saved_at[:16].replace('T', ' ')})")
    if not found:
        notice(LIST_HINT)


@albums.command("show")
@click.argument("name")
@limit_option
@all_option
@model_option
@json_option
@click.pass_obj
def show_album(
    settings: Settings,
    name: str,
    limit: int | None,
    everything: bool,
    model: str | None,
    as_json: bool,
) -> None:
    """Search for what an album asks for, as 'pixfind search' does.

    \b
    Example:
      pixfind albums show "By the sea"
      pixfind albums show cats --limit 100 --json
    """
    saved = saved_search(settings, name)
    with open_for_search(settings, model, for_words=True) as engine:
        show(engine.search(saved.query, limit, everything=everything), as_json)


@albums.command()
@click.argument("name")
@json_option
@click.pass_obj
def remove(settings: Settings, name: str, as_json: bool) -> None:
    """Forget an album. Its photos stay where they are, and in the library.

    \b
    Example:
      pixfind albums remove cats
    """
    from pixfind.catalog import albums as catalog_albums
    from pixfind.library import Library

    with Library.open(settings.library) as library, library.catalog.write() as session:
        gone = catalog_albums.remove(session, name)
    if as_json:
        print_json({"removed": gone.name})
    else:
        click.echo(f"removed {_line(gone)}")


def saved_search(settings: Settings, name: str) -> SavedSearch:
    """Return an album of the library.

    Raises:
        AlbumError: there is none of that name.
    """
    from pixfind.catalog.albums import find
    from pixfind.library import Library

    with Library.open(settings.library) as library, library.catalog.read() as session:
        return find(session, name)


def _line(saved: SavedSearch) -> str:
    return f"{saved.name}: {printable(' '.join(saved.query.split()))}"
