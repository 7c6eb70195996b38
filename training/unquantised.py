"""The bundled model with its image tower in float32, to see what 8-bit integers cost and gain.

python -m training.unquantised --out build/pocket-float32
pixfind models import build/pocket-float32
pixfind eval ../shared/training/flickr8k --split split_dev.txt --model pocket-float32
python -m benchmarks encoding build/pocket-float32

Its heads are those that were trained on the 8-bit tower.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import compose
from onnx.utils import Extractor

from pixfind.encoders.model_files import (
    IMAGE_GRAPH,
    MODEL_JSON,
    TEXT_GRAPH,
    TOKENIZER,
    checksums,
    read_description,
)
from training.card import MODEL
from training.export import BOTH_VIEWS, EMBEDDING, PIXELS, SEEN
from training.quantise import INPUT, OUTPUTS, export_tower


def main() -> None:
    """Write the model folder."""
    parser = argparse.ArgumentParser(prog="python -m training.unquantised", description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to start from")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    asked = parser.parse_args()
    description = read_description(asked.model, asked.model.name)
    asked.out.mkdir(parents=True)
    for file in (TEXT_GRAPH, TOKENIZER):
        shutil.copyfile(asked.model / file, asked.out / file)
    onnx.save(with_float_tower(asked.model / IMAGE_GRAPH), asked.out / IMAGE_GRAPH)
    described = replace(
        description,
        name=asked.out.name,
        files=dict(checksums(asked.out, list(description.files))),
        about={},
        calibration=None,  # that of the 8-bit tower
    )
    (asked.out / MODEL_JSON).write_text(described.to_json(), "utf-8")


def with_float_tower(graph: Path) -> onnx.ModelProto:
    """Return an image graph with the tower as published in place of the quantised one."""
    parts = Extractor(onnx.load(graph))
    views = parts.extract_model([PIXELS], [BOTH_VIEWS])
    heads = parts.extract_model(SEEN, [EMBEDDING])
    with tempfile.TemporaryDirectory() as folder:
        export_tower(Path(folder) / "tower.onnx")
        tower = compose.add_prefix(onnx.load(Path(folder) / "tower.onnx"), "tower/")
    tower.ir_version = views.ir_version
    first = compose.merge_models(views, tower, io_map=[(BOTH_VIEWS, f"tower/{INPUT}")])
    joined = [(f"tower/tower_{name}", seen) for name, seen in zip(OUTPUTS, SEEN, strict=True)]
    return compose.merge_models(first, heads, io_map=joined)


if __name__ == "__main__":
    main()
