"""What the written files are worth, measured as ``pixfind eval`` does, and said in model.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pixfind.encoders.model_files import (
    IMAGE_GRAPH,
    MODEL_JSON,
    TEXT_GRAPH,
    TOKENIZER,
    Description,
    checksums,
)
from pixfind.encoders.onnx import OnnxEncoder
from pixfind.evaluation import (
    Evaluation,
    evaluate_classes,
    evaluate_queries,
    evaluate_retrieval,
    read_captions,
    read_classes,
    read_queries,
)
from training.calibrate import calibrate, sample_background, store
from training.captions import EVERYDAY_TEST, TEXT_CLEANING, Splits
from training.card import SETS, about, measured
from training.conse import TEMPERATURE
from training.export import CONSE_SHARE
from training.heads import DIM, Recipe
from training.towers import PREPROCESSING, TEXT_WIDTH
from training.views import TRAINING

VERSION = "2"
# What tells things that captions of dev photos name apart best (``python -m benchmarks classes``).
CLASS_TEMPERATURE = 0.065
HERE = Path(__file__).parent
LIBRARY_QUERIES = HERE / "library_queries.tsv"
IMAGENET_NAMES = HERE / "imagenet_names.tsv"


def describe_measured(out: Path, recipe: Recipe, splits: Splits, data: Path) -> None:
    """Calibrate the model, measure its files and write model.json."""
    numbers = {
        "photos": len(splits.train),
        "views": len(TRAINING),
        **asdict(recipe),
        "conse temperature": TEMPERATURE,
        "conse share": CONSE_SHARE,
    }
    measure_calibrated(out, describe(out), numbers, splits, data)


def measure_calibrated(
    out: Path, description: Description, numbers: Mapping[str, Any], splits: Splits, data: Path
) -> None:
    """Calibrate a described model, measure it and write model.json, with the recipe's numbers."""
    encoder = OnnxEncoder(out, description)
    background = sample_background(encoder, splits.train)
    calibration = calibrate(encoder, [splits.flickr_dev, splits.everyday_dev], background)
    description = store(out, description, calibration)
    results = list(evaluations(OnnxEncoder(out, description), data))
    sets = [measured(name, got) for name, got in zip(SETS, results, strict=True)]
    described = replace(description, about=about(sets, numbers))
    (out / MODEL_JSON).write_text(described.to_json(), "utf-8")
    for of in sets:
        print(of.set, dict(of.figures))  # noqa: T201 - this is the command's result


def describe(out: Path) -> Description:
    """Return what model.json says of the files."""
    return Description(
        name="pocket",
        version=VERSION,
        dim=DIM + TEXT_WIDTH,
        preprocessing=PREPROCESSING,
        text_cleaning=TEXT_CLEANING,
        files=dict(checksums(out, [IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER])),
        licence="MIT (heads); Apache-2.0 (both towers)",
        temperature=CLASS_TEMPERATURE,
    )


def evaluations(encoder: OnnxEncoder, data: Path) -> Iterator[Evaluation]:
    """Measure the sets of the card, in its order."""
    flickr, everyday = data / "training" / "flickr8k", data / "training" / "everyday"
    yield evaluate_retrieval(encoder, read_captions(flickr, flickr / "split_dev.txt"))
    yield evaluate_retrieval(encoder, read_captions(flickr, flickr / "split_test.txt"))
    yield evaluate_retrieval(encoder, read_captions(everyday, EVERYDAY_TEST))
    yield evaluate_retrieval(encoder, read_captions(everyday, EVERYDAY_TEST, column=2))
    library = data / "photos" / "library"
    yield evaluate_queries(encoder, read_queries(library, LIBRARY_QUERIES))
    yield evaluate_classes(encoder, read_classes(data, IMAGENET_NAMES))
