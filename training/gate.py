"""How much a text asks of ConSE, learned from texts that training has not seen.

A sentence about a scene is found best by what was learned from captions, the name of a thing best
by the classifier that knows the thing. A linear function of the sentence embedding tells them
apart; it lives in the text graph, so photos are embedded once whatever is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.towers import TEXT_WIDTH

# Photos whose class the classifier is surer of than this stand for that class.
SURE = 0.5
NAMES_WEIGHT = 0.1
WEIGHT_DECAY = 1e-3
FIRST_RATIO = 0.1
FIRST_SCALE = 20.0
STEPS = 30


class Gate(nn.Module):
    """Join the learned part and ConSE of a text in the shares that it asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.log_ratio = nn.Linear(TEXT_WIDTH, 1)
        nn.init.zeros_(self.log_ratio.weight)
        nn.init.constant_(self.log_ratio.bias, torch.tensor(FIRST_RATIO).log().item())

    def forward(self, sentences: Tensor, learned: Tensor, conse: Tensor) -> Tensor:
        """Return unit vectors (n, 768).

        Args:
            sentences: unit sentence embeddings (n, 384).
            learned: the learned part's unit vectors (n, 384).
            conse: ConSE's unit vectors (n, 384).
        """
        ratio = self.log_ratio(sentences).exp()
        return nn.functional.normalize(torch.cat([learned, ratio * conse], dim=-1), dim=-1)


@dataclass(frozen=True)
class Texts:
    """Both parts of some texts, and their sentence embeddings, each (n, 384)."""

    sentences: Tensor
    learned: Tensor
    conse: Tensor


@dataclass(frozen=True)
class Asked:
    """Texts, photos (m, 768) with both parts, and the photo of each text (n,)."""

    texts: Texts
    photos: Tensor
    owners: Tensor


@dataclass(frozen=True)
class Named:
    """Photos (m, 768) and which class each shows (m,), among classes of several prompts each.

    ``prompts`` holds them class after class, ``each`` of every class.
    """

    photos: Tensor
    classes: Tensor
    prompts: Texts
    each: int


def fit(asked: Sequence[Asked], named: Sequence[Named]) -> Gate:
    """Fit the shares: each text should find its photo, and each photo the name of its class."""
    gate = Gate()
    scales = nn.Parameter(torch.tensor([FIRST_SCALE, FIRST_SCALE]).log())
    optimiser = torch.optim.LBFGS([*gate.parameters(), scales], max_iter=STEPS)

    def loss() -> Tensor:
        optimiser.zero_grad()
        sharp, sharp_names = scales.exp()
        losses = [_asked_loss(gate, part, sharp) / len(asked) for part in asked]
        losses += [
            NAMES_WEIGHT / len(named) * _named_loss(gate, part, sharp_names) for part in named
        ]
        losses.append(WEIGHT_DECAY * gate.log_ratio.weight.square().sum())
        total = torch.stack(losses).sum()
        total.backward()
        return total

    optimiser.step(loss)
    if not all(torch.isfinite(weight).all() for weight in gate.parameters()):
        raise SystemExit("the gate's fit has diverged")
    return gate.eval()


def _asked_loss(gate: Gate, asked: Asked, sharp: Tensor) -> Tensor:
    texts = asked.texts
    vectors = gate(texts.sentences, texts.learned, texts.conse)
    return nn.functional.cross_entropy(sharp * vectors @ asked.photos.T, asked.owners)


def _named_loss(gate: Gate, named: Named, sharp: Tensor) -> Tensor:
    prompts = named.prompts
    vectors = gate(prompts.sentences, prompts.learned, prompts.conse)
    names = vectors.reshape(-1, named.each, vectors.shape[1]).mean(dim=1)
    names = nn.functional.normalize(names, dim=-1)
    return nn.functional.cross_entropy(sharp * named.photos @ names.T, named.classes)
