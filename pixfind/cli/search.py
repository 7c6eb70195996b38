"""``pixfind search`` and ``pixfind similar``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.output import json_option, limit_option, model_option, print_json
from pixfind.config import Settings
from pixfind.errors import ModelError

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
    with _engine(settings, model, for_words=True) as engine:
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
def _engine(
    settings: Settings, model: str | None, *, for_words: bool = False
) -> Iterator[SearchEngine]:
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


def _show(results: Results, as_json: bool) -> None:
    from search.serialization import result_json, results_json

    if as_json:
        print_json(results_json(results))
        return
    for result in results.results:
        click.echo(f"{result.score or 0:.3f}  {result_json(result)['path']}")
