"""Towers, heads and ConSE as two self-contained ONNX graphs, their weights stored small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper, numpy_helper
from torch import Tensor, nn

from pixfind.encoders.runtime import onnx_runtime
from training.conse import Conse
from training.gate import Gate
from training.heads import Ensemble
from training.quantise import INPUT, OUTPUTS
from training.towers import CLASSES, IMAGE_DIM, PREPROCESSING, TextTower, sentences
from training.views import TwoViews

VIEWS = 2
# Of the cosine of two photos; a text says by itself how much it asks of each part.
CONSE_SHARE = 0.25
# Vectors (biases, norms) and small matrices are not worth storing in another type.
SMALLEST_STORED = 4096
VECTORS = "vectors"
# Tensors of the image graph: what it takes, what its three parts hand on, what it returns.
PIXELS = "pixels"
BOTH_VIEWS = "both_views"
SEEN = [f"tower/tower_{name}" for name in OUTPUTS]
EMBEDDING = f"heads/{VECTORS}"


class PocketHeads(nn.Module):
    """What the tower sees in both views to embedding: float32 (n, 768)."""

    def __init__(self, learned: Ensemble, conse: Conse) -> None:
        super().__init__()
        self.learned, self.conse = learned, conse

    def forward(self, features: Tensor, logits: Tensor) -> Tensor:
        """Embed photos by features (2n, IMAGE_DIM) and class logits (2n, 1000)."""
        mean = logits.reshape(VIEWS, -1, CLASSES).mean(dim=0)
        learned, conse = self.learned(features, VIEWS), self.conse.image(mean)
        shares = (1 - CONSE_SHARE) ** 0.5, CONSE_SHARE**0.5
        return torch.cat([learned * shares[0], conse * shares[1]], dim=-1)


class PocketText(nn.Module):
    """Token ids and mask, int64 (n, tokens), to embedding: float32 (n, 768)."""

    def __init__(self, tower: TextTower, learned: Ensemble, conse: Conse, gate: Gate) -> None:
        super().__init__()
        self.tower, self.learned, self.conse, self.gate = tower, learned, conse, gate

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed tokenised texts."""
        features = self.tower(input_ids, attention_mask)
        meaning = sentences(features)
        return self.gate(meaning, self.learned(features), self.conse.text(meaning))


def export_image(tower: Path, heads: PocketHeads, file: Path) -> None:
    """Write views, the quantised tower and heads as one graph; large weights of heads as int8."""
    pixels = torch.zeros(2, PREPROCESSING.size, PREPROCESSING.size, 3, dtype=torch.uint8)
    batch = {0: torch.export.Dim("batch")}
    views = _exported(TwoViews(), (pixels,), [PIXELS], BOTH_VIEWS, (batch,))
    seen = (torch.zeros(4, IMAGE_DIM), torch.ones(4, CLASSES))
    both = {0: 2 * torch.export.Dim("batch")}
    embed = _exported(heads, seen, list(OUTPUTS), VECTORS, (both, both))
    _store_weights(embed.graph)
    middle = onnx.load(tower)
    for model in (views, middle, embed):
        model.ir_version = views.ir_version
    first = compose.merge_models(
        views,
        compose.add_prefix(middle, "tower/"),
        io_map=[(BOTH_VIEWS, f"tower/{INPUT}")],
    )
    joined = [(seen, f"heads/{name}") for seen, name in zip(SEEN, OUTPUTS, strict=True)]
    whole = compose.merge_models(first, compose.add_prefix(embed, "heads/"), io_map=joined)
    onnx.save(whole, file)


def export_text(module: PocketText, file: Path) -> None:
    """Write the text graph, its large weights as int8 with a scale for each row or column."""
    ids = torch.full((2, 7), 2000)
    mask = torch.ones(2, 7, dtype=torch.long)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    names = ["input_ids", "attention_mask"]
    model = _exported(module, (ids, mask), names, VECTORS, (shape, shape))
    _store_weights(model.graph)
    onnx.save(model, file)


def agreement(got: np.ndarray, expected: Tensor) -> float:
    """Return the lowest cosine between a written graph's vectors and the module's own."""
    return float((got * expected.numpy()).sum(axis=1).min())


def run(file: Path, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Run a written graph once."""
    session = onnx_runtime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, inputs)[0])


def _exported(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    names: list[str],
    output: str,
    shapes: tuple[object, ...],
) -> onnx.ModelProto:
    program = torch.onnx.export(
        module.eval(),
        arguments,
        input_names=names,
        output_names=[output],
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


def _store_weights(graph: onnx.GraphProto) -> None:
    """Keep large weights as int8 in the file and widen them when the graph is loaded.

    Only standard operators are added (Cast, Mul), which ONNX Runtime folds once at load, so the
    arithmetic is float32 on every machine and nothing depends on a CPU's integer instructions.
    """
    gathers = {node.input[0]: node for node in graph.node if node.op_type == "Gather"}
    large = [
        tensor
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT
        and len(tensor.dims) > 1
        and np.prod(tensor.dims) >= SMALLEST_STORED
    ]
    added = []
    for tensor in large:
        values = numpy_helper.to_array(tensor)
        if tensor.name in gathers:
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
