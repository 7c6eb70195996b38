"""``pixfind eval``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixfind.cli.output import (
    ProgressBar,
    json_option,
    model_option,
    notice,
    print_json,
)
from pixfind.config import Settings
from pixfind.text import printable

if TYPE_CHECKING:
    from pixfind.encoders.base import EncoderSpec
    from pixfind.errors import PhotoError
    from pixfind.evaluation import Estimate, Evaluation

DEFAULT_COLUMN = 2
DOING = {
    "captions": "text to image",
    "queries": "text to image",
    "classes": "zero-shot",
}
DIGITS = 4


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
    help=f"The column of captions.tsv that holds the caption; else {DEFAULT_COLUMN}.",
)
@click.option(
    "--queries",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Measure with queries: QUERY, TAB, PHOTO, TAB, PHOTO ... a line.",
)
@click.option(
    "--classes",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Measure zero-shot classification: NAME, TAB, PHOTO, TAB, PHOTO ... a line.",
)
@json_option
@click.pass_obj
def evaluate(
    settings: Settings, folder: Path, model: str | None, split: Path | None, column: int | None,
    queries: Path | None, classes: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure how well a model finds or tells apart the photos in DIR.

    With captions, the default: DIR holds images/ and captions.tsv (file name, TAB, caption; any
    number of lines a photo). recall@k is the share of captions whose photo is among the k best of
    all photos. ece@10, for a calibrated model, is how far the probabilities of the ten best photos
    are from the share of right ones.

    With --queries: FILE names for each query every photo that should be found; all photos that lie
    in DIR (or DIR/images) are ranked. hit@k is the share of queries with such a photo among the k
    best, mrr the mean of 1 / the rank of the first.

    With --classes: FILE names photos of each class. A name may be several, divided by commas;
    names without photos are further ones to choose among. top@k is the share of photos with a
    right class among the k best.

    Intervals are 95%, by bootstrap over the photos (for --queries over the queries).

    \b
    Example:
      pixfind eval flickr8k --split split_test.txt
      pixfind eval ~/Pictures --queries queries.tsv
      pixfind eval pets --classes breeds.tsv --json
    """
    if queries and classes:
        raise click.UsageError("--queries and --classes exclude each other; give one of them")
    if (queries or classes) and (split or column):
        raise click.UsageError(
            "--split and --column are for captions; leave them out with --queries and --classes"
        )
    from pixfind.encoders.store import ModelStore

    left_out: list[PhotoError] = []
    if queries:
        kind, measure = "queries", _by_queries(folder, queries, left_out)
    elif classes:
        kind, measure = "classes", _by_classes(folder, classes)
    else:
        kind, measure = "captions", _by_captions(folder, split, column or DEFAULT_COLUMN)
    encoder = ModelStore(settings.models).load(model or settings.model)
    with ProgressBar("encoding") as progress:
        measured = measure(encoder, working=progress.working)
    for error in left_out:
        notice(printable(f"left out: {error}"))
    if as_json:
        print_json(_document(folder, encoder.spec, kind, measured))
        return
    click.echo(f"{encoder.spec.name} on {printable(str(folder))}: {measured.images:,} photos, "
               f"{measured.texts:,} {kind}, {DOING[kind]}")  # fmt: skip
    for line in _table(measured.measures):
        click.echo(line)


def _by_captions(folder: Path, split: Path | None, column: int) -> Callable[..., Evaluation]:
    from pixfind.evaluation import evaluate_retrieval, read_captions

    return partial(evaluate_retrieval, captions=read_captions(folder, split, column - 1))


def _by_queries(folder: Path, file: Path, left_out: list[PhotoError]) -> Callable[..., Evaluation]:
    from pixfind.evaluation import evaluate_queries, read_queries

    queries = read_queries(folder, file)
    return partial(evaluate_queries, queries=queries, left_out=left_out.append)


def _by_classes(folder: Path, file: Path) -> Callable[..., Evaluation]:
    from pixfind.evaluation import evaluate_classes, read_classes

    return partial(evaluate_classes, classes=read_classes(folder, file))


def _document(folder: Path, model: EncoderSpec, kind: str, measured: Evaluation) -> dict[str, Any]:
    measures = measured.measures.items()
    return {
        "dir": str(folder), "model": model.name, "fingerprint": model.fingerprint,
        "images": measured.images, kind: measured.texts,
        **{name: round(got.value, DIGITS) for name, got in measures},
        "intervals": {
            name: [round(got.low, DIGITS), round(got.high, DIGITS)] for name, got in measures
        },
    }  # fmt: skip


def _table(measures: Mapping[str, Estimate]) -> Iterator[str]:
    yield f"{'measure':<11}  {'value':>6}  {'95% interval':>15}"
    for name, got in measures.items():
        value, low, high = (_shown(name, number) for number in (got.value, got.low, got.high))
        yield f"{name.replace('_', ' '):<11}  {value:>6}  {low:>6} - {high:>6}"


def _shown(name: str, number: float) -> str:
    return f"{number:g}" if name == "median_rank" else f"{number:.{DIGITS}f}"
