"""``pixfind restore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.output import StepBar, json_option, print_json
from pixfind.config import Settings, normal_path
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.care.restore import Restored


@click.command()
@click.argument("backup", type=click.Path(path_type=Path))
@click.option(
    "--force",
    is_flag=True,
    help="Do so where there is a library already, whose catalog is kept under another name.",
)
@json_option
@click.pass_obj
def restore(settings: Settings, backup: Path, force: bool, as_json: bool) -> None:
    """Make the library that of a backup, after all of the backup has been checked.

    A catalog that is there is kept under another name, which is printed. A running server takes
    notice by itself. Search works at once; "pixfind index" then takes in what has changed since.

    \b
    Example:
      pixfind restore /media/disk/photos.pixfind
      pixfind restore /media/disk/photos.pixfind --force
    """
    from pixfind.care.restore import restore as restored_from

    with StepBar() as progress:
        restored = restored_from(
            normal_path(backup), settings.library, force=force, progress=progress
        )
    if as_json:
        _print_json(settings, restored)
    else:
        _print(settings, restored)


def _print_json(settings: Settings, restored: Restored) -> None:
    from pixfind.cli.backup import contents_document

    print_json(
        {
            "library": printable(str(settings.library)),
            **contents_document(restored.contents),
            "kept": None if restored.kept is None else printable(str(restored.kept)),
        }
    )


def _print(settings: Settings, restored: Restored) -> None:
    contents = restored.contents
    click.echo(f"restored  {printable(str(settings.library))}")
    click.echo(
        f"holds     {contents.photos:,} photos in {contents.files:,} files, {contents.albums:,} "
        f"albums, as of {printable(contents.made_at)}"
    )
    if restored.kept is not None:
        click.echo(f"kept      the catalog that was there: {printable(str(restored.kept))}")
    click.echo("next      take in what has changed since with: pixfind index")
