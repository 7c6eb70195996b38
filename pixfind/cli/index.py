"""``pixfind index``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli import INTERRUPTED
from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.decoding import SECONDS
from pixfind.text import printable

if TYPE_CHECKING:
    from indexer import Summary
    from pixfind.library import Library


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@model_option
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Processes that decode; else one for each core. No more threads than these encode.",
)
@click.option(
    "--decode-timeout",
    type=click.FloatRange(min=0.1, max=3600),
    default=SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="A file that takes longer to decode fails (a video: to find its next frame, or 180 times "
    "that in all).",
)
@click.option("--retry-failed", is_flag=True, help="Look again at files that failed before.")
@click.option(
    "--forget-missing",
    is_flag=True,
    help="Drop folders of the library that are not there, or empty now.",
)
@click.option(
    "--regions/--no-regions",
    default=None,
    help="Embed overlapping tiles of each photo too, so that small things are found; from then on "
    "as well, until --no-regions drops them.",
)
@json_option
@click.pass_obj
def index(
    settings: Settings,
    paths: tuple[Path, ...],
    model: str | None,
    workers: int | None,
    decode_timeout: float,
    retry_failed: bool,
    forget_missing: bool,
    regions: bool | None,
    as_json: bool,
) -> None:
    """Add folders of photos to the library, or bring it up to date.

    Only what is new is embedded; files that are gone leave the results. Without PATH, every
    folder that the library covers is looked at again. Photos are never changed. Ctrl-C keeps
    what is done (exit code 130), and the next run continues.

    A file that cannot be decoded, or crashes its decoder, or takes too long, is set apart with its
    reason (pixfind status --failures) until it changes, or pixfind retry looks at it again.

    \b
    Example:
      pixfind index ~/Pictures /media/camera
      pixfind index --regions
      pixfind index
    """
    from indexer import Indexer
    from indexer.scopes import require_paths
    from pixfind.encoders.store import ModelStore
    from pixfind.library import Library

    require_paths(paths)  # before a library is made for nothing
    opened = Library.create(settings.library) if paths else Library.open(settings.library)
    with opened as library:
        encoder = ModelStore(settings.models).load(library.model_name(model, settings.model))
        with ProgressBar("indexing") as progress:
            summary = Indexer(
                library,
                encoder,
                workers=workers,
                decode_timeout=decode_timeout,
                retry_failed=retry_failed,
                forget_missing=forget_missing,
                regions=regions,
                progress=progress,
            ).run(paths)
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
        notice(
            f"not there, or empty as without its drive, and left as it was: {printable(folder)}; "
            "to drop it: pixfind index --forget-missing"
        )
    rate = summary.embedded / summary.seconds if summary.seconds else 0.0
    click.echo(
        f"{summary.embedded:,} embedded ({rate:.1f}/s), {summary.known:,} known by content, "
        f"{summary.unchanged:,} unchanged, {summary.removed:,} removed, {summary.failed:,} failed"
    )
    if summary.reread:
        click.echo(f"{summary.reread:,} read again for their captions, ratings and tags")
    if summary.failed:
        notice("why files failed: pixfind status --failures")
    if summary.unseen:
        model = library.model()
        click.echo(
            f"{summary.photos:,} photos have been seen by this model, {summary.unseen:,} not yet; "
            f"until then the library is searched with {model.name if model else 'none'}"
        )
        return
    click.echo(f"{summary.photos:,} photos can be found in {printable(str(library.folder))}")


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def move(settings: Settings, old: Path, new: Path, as_json: bool) -> None:
    """Tell the library that one of its folders lies elsewhere now. No file is touched.

    Indexing the new place does the same, but reads every file once.

    \b
    Example:
      pixfind move /media/old-disk/photos /media/new-disk/photos
    """
    from pixfind.catalog import roots
    from pixfind.config import normal_path
    from pixfind.errors import PathNotFoundError
    from pixfind.library import Library

    old, new = normal_path(old), normal_path(new)
    if not new.is_dir():
        raise PathNotFoundError(new)
    with (
        Library.open(settings.library) as library,
        library.writing(),
        library.catalog.write() as session,
    ):
        roots.move(session, old, new)
    if as_json:
        print_json({"old": printable(str(old)), "new": printable(str(new))})
    else:
        click.echo(f"{printable(str(old))} is {printable(str(new))} now")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def forget(settings: Settings, folder: Path, as_json: bool) -> None:
    """Take a folder out of the library. No photo is touched.

    FOLDER is one of those that 'pixfind status' lists.

    \b
    Example:
      pixfind forget ~/Downloads
    """
    from pixfind.catalog import roots
    from pixfind.config import normal_path
    from pixfind.library import Library

    folder = normal_path(folder)
    with (
        Library.open(settings.library) as library,
        library.writing(),
        library.catalog.write() as session,
    ):
        files = roots.forget(session, roots.by_path(session, folder))
    if as_json:
        print_json({"folder": printable(str(folder)), "files": files})
    else:
        click.echo(f"{printable(str(folder))} is out of the library, with {files:,} files")
