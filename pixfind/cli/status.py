"""``pixfind status``."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import json_option, print_json
from pixfind.config import Settings
from pixfind.text import printable, readable_size

if TYPE_CHECKING:
    from pixfind.status import LibraryStatus

SHOWN_FAILURES = 10
_NUMBERS = re.compile(r"\d[\d,.]*")


@click.command()
@click.option("--failures", "all_failures", is_flag=True, help="List every file that failed.")
@json_option
@click.pass_obj
def status(settings: Settings, all_failures: bool, as_json: bool) -> None:
    """Say what the library holds, what failed, when and why, and how much disk it takes.

    \b
    Example:
      pixfind status
      pixfind status --failures
    """
    from pixfind.library import Library
    from pixfind.status import library_status

    with Library.open(settings.library) as library:
        found = library_status(library)
    if as_json:
        print_json(_document(found))
    else:
        _print(found, all_failures)


def _document(found: LibraryStatus) -> dict[str, Any]:
    document = asdict(found)
    document["library"] = printable(found.library)
    document["roots"] = [{**asdict(r), "path": printable(r.path)} for r in found.roots]
    document["failures"] = [
        {**asdict(f), "root": printable(f.root), "path": printable(f"{f.root}/{f.path}")}
        for f in found.failures
    ]
    document["reasons"] = [
        {"reason": reason, "count": count} for reason, count in _by_reason(found).items()
    ]
    return document


def _by_reason(found: LibraryStatus) -> dict[str, int]:
    """Count the failures by what is alike in their reasons, the most frequent first."""
    counts = Counter(
        _NUMBERS.sub("N", failure.reason.partition(" (")[0]) for failure in found.failures
    )
    return dict(counts.most_common())


def _print(found: LibraryStatus, all_failures: bool) -> None:
    click.echo(f"library   {printable(found.library)}")
    click.echo(f"model     {found.model or 'none yet'}")
    videos = f", {found.videos:,} of them videos," if found.videos else ""
    click.echo(f"photos    {found.photos:,}{videos} in {found.files:,} files")
    if found.regions or found.moments:
        click.echo(
            f"parts     {found.regions:,} regions of photos, {found.moments:,} moments of videos"
        )
    if found.tagged or found.accepted:
        click.echo(f"tagged    {found.tagged:,} automatically, {found.accepted:,} by you")
    if found.described:
        click.echo(f"described {found.described:,}")
    for root in found.roots:
        gone = "" if root.available else "  (not there now)"
        click.echo(f"folder    {printable(root.path)}{gone}")
    sizes = ", ".join(f"{part} {readable_size(size)}" for part, size in found.bytes.items())
    click.echo(f"on disk   {sizes}")
    click.echo(f"failures  {len(found.failures):,}")
    for reason, count in _by_reason(found).items():
        click.echo(f"  {count:>7,} {reason}")
    shown = found.failures if all_failures else found.failures[:SHOWN_FAILURES]
    for failure in shown:
        when = f"  ({failure.failed_at})" if all_failures else ""
        click.echo(f"  {printable(f'{failure.root}/{failure.path}')}: {failure.reason}{when}")
    if shown and all_failures:
        click.echo("to look at them again: pixfind retry [PATH]...")
    if len(shown) < len(found.failures):
        click.echo(f"  and {len(found.failures) - len(shown):,} more: pixfind status --failures")
