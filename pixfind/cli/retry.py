"""``pixfind retry``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli import INTERRUPTED
from pixfind.cli.output import ProgressBar, json_option, notice, print_json
from pixfind.config import Settings, normal_path
from pixfind.decoding import SECONDS
from pixfind.text import printable

if TYPE_CHECKING:
    from indexer import Summary
    from pixfind.library import Library


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--decode-timeout",
    type=click.FloatRange(min=0.1, max=3600),
    default=SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="A file that takes longer to decode fails again.",
)
@json_option
@click.pass_obj
def retry(
    settings: Settings, paths: tuple[Path, ...], decode_timeout: float, as_json: bool
) -> None:
    """Look again at files that failed: all of them, or those below PATH.

    Files that could not be decoded are set apart until they change. After an update of pixfind,
    or with more time for each, some may be pictures.

    \b
    Example:
      pixfind retry
      pixfind retry ~/Pictures/scans --decode-timeout 120
    """
    from indexer import Indexer
    from pixfind.encoders.store import ModelStore
    from pixfind.library import Library

    with Library.open(settings.library) as library:
        sound = _sound(library, paths)
        for path in sound:
            place = printable(str(path))
            notice(f"nothing in {place} has failed" if path.is_dir() else f"{place} has not failed")
        if paths and len(sound) == len(paths) and not as_json:
            return
        encoder = ModelStore(settings.models).load(library.model_name(None, settings.model))
        with ProgressBar("looking again") as progress:
            indexer = Indexer(library, encoder, decode_timeout=decode_timeout, progress=progress)
            summary = indexer.retry(paths)
    if as_json:
        print_json(_document(summary))
    else:
        _print(summary)
    if summary.interrupted:
        notice("stopped; what is done is kept, and the same command continues")
        raise click.exceptions.Exit(INTERRUPTED)


def _sound(library: Library, paths: Sequence[Path]) -> list[Path]:
    """Return those of the paths at which nothing has failed before.

    Raises:
        PathNotFoundError: one of these is not on the disk either.
    """
    from pixfind.catalog.files import failures
    from pixfind.errors import PathNotFoundError

    if not paths:
        return []
    with library.catalog.read() as session:
        failed = [Path(failure.root, failure.path) for failure in failures(session)]
    sound = [
        path
        for path in map(normal_path, paths)
        if not any(file.is_relative_to(path) for file in failed)
    ]
    for path in sound:
        if not path.exists():
            raise PathNotFoundError(path)
    return sound


def _document(summary: Summary) -> dict[str, object]:
    worked = summary.embedded + summary.known
    return {
        "tried": worked + summary.failed,
        "worked": worked,
        "failed": summary.failed,
        "photos": summary.photos,
        "seconds": summary.seconds,
        "interrupted": summary.interrupted,
        "unreadable": [printable(folder) for folder in summary.unreadable],
        "missing_roots": [printable(folder) for folder in summary.missing_roots],
    }


def _print(summary: Summary) -> None:
    for folder in summary.unreadable:
        notice(f"not readable: {printable(folder)}")
    for folder in summary.missing_roots:
        notice(f"not there, or empty as without its drive: {printable(folder)}")
    worked = summary.embedded + summary.known
    click.echo(
        f"{worked + summary.failed:,} tried again: {worked:,} worked, {summary.failed:,} failed"
    )
    if summary.failed:
        notice("why files failed: pixfind status --failures")
