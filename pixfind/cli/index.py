"""``pixfind index``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from indexer import Summary
    from pixfind.library import Library

INTERRUPTED = 130


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@model_option
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Threads that decode; else one for each core."
)
@click.option("--retry-failed", is_flag=True, help="Look again at files that failed before.")
@json_option
@click.pass_obj
def index(
    settings: Settings,
    paths: tuple[Path, ...],
    model: str | None,
    workers: int | None,
    retry_failed: bool,
    as_json: bool,
) -> None:
    """Add folders of photos to the library, or bring it up to date.

    Only what is new is embedded; files that are gone leave the results. Without PATH, every
    folder that the library covers is looked at again. Photos are never changed. Ctrl-C keeps
    what is done, and the next run continues.

    \b
    Example:
      pixfind index ~/Pictures /media/camera
      pixfind index
    """
    from indexer import Indexer
    from pixfind.encoders.store import ModelStore
    from pixfind.errors import PathNotFoundError
    from pixfind.library import Library

    for path in paths:
        if not path.exists():
            raise PathNotFoundError(path.absolute())
    opened = Library.create(settings.library) if paths else Library.open(settings.library)
    with opened as library:
        current = library.model()
        encoder = ModelStore(settings.models).load(
            model or (current.name if current else settings.model)
        )
        with ProgressBar() as progress:
            indexer = Indexer(
                library, encoder, workers=workers, retry_failed=retry_failed, progress=progress
            )
            summary = indexer.run(paths)
        if as_json:
            print_json(_document(library, encoder.spec.name, summary))
        else:
            _print(library, summary)
    if summary.interrupted:
        notice("stopped; what is done is kept, and the same command continues")
        raise click.exceptions.Exit(INTERRUPTED)


def _document(library: Library, model: str, summary: Summary) -> dict[str, object]:
    return {
        "library": printable(str(library.folder)),
        "model": model,
        **asdict(summary),
        "unreadable": [printable(folder) for folder in summary.unreadable],
        "missing_roots": [printable(folder) for folder in summary.missing_roots],
    }


def _print(library: Library, summary: Summary) -> None:
    for folder in summary.unreadable:
        notice(f"not readable: {printable(folder)}")
    for folder in summary.missing_roots:
        notice(f"not there, left as it was: {printable(folder)}")
    rate = summary.embedded / summary.seconds if summary.seconds else 0.0
    click.echo(
        f"{summary.embedded:,} embedded ({rate:.1f}/s), {summary.known:,} known by content, "
        f"{summary.unchanged:,} unchanged, {summary.removed:,} removed, {summary.failed:,} failed"
    )
    click.echo(f"{summary.photos:,} photos can be found in {printable(str(library.folder))}")
    if summary.failed:
        notice("why files failed: pixfind status --failures")
