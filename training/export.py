"""Towers, heads and ConSE as two self-contained ONNX graphs, their weights stored small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from pixfind.encoders.runtime import onnx_runtime
from training.conse import TEMPERATURE, Conse
from training.heads import ImageHead, TextHead
from training.towers import PREPROCESSING, ImageTower, TextTower

# The share of ConSE in the similarity, relative to the learned part.
CONSE_WEIGHT = 0.3
# Smaller tensors (biases, norms) are not worth storing in another type.
SMALLEST_STORED = 4096


class PocketImage(nn.Module):
    """Bytes to embedding: uint8 (n, 260, 260, 3) -> float32 (n, 768)."""

    def __init__(self, tower: ImageTower, head: ImageHead, conse: Conse) -> None:
        super().__init__()
        self.tower, self.head = tower, head
        self.register_buffer("classes", torch.from_numpy(conse.classes))
        self.register_buffer("class_centre", torch.from_numpy(conse.class_centre))

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels."""
        features, logits = self.tower(pixels)
        described = (logits / TEMPERATURE).softmax(dim=-1) @ self.classes - self.class_centre
        return joined(self.head(features), nn.functional.normalize(described, dim=-1))


class PocketText(nn.Module):
    """Token ids and mask, int64 (n, tokens), to embedding: float32 (n, 768)."""

    def __init__(self, tower: TextTower, head: TextHead, conse: Conse) -> None:
        super().__init__()
        self.tower, self.head = tower, head
        self.register_buffer("text_centre", torch.from_numpy(conse.text_centre))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed tokenised texts."""
        features = self.tower(input_ids, attention_mask)
        centred = nn.functional.normalize(features - self.text_centre, dim=-1)
        return joined(self.head(features), centred)


def joined(learned: Tensor, conse: Tensor) -> Tensor:
    """Concatenate two unit vectors so that one inner product is their weighted mean."""
    total = 1.0 + CONSE_WEIGHT
    return torch.cat([learned * total**-0.5, conse * (CONSE_WEIGHT / total) ** 0.5], dim=-1)


def export_image(module: PocketImage, file: Path) -> None:
    """Write the image graph, its large weights as float16 (computed with as float32)."""
    pixels = torch.zeros(2, PREPROCESSING.size, PREPROCESSING.size, 3, dtype=torch.uint8)
    batch = {0: torch.export.Dim("batch")}
    model = _exported(module, (pixels,), ["pixels"], (batch,))
    _store_weights(model.graph, TensorProto.FLOAT16)
    onnx.save(model, file)


def export_text(module: PocketText, file: Path) -> None:
    """Write the text graph, its large weights as int8 with a scale for each channel."""
    ids = torch.full((2, 7), 2000)
    mask = torch.ones(2, 7, dtype=torch.long)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    names = ["input_ids", "attention_mask"]
    model = _exported(module, (ids, mask), names, (shape, shape))
    _store_weights(model.graph, TensorProto.INT8)
    onnx.save(model, file)


def agreement(module: nn.Module, file: Path, inputs: dict[str, Tensor]) -> float:
    """Return the lowest cosine between a written graph's vectors and the module's own."""
    session = onnx_runtime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
    got = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})[0]
    with torch.inference_mode():
        expected = module(*inputs.values()).numpy()
    return float((got * expected).sum(axis=1).min())


def _exported(
    module: nn.Module, arguments: tuple[Tensor, ...], names: list[str], shapes: tuple[object, ...]
) -> onnx.ModelProto:
    program = torch.onnx.export(
        module.eval(),
        arguments,
        input_names=names,
        output_names=["vectors"],
        dynamic_shapes=shapes,
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    return model


def _store_weights(graph: onnx.GraphProto, stored: int) -> None:
    """Keep large weights as ``stored`` in the file and widen them when the graph is loaded.

    Only standard operators are added (Cast, Mul), which ONNX Runtime folds once at load, so the
    arithmetic is float32 on every machine and nothing depends on a CPU's integer instructions.
    """
    gathers = {node.input[0]: node for node in graph.node if node.op_type == "Gather"}
    large = [
        tensor
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST_STORED
    ]
    added = []
    for tensor in large:
        values = numpy_helper.to_array(tensor)
        if stored == TensorProto.FLOAT16:
            _replace(tensor, values.astype(np.float16))
            added.append(_cast(tensor.name))
        elif tensor.name in gathers:
            _quantise_table(graph, gathers[tensor.name], tensor, values)
        else:
            scale = _quantise(tensor, values, axis=0)
            graph.initializer.append(numpy_helper.from_array(scale, tensor.name + "_scale"))
            added.extend(_widened(tensor.name))
    _rewire(graph, added)


def _quantise(tensor: TensorProto, values: np.ndarray, axis: int) -> np.ndarray:
    scale = (np.abs(values).max(axis=axis, keepdims=True) / 127.0 + 1e-12).astype(np.float32)
    _replace(tensor, np.clip(np.rint(values / scale), -127, 127).astype(np.int8))
    return scale


def _quantise_table(
    graph: onnx.GraphProto, gather: onnx.NodeProto, tensor: TensorProto, values: np.ndarray
) -> None:
    """Scale an embedding table row by row, widening only the rows that a text looks up."""
    scale = _quantise(tensor, values, axis=1)
    graph.initializer.append(numpy_helper.from_array(scale, tensor.name + "_scale"))
    output, ids = gather.output[0], gather.input[1]
    gather.output[0] = output + "_int8"
    after = [
        helper.make_node("Gather", [tensor.name + "_scale", ids], [output + "_scale"]),
        helper.make_node("Cast", [output + "_int8"], [output + "_wide"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [output + "_wide", output + "_scale"], [output]),
    ]
    place = list(graph.node).index(gather) + 1
    for offset, node in enumerate(after):
        graph.node.insert(place + offset, node)


def _cast(name: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], [name + "_float"], to=TensorProto.FLOAT)


def _widened(name: str) -> list[onnx.NodeProto]:
    wide = helper.make_node("Cast", [name], [name + "_wide"], to=TensorProto.FLOAT)
    scaled = helper.make_node("Mul", [name + "_wide", name + "_scale"], [name + "_float"])
    return [wide, scaled]


def _replace(tensor: TensorProto, values: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _rewire(graph: onnx.GraphProto, added: list[onnx.NodeProto]) -> None:
    """Let every consumer of a stored weight read its widened form."""
    renamed = {node.output[0].removesuffix("_float"): node.output[0] for node in added}
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name in renamed:
                node.input[index] = renamed[name]
    for offset, node in enumerate(added):
        graph.node.insert(offset, node)
