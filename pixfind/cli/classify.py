"""``pixfind classify``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import ProgressBar, json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.errors import PhotoError
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.encoders.base import Encoder, Vectors
    from search.tags.classes import Classification
    from search.tags.vocabulary import Vocabulary

NONE = "none of these"


@click.command()
@click.argument(
    "images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path)
)
@click.option("--labels", metavar="LIST", help="Labels with commas between: cat,dog,car.")
@click.option(
    "--labels-file", type=click.Path(path_type=Path, dir_okay=False),
    help="A file with a label a line, or a vocabulary.  [default: the shipped photo tags]",
)  # fmt: skip
@click.option("--multi", is_flag=True, help="Several labels may be true: each by itself.")
@click.option(
    "--top", type=click.IntRange(1, 50_000), default=5, show_default=True,
    help="How many labels to show of each picture.",
)  # fmt: skip
@model_option
@json_option
@click.pass_obj
@click.pass_context
def classify(
    ctx: click.Context,
    settings: Settings,
    images: tuple[Path, ...],
    labels: str | None,
    labels_file: Path | None,
    multi: bool,
    top: int,
    model: str | None,
    as_json: bool,
) -> None:
    """Tell which label fits pictures, by describing the labels to the model.

    Prints the probability of each label, given the picture and that one of the labels is true; they
    sum to 1 over all labels. "none of these" is said where the model's calibration finds that more
    likely. With --multi each label has a probability of its own.

    \b
    Example:
      pixfind classify holiday.jpg --labels "cat,dog,car"
      pixfind classify *.jpg --labels-file animals.txt --json
      pixfind classify desk.jpg --multi --labels "a person,a laptop,a plant"
    """
    from pixfind.encoders.store import ModelStore
    from search.tags.classes import Classifier

    if labels is not None and labels_file is not None:
        raise click.UsageError("give --labels or --labels-file, not both")
    vocabulary = _vocabulary(labels, labels_file)
    encoder = ModelStore(settings.models).load(model or settings.model)
    with ProgressBar("embedding prompts", unit="prompts") as progress:
        classifier = Classifier(encoder, vocabulary, settings.cache, progress.working)
    tell = classifier.each if multi else classifier.choose
    documents, failed = [], False
    for image, vector in _embedded(encoder, images):
        if isinstance(vector, PhotoError):
            failed = True
            notice(printable(str(vector)))
            continue
        found = tell(vector)[0]
        if as_json:
            documents.append(_document(image, found, top))
        else:
            _print(image, found, top)
    if as_json:
        print_json({"model": encoder.spec.name, "multi": multi, "results": documents})
    if failed:
        ctx.exit(1)


def _vocabulary(labels: str | None, file: Path | None) -> Vocabulary:
    from search.tags.vocabulary import labels_of, read_vocabulary, shipped

    if labels is not None:
        return labels_of(labels)
    return shipped() if file is None else read_vocabulary(file)


def _embedded(
    encoder: Encoder, images: Sequence[Path]
) -> Iterator[tuple[Path, Vectors | PhotoError]]:
    from pixfind.decoding.safely import decode_file

    for image in images:
        try:
            photo = decode_file(image, encoder.spec.image_size)
        except PhotoError as error:
            yield image, error
        else:
            yield image, encoder.encode_images([photo.image])


def _document(image: Path, found: Classification, top: int) -> dict[str, Any]:
    return {
        "path": printable(str(image.absolute())),
        "none_of_these": found.is_none,
        "none": None if found.none is None else round(found.none, 6),
        "labels": [
            {"label": printable(label), "probability": round(float(p), 6)}
            for label, p in zip(found.labels[:top], found.probabilities[:top], strict=True)
        ],
    }


def _print(image: Path, found: Classification, top: int) -> None:
    click.echo(printable(str(image)))
    if found.is_none:
        click.echo(f"  {found.none:.3f}  {NONE}; nearest:")
    for label, p in zip(found.labels[:top], found.probabilities[:top], strict=True):
        click.echo(f"  {p:.3f}  {printable(label)}")
    rest = float(found.probabilities[top:].sum())
    if len(found.labels) > top:
        notice(f"  {rest:.3f}  on {len(found.labels) - top:,} more labels; --top shows more")
