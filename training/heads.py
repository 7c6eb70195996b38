"""The learned part: pairs of small heads that bring the two towers together (LiT, Zhai 2022)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch import Tensor, nn

from training.features import Tokens, padded
from training.towers import IMAGE_DIM, TextTower

Rows = npt.NDArray[np.int64]
DIM = 384
FIRST_SCALE = 1 / 0.07
LARGEST_SCALE = 100.0


@dataclass(frozen=True)
class Recipe:
    """Every number of the training run."""

    members: int = 3
    hidden: int = 512
    epochs: int = 40
    batch: int = 512
    rate: float = 1e-3
    warm_up: float = 0.3
    weight_decay: float = 0.2
    image_dropout: float = 0.5
    text_dropout: float = 0.4
    label_smoothing: float = 0.05
    short_query_share: float = 1 / 3
    tuning_epochs: int = 8
    tuning_rate: float = 3e-4
    tuning_warm_up: float = 0.1
    tower_rate: float = 1e-4
    tower_weight_decay: float = 0.01
    tower_dropout: float = 0.1
    seed: int = 0


class Head(nn.Module):
    """A linear layer plus a small GELU branch on standardised features, to unit vectors."""

    def __init__(self, features: Tensor, recipe: Recipe, dropout: float) -> None:
        super().__init__()
        width = features.shape[1]
        wide = features.float()
        self.register_buffer("mean", wide.mean(dim=0))
        self.register_buffer("std", wide.std(dim=0) + 1e-3)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, DIM)
        self.branch = nn.Sequential(
            nn.Linear(width, recipe.hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(recipe.hidden, DIM),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map a tower's features (n, width) to unit embeddings (n, DIM)."""
        standard = self.dropout((features - self.mean) / self.std)
        return nn.functional.normalize(self.linear(standard) + self.branch(standard), dim=-1)


class Pair(nn.Module):
    """An image head, a text head and how sharply their cosines tell a photo's text from others'."""

    def __init__(self, images: Tensor, texts: Tensor, recipe: Recipe) -> None:
        super().__init__()
        self.image = Head(images, recipe, recipe.image_dropout)
        self.text = Head(texts, recipe, recipe.text_dropout)
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))

    def loss(self, images: Tensor, texts: Tensor, smoothing: float) -> Tensor:
        """Return the symmetric contrastive loss (CLIP, Radford et al. 2021) of matching rows."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.log_scale.exp() * self.image(images) @ self.text(texts).T
        logits = logits.float()
        labels = torch.arange(len(logits))
        entropy = nn.functional.cross_entropy
        return sum(
            (entropy(side, labels, label_smoothing=smoothing) for side in (logits, logits.T)),
            start=torch.zeros(()),
        )


@dataclass(frozen=True)
class Examples:
    """Photos in several views, and their texts.

    Args:
        views: features of each view of every photo, float16 (photos, IMAGE_DIM).
        tokens: of every text.
        features: of every text, float16 (texts, TEXT_DIM), by the tower as published.
        sentences: by photo, the rows of its sentences among the texts.
        queries: by photo, the row of its short query or -1.
    """

    views: list[Tensor]
    tokens: Tokens
    features: Tensor
    sentences: list[Rows]
    queries: Rows

    def images(self, photos: Rows, rng: np.random.Generator) -> Tensor:
        """Draw a view of each photo: float32 (n, IMAGE_DIM)."""
        seen = rng.integers(len(self.views), size=len(photos))
        drawn = torch.empty(len(photos), IMAGE_DIM)
        for number, view in enumerate(self.views):
            (places,) = np.nonzero(seen == number)
            drawn[places] = view[photos[places]].float()
        return drawn

    def texts(self, photos: Rows, rng: np.random.Generator, short: float) -> Rows:
        """Draw a text of each photo: its short query a ``short`` of the time, else a sentence."""
        rows = np.array([rng.choice(self.sentences[photo]) for photo in photos])
        queries = self.queries[photos]
        return np.where((queries >= 0) & (rng.random(len(photos)) < short), queries, rows)


def train(examples: Examples, recipe: Recipe) -> list[Pair]:
    """Train ``recipe.members`` pairs of heads, each from a seed of its own, on frozen towers."""
    images, texts = examples.views[0], examples.features
    pairs = []
    for member in range(recipe.members):
        seed = recipe.seed * recipe.members + member
        torch.manual_seed(seed)
        pair = Pair(images, texts, recipe)
        groups = _groups([pair], recipe, recipe.rate)
        rng = np.random.default_rng(seed)

        def read(rows: Rows) -> Tensor:
            return texts[rows].float()

        _fit(
            [pair],
            examples,
            recipe,
            read,
            groups,
            recipe.epochs,
            recipe.warm_up,
            rng,
            f"heads {member + 1}",
        )
        pairs.append(pair)
    return pairs


def tune(tower: TextTower, pairs: list[Pair], examples: Examples, recipe: Recipe) -> None:
    """Go on with all pairs and the text tower, that one at a tenth of the heads' first rate."""
    torch.manual_seed(recipe.seed)
    tower.train()

    def read(rows: Rows) -> Tensor:
        return _read(tower, [examples.tokens[row] for row in rows])

    groups = _groups(pairs, recipe, recipe.tuning_rate)
    groups.append(
        {
            "params": list(tower.parameters()),
            "lr": recipe.tower_rate,
            "weight_decay": recipe.tower_weight_decay,
        }
    )
    rng = np.random.default_rng(recipe.seed)
    _fit(
        pairs,
        examples,
        recipe,
        read,
        groups,
        recipe.tuning_epochs,
        recipe.tuning_warm_up,
        rng,
        "heads and text tower",
    )
    tower.eval()


