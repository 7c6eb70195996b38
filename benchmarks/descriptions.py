"""Descriptions against what people wrote: ``python -m benchmarks descriptions [OPTION]...``.

    --data ../shared    holds training/flickr8k, photos and captions
    --split split_dev.txt    which photos; split_test.txt only to report
    --limit 200         the first photos of them
    --model pocket      one that is installed

Two metrics over n-grams, CIDEr (Vedantam et al. 2015) and BLEU-4 (Papineni et al. 2002), against
five captions a photo; and how often a photo is among the ten nearest to its own description (R@10),
by the same model. The baseline says "a photo of" the surest thing. "sure" is the share of sentences
without a "perhaps".
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from pixfind.config import DEFAULT_MODEL, Settings
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.evaluation.embedding import embed_photos, embed_texts
from pixfind.photos.decode import decode_file
from search.descriptions.describing import Describer
from search.descriptions.evidence import Witness
from search.descriptions.nouns import rows_of
from training.captions import Photo, read_flickr8k

TOP = 10
DATA = Path(__file__).resolve().parents[2] / "shared"


def run(*arguments: str) -> None:
    """Print both metrics and R@10 for the baseline and for descriptions."""
    asked = _parser().parse_args(arguments)
    settings = Settings.load()
    encoder = ModelStore(settings.models).load(asked.model)
    photos = read_photos(asked.data / "training" / "flickr8k", asked.split)[: asked.limit]
    images = embed_photos(encoder, [photo.path for photo in photos])
    began = time.perf_counter()
    describer = Describer(encoder, settings.cache)
    ready = time.perf_counter()
    said = [
        describer.describe(decode_file(photo.path, describer.edge).image, places=False).sentence
        for photo in track(photos, description="describing")
    ]
    each = (time.perf_counter() - ready) / max(len(photos), 1)
    print(f"{len(photos)} photos of {asked.split}, model {encoder.spec.name}")
    print(f"{'':30}{'CIDEr':>8}{'BLEU-4':>8}{'R@10':>8}{'sure':>8}")
    texts = {
        '"a photo of" the surest thing': baseline(encoder, settings.cache, images),
        "described": said,
    }
    for name, sentences in texts.items():
        cider, bleu = metrics(photos, sentences)
        found = retrieved(encoder, sentences, images)
        sure = float(np.mean(["perhaps" not in text for text in sentences]))
        print(f"{name:30}{cider:8.3f}{bleu:8.3f}{found:8.3f}{sure:8.3f}")
    print(f"ready after {ready - began:.1f} s, then {each:.2f} s a photo")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks descriptions")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="split_dev.txt")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    return parser


def read_photos(folder: Path, split: str) -> list[Photo]:
    """Return the photos of a split with their captions."""
    captioned = read_flickr8k(folder)
    return [captioned[name] for name in (folder / split).read_text("utf-8").split()]


def baseline(encoder: Encoder, cache: Path, images: Vectors) -> list[str]:
    """Return "a photo of" the subject that is most probable, for images (n, dim)."""
    witness = Witness(encoder, cache)
    rows = np.array(rows_of("subject"))
    said = []
    for image in images:
        evidence = witness.evidence(image)
        said.append(f"a photo of {evidence.phrases[rows[evidence.mentioned[rows].argmax()]].text}")
    return said


def metrics(photos: Sequence[Photo], texts: Sequence[str]) -> tuple[float, float]:
    """Return CIDEr and BLEU-4 of a text a photo, against all its captions.

    The words are cut by our own rule, in lower case and without punctuation: pycocoevalcap's takes
    Java. CIDEr's weights are of the captions at hand, as usual.
    """
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider

    wanted = {row: [words(s) for s in photo.sentences] for row, photo in enumerate(photos)}
    given = {row: [words(text)] for row, text in enumerate(texts)}
    cider, _ = Cider().compute_score(wanted, given)
    bleu, _ = Bleu(4).compute_score(wanted, given, verbose=0)
    return float(cider), float(bleu[3])


def words(text: str) -> str:
    """Return a text's words in lower case with single blanks between."""
    return " ".join(re.findall(r"[a-z0-9'-]+", text.lower()))


def retrieved(encoder: Encoder, texts: Sequence[str], images: Vectors) -> float:
    """Return the share of texts that have their own photo among the nearest ten."""
    scores = embed_texts(encoder, list(texts)) @ images.T
    own = np.diagonal(scores)[:, np.newaxis]
    return float(((scores > own).sum(axis=1) < TOP).mean())
