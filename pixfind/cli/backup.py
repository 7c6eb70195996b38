"""``pixfind backup``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import StepBar, json_option, print_json
from pixfind.config import Settings, normal_path
from pixfind.text import printable, readable_size

if TYPE_CHECKING:
    from pixfind.care.archive import Contents
    from pixfind.care.backup import Backup


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--with-thumbnails",
    is_flag=True,
    help="Save thumbnails, too; else they are made again when they are shown.",
)
@click.option("--force", is_flag=True, help="Replace a backup of that name.")
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="TARGET is a folder: keep this library's newest N backups in it and remove those before.",
)
@json_option
@click.pass_obj
def backup(
    settings: Settings,
    target: Path,
    with_thumbnails: bool,
    force: bool,
    keep: int | None,
    as_json: bool,
) -> None:
    """Save all that the library knows to one file, also while it is used or indexing.

    That is the catalog: photos' facts, vectors, tags, descriptions, albums. The photos themselves
    are not in it: copy these by other means. TARGET is a file, or a folder for a file with the time
    and part of the library's id in its name. It is checked before it gets its name.

    \b
    Example:
      pixfind backup /media/disk/photos.pixfind
      pixfind backup --keep 7 /media/disk/backups
    """
    from pixfind.care.backup import back_up, back_up_and_keep
    from pixfind.library import Library

    where = normal_path(target)
    if keep is not None and (force or where.is_file()):
        raise click.UsageError("--keep needs a folder, and replaces nothing")
    with Library.open(settings.library) as library, StepBar() as progress:
        made = (
            back_up(library, where, thumbnails=with_thumbnails, force=force, progress=progress)
            if keep is None
            else back_up_and_keep(
                library, where, keep, thumbnails=with_thumbnails, progress=progress
            )
        )
    if as_json:
        print_json(_document(made))
    else:
        _print(made)


def _document(made: Backup) -> dict[str, Any]:
    return {
        "backup": printable(str(made.file)),
        "bytes": made.size,
        **contents_document(made.contents),
        "removed": [printable(str(file)) for file in made.removed],
    }


def contents_document(contents: Contents) -> dict[str, Any]:
    """Return what a backup holds, with a count in the place of each thumbnail's checksum."""
    document = asdict(contents)
    members = document.pop("members")
    return {**document, "thumbnails": len(members) - 1}


def _print(made: Backup) -> None:
    contents = made.contents
    click.echo(f"saved    {printable(str(made.file))}, {readable_size(made.size)}")
    click.echo(
        f"holds    {contents.photos:,} photos' facts, vectors and tags, {contents.albums:,} "
        f"albums, {len(contents.members) - 1:,} thumbnails; the photos themselves are not in it"
    )
    for file in made.removed:
        click.echo(f"removed  {printable(str(file))}")
    click.echo(f"restore  pixfind restore {printable(str(made.file))}")
