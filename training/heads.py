"""The learned part: small heads that bring the two frozen towers together (LiT, Zhai 2022)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch import Tensor, nn

from training.towers import IMAGE_DIM, TEXT_DIM

Array = npt.NDArray[np.float32]
DIM = 384
HIDDEN = 1024


@dataclass(frozen=True)
class Recipe:
    """Every number of the training run."""

    epochs: int = 35
    batch: int = 512
    rate: float = 1e-3
    weight_decay: float = 0.2
    image_dropout: float = 0.5
    text_dropout: float = 0.2
    label_smoothing: float = 0.05
    short_query_share: float = 1 / 3
    seed: int = 0


class ImageHead(nn.Module):
    """A linear layer plus a small GELU branch on standardised image features."""

    def __init__(self, mean: Tensor, std: Tensor, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(IMAGE_DIM, DIM)
        self.branch = nn.Sequential(
            nn.Linear(IMAGE_DIM, HIDDEN), nn.GELU(), nn.Dropout(dropout), nn.Linear(HIDDEN, DIM)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map pooled features (n, IMAGE_DIM) to unit embeddings (n, 384)."""
        standard = self.dropout((features - self.mean) / self.std)
        return nn.functional.normalize(self.linear(standard) + self.branch(standard), dim=-1)


class TextHead(nn.Module):
    """One linear layer on the text tower's unit vectors."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(TEXT_DIM, DIM)

    def forward(self, features: Tensor) -> Tensor:
        """Map text features (n, 384) to unit embeddings (n, 384)."""
        return nn.functional.normalize(self.linear(self.dropout(features)), dim=-1)


@dataclass(frozen=True)
class Captions:
    """Text features (m, 384); per photo, the rows of its sentences and of its query or -1."""

    features: Array
    sentences: list[npt.NDArray[np.int64]]
    queries: npt.NDArray[np.int64]

    def sample(
        self, photos: npt.NDArray[np.int64], rng: np.random.Generator, share: float
    ) -> Array:
        """Draw one caption a photo; the short query instead, ``share`` of the time."""
        rows = np.array([rng.choice(self.sentences[photo]) for photo in photos])
        queries = self.queries[photos]
        short = (queries >= 0) & (rng.random(len(photos)) < share)
        return self.features[np.where(short, queries, rows)]


def train(images: Array, captions: Captions, recipe: Recipe) -> tuple[ImageHead, TextHead]:
    """Train both heads with the symmetric contrastive loss (CLIP, Radford et al. 2021).

    Args:
        images: the features of every view of every photo, float32 (views, photos, IMAGE_DIM).
        captions: the texts of each photo.
        recipe: how.
    """
    torch.manual_seed(recipe.seed)
    # Channels that never fire leave Adam with numbers so small that a CPU crawls over them.
    torch.set_flush_denormal(True)
    rng = np.random.default_rng(recipe.seed)
    features = torch.from_numpy(images)
    views, photos, _ = features.shape
    mean, std = features.mean(dim=(0, 1)), features.std(dim=(0, 1)) + 1e-6
    image_head = ImageHead(mean, std, recipe.image_dropout)
    text_head = TextHead(recipe.text_dropout)
    scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
    weights = [*image_head.parameters(), *text_head.parameters()]
    optimiser = torch.optim.AdamW(
        [
            {"params": weights, "weight_decay": recipe.weight_decay},
            {"params": [scale], "weight_decay": 0.0},
        ],
        lr=recipe.rate,
    )
    steps = photos // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=steps * recipe.epochs
    )
    labels = torch.arange(recipe.batch)
    for _ in track(range(recipe.epochs), description="epochs"):
        for rows in rng.permutation(photos)[: steps * recipe.batch].reshape(steps, -1):
            texts = torch.from_numpy(captions.sample(rows, rng, recipe.short_query_share))
            seen = features[rng.integers(views, size=len(rows)), rows]
            logits = scale.exp() * image_head(seen) @ text_head(texts).T
            loss = sum(
                nn.functional.cross_entropy(side, labels, label_smoothing=recipe.label_smoothing)
                for side in (logits, logits.T)
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            scale.data.clamp_(max=math.log(100))
    return image_head.eval(), text_head.eval()
