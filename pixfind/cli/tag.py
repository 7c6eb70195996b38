"""``pixfind tag`` and ``pixfind tags``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli import INTERRUPTED
from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.library import Library
    from search.tags.scoring import Scorer
    from search.tags.tagging import Summary

photos_argument = click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")


@click.command()
@click.option(
    "--vocabulary", type=click.Path(path_type=Path, dir_okay=False),
    help="Your own tags, beside the shipped ones: a tag a line. Kept with the library.",
)  # fmt: skip
@click.option("--no-vocabulary", is_flag=True, help="Forget your own tags again.")
@click.option("--undo", is_flag=True, help="Take back what the latest run gave.")
@click.option("--run", type=int, metavar="NUMBER", help="With --undo: that run instead.")
@model_option
@json_option
@click.pass_obj
def tag(
    settings: Settings,
    vocabulary: Path | None,
    no_vocabulary: bool,
    undo: bool,
    run: int | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Tag the photos of the library automatically, each with what it most probably shows.

    Only photos that are new since the last run are looked at, or all of them when the vocabulary,
    the model or your examples have changed. What you accepted or rejected (pixfind tags) stays.
    Find tagged photos with: pixfind search tag:dog

    \b
    Example:
      pixfind tag
      pixfind tag --vocabulary our-family.txt
      pixfind tag --undo
    """
    if run is not None and not undo:
        raise click.UsageError("--run needs --undo")
    if undo + no_vocabulary + (vocabulary is not None) > 1:
        raise click.UsageError("give one of --undo, --vocabulary and --no-vocabulary")
    from pixfind.library import Library

    with Library.open(settings.library) as library:
        if undo:
            _undo(library, run, as_json)
            return
        _keep(library, vocabulary, no_vocabulary)
        summary = _tag(settings, library, model)
    if as_json:
        print_json(asdict(summary))
    else:
        _print(summary)
    if summary.interrupted:
        notice("stopped; what is done is kept, and the same command continues")
        raise click.exceptions.Exit(INTERRUPTED)


@click.group()
def tags() -> None:
    """The tags of the library: see them, correct them, teach them.

    What you say of a tag outlives every automatic run, another model and indexing again. From five
    accepted photos on, your examples decide a tag together with its words.

    \b
    Example:
      pixfind tags list
      pixfind tags accept "our cabin" 12 15 holiday.jpg
      pixfind tags suggest "our cabin"
      pixfind tags reject dog 40
    """


@tags.command("list")
@json_option
@click.pass_obj
def list_tags(settings: Settings, as_json: bool) -> None:
    """List all tags with how many photos have them, and on how many only automatically.

    \b
    Example:
      pixfind tags list --json
    """
    from pixfind.catalog.tags import counts
    from pixfind.library import Library

    with Library.open(settings.library) as library, library.catalog.read() as session:
        found = counts(session)
    if as_json:
        print_json({"tags": [{**asdict(one), "name": printable(one.name)} for one in found]})
        return
    for one in found:
        rejected = f", {one.rejected:,} rejected" if one.rejected else ""
        click.echo(
            f"{one.pictures:6,}  {printable(one.name)}  ({one.automatic:,} automatic{rejected})"
        )
    if not found:
        notice("no photo has a tag yet; tag them with: pixfind tag")


@tags.command()
@click.argument("tag")
@photos_argument
@json_option
@click.pass_obj
def accept(settings: Settings, tag: str, photos: tuple[str, ...], as_json: bool) -> None:
    """Give photos a tag, with what it implies (a dachshund is a dog and an animal).

    PHOTO is a number in the library, a path or the name of a file.

    \b
    Example:
      pixfind tags accept dachshund 12 15
    """
    _say(settings, "accepted", tag, photos, as_json)


@tags.command()
@click.argument("tag")
@photos_argument
@json_option
@click.pass_obj
def reject(settings: Settings, tag: str, photos: tuple[str, ...], as_json: bool) -> None:
    """Say that photos do not show what a tag says, nor anything that implies it.

    \b
    Example:
      pixfind tags reject dog 40
    """
    _say(settings, "rejected", tag, photos, as_json)


