"""OpenCLIP models as ONNX graphs: exported once, compared with torch, then torch is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixfind.encoders.clip_tokenizer import exported_tokenizer
from pixfind.encoders.model_files import (
    IMAGE_GRAPH,
    MODEL_JSON,
    TEXT_GRAPH,
    TOKENIZER,
    WEIGHTS,
    Description,
    Engine,
    checksums,
)
from pixfind.encoders.onnx import OnnxEncoder
from pixfind.encoders.openclip import check_names, create_model, normalise, quiet, tokenizer_for
from pixfind.encoders.preprocessing import Preprocessing
from pixfind.errors import ModelAddError

AGREEMENT = 0.999
# A protobuf file can hold 2 GiB; beyond this, weights lie in a file beside the graph.
MAX_ONE_FILE = 1_500_000_000
# Texts on which the two tokenizers must agree: scripts, emoji, entities, quotes, length.
TRIAL_TEXTS = (
    "",
    "a photo of a cat",
    "Don't it's WE'RE “quoted” ‘words’ — dashes…",
    "café naïve Ærøskøbing Straße İstanbul ΣΊΣΥΦΟΣ",
    "红色的电话亭和一只狗 赤い電話ボックス 빨간 전화 부스",
    "ｆｕｌｌ　ｗｉｄｔｈ！ ﬁne ligature",
    "🐕 on the beach 🏖️👨‍👩‍👧‍👦 🇨🇭",
    "AT&amp;T &lt;b&gt; 1234567890 3.14 $5,00 #tag @name",
    "spaces\t\tand\nlines   between",
    " ".join(f"word{n} und noch {n}" for n in range(70)),
)


def export_model(
    folder: Path, name: str, architecture: str, pretrained: str, engine: Engine = "onnx"
) -> Description:
    """Write a model folder for an open_clip model.

    Args:
        folder: an empty folder to fill.
        name: how users will call the model.
        architecture: one of ``open_clip.list_models()``.
        pretrained: published weights' tag, or a checkpoint file.
        engine: ``onnx`` exports graphs; ``open_clip`` keeps the weights for torch.

    Raises:
        ModelAddError: names unknown, weights out of reach, or the graphs do not agree with torch.
    """
    check_names(architecture, pretrained)
    # Some tokenizers are downloaded: that had better fail before large weights are read.
    tokenizer = tokenizer_for(architecture)
    model = create_model(architecture, pretrained)
    preprocessing = _preprocessing(model, architecture)
    if engine == "onnx":
        cleaning = _write_graphs(folder, model, tokenizer, preprocessing, architecture)
    else:
        cleaning = "none"
        _write_weights(folder, model)
    written = sorted(file.name for file in folder.iterdir())
    description = Description(
        name=name,
        version="1",
        dim=_dim(model, preprocessing),
        preprocessing=preprocessing,
        files=dict(checksums(folder, written)),
        engine=engine,
        text_cleaning=cleaning,
        licence="as its publisher says",
        about={"architecture": architecture, "weights": Path(pretrained).name},
        temperature=_temperature(model),
    )
    (folder / MODEL_JSON).write_text(description.to_json(), "utf-8")
    if engine == "onnx":
        _check_agreement(OnnxEncoder(folder, description), model, tokenizer)
    return description


def _preprocessing(model: Any, architecture: str) -> Preprocessing:
    given = model.visual.preprocess_cfg
    size = given["size"]
    if not isinstance(size, int):
        if len(set(size)) != 1:
            raise ModelAddError(f"{architecture} does not look at squares", architecture)
        size = size[0]
    return Preprocessing(
        size=int(size),
        mean=tuple(given["mean"]),
        std=tuple(given["std"]),
        fit=given["resize_mode"],
        interpolation=given["interpolation"],
        fill=int(given["fill_color"]),
    )


def _temperature(model: Any) -> float | None:
    """Return what the model was trained to divide cosines by."""
    scale = getattr(model, "logit_scale", None)
    return None if scale is None else float(1 / scale.detach().exp().item())


def _dim(model: Any, preprocessing: Preprocessing) -> int:
    import torch

    size = preprocessing.size
    with torch.inference_mode():
        return int(model.encode_image(torch.zeros(1, 3, size, size)).shape[1])


def _write_weights(folder: Path, model: Any) -> None:
    from safetensors.torch import save_file

    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS)


def _write_graphs(
    folder: Path, model: Any, tokenizer: Any, preprocessing: Preprocessing, architecture: str
) -> str:
    import torch

    class ImageGraph(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> Any:
            return model.encode_image(normalise(pixels, preprocessing), normalize=True)

    class TextGraph(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> Any:
            return model.encode_text(input_ids, normalize=True)

    try:
        exported, cleaning = exported_tokenizer(tokenizer)
    except ValueError as error:
        raise ModelAddError(
            f"{architecture} cannot be exported ({error}); add it with --engine torch",
            architecture,
        ) from error
    exported.save(str(folder / TOKENIZER))
    size = preprocessing.size
    pixels = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    _export(ImageGraph(), model.visual, pixels, "pixels", folder / IMAGE_GRAPH, architecture)
    tokens = tokenizer(["a cat", "two dogs"])
    _export(TextGraph(), model, tokens, "input_ids", folder / TEXT_GRAPH, architecture)
    return cleaning


def _export(
    graph: Any, weights: Any, example: Any, name: str, file: Path, architecture: str
) -> None:
    import torch

    graph.weights = weights  # so that the exporter sees them as the module's own
    try:
        with quiet():
            torch.onnx.export(
                graph.eval(),
                (example,),
                file,
                input_names=[name],
                output_names=["vectors"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                verbose=False,
                external_data=_size(weights) > MAX_ONE_FILE,
            )
    except Exception as error:  # the exporter raises its own kinds for what it cannot trace
        first_line = str(error).strip().splitlines()[0]
        raise ModelAddError(
            f"{architecture} could not be exported ({first_line}); add it with --engine torch",
            architecture,
        ) from error


def _size(weights: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in weights.parameters())


def _check_agreement(encoder: OnnxEncoder, model: Any, tokenizer: Any) -> None:
    """Compare tokens, text vectors and picture vectors with open_clip's own."""
    import torch

    name = encoder.spec.name
    tokens = tokenizer(list(TRIAL_TEXTS))
    ours = encoder.tokens(TRIAL_TEXTS)["input_ids"]
    for text, row, theirs in zip(TRIAL_TEXTS, ours, tokens.numpy(), strict=True):
        if not np.array_equal(row, theirs):
            raise ModelAddError(f"the exported tokenizer disagrees on {text[:40]!r}", name)
    images = trial_images()
    transform = _transform(model)
    with torch.inference_mode():
        expected = {
            "image": model.encode_image(torch.stack([transform(i) for i in images]), True),
            "text": model.encode_text(tokens, True),
        }
    got = {"image": encoder.encode_images(images), "text": encoder.encode_texts(TRIAL_TEXTS)}
    for kind, vectors in expected.items():
        cosine = float((vectors.numpy() * got[kind]).sum(axis=1).min())
        if not cosine >= AGREEMENT:
            raise ModelAddError(
                f"the exported {kind} graph does not agree with torch "
                f"(cosine {cosine:.4f} < {AGREEMENT}); add it with --engine torch",
                name,
            )


def _transform(model: Any) -> Any:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    return image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)


def trial_images() -> Sequence[Image.Image]:
    """Return pictures of several shapes with edges, gradients and texture, the same each time."""
    noise = np.random.default_rng(0)
    images = []
    for size in ((640, 480), (300, 500), (224, 224), (1000, 250)):
        image = Image.linear_gradient("L").resize(size).convert("RGB")
        red, green, blue = (int(value) for value in noise.integers(0, 256, 3))
        image.paste((red, green, blue), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
        texture = noise.integers(0, 256, (size[1], size[0], 3), np.uint8)
        images.append(Image.blend(image, Image.fromarray(texture), 0.3))
    return images
