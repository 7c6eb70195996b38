"""Calibrate and measure a model that is there already; its weights stay what they are.

python -m training.recalibrate --data ../shared --model data/models/pocket
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from pixfind.encoders.model_files import CALIBRATION, MODEL_JSON, read_description
from training.captions import read_splits
from training.card import CARD, MODEL, write_card
from training.measure import measure_calibrated


def main() -> None:
    """Write the calibration, ``model.json`` and the card again."""
    parser = argparse.ArgumentParser(prog="python -m training.recalibrate", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="holds training/ and photos/library/"
    )
    parser.add_argument("--model", type=Path, default=MODEL, help="the model folder to calibrate")
    asked = parser.parse_args()
    description = read_description(asked.model, asked.model.name)
    splits = read_splits(asked.data / "training")
    with tempfile.TemporaryDirectory(dir=asked.model.parent, prefix=".measuring-") as folder:
        # A copy: until model.json is written too, the calibration is not the one that it names.
        made = Path(shutil.copytree(asked.model, Path(folder) / asked.model.name))
        measure_calibrated(made, description, description.about["recipe"], splits, asked.data)
        for name in (CALIBRATION, MODEL_JSON):
            (made / name).replace(asked.model / name)
    shipped = asked.model.resolve() == MODEL.resolve()
    write_card(asked.model, CARD if shipped else asked.model.with_suffix(".md"))


if __name__ == "__main__":
    main()
