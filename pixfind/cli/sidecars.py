"""``pixfind sidecars``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli import INTERRUPTED
from pixfind.cli.albums import saved_search
from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.cli.search import QueryCommand, open_for_search, query_line
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from search.sidecars.reading import Read
    from search.sidecars.writing import Options, Trouble, Written

SHOWN_TROUBLES = 10
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def sidecars() -> None:
    """Exchange tags, descriptions and stars with other programs, by XMP files beside the photos.

    digiKam, darktable and Lightroom read and write such sidecars. Your photos are not touched, and
    what other programs have in a sidecar stays in it.

    \b
    Example:
      pixfind sidecars write --all
      pixfind sidecars read
    """


@sidecars.command(cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="The sidecars of all photos.")
@click.option("--album", metavar="NAME", help="Of what this album asks for, instead of QUERY.")
@click.option(
    "--to", metavar="DIR", type=FOLDER, help="Write into this folder, in folders like the photos'."
)
@click.option(
    "--style", type=click.Choice(["darktable", "lightroom"]), default="darktable",
    show_default=True,
    help="darktable, as digiKam: photo.jpg.xmp; lightroom: photo.xmp.",
)  # fmt: skip
@click.option(
    "--replace", is_flag=True,
    help="Put the library's descriptions and stars in the place of others, and take out rejected "
    "keywords.",
)  # fmt: skip
@click.option("--no-automatic", is_flag=True, help="Only what people said; take the rest out.")
@click.option(
    "--descriptions", is_flag=True,
    help="Where nobody has described a photo, write what pixfind describe says.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@model_option
@json_option
@click.pass_obj
def write(
    settings: Settings, query: tuple[str, ...], everything: bool, album: str | None,
    to: Path | None, style: str, replace: bool, no_automatic: bool, descriptions: bool,
    dry_run: bool, model: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write what the library says of photos into their sidecars, making those that are missing.

    Keywords are added to those that are there; a description and stars that are there stay. Which
    keywords are automatic is written, too, so that reading them back makes nothing of them yours.

    \b
    Example:
      pixfind sidecars write --all
      pixfind sidecars write tag:dog date:2019 --to ~/sidecars
      pixfind sidecars write --album "By the sea" --style lightroom --dry-run
    """
    if bool(query) + (album is not None) + everything != 1:
        raise click.UsageError("give one of QUERY, --album NAME and --all")
    if no_automatic and descriptions:
        raise click.UsageError("--descriptions are automatic; give it or --no-automatic, not both")
    from search.sidecars.placing import Style
    from search.sidecars.writing import Options

    options = Options(to, Style(style), replace, not no_automatic, descriptions, dry_run)
    line = None
    if not everything:
        line = query_line(query) if album is None else saved_search(settings, album).query
    done = _write(settings, model, line, options)
    if as_json:
        print_json({**vars(done), "dry_run": dry_run, **_troubles(done.skipped, done.failures)})
    else:
        _show_written(done, dry_run)
    _fail_if(done.failures)


@sidecars.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--from", "mirror", metavar="DIR", type=FOLDER,
    help="Where they were written to by --to, rather than beside the photos.",
)  # fmt: skip
@json_option
@click.pass_obj
def read(settings: Settings, paths: tuple[Path, ...], mirror: Path | None, as_json: bool) -> None:
    """Take over what the sidecars of the library's photos say, or of those at the paths.

    Read again, keywords that have gone from a sidecar go. What you have rejected stays rejected.

    \b
    Example:
      pixfind sidecars read
      pixfind sidecars read ~/Pictures/2019
    """
    from pixfind.library import Library
    from search.sidecars.reading import read_sidecars

    with Library.open(settings.library) as library, ProgressBar("reading") as progress:
        try:
            done = read_sidecars(library, paths, mirror=mirror, progress=progress.working)
        except KeyboardInterrupt:
            raise _stopped() from None
    if as_json:
        print_json({**vars(done), **_troubles(done.skipped, done.failures)})
    else:
        _show_read(done)
    _fail_if(done.failures)


def _write(settings: Settings, model: str | None, line: str | None, options: Options) -> Written:
    from pixfind.library import Library
    from search.sidecars.writing import write_sidecars

    ids = None if line is None else _answers(settings, model, line)
    with Library.open(settings.library) as library, ProgressBar("writing") as progress:
        try:
            return write_sidecars(library, ids, options, progress.working)
        except KeyboardInterrupt:
            raise _stopped() from None


def _answers(settings: Settings, model: str | None, line: str) -> list[int]:
    from search.export.exporting import answers

    with open_for_search(settings, model, for_words=True) as engine:
        return [result.photo.id for result in answers(engine, line).results]


def _stopped() -> click.exceptions.Exit:
    notice("stopped; what is done is whole, and the same command continues")
    return click.exceptions.Exit(INTERRUPTED)


def _troubles(skipped: Sequence[Trouble], failures: Sequence[Trouble]) -> dict[str, Any]:
    return {
        name: [
            {"path": printable(str(one.path)), "reason": printable(one.reason)} for one in troubles
        ]
        for name, troubles in (("skipped", skipped), ("failures", failures))
    }


def _show_written(done: Written, dry_run: bool) -> None:
    _show_troubles(done.skipped, done.failures, "not written")
    parts = [f"{_many(done.written, 'sidecar')} written", f"{done.updated:,} updated"]
    parts += [f"{done.unchanged:,} unchanged"] if done.unchanged else []
    parts += [f"{done.empty:,} not needed"] if done.empty else []
    parts += _counts(done.skipped, done.failures)
    begin = "only tried: " if dry_run else ""
    click.echo(f"{begin}{_many(done.photos, 'photo')}, {', '.join(parts)}")


def _show_read(done: Read) -> None:
    _show_troubles(done.skipped, done.failures, "not read")
    parts = [f"{_many(done.sidecars, 'sidecar')} of {_many(done.photos, 'photo')} read"]
    parts += [f"{_many(done.tags, 'tag')} in them", f"{_many(done.changed, 'photo')} changed"]
    click.echo(", ".join(parts + _counts(done.skipped, done.failures)))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _counts(skipped: Sequence[Trouble], failures: Sequence[Trouble]) -> list[str]:
    counted = ((skipped, "skipped"), (failures, "failed"))
    return [f"{len(troubles):,} {what}" for troubles, what in counted if troubles]


def _show_troubles(skipped: Sequence[Trouble], failures: Sequence[Trouble], failed: str) -> None:
    for troubles, what in ((skipped, "skipped"), (failures, failed)):
        for one in troubles[:SHOWN_TROUBLES]:
            notice(f"{what}: {printable(f'{one.path}: {one.reason}')}")
        if len(troubles) > SHOWN_TROUBLES:
            notice(f"and {len(troubles) - SHOWN_TROUBLES:,} more")


def _fail_if(failures: Sequence[Trouble]) -> None:
    if failures:
        raise click.exceptions.Exit(1)
