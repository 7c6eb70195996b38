"""Count how often people name each label, and fit what ``search.tags.recognition`` makes of it.

python -m training.tag_usage --data ../shared
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.evaluation.embedding import embed_photos
from search.tags.recognition import (
    LEAST_USAGE,
    PER_DEVIATION,
    PER_LOG_USAGE,
    Background,
    background,
    label_vectors,
)
from search.tags.vocabulary import Vocabulary, shipped
from training.caption_labels import Flags, named_labels
from training.captions import Splits, read_splits

Doubles = npt.NDArray[np.float64]

FILE = Path(__file__).parents[1] / "data" / "vocabulary" / "usage.tsv"
TOP = 5
# A leaf of the vocabulary that fewer photos' captions name than these: what tells photos apart.
SPECIFIC = 0.01


@dataclass(frozen=True)
class Dev:
    """Captioned photos that the model has not seen: vectors (n, dim), labels named (n, labels)."""

    name: str
    photos: Vectors
    named: Flags


def main() -> None:
    """Count, write the file, fit, print."""
    parser = argparse.ArgumentParser(prog="python -m training.tag_usage", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds training/")
    parser.add_argument("--out", type=Path, default=FILE, help="the file to write")
    asked = parser.parse_args()
    vocabulary, splits = shipped(), read_splits(asked.data / "training")
    usage = count(vocabulary, splits)
    write(asked.out, vocabulary, usage)
    encoder = ModelStore(Path("nowhere")).load("pocket")
    with tempfile.TemporaryDirectory() as scratch:
        labels = label_vectors(encoder, vocabulary, Path(scratch))
    usual = background(encoder, labels, None)
    if usual is None:
        raise SystemExit("the model has no calibration; python -m training.recalibrate makes one")
    report(vocabulary, usage, labels, usual, dev_sets(encoder, vocabulary, splits))


def count(vocabulary: Vocabulary, splits: Splits) -> Doubles:
    """Return in what share of the training photos captions name each label, (labels,).

    Of five sentences about a photo and of one; both sets count alike.
    """
    flickr = [photo for photo in splits.train if photo.query is None]
    everyday = [photo for photo in splits.train if photo.query is not None]
    shares = [named_labels(vocabulary, photos).mean(axis=0) for photos in (flickr, everyday)]
    return np.asarray(np.mean(shares, axis=0), np.float64)


def write(file: Path, vocabulary: Vocabulary, usage: Doubles) -> None:
    """Write the labels that are ever named, each with its share."""
    rows = sorted(zip((label.name for label in vocabulary.labels), usage, strict=True))
    file.write_text("".join(f"{name}\t{share:.5g}\n" for name, share in rows if share), "utf-8")


def dev_sets(encoder: Encoder, vocabulary: Vocabulary, splits: Splits) -> list[Dev]:
    """Embed the dev photos and read their captions."""
    return [
        Dev(name, embed_photos(encoder, [p.path for p in photos]), named_labels(vocabulary, photos))
        for name, photos in (("flickr8k", splits.flickr_dev), ("everyday", splits.everyday_dev))
    ]


def report(
    vocabulary: Vocabulary, usage: Doubles, labels: Vectors, usual: Background, sets: list[Dev]
) -> None:
    """Print the constants that fit both dev sets best, and how often the first labels are right."""
    logs = np.log(np.maximum(usage, LEAST_USAGE))
    ways: Mapping[str, list[Doubles]] = {
        "cosine": [(dev.photos @ labels.T).astype(np.float64) for dev in sets],
        "deviations": [usual.deviations(dev.photos @ labels.T) for dev in sets],
    }
    # The ratio is that of the module: its usage is to count for half of what captions say.
    joined = [PER_DEVIATION * d + PER_LOG_USAGE * logs for d in ways["deviations"]]
    scale, bias = fit(
        np.concatenate([scores.ravel() for scores in joined]),
        np.concatenate([dev.named.ravel() for dev in sets]),
    )
    per_deviation, per_log = scale * PER_DEVIATION, scale * PER_LOG_USAGE
    _say(f"PER_DEVIATION, PER_LOG_USAGE, BIAS = {per_deviation:.2f}, {per_log:.2f}, {bias:.2f}")
    specific = np.array([not vocabulary.children(one.name) for one in vocabulary.labels])
    specific &= usage < SPECIFIC
    for way, scores in {**ways, "with usage": joined}.items():
        figures = [
            f"{dev.name}: precision@{TOP} {precision(of, dev.named):.3f}, "
            f"recall@{TOP} of specific labels {recall(of, dev.named, specific):.3f}"
            for dev, of in zip(sets, scores, strict=True)
        ]
        _say(f"{way:12}" + "; ".join(figures))


def fit(scores: Doubles, named: Flags) -> tuple[float, float]:
    """Return the scale and the bias of the log odds that scores (n,) are right."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=np.inf).fit(scores[:, None], named)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def precision(scores: Doubles, named: Flags) -> float:
    """Return the share of the first labels that are named."""
    return float(np.take_along_axis(named, _first(scores), axis=1).mean())


def recall(scores: Doubles, named: Flags, of: Flags) -> float:
    """Return the share of the labels ``of`` (labels,) named that are among the first."""
    wanted = named & of
    return float(np.take_along_axis(wanted, _first(scores), axis=1).sum() / wanted.sum())


def _say(line: str) -> None:
    print(line)  # noqa: T201 - this is the command's result


def _first(scores: Doubles) -> npt.NDArray[np.int64]:
    return np.asarray(np.argsort(-scores, axis=1)[:, :TOP])


if __name__ == "__main__":
    main()
