"""``pixfind dupes``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.output import ProgressBar, json_option, notice, print_json
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from search.duplicates.finding import Duplicates


@click.command()
@click.option("--exact", "exact_only", is_flag=True, help="Only files of the same bytes.")
@json_option
@click.option(
    "--csv",
    "table",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a table to this new file instead of text.",
)
@click.pass_obj
def dupes(settings: Settings, exact_only: bool, as_json: bool, table: Path | None) -> None:
    """Find photos that the library has more than once, and suggest which file to keep.

    Nothing is deleted or changed: what to do is up to you.

    Files of the same bytes are duplicates, and photos that look alike: saved again, scaled,
    cropped a little, with other colours. The next picture of a burst is another photo, and so is
    one that was turned or mirrored. Every photo of a group looks like the suggested one (*), which
    is the one that has the most pixels, else is the sharpest, else has the most bytes; of files of
    the same bytes it is the one with the shortest path.

    \b
    Example:
      pixfind dupes
      pixfind dupes --exact --json
      pixfind dupes --csv duplicates.csv
    """
    if table:
        _require_new(table)
    from pixfind.library import Library
    from search.duplicates.finding import find_duplicates

    with (
        Library.open(settings.library) as library,
        ProgressBar("looking for duplicates") as progress,
    ):
        found = find_duplicates(library, exact_only=exact_only, progress=progress.working)
    if table:
        _write(found, table)
    _show(found, as_json, table)


def _require_new(table: Path) -> None:
    if table.exists() or table.is_symlink():
        raise click.ClickException(f"{printable(str(table))} exists already; name a new file")
    if not table.absolute().parent.is_dir():
        raise click.ClickException(
            f"there is no folder {printable(str(table.absolute().parent))} to write to"
        )


def _write(found: Duplicates, table: Path) -> None:
    from pixfind.cli.dupes_report import write_table

    try:
        write_table(found, table)
    except FileExistsError:  # another program was faster
        _require_new(table)
        raise


def _show(found: Duplicates, as_json: bool, table: Path | None) -> None:
    from pixfind.cli.dupes_report import counted, document_of, text_of

    if as_json:
        print_json(document_of(found))
        return
    if found.skipped:
        photos = counted(found.skipped, "photo")
        notice(f"{photos} could not be compared: neither the file nor its thumbnail can be read")
    if found.absent:
        notice(
            f"{counted(found.absent, 'group')} left out: fewer than two of the files are there as "
            "they were indexed; to bring the library up to date: pixfind index"
        )
    if not found.groups:
        notice(f"no duplicates among {counted(found.photos, 'photo')}")
    elif table:
        notice(f"{counted(found.spare_files, 'spare file')} in {printable(str(table))}")
    else:
        for line in text_of(found):
            click.echo(line)
