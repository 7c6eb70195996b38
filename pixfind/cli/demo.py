"""``pixfind demo``."""

from __future__ import annotations

import importlib.util
import json
from importlib import resources
from pathlib import Path

import click

from pixfind.cli.output import ProgressBar, notice
from pixfind.config import Settings
from pixfind.text import printable


@click.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Index the photographs that scikit-image bundles and search them three times.

    \b
    Example:
      pip install 'pixfind[demo]'
      pixfind demo
    """
    from indexer import Indexer
    from pixfind.encoders.store import ModelStore
    from pixfind.library import Library
    from search import SearchEngine

    manifest = json.loads((resources.files("pixfind_data") / "demo.json").read_text("utf-8"))
    folder = demo_photos()
    photos = [folder / name for name in manifest["photos"] if (folder / name).exists()]
    encoder = ModelStore(settings.models).load(settings.model)
    with Library.create(settings.demo_library) as library:
        with ProgressBar() as progress:
            summary = Indexer(library, encoder, progress=progress).run(photos)
        click.echo(f"{summary.photos} photographs of scikit-image indexed")
        engine = SearchEngine(library, encoder)
        for query in manifest["queries"]:
            click.echo(f"\npixfind search {json.dumps(query)}")
            for result in engine.search(query, limit=3).results:
                click.echo(f"  {result.score:.3f}  {printable(result.photo.path.name)}")
    click.echo("\nLook at them in your browser:")
    click.echo(f"  pixfind --library {settings.demo_library} serve --open")
    click.echo("Then your own:")
    click.echo("  pixfind index ~/Pictures")
    if summary.failed:
        notice(f"{summary.failed} photographs could not be read")


def demo_photos() -> Path:
    """Return the folder of scikit-image's bundled pictures."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise click.ClickException(
            "the demo shows photographs that scikit-image bundles; "
            "install it with: pip install 'pixfind[demo]'"
        )
    return Path(spec.submodule_search_locations[0]) / "data"
