"""``pixfind describe``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli import INTERRUPTED
from pixfind.cli.language_model import language_model_options, open_language_model
from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.errors import LanguageModelUnreachableError, LibraryNotFoundError, PixfindError
from pixfind.text import printable, shortened

if TYPE_CHECKING:
    from pixfind.library import Library
    from search.descriptions.describing import Describer
    from search.language_model import LanguageModel


@click.command()
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@click.option("--long", "at_length", is_flag=True, help="Write several sentences of each photo.")
@click.option("--alt", is_flag=True, help="Write an alternative text, 125 characters at most.")
@click.option("--all", "everything", is_flag=True, help="Describe and keep the whole library.")
@model_option
@language_model_options
@json_option
@click.pass_obj
def describe(
    settings: Settings,
    images: tuple[str, ...],
    at_length: bool,
    alt: bool,
    everything: bool,
    model: str | None,
    llm: str | None,
    llm_model: str | None,
    llm_timeout: float | None,
    as_json: bool,
) -> None:
    """Say in a sentence what photos show.

    IMAGE is a file, or the number of a photo of the library. What is not sure is said with
    "perhaps", or left out. With --all, the photos of the library that have no description yet get
    one, which is kept with the library. With --llm or --llm-model, a language model puts it into
    better words.

    \b
    Example:
      pixfind describe holiday.jpg
      pixfind describe --long holiday.jpg 12
      pixfind describe --alt --json *.jpg
      pixfind describe --all
    """
    if everything == bool(images):
        raise click.UsageError("name pictures, or take the whole library with --all")
    _require_sense(everything, at_length, alt, bool(llm or llm_model), llm_timeout)
    if everything:
        _describe_all(settings, model, as_json)
        return
    form = "long" if at_length else "alt" if alt else "sentence"
    with ExitStack() as stack:
        author = None
        if llm or llm_model:
            author = stack.enter_context(open_language_model(llm, llm_model, llm_timeout))
        documents, failed = _describe(settings, images, model, form, author, as_json)
    if as_json:
        print_json({"model": _model_of(documents), "results": documents})
    if failed:
        raise click.exceptions.Exit(1)


def _require_sense(
    everything: bool, at_length: bool, alt: bool, is_rewritten: bool, timeout: float | None
) -> None:
    if alt and at_length:
        raise click.UsageError("give one of --long and --alt")
    if everything and (alt or at_length):
        raise click.UsageError("--all keeps the sentence, the alternative text and the rest")
    if everything and (is_rewritten or timeout):
        raise click.UsageError("--all keeps pixfind's own words; it asks no language model")
    if timeout and not is_rewritten:
        raise click.UsageError("--llm-timeout needs --llm or --llm-model")


def _describe(
    settings: Settings,
    images: Sequence[str],
    model: str | None,
    form: str,
    author: LanguageModel | None,
    as_json: bool,
) -> tuple[list[dict[str, Any]], int]:
    """Describe one after the other; print them unless they are for a document."""
    from search.descriptions.photographs import describe_named

    documents: list[dict[str, Any]] = []
    failed = 0
    with open_for_describing(settings, model) as (describer, library):
        for named in images:
            try:
                account, path = describe_named(
                    describer, library, named, places=as_json or form == "long"
                )
                document = account.document()
                if author is not None:
                    _rewrite(author, document, form)
            except PixfindError as error:
                failed += 1
                notice(printable(str(error)))
                if isinstance(error, LanguageModelUnreachableError):
                    break  # nor will it be there for the next one
                continue
            documents.append({"path": printable(str(path)), **document})
            if not as_json:
                before = f"{printable(named)}: " if len(images) > 1 else ""
                click.echo(f"{before}{printable(document[form])}")
    return documents, failed


def _describe_all(settings: Settings, model: str | None, as_json: bool) -> None:
    from pixfind.library import Library
    from search.descriptions.photographs import describe_library

    with Library.open(settings.library) as library:
        describer = _describer(settings, library, model)
        with ProgressBar("describing") as progress:
            summary = describe_library(
                library, describer, progress.working, lambda error: notice(printable(str(error)))
            )
    if as_json:
        print_json(asdict(summary))
    else:
        rest = f", {summary.failed:,} could not be read" if summary.failed else ""
        click.echo(f"{summary.described:,} described{rest}")
    if summary.interrupted:
        notice("stopped; what is done is kept, and the same command continues")
        raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def open_for_describing(
    settings: Settings, model: str | None
) -> Iterator[tuple[Describer, Library | None]]:
    """Open a describer, and the library if there is one: files can be described without."""
    from pixfind.library import Library

    with ExitStack() as stack:
        library = None
        with suppress(LibraryNotFoundError):
            library = stack.enter_context(Library.open(settings.library))
        yield _describer(settings, library, model), library


def _describer(settings: Settings, library: Library | None, model: str | None) -> Describer:
    from pixfind.encoders.store import ModelStore
    from search.descriptions.describing import Describer

    default = settings.model
    name = library.model_name(model, default) if library is not None else model or default
    encoder = ModelStore(settings.models).load(name)
    with ProgressBar("reading phrases", unit="phrases") as progress:
        return Describer(encoder, settings.cache, progress.working)


def _rewrite(author: LanguageModel, document: dict[str, Any], form: str) -> None:
    """Put one of a document's texts into the language model's words, and say whose they are."""
    from search.descriptions.writing import ALT_LENGTH
    from search.language_model import rewrite_description

    rewriting = rewrite_description(author, document, document[form])
    document["language_model"] = None if rewriting.notice else printable(author.name)
    if rewriting.notice:
        notice(rewriting.notice)
    else:
        document[form] = shortened(rewriting.text, ALT_LENGTH) if form == "alt" else rewriting.text


def _model_of(documents: Sequence[dict[str, Any]]) -> str | None:
    return documents[0]["model"] if documents else None
