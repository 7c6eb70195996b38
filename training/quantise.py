"""The image tower with 8-bit weights and activations, calibrated on training photos."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
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
# How many neighbouring weights of a channel are multiplied and added in 16 bits.
TOGETHER = 2
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

    with replace_file(file) as temporary, tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
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
            extra_options={"TensorQuantOverrides": _ranges(onnx.load(prepared).graph)},
        )


def _ranges(graph: onnx.GraphProto) -> dict[str, list[dict[str, Any]]]:
    """Return the range of each output channel of each weight, by the weight's name.

    A CPU with AVX2 and no VNNI adds two neighbouring products of a byte and a weight in 16 bits,
    and what is too large for them is cut off without a word: measured, embeddings of the same photo
    with a cosine of 0.85 between machines. So the range of a channel is wide enough that two
    weights which may meet there sum to 127 at most, before rounding: 255 * 128 fits, and the sums
    are exact on every CPU. Halving all weights (``reduce_range``) does so too, at a higher cost.
    """
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    named = [node.input[1] for node in graph.node if node.op_type in ("Conv", "Gemm")]
    # Depthwise convolutions have one input channel; their products are added in 32 bits.
    named = [name for name in named if len(weights[name].shape) == 2 or weights[name].shape[1] > 1]
    return {
        name: [
            {"axis": 0, "rmin": -reach, "rmax": reach, "symmetric": True}
            for reach in map(_reach, weights[name])
        ]
        for name in named
    }


def _reach(channel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the largest sum of two weights of the same sign that are added first."""
    depth, *window = channel.shape
    together = TOGETHER if math.prod(window) == 1 and depth % TOGETHER == 0 else channel.size
    groups = channel.reshape(-1, together)
    largest = [np.sort(np.maximum(sign * groups, 0), axis=1)[:, -2:].sum(axis=1).max()
               for sign in (1, -1)]  # fmt: skip
    return np.array(max(largest), np.float32)


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
