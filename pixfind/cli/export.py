"""``pixfind export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from pixfind.cli import INTERRUPTED
from pixfind.cli.albums import saved_search
from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.cli.search import QueryCommand, all_option, open_for_search, query_line
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from search.export.exporting import Destinations, Exported

SHOWN_FAILURES = 10
STDOUT = Path("-")
PATH = click.Path(path_type=Path)


@click.command(cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option("--album", metavar="NAME", help="What this album asks for, instead of QUERY.")
@click.option("--copy-to", metavar="DIR", type=PATH, help="Copy the photos into this folder.")
@click.option(
    "--link-to", metavar="DIR", type=PATH, help="Put symbolic links to them into this folder."
)
@click.option(
    "--csv", metavar="FILE", type=PATH, help="Write a table to this file; - is standard output."
)
@click.option(
    "--jsonl",
    metavar="FILE",
    type=PATH,
    help="Write a JSON object a line to this file; - is standard output.",
)
@click.option("--replace", is_flag=True, help="Write over the files of --csv and --jsonl.")
@all_option
@model_option
@json_option
@click.pass_obj
def export(
    settings: Settings, query: tuple[str, ...], album: str | None, copy_to: Path | None,
    link_to: Path | None, csv: Path | None, jsonl: Path | None, replace: bool, everything: bool,
    model: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Export all photos that answer a query or belong to an album.

    Your photos are not touched, and no file is overwritten: where a name is taken, the next one
    is "name (2).jpg". The same command again adds what is new and keeps what is there already,
    also copies and links of photos that no longer answer. How many at most: limit:100 in the query.

    \b
    Example:
      pixfind export --album "By the sea" --copy-to ~/by-the-sea
      pixfind export 'a dog on grass limit:50' --link-to ~/dogs --csv dogs.csv
      pixfind export has:gps --csv - > places.csv
    """
    _require_sense(query, album, (copy_to, link_to, csv, jsonl), as_json)
    line = query_line(query) if album is None else saved_search(settings, album).query
    from search.export.exporting import Destinations

    to = Destinations(copy_to, link_to, _output(csv), _output(jsonl), replace)
    done = _run(settings, model, line, to, everything)
    if as_json:
        print_json(_document(line, done))
    else:
        _show(done, [file for file in (csv, jsonl) if file], to)


def _require_sense(
    query: tuple[str, ...], album: str | None, to: tuple[Path | None, ...], as_json: bool
) -> None:
    if bool(query) == (album is not None):
        raise click.UsageError("give either a QUERY or --album NAME")
    if not any(to):
        raise click.UsageError("where to? Give --copy-to, --link-to, --csv or --jsonl")
    if len({place for place in to if place}) < len([place for place in to if place]):
        raise click.UsageError("two of the places to export to are the same")
    if as_json and STDOUT in to:
        raise click.UsageError("--json prints to standard output, too; name a file instead of -")


def _output(file: Path | None) -> Path | BinaryIO | None:
    return sys.stdout.buffer if file == STDOUT else file


def _run(
    settings: Settings, model: str | None, line: str, to: Destinations, everything: bool
) -> Exported:
    from search.export.exporting import answers
    from search.export.exporting import export as export_answers

    with open_for_search(settings, model, for_words=True) as engine:
        found = answers(engine, line, everything=everything)
        _warn_of_roots(settings, to)
        try:
            with ProgressBar("exporting") as progress:
                return export_answers(found, to, progress.working)
        except KeyboardInterrupt:
            notice("stopped; what has been exported is whole, and the same command continues")
            raise click.exceptions.Exit(INTERRUPTED) from None


def _warn_of_roots(settings: Settings, to: Destinations) -> None:
    """Say that the library will come across what is exported."""
    from pixfind.catalog.places import root_over
    from pixfind.library import Library

    with Library.open(settings.library) as library, library.catalog.read() as session:
        for folder in filter(None, (to.copy_to, to.link_to)):
            root = root_over(session, folder)
            if root is not None:
                notice(
                    f"{printable(str(folder))} lies in the library's folder {printable(str(root))}:"
                    " 'pixfind index' will find the same photos there once more"
                )


def _document(query: str, done: Exported) -> dict[str, Any]:
    failures = [
        {"path": printable(str(failure.path)), "reason": printable(failure.reason)}
        for failure in done.failures
    ]
    return {"query": query, **vars(done), "failures": failures}


def _show(done: Exported, files: list[Path], to: Destinations) -> None:
    for failure in done.failures[:SHOWN_FAILURES]:
        notice(f"not exported: {printable(f'{failure.path}: {failure.reason}')}")
    if len(done.failures) > SHOWN_FAILURES:
        notice(f"and {len(done.failures) - SHOWN_FAILURES:,} more")
    parts = [f"{done.photos:,} photo{'' if done.photos == 1 else 's'}"]
    parts += [f"{done.copied:,} copied"] if to.copy_to else []
    parts += [f"{done.linked:,} linked"] if to.link_to else []
    parts += [f"{done.there:,} there already"] if done.there else []
    parts += [f"{len(done.failures):,} failed"] if done.failures else []
    parts += [f"written to {printable(str(file))}" for file in files if file != STDOUT]
    click.echo(", ".join(parts), err=STDOUT in files)