@tags.command()
@click.argument("tag")
@photos_argument
@json_option
@click.pass_obj
def withdraw(settings: Settings, tag: str, photos: tuple[str, ...], as_json: bool) -> None:
    """Take back what you accepted or rejected.

    What came with it (dog and animal, with a dachshund) is taken back, too, unless you said it
    otherwise. The next pixfind tag gives back the automatic tags, and the next pixfind index the
    keywords of the files.

    \b
    Example:
      pixfind tags withdraw dog 40
    """
    _say(settings, "withdrawn", tag, photos, as_json)


@tags.command()
@click.argument("tag")
@click.option(
    "--limit", "-n", type=click.IntRange(1, 10_000), default=20, show_default=True,
    help="How many photos to show.",
)  # fmt: skip
@model_option
@json_option
@click.pass_obj
def suggest(settings: Settings, tag: str, limit: int, model: str | None, as_json: bool) -> None:
    """Show the photos that most probably have a tag and of which you have said nothing yet.

    \b
    Example:
      pixfind tags suggest dog --limit 10
    """
    from pixfind.catalog.photos import photos_by_id
    from pixfind.library import Library

    with Library.open(settings.library) as library:
        found = _scorer(settings, library, model).likely(tag, limit)
        with library.catalog.read() as session:
            photos = photos_by_id(session, [asset_id for asset_id, _ in found])
        rows = [
            {"id": i, "probability": round(p, 6), "path": printable(str(photos[i].path))}
            for i, p in found
            if i in photos
        ]
    if as_json:
        print_json({"tag": printable(tag), "results": rows})
        return
    for row in rows:
        click.echo(f"{row['probability']:.3f}  {row['id']}  {row['path']}")


@tags.command()
@json_option
@click.pass_obj
def runs(settings: Settings, as_json: bool) -> None:
    """List the automatic runs of which tags are left, the latest first.

    \b
    Example:
      pixfind tags runs
    """
    from pixfind.catalog.tagging import runs as all_runs
    from pixfind.library import Library

    with Library.open(settings.library) as library, library.catalog.read() as session:
        found = all_runs(session)
    if as_json:
        print_json({"runs": [asdict(one) for one in found]})
        return
    for one in found:
        click.echo(
            f"{one.id}  {one.started_at}  {one.vocabulary} with {one.model}: "
            f"{one.tags:,} tags on {one.pictures:,} photos"
        )
    if not found:
        notice("nothing has been tagged automatically yet; do so with: pixfind tag")


def _say(settings: Settings, what: str, tag: str, photos: tuple[str, ...], as_json: bool) -> None:
    from pixfind.library import Library
    from search.tags import owner

    with Library.open(settings.library) as library:
        say = {"accepted": owner.accept, "rejected": owner.reject, "withdrawn": owner.withdraw}[
            what
        ]
        name = say(library, tag, photos)
    if as_json:
        print_json({"tag": printable(name), "said": what, "photos": len(set(photos))})
    else:
        notice(f"{what}: {printable(name)}")


def _keep(library: Library, vocabulary: Path | None, no_vocabulary: bool) -> None:
    from search.tags import own_vocabulary

    if vocabulary is not None:
        own_vocabulary.keep(library, vocabulary)
    elif no_vocabulary:
        own_vocabulary.drop(library)


def _tag(settings: Settings, library: Library, model: str | None) -> Summary:
    from search.tags.tagging import tag_library

    scorer = _scorer(settings, library, model)
    with ProgressBar("tagging") as progress:
        return tag_library(library, scorer, progress.working)


def _scorer(settings: Settings, library: Library, model: str | None) -> Scorer:
    from pixfind.encoders.store import ModelStore
    from search.tags.scoring import Scorer

    encoder = ModelStore(settings.models).load(library.model_name(model, settings.model))
    with ProgressBar("embedding prompts", unit="prompts") as progress:
        return Scorer(library, encoder, settings.cache, progress.working)


def _undo(library: Library, run: int | None, as_json: bool) -> None:
    from search.tags.owner import undo

    undone, count = undo(library, run)
    if as_json:
        print_json({"undone": undone, "tags": count})
    else:
        notice(f"run {undone} undone: {count:,} tags went; pixfind tag gives them again")


def _print(summary: Summary) -> None:
    document: dict[str, Any] = asdict(summary)
    if summary.run is None:
        click.echo("all photos have their tags already")
        return
    click.echo(
        "{photos:,} photos tagged with {tags:,} tags out of {labels:,}, as run {run}".format(
            **document
        )
    )
    if summary.taught:
        click.echo(f"decided by your examples: {', '.join(map(printable, summary.taught))}")
