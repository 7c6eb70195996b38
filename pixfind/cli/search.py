"""``pixfind search`` and ``pixfind similar``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.output import json_option, limit_option, model_option, print_json
from pixfind.config import Settings

if TYPE_CHECKING:
    from search import Results, SearchEngine


@click.command()
@click.argument("query", nargs=-1, required=True)
@limit_option
@model_option
@json_option
@click.pass_obj
def search(
    settings: Settings, query: tuple[str, ...], limit: int, model: str | None, as_json: bool
) -> None:
    """Find photos by describing them in plain words.

    Prints a score and a path a line, best first. The score is the cosine between the embeddings
    of the words and of the photo.

    \b
    Example:
      pixfind search a red telephone box
      pixfind search "children on a beach" --limit 5 --json
    """
    with _engine(settings, model) as engine:
        _show(engine.search(" ".join(query), limit), as_json)


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@limit_option
@model_option
@json_option
@click.pass_obj
def similar(settings: Settings, image: Path, limit: int, model: str | None, as_json: bool) -> None:
    """Find photos that look like a picture, which need not be in the library.

    \b
    Example:
      pixfind similar holiday.jpg --limit 5
    """
    with _engine(settings, model) as engine:
        _show(engine.similar(image.absolute(), limit), as_json)


@contextmanager
def _engine(settings: Settings, model: str | None) -> Iterator[SearchEngine]:
    from pixfind.encoders.store import ModelStore
    from pixfind.library import Library
    from search.engine import open_engine

    with Library.open(settings.library) as library:
        yield open_engine(library, ModelStore(settings.models), model)


def _show(results: Results, as_json: bool) -> None:
    from search.serialization import result_json, results_json

    if as_json:
        print_json(results_json(results))
        return
    for result in results.results:
        click.echo(f"{result.score:.3f}  {result_json(result)['path']}")