def _groups(pairs: Iterable[Pair], recipe: Recipe, rate: float) -> list[dict[str, object]]:
    heads = [w for pair in pairs for head in (pair.image, pair.text) for w in head.parameters()]
    scales = [pair.log_scale for pair in pairs]
    return [
        {"params": heads, "lr": rate, "weight_decay": recipe.weight_decay},
        {"params": scales, "lr": rate, "weight_decay": 0.0},
    ]


def _fit(
    pairs: Sequence[Pair],
    examples: Examples,
    recipe: Recipe,
    read: Callable[[Rows], Tensor],
    groups: list[dict[str, object]],
    epochs: int,
    warm_up: float,
    rng: np.random.Generator,
    description: str,
) -> None:
    """Train the groups' weights; each pair has its own loss, all see the same batches."""
    optimiser = torch.optim.AdamW(groups)
    photos = len(examples.queries)
    steps = photos // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in groups], total_steps=steps * epochs, pct_start=warm_up
    )
    for pair in pairs:
        pair.train()
    for _ in track(range(epochs), description=description):
        for rows in rng.permutation(photos)[: steps * recipe.batch].reshape(steps, -1):
            texts = read(examples.texts(rows, rng, recipe.short_query_share))
            images = examples.images(rows, rng)
            losses = [pair.loss(images, texts, recipe.label_smoothing) for pair in pairs]
            optimiser.zero_grad()
            torch.stack(losses).sum().backward()
            optimiser.step()
            schedule.step()
            for pair in pairs:
                pair.log_scale.data.clamp_(max=math.log(LARGEST_SCALE))
    for pair in pairs:
        pair.eval()


def _read(tower: TextTower, tokens: Tokens) -> Tensor:
    """Return text features (n, TEXT_DIM); short and long texts apart, to save padding."""
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    half = len(order) // 2
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [tower(*padded([tokens[i] for i in part])) for part in (order[:half], order[half:])]
    return torch.cat(parts).float()[torch.tensor(order).argsort()]


class Ensemble(nn.Module):
    """The heads of one side of all pairs as one: unit vectors (n, DIM).

    The mean of the pairs' cosines is the inner product of their concatenated vectors; few of those
    dimensions matter, and the projection keeps these.
    """

    def __init__(self, heads: Iterable[Head], projection: Tensor) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.register_buffer("projection", projection)

    def forward(self, features: Tensor, views: int = 1) -> Tensor:
        """Map features of ``views`` views, one after the other (views * n, width)."""
        return self.project(concatenated(self.heads, features, views))

    def project(self, vectors: Tensor) -> Tensor:
        """Map concatenated vectors (n, members * DIM) to unit embeddings (n, DIM)."""
        return nn.functional.normalize(vectors @ self.projection, dim=-1)


def concatenated(heads: Iterable[nn.Module], features: Tensor, views: int = 1) -> Tensor:
    """Return each head's mean over the views, side by side: (n, heads * DIM)."""
    each = []
    for head in heads:
        seen = head(features).reshape(views, -1, DIM)
        each.append(nn.functional.normalize(seen.mean(dim=0), dim=-1))
    return torch.cat(each, dim=-1)


@torch.no_grad()
def projection(pairs: Sequence[Pair], images: Tensor, texts: Tensor) -> Tensor:
    """Return the (members * DIM, DIM) directions in which photos and texts differ most."""
    sides = [
        torch.cat([concatenated(heads, part.float()) for part in features.split(2048)])
        for heads, features in (
            ([pair.image for pair in pairs], images),
            ([pair.text for pair in pairs], texts),
        )
    ]
    moments = sum(side.T.double() @ side.double() / len(side) for side in sides)
    _, directions = torch.linalg.eigh(moments)
    return directions[:, -DIM:].float()
