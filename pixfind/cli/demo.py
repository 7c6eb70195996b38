"""``pixfind demo``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import ProgressBar, json_option, notice, print_json
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.library import Library
    from search import Results

SHOWN = 3


@click.command()
@json_option
@click.pass_obj
def demo(settings: Settings, as_json: bool) -> None:
    """Index the photographs that scikit-image bundles and search them three times.

    They go to a library of their own, or to the one given with --library.

    \b
    Example:
      pip install 'pixfind[demo]'
      pixfind demo
    """
    from indexer import Indexer
    from pixfind.encoders.store import ModelStore
    from pixfind.library import Library
    from search import SearchEngine

    manifest = demo_manifest()
    folder = demo_photos()
    photos = [folder / name for name in manifest["photos"] if (folder / name).exists()]
    encoder = ModelStore(settings.models).load(settings.model)
    with Library.create(settings.demo_library) as library:
        _require_own(library, folder)
        with ProgressBar("indexing") as progress:
            summary = Indexer(library, encoder, progress=progress).run(photos)
        engine = SearchEngine(library, encoder)
        answers = [engine.search(query, limit=SHOWN) for query in manifest["queries"]]
    if as_json:
        _print_document(settings.demo_library, summary.photos, answers)
    else:
        _print(settings.demo_library, summary.photos, answers)
    if summary.failed:
        notice(f"{summary.failed} photographs could not be read")


def demo_manifest() -> dict[str, Any]:
    """Return the names of the demo's photographs and its queries."""
    from importlib import resources

    text = (resources.files("pixfind_data") / "demo.json").read_text("utf-8")
    return dict(json.loads(text))


def demo_photos() -> Path:
    """Return the folder of scikit-image's bundled pictures."""
    import importlib.util

    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise click.ClickException(
            "the demo shows photographs that scikit-image bundles; "
            "install it with: pip install 'pixfind[demo]'"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _require_own(library: Library, folder: Path) -> None:
    """Refuse a library that holds anything else: the demo must not change somebody's own."""
    from pixfind.catalog import roots

    with library.catalog.read() as session:
        # Another environment's scikit-image has the same photographs elsewhere.
        held = [Path(root.path).parts[-2:] for root in roots.all_roots(session)]
    if any(end != folder.parts[-2:] for end in held):
        raise click.ClickException(
            f"the library in {library.folder} holds other photos; leave out --library, "
            "or give the demo one of its own"
        )


def _print(folder: Path, photos: int, answers: list[Results]) -> None:
    command = f"pixfind --library {shlex.quote(str(folder))}"
    click.echo(f"{photos} photographs of scikit-image indexed")
    for answer in answers:
        click.echo(f"\n{command} search {shlex.quote(answer.query)} --limit {SHOWN}")
        for result in answer.results:
            click.echo(f"  {result.score:.3f}  {printable(result.photo.path.name)}")
    click.echo(f"\nLook at them in your browser:\n  {command} serve --open")
    click.echo("Then your own:\n  pixfind index ~/Pictures")


def _print_document(folder: Path, photos: int, answers: list[Results]) -> None:
    from search.serialization import results_json

    searches = [results_json(answer) for answer in answers]
    print_json({"library": str(folder), "photos": photos, "searches": searches})
