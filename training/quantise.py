"""The image tower with 8-bit weights and activations, calibrated on training photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from pixfind.durable import replace_file
from pixfind.encoders.runtime import onnx_runtime
from training.captions import Photo
from training.towers import PREPROCESSING, ImageTower, normalised

# How many photos the ranges of the activations are read from, and how many at once.
CALIBRATION = 72
BATCH = 8
INPUT = "pixels"
OUTPUTS = ("features", "logits")
# The arithmetic of the tower. What pools its maps stays float.
INTEGER_OPERATORS = ["Conv", "Add", "Clip", "Gemm"]


def export_tower(file: Path) -> None:
    """Write the tower as an ONNX graph in float32; ONNX Runtime runs it faster than torch."""
    pixels = torch.zeros(2, 3, PREPROCESSING.size, PREPROCESSING.size)
    torch.onnx.export(
        ImageTower(),
        (pixels,),
        file,
        input_names=[INPUT],
        output_names=[f"tower_{name}" for name in OUTPUTS],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        external_data=False,
    )


def quantise_tower(exported: Path, photos: Sequence[Photo], file: Path) -> None:
    """Write the exported tower with static 8-bit quantisation (a scale for each channel).

    Half the time of float32 on a CPU with VNNI or dot-product instructions. The heads are trained
    on what this very graph returns, so its rounding is part of what they have learned.
    """
    onnx_runtime()  # before the import of its tools, so that its telemetry is off
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with replace_file(file) as temporary:
        prepared = temporary.with_suffix(".prepared")
        quant_pre_process(str(exported), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(temporary),
            _Photos(photos),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=INTEGER_OPERATORS,
        )
        prepared.unlink()


class _Photos:
    """What the calibration is shown, in the shape that ONNX Runtime's tools ask for."""

    def __init__(self, photos: Sequence[Photo]) -> None:
        self.batches = self._read(photos[:: max(1, len(photos) // CALIBRATION)])

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        return next(self.batches, None)

    @staticmethod
    def _read(photos: Sequence[Photo]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(photos), BATCH):
            files = [photo.path for photo in photos[start : start + BATCH]]
            images = [Image.open(file).convert("RGB") for file in files]
            pixels = torch.from_numpy(PREPROCESSING.pixels(images))
            yield {INPUT: normalised(pixels).numpy()}
