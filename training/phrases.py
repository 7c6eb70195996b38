"""What captions say of photos: how usual phrases are, together too, and how pocket tells them.

python -m training.phrases --data ../shared

It reads the training captions of both sets and writes ``data/descriptions/learned.npz``: numbers
for the phrases of the inventory, and no caption's text. A caption mentions a phrase if it has the
words that the inventory gives for it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich import print as show
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from pixfind.config import DEFAULT_MODEL
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.evaluation.embedding import embed_photos
from search.descriptions.inventory import Phrase, inventory
from search.descriptions.learned import FILE, Learned
from training.captions import Photo, Splits, read_splits

Floats = npt.NDArray[np.float32]
EPOCHS, BATCH, RATE, DECAY = 8, 256, 2e-3, 0.02
# Directions that the weights are projected to, so that the file stays small.
RANK = 160
# Pairs of phrases of fewer expected and seen mentions than this tell nothing.
FEWEST = 4.0
SMOOTHING = 2.0


def mentions(phrases: Sequence[Phrase], photos: Sequence[Photo]) -> list[npt.NDArray[np.bool_]]:
    """Return which captions mention which phrases, for each photo bool (captions, phrases)."""
    return [np.array([_mentioned(phrases, text) for text in p.sentences]) for p in photos]


def _mentioned(phrases: Sequence[Phrase], caption: str) -> list[bool]:
    said = f" {' '.join(re.findall(r'[a-z-]+', caption.lower()))} "
    return [
        any(all(f" {word} " in said for word in words) for words in phrase.words)
        for phrase in phrases
    ]


def learn(encoder: Encoder, splits: Splits) -> Learned:
    """Count and fit on the training photos; print how it does on the dev photos."""
    phrases = inventory().phrases
    told = mentions(phrases, splits.train)
    shares = np.array([captions.mean(axis=0) for captions in told], np.float32)
    usual = np.log((shares.mean(axis=0) + 1e-5) / (1 - shares.mean(axis=0)))
    pairs, values = _pairs(np.concatenate(told))
    images = embed_photos(encoder, [photo.path for photo in splits.train])
    weights, bias = _fit(images, shares)
    # The pictures' own directions weigh more in the projection than those they have little of.
    spread = images.std(axis=0)
    left, sizes, right = np.linalg.svd(weights * spread, full_matrices=False)
    learned = Learned(
        tuple(phrase.key for phrase in phrases), usual.astype(np.float32), pairs, values,
        encoder.spec.fingerprint,
        (left[:, :RANK] * np.sqrt(sizes[:RANK])).astype(np.float32),
        (np.sqrt(sizes[:RANK])[:, np.newaxis] * right[:RANK] / spread).astype(np.float32),
        bias,
    )  # fmt: skip
    for name, photos in (("flickr8k", splits.flickr_dev), ("everyday", splits.everyday_dev)):
        _show(name, learned, embed_photos(encoder, [p.path for p in photos]), photos)
    return learned


def _fit(images: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Fit a logistic regression of each phrase on embeddings (n, dim); weights (phrases, dim)."""
    torch.manual_seed(0)
    mean, spread = images.mean(axis=0), float(images.std(axis=0).mean())
    seen, wanted = torch.from_numpy((images - mean) / spread), torch.from_numpy(shares)
    weights = torch.zeros(shares.shape[1], images.shape[1], requires_grad=True)
    bias = torch.logit(wanted.mean(dim=0), eps=1e-5).requires_grad_()
    optimiser = torch.optim.Adam([weights, bias], lr=RATE)
    for epoch in range(EPOCHS):
        optimiser.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS)
        for rows in torch.randperm(len(seen)).split(BATCH):
            optimiser.zero_grad()
            _loss(seen[rows] @ weights.T + bias, wanted[rows], weights).backward()
            optimiser.step()
    fitted = weights.detach().numpy() / spread
    return fitted, (bias.detach().numpy() - fitted @ mean).astype(np.float32)


def _loss(scores: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    each = binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    return each.sum(dim=1).mean() + DECAY / 2 * (weights**2).sum()


def _pairs(told: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int16], Floats]:
    """Return pairs of phrases (n, 2) and their mutual information in captions, (n,), in nats."""
    said = told.astype(np.float32)
    together = said.T @ said
    alone = said.sum(axis=0)
    expected = np.outer(alone, alone) / len(said)
    rows = np.argwhere(np.triu(np.maximum(together, expected) >= FEWEST, 1)).astype(np.int16)
    seen, by_chance = (counts[rows[:, 0], rows[:, 1]] for counts in (together, expected))
    return rows, np.log((seen + SMOOTHING) / (by_chance + SMOOTHING)).astype(np.float32)


def _show(name: str, learned: Learned, images: Floats, photos: Sequence[Photo]) -> None:
    told = mentions(inventory().phrases, photos)
    shares = np.array([captions.mean(axis=0) for captions in told])
    wanted = torch.from_numpy(shares)
    for what, odds in (
        ("how usual they are", np.broadcast_to(learned.usual, shares.shape)),
        ("learned", np.stack([learned.log_odds(image) for image in images])),
    ):
        scores = torch.from_numpy(np.array(odds, np.float64))
        loss = 100 * float(binary_cross_entropy_with_logits(scores, wanted))
        show(f"{name} dev, log loss a phrase of {what}: {loss:.2f} hundredths")


def main() -> None:
    """Learn and write the file."""
    parser = argparse.ArgumentParser(prog="python -m training.phrases", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds training/")
    parser.add_argument("--out", type=Path, default=Path("data/descriptions") / FILE)
    asked = parser.parse_args()
    encoder = ModelStore(Path()).load(DEFAULT_MODEL)
    learn(encoder, read_splits(asked.data / "training")).save(asked.out)
    show(f"{asked.out}: {asked.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
