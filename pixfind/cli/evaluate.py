"""``pixfind eval``."""

from __future__ import annotations

from pathlib import Path

import click

from pixfind.cli.output import ProgressBar, json_option, model_option, print_json
from pixfind.config import Settings


@click.command("eval")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@model_option
@click.option(
    "--split",
    type=click.Path(path_type=Path),
    help="Use only the photos named in this file, one a line (also looked for in DIR).",
)
@click.option(
    "--column",
    type=click.IntRange(2),
    default=2,
    show_default=True,
    help="The column of captions.tsv that holds the caption.",
)
@json_option
@click.pass_obj
def evaluate(
    settings: Settings,
    folder: Path,
    model: str | None,
    split: Path | None,
    column: int,
    as_json: bool,
) -> None:
    """Measure how well a model finds captioned photos by their captions.

    DIR holds images/ and captions.tsv (file name, TAB, caption; any number of lines a photo).
    recall@k is the share of captions whose photo is among the k best of all photos.

    \b
    Example:
      pixfind eval flickr8k --split split_test.txt
    """
    from pixfind.encoders.store import ModelStore
    from pixfind.evaluation import evaluate_retrieval, read_captions

    captions = read_captions(folder, split, column - 1)
    encoder = ModelStore(settings.models).load(model or settings.model)
    with ProgressBar("encoding") as progress:
        measured = evaluate_retrieval(encoder, captions, progress.working)
    document = {
        "dir": str(folder), "model": encoder.spec.name, "fingerprint": encoder.spec.fingerprint,
        "images": measured.images, "captions": measured.captions,
        **{f"recall@{k}": round(share, 4) for k, share in measured.recall.items()},
        "median_rank": measured.median_rank,
    }  # fmt: skip
    if as_json:
        print_json(document)
        return
    click.echo(f"{encoder.spec.name} on {folder}: {measured.images:,} photos, "
               f"{measured.captions:,} captions, text to image")  # fmt: skip
    for k, share in measured.recall.items():
        click.echo(f"recall@{k:<3} {share:.4f}")
    click.echo(f"median rank {measured.median_rank:g}")
