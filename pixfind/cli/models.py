"""``pixfind models``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import json_option, notice, print_json
from pixfind.config import Settings
from pixfind.errors import ModelDamagedError
from pixfind.text import printable, readable_size

if TYPE_CHECKING:
    from pixfind.encoders.model_files import Description
    from pixfind.encoders.store import ModelStore


@click.group()
def models() -> None:
    """List, show, add, import and remove models.

    \b
    Example:
      pixfind models list
      pixfind models add ViT-B-32 laion2b_s34b_b79k
    """


@models.command("list")
@json_option
@click.pass_obj
def list_models(settings: Settings, as_json: bool) -> None:
    """List the models that are installed.

    \b
    Example:
      pixfind models list
    """
    store = _store(settings)
    rows = []
    for name in store.names():
        try:
            rows.append(_row(store, store.describe(name)))
        except ModelDamagedError as error:
            notice(printable(str(error)))
    if as_json:
        print_json({"models": rows})
        return
    for row in rows:
        origin = "bundled" if row["bundled"] else row["engine"]
        line = (
            f"{row['name']}  {row['dim']} dimensions, {row['image_size']} px, "
            f"{readable_size(row['bytes'])}, {origin}, licence: {row['licence']}"
        )
        click.echo(printable(line))


@models.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show what to know of a model before relying on it.

    What it is made of and under which terms, how well it finds photos, what it is bad at.

    \b
    Example:
      pixfind models show pocket
    """
    from pixfind.model_card import model_card

    store = _store(settings)
    description = store.describe(name)
    if as_json:
        print_json({**_row(store, description), "about": description.about})
        return
    name = description.name
    click.echo(model_card(description, store.size(name), bundled=store.is_bundled(name)))


@models.command()
@click.argument("architecture", metavar="ARCH")
@click.argument("pretrained", metavar="PRETRAINED|CHECKPOINT")
@click.option("--name", help="How to call it; else ARCH and the weights' name.")
@click.option(
    "--engine",
    type=click.Choice(["onnx", "torch"]),
    default="onnx",
    show_default=True,
    help="onnx exports it for a fast CPU; torch keeps it as it is, and uses a GPU.",
)
@json_option
@click.pass_obj
def add(
    settings: Settings, architecture: str, pretrained: str, name: str | None, engine: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Add an OpenCLIP model: published weights, or a checkpoint file of yours.

    It is exported to ONNX once and compared with torch; after that, torch is not needed.

    \b
    Example:
      pixfind models add ViT-B-32 laion2b_s34b_b79k
      pixfind models add ViT-B-32 ./my-checkpoint.pt --name mine
      pixfind index --model mine
    """
    store = _store(settings)
    notice(f"loading {architecture} and making it usable here; this takes a minute or more")
    description = store.add(
        architecture, pretrained, name, "onnx" if engine == "onnx" else "open_clip"
    )
    _added(store, description, as_json)


@models.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="How to call it; else as it is called there.")
@json_option
@click.pass_obj
def import_model(settings: Settings, folder: Path, name: str | None, as_json: bool) -> None:
    """Import a model folder that 'models add' made on another machine.

    The folder holds model.json and the files that it names; each is compared with its checksum.

    \b
    Example:
      pixfind models import /media/stick/ViT-B-32-laion2b_s34b_b79k
    """
    store = _store(settings)
    _added(store, store.import_folder(folder, name), as_json)


@models.command()
@click.argument("name")
@json_option
@click.pass_obj
def remove(settings: Settings, name: str, as_json: bool) -> None:
    """Remove a model that was added or imported.

    \b
    Example:
      pixfind models remove mine
    """
    _store(settings).remove(name)
    if as_json:
        print_json({"removed": name})
    else:
        click.echo(f"removed {name}")


def _store(settings: Settings) -> ModelStore:
    from pixfind.encoders.store import ModelStore

    return ModelStore(settings.models)


def _row(store: ModelStore, description: Description) -> dict[str, Any]:
    return {
        "name": description.name,
        "version": description.version,
        "dim": description.dim,
        "image_size": description.preprocessing.size,
        "engine": description.engine,
        "licence": description.licence,
        "fingerprint": description.fingerprint,
        "calibrated": description.calibration is not None,
        "bundled": store.is_bundled(description.name),
        "folder": str(store.folder_of(description.name)),
        "bytes": store.size(description.name),
    }


def _added(store: ModelStore, description: Description, as_json: bool) -> None:
    if as_json:
        print_json(_row(store, description))
        return
    click.echo(f"added {description.name} in {store.folder_of(description.name)}")
    notice(f"use it with: pixfind index --model {description.name}")
