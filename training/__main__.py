"""Make pocket again, from the packages of its towers and the captioned photos, in one command.

python -m training --data ../shared/training --out data/models/pocket
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer

from pixfind.encoders.model_files import (
    IMAGE_GRAPH,
    MODEL_JSON,
    TEXT_GRAPH,
    TOKENIZER,
    Description,
    checksums,
)
from pixfind.encoders.onnx import OnnxEncoder
from pixfind.evaluation import Captions as Captioned
from pixfind.evaluation import evaluate_retrieval
from training.captions import Photo, Splits, read_splits
from training.conse import TEMPERATURE, Conse
from training.export import (
    CONSE_WEIGHT,
    PocketImage,
    PocketText,
    agreement,
    export_image,
    export_text,
)
from training.features import image_features, text_features
from training.heads import DIM, Captions, Recipe, train
from training.towers import PREPROCESSING, TEXT_DIM, ImageTower, load_text_tower

VERSION = "1"
TRIALS = 64
# float16 weights cost next to nothing, int8 ones a little.
IMAGE_AGREEMENT = 0.9995
TEXT_AGREEMENT = 0.998


def main() -> None:
    """Train, export, measure, describe."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds flickr8k/ and everyday/")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--cache", type=Path, default=Path("build/training"), help="for features")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    asked = parser.parse_args()
    asked.cache.mkdir(parents=True, exist_ok=True)
    splits = read_splits(asked.data)
    recipe = Recipe(seed=asked.seed)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.out.parent, prefix=".building-") as folder:
        made = Path(folder) / asked.out.name
        made.mkdir()
        build(splits, recipe, asked.cache, made)
        describe_measured(made, recipe, splits)
        # Only now: a run that fails leaves the model that was there.
        shutil.rmtree(asked.out, ignore_errors=True)
        made.replace(asked.out)


def describe_measured(out: Path, recipe: Recipe, splits: Splits) -> None:
    """Measure the files and write model.json."""
    description = describe(out, recipe, splits)
    measured = {
        "flickr8k dev": measure(out, description, splits.dev),
        "flickr8k test": measure(out, description, splits.test),
        "everyday photos kept apart, sentences": measure(out, description, splits.everyday),
        "everyday photos kept apart, short queries": measure(
            out, description, splits.everyday, short=True
        ),
    }
    about = {**description.about, "text-to-image quality": measured}
    (out / MODEL_JSON).write_text(replace(description, about=about).to_json(), "utf-8")
    for name, values in measured.items():
        print(name, values)  # noqa: T201 - this is the command's result


def build(splits: Splits, recipe: Recipe, cache: Path, out: Path) -> None:
    """Train the heads on the frozen towers' features and write the model's three files."""
    tower, tokenizer = load_text_tower()
    images, logits = image_features(splits.train, cache)
    mirrored, _ = image_features(splits.train, cache, mirrored=True)
    texts, sentences, queries = numbered(splits.train)
    features = text_features(tower, tokenizer, texts)
    conse = Conse.fit(lambda texts: text_features(tower, tokenizer, texts), logits, features)
    captions = Captions(features, sentences, queries)
    image_head, text_head = train(np.stack([images, mirrored]), captions, recipe)
    image = PocketImage(ImageTower(), image_head, conse).eval()
    text = PocketText(tower, text_head, conse).eval()
    export_image(image, out / IMAGE_GRAPH)
    export_text(text, out / TEXT_GRAPH)
    tokenizer.save(str(out / TOKENIZER))
    check(agreement(image, out / IMAGE_GRAPH, trial_pixels(splits.dev)), IMAGE_AGREEMENT)
    check(agreement(text, out / TEXT_GRAPH, trial_tokens(tokenizer, splits.dev)), TEXT_AGREEMENT)


def check(cosine: float, needed: float) -> None:
    """Stop if a written graph does not do what was trained."""
    print(f"lowest cosine between the written graph and torch: {cosine:.5f}")  # noqa: T201
    if not cosine >= needed:
        raise SystemExit(f"the export is wrong: {cosine:.5f} < {needed}")


def trial_pixels(photos: list[Photo]) -> dict[str, torch.Tensor]:
    """Return the image graph's input for a few photos."""
    images = [Image.open(photo.path).convert("RGB") for photo in photos[:TRIALS]]
    return {"pixels": torch.from_numpy(PREPROCESSING.pixels(images))}


def trial_tokens(tokenizer: Tokenizer, photos: list[Photo]) -> dict[str, torch.Tensor]:
    """Return the text graph's inputs for a few captions of different lengths."""
    encoded = tokenizer.encode_batch([photo.sentences[0] for photo in photos[:TRIALS]])
    return {
        "input_ids": torch.tensor([e.ids for e in encoded]),
        "attention_mask": torch.tensor([e.attention_mask for e in encoded]),
    }


def numbered(photos: list[Photo]) -> tuple[list[str], list[np.ndarray], np.ndarray]:
    """Return all texts, each photo's sentences as rows of them, and its short query's or -1."""
    texts: list[str] = []
    sentences, queries = [], []
    for photo in photos:
        sentences.append(np.arange(len(texts), len(texts) + len(photo.sentences)))
        texts.extend(photo.sentences)
        queries.append(len(texts) if photo.query else -1)
        texts.extend([photo.query] if photo.query else [])
    return texts, sentences, np.array(queries)


def describe(out: Path, recipe: Recipe, splits: Splits) -> Description:
    """Return what model.json says, but for the measured quality."""
    return Description(
        name="pocket",
        version=VERSION,
        dim=DIM + TEXT_DIM,
        preprocessing=PREPROCESSING,
        files=dict(checksums(out, [IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER])),
        licence="MIT (heads); Apache-2.0 (both towers)",
        about={
            "image tower": "EfficientNet-Lite2, ImageNet-1k, Apache-2.0, frozen; pooled maps of "
            "its last layer and of five stages before it",
            "text tower": "all-MiniLM-L6-v2, Apache-2.0, frozen",
            "method": "LiT heads (Zhai et al. 2022) beside ConSE (Norouzi et al. 2014)",
            "training data": {
                "heads": f"{len(splits.train):,} captioned photos: the Flickr8k training split "
                "(research terms; no photo or caption is part of this model's files) and everyday "
                "photos with captions written for this project",
                "towers": "ImageNet-1k; 1 billion sentence pairs",
            },
            "recipe": {**asdict(recipe), "conse weight": CONSE_WEIGHT, "conse t": TEMPERATURE},
        },
    )


def measure(
    out: Path, description: Description, photos: list[Photo], *, short: bool = False
) -> dict[str, float]:
    """Measure the written files as ``pixfind eval`` does."""
    captioned = Captioned([photo.path for photo in photos], [], [])
    for position, photo in enumerate(photos):
        texts = [photo.query or ""] if short else photo.sentences
        captioned.texts.extend(texts)
        captioned.owners.extend([position] * len(texts))
    measured = evaluate_retrieval(OnnxEncoder(out, description), captioned)
    return {
        **{f"recall@{k}": round(share, 4) for k, share in measured.recall.items()},
        "median rank": measured.median_rank,
        "photos": measured.images,
        "captions": measured.captions,
    }


if __name__ == "__main__":
    main()
