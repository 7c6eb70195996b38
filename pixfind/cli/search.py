"""``pixfind search`` and ``pixfind similar``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.language_model import language_model_options, open_language_model
from pixfind.cli.output import json_option, limit_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.errors import ModelError
from pixfind.parts import Part, where
from pixfind.text import clock, printable

if TYPE_CHECKING:
    from search import Facets, Result, Results, SearchEngine

# The beginning of what may have been quoted: of a field's value, or of words that are unwanted.
OF_FIELD = re.compile(r"-?([A-Za-z]+):\s*")
UNWANTED = re.compile(r"-(?![-\s])")
# What follows white space where an argument is several terms.
FURTHER_TERM = re.compile(r"\s-(?![-\s])|\s([A-Za-z]+):")
all_option = click.option(
    "--all", "everything", is_flag=True, help="Rank every photo, however improbable a match."
)


class QueryCommand(click.Command):
    """A command with a query, whose words may begin with a dash: ``pixfind search dog -snow``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Tell the options from the words before click takes the words for options."""
        options: list[str] = []
        words: list[str] = []
        takes_value = {
            name: not option.is_flag and not option.count
            for option in self.get_params(ctx)
            if isinstance(option, click.Option)
            for name in option.opts
        }
        rest = iter(args)
        for arg in rest:
            name, equals, _ = arg.partition("=")
            if arg == "--":
                words.extend(rest)
            elif name in takes_value:
                options.append(arg)
                options.extend(islice(rest, int(takes_value[name] and not equals)))
            elif re.fullmatch(r"--[a-z-]+|-n\d+", name):
                options.append(arg)  # a limit, or none that there is: click will say so
            else:
                words.append(arg)
        return super().parse_args(ctx, [*options, "--", *words])


def query_line(arguments: Sequence[str]) -> str:
    """Return the query that a command's arguments make.

    One argument is the whole line. Of many, those that the shell has taken the quotes from get
    them back: ``-"deep snow"`` arrives as ``-deep snow``.
    """
    if len(arguments) == 1:
        return arguments[0]
    return " ".join(map(_with_quotes, arguments))


def _with_quotes(argument: str) -> str:
    """Return an argument with the quotes that the shell seems to have taken from it."""
    from search.query.fields import FIELDS
    from search.query.formatting import quoted
    from search.query.lexer import QUOTES

    named = OF_FIELD.match(argument)
    if named is not None and named[1].lower() not in FIELDS:
        sentence = named[0][-1].isspace()  # -"Note: a dog"; else it is a slip, to be told of
        named = None
        if not sentence:
            return argument
    beginning = named or UNWANTED.match(argument)
    if beginning is None:
        return argument
    rest = argument[beginning.end() :]
    several = any(
        further[1] is None or further[1].lower() in FIELDS
        for further in FURTHER_TERM.finditer(rest)
    )
    if several or len(rest.split()) <= 1 or rest[0] in QUOTES + "(":
        return argument
    return beginning[0].rstrip() + quoted(rest)


def _print_syntax(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from search.query.grammar import grammar_text

        click.echo(grammar_text())
        ctx.exit()


@click.command(cls=QueryCommand)
@click.argument("query", nargs=-1, required=True)
@limit_option
@all_option
@click.option(
    "--facets", is_flag=True, help="Count years, cameras, folders, tags and types as well."
)
@model_option
@json_option
@click.option(
    "--request",
    "is_request",
    is_flag=True,
    help="Let the language model of $PIXFIND_LLM make the query; --llm URL does so, too.",
)
@language_model_options
@click.option(
    "--syntax", is_flag=True, is_eager=True, expose_value=False, callback=_print_syntax,
    help="Explain the query language.",
)  # fmt: skip
@click.pass_obj
def search(
    settings: Settings,
    query: tuple[str, ...],
    limit: int | None,
    everything: bool,
    facets: bool,
    model: str | None,
    as_json: bool,
    is_request: bool,
    llm: str | None,
    llm_model: str | None,
    llm_timeout: float | None,
) -> None:
    """Find photos by describing them in plain words, with filters and exclusions.

    Prints a score and a path a line, best first. The score is the probability that the photo is
    one that you describe; photos below the model's cutoff are left out.

    \b
    Example:
      pixfind search a red telephone box
      pixfind search "children on a beach" --limit 5 --json
      pixfind search 'flowers -yellow camera:canon date:2019.. sort:-date'
      pixfind search snow score:">0.5"
      pixfind search --syntax
      pixfind search --llm http://localhost:11434 "our dog last summer, but no snow please"
    """
    with open_for_search(settings, model, for_words=True) as engine:
        if llm or is_request:
            line = _understood(" ".join(query), llm, llm_model, llm_timeout)
        else:
            line = query_line(query)
        found = engine.search(line, limit, everything=everything, with_facets=facets)
        show(found, as_json)


def _understood(request: str, url: str | None, name: str | None, timeout: float | None) -> str:
    """Return the query that the language model makes of a request, once it has been shown."""
    from search.language_model import query_of_request

    with open_language_model(url, name, timeout) as language_model:
        line = query_of_request(language_model, request)
    notice(f"understood as: {printable(line)}")
    return line


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@limit_option
@model_option
@json_option
@click.pass_obj
def similar(
    settings: Settings, image: Path, limit: int | None, model: str | None, as_json: bool
) -> None:
    """Find photos that look like a picture, which need not be in the library.

    \b
    Example:
      pixfind similar holiday.jpg --limit 5
    """
    from search.engine import DEFAULT_LIMIT

    with open_for_search(settings, model) as engine:
        show(engine.similar(image.absolute(), limit or DEFAULT_LIMIT), as_json)


@contextmanager
def open_for_search(
    settings: Settings, model: str | None, *, for_words: bool = False
) -> Iterator[SearchEngine]:
    """Open the library and its engine; ``for_words`` loads what a text needs meanwhile."""
    with _one_thread_for_algebra():
        from pixfind.encoders.store import ModelStore

        store = ModelStore(settings.models)
        if for_words:
            # The weights load while the database's and the index's libraries are imported below: a
            # fifth of a cold search (benchmarks: cold_search).
            with suppress(ModelError):
                if likely := model or _likely_model(settings.library):
                    store.load(likely).preload_texts()

        from pixfind.library import Library
        from search.engine import open_engine

    with Library.open(settings.library) as library:
        yield open_engine(library, store, model)


@contextmanager
def _one_thread_for_algebra() -> Iterator[None]:
    """Import NumPy and FAISS without the threads that their linear algebra would start at once.

    One query has no work for them, and starting them takes a tenth of a cold search.
    """
    unset = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"} - set(os.environ)
    os.environ.update(dict.fromkeys(unset, "1"))
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]


def _likely_model(library: Path) -> str | None:
    """Return the model that a library has vectors of, if that is easily told."""
    manifests = list((library / "vectors").glob("*.json"))
    if len(manifests) != 1:
        return None
    with suppress(OSError, ValueError):
        manifest = json.loads(manifests[0].read_text("utf-8"))
        name = manifest.get("model") if isinstance(manifest, dict) else None
        return name if isinstance(name, str) else None
    return None


def show(results: Results, as_json: bool) -> None:
    """Print results: the photos to stdout, what is to be said of them to stderr."""
    if as_json:
        from search.serialization import results_json

        print_json(results_json(results))
        return
    for result in results.results:
        click.echo(_line(result))
    if results.facets is not None:
        _show_facets(results.facets)
    if results.total > len(results.results):
        notice(f"{len(results.results):,} of {results.total:,} photos; more with --limit")
    if not results.total:
        _say_nothing_matches(results)


def _line(result: Result) -> str:
    score = "    -" if result.score is None else f"{result.score:.3f}"
    why = f"  ({', '.join(result.fields)})" if result.fields else ""
    return f"{score}  {printable(str(result.photo.path))}{why}{_place(result.part)}"


def _place(part: Part | None) -> str:
    """Return where in a photo, or when in a video, the match is."""
    if part is None:
        return ""
    if part.second is not None:
        return f"  [{clock(part.second)}]"
    return "" if part.box is None else f"  [{where(part.box)}]"


def _say_nothing_matches(results: Results) -> None:
    if not results.nearest:
        notice("no photo matches")
        return
    notice(f"nothing matches well (probability {results.cutoff:.2g} or more); the nearest are:")
    for result in results.nearest:
        notice(f"  {_line(result)}")
    notice("--all ranks every photo")


def _show_facets(facets: Facets) -> None:
    for name, values in vars(facets).items():
        if values:
            click.echo(f"\n{name}")
        for value in values:
            click.echo(f"  {value.count:6,}  {printable(value.value)}")
