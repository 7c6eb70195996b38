"""``pixfind doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import StepBar, json_option, print_json
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.care.findings import Checkup, Finding
    from pixfind.care.repair import Repair
    from pixfind.care.salvage import Saved


@click.command()
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what can be mended, after a copy of the catalog; photos are never changed.",
)
@json_option
@click.pass_obj
def doctor(settings: Settings, repair: bool, as_json: bool) -> None:
    """Check the library, and say what is wrong and what helps.

    The exit code is 0 if nothing is wrong, or nothing any more, and 1 otherwise. With --repair,
    what is derived is made anew; of a damaged catalog all that can be read goes into a new one.
    What was there before is kept beside it, under a name that is printed.

    \b
    Example:
      pixfind doctor
      pixfind doctor --repair
    """
    from pixfind.care.checkup import check_library
    from pixfind.care.repair import repair_library
    from pixfind.encoders.store import ModelStore

    models = ModelStore(settings.models)
    with StepBar() as progress:
        if repair:
            repaired = repair_library(settings.library, models, progress)
            checkup = repaired.after
        else:
            repaired, checkup = None, check_library(settings.library, models, progress)
    if as_json:
        print_json(_document(settings, checkup, repaired))
    else:
        _print(settings, checkup, repaired)
    if not checkup.is_healthy:
        raise click.exceptions.Exit(1)


def _document(settings: Settings, checkup: Checkup, repaired: Repair | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "library": printable(str(settings.library)),
        "healthy": checkup.is_healthy,
        "checked": checkup.looked_at,
        "findings": [_finding(finding) for finding in checkup.findings],
    }
    if repaired is not None:
        document["repair"] = {
            "found": [_finding(finding) for finding in repaired.before.findings],
            "done": [mend.value for mend in repaired.done],
            "kept": [printable(str(file)) for file in repaired.kept],
            "saved": [{**asdict(saved), "lost": saved.lost} for saved in repaired.saved],
        }
    return document


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "problem": printable(finding.problem),
        "advice": printable(finding.advice),
        "note": finding.is_note,
        "can_be_repaired": finding.mend is not None,
    }


def _print(settings: Settings, checkup: Checkup, repaired: Repair | None) -> None:
    click.echo(f"library  {printable(str(settings.library))}")
    if repaired is not None:
        _print_repair(repaired)
    click.echo(f"checked  {', '.join(checkup.looked_at)}")
    for finding in checkup.findings:
        word = "note   " if finding.is_note else "wrong  "
        click.echo(f"{word}  {printable(finding.problem)}; {printable(finding.advice)}")
    click.echo("healthy" if checkup.is_healthy else "not healthy")


def _print_repair(repaired: Repair) -> None:
    for finding in repaired.before.findings:
        if not finding.is_note:
            click.echo(f"found    {printable(finding.problem)}")
    for mend in repaired.done:
        click.echo(f"done     {mend.value}")
    for file in repaired.kept:
        click.echo(f"kept     the catalog as it was: {printable(str(file))}")
    if repaired.saved and not any(saved.saved for saved in repaired.saved):
        click.echo("saved    nothing: the catalog is a new one")
        click.echo("next     put back a backup with: pixfind restore FILE --force")
        click.echo("         or index the photos again with: pixfind index FOLDER")
        return
    for saved in repaired.saved:
        click.echo(f"saved    {_saved(saved)}")
    if repaired.saved:
        click.echo("next     bring the library up to date with: pixfind index")


def _saved(saved: Saved) -> str:
    if saved.known is None:
        return f"{saved.saved:,} rows of {saved.table}; nobody knows how many there were"
    return f"{saved.saved:,} rows of {saved.table}, {saved.lost or 0:,} lost"
