"""What is a tag worth that has been taught by so many examples?

``python -m benchmarks examples [FOLDER]`` teaches tags of the shipped vocabulary by training photos
whose captions name them, and measures them on dev photos: by their prompt alone, by the examples
alone, and by both, as ``search.tags.lessons`` does. Photos drawn at random stand for those that
nobody has said anything of; some have the tag all the same, as in a library. Neither the examples
nor the truth are better than captions, which leave out much of what is there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.calibration.link import sigmoid
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.evaluation.embedding import embed_photos
from search.tags import lessons
from search.tags.choosing import LIKELY
from search.tags.recognition import (
    Doubles,
    background,
    label_vectors,
    log_odds,
    usage_of,
)
from search.tags.vocabulary import Vocabulary, shipped
from training.caption_labels import Flags, named_labels
from training.captions import read_splits
from training.tag_usage import dev_sets

DATA = "../shared"
COUNTS = (1, 2, 5, 10, 20, 50)
POOL, SEEDS, TAGS = 3000, 3, 40
# Tags that can be drawn: enough examples, enough photos to measure by, and not of half of all.
FEWEST_EXAMPLES, FEWEST_MATCHES, MOST_USAGE = 60, 25, 0.12
PROMPT, EXAMPLES, BOTH = "prompt", "examples", "both"


@dataclass(frozen=True)
class Photos:
    """Photos (n, dim), how far each label stands out on them, and which captions name."""

    vectors: Vectors
    deviations: Doubles
    named: Flags


@dataclass(frozen=True)
class Case:
    """A tag with examples of it: rows of the pool that have it, and that nothing is said of."""

    tag: int
    count: int
    accepted: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]


def run(folder: str = DATA) -> None:
    """Print average precision and F1 by the number of examples."""
    encoder = ModelStore(Path("nowhere")).load("pocket")
    vocabulary = shipped()
    usage = usage_of(vocabulary)
    pool, dev = _embedded(encoder, vocabulary, Path(folder))
    tags = drawn_tags(pool.named, dev.named, usage)
    print(
        f"{len(tags)} tags, {SEEDS} draws each, {len(dev.vectors)} dev photos: average precision,"
    )
    print(f"and F1 of the photos that are given the tag at {LIKELY}\n")
    print(f"{'examples':>8}" + "".join(f"{way:>20}" for way in (PROMPT, EXAMPLES, BOTH)))
    figures: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for case in cases(pool.named, tags):
        right = dev.named[:, case.tag]
        for way, odds in _odds(pool, dev, case, usage).items():
            found = average_precision(odds, right), f1(sigmoid(odds) >= LIKELY, right)
            figures.setdefault((case.count, way), []).append(found)
    for count in COUNTS:
        means = [np.mean(figures[count, way], axis=0) for way in (PROMPT, EXAMPLES, BOTH)]
        print(f"{count:8}" + "".join(f"{ap:>12.3f}{f:>8.3f}" for ap, f in means))


def drawn_tags(examples: Flags, matches: Flags, usage: Doubles) -> npt.NDArray[np.int64]:
    """Return the positions of tags with enough of both (photos, labels), a random choice."""
    enough = (examples.sum(axis=0) >= FEWEST_EXAMPLES) & (matches.sum(axis=0) >= FEWEST_MATCHES)
    able = np.flatnonzero(enough & (usage < MOST_USAGE))
    return np.sort(np.random.default_rng(0).permutation(able)[:TAGS])


def cases(named: Flags, tags: npt.NDArray[np.int64]) -> Iterator[Case]:
    """Draw examples of tags from photos (n, labels), each draw an extension of a smaller one."""
    for tag in tags.tolist():
        for seed in range(SEEDS):
            numbers = np.random.default_rng((seed, tag))
            having = numbers.permutation(np.flatnonzero(named[:, tag]))
            everything = numbers.permutation(len(named))
            for count in COUNTS:
                accepted = having[:count]
                others = everything[~np.isin(everything, accepted)][: lessons.OTHERS]
                yield Case(tag, count, accepted, others)


def average_precision(scores: Doubles, right: Flags) -> float:
    """Return the mean over the right ones of the precision down to each, both (n,)."""
    ranked = right[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def f1(chosen: Flags, right: Flags) -> float:
    """Return the F1 of what is chosen, both (n,)."""
    return float(2 * (chosen & right).sum() / (chosen.sum() + right.sum()))


def _embedded(encoder: Encoder, vocabulary: Vocabulary, data: Path) -> tuple[Photos, Photos]:
    """Return photos to draw examples from, and those to measure by."""
    with tempfile.TemporaryDirectory() as scratch:
        labels = label_vectors(encoder, vocabulary, Path(scratch))
    usual = background(encoder, labels, None)
    if usual is None:
        raise SystemExit("the model has no calibration")
    splits = read_splits(data / "training")
    rows = np.random.default_rng(0).permutation(len(splits.train))[:POOL]
    photos = [splits.train[row] for row in rows]
    vectors = embed_photos(encoder, [photo.path for photo in photos])
    pool = Photos(vectors, usual.deviations(vectors @ labels.T), named_labels(vocabulary, photos))
    sets = dev_sets(encoder, vocabulary, splits)
    vectors = np.concatenate([dev.photos for dev in sets])
    named = np.concatenate([dev.named for dev in sets])
    return pool, Photos(vectors, usual.deviations(vectors @ labels.T), named)


def _odds(pool: Photos, dev: Photos, case: Case, usage: Doubles) -> dict[str, Doubles]:
    """Return the log odds of a tag for the dev photos, by way."""
    of_pool, of_dev = pool.deviations[:, case.tag], dev.deviations[:, case.tag]
    share = float(usage[case.tag])

    def learned(weight: float) -> Doubles:
        accepted, others = (
            lessons.Seen(pool.vectors[rows], weight * of_pool[rows])
            for rows in (case.accepted, case.others)
        )
        nothing = lessons.Seen(pool.vectors[:0], of_pool[:0])
        lesson = lessons.learn(accepted, nothing, others, share)
        return lesson.log_odds(dev.vectors, weight * of_dev)

    return {
        PROMPT: log_odds(of_dev, np.array(share)),
        EXAMPLES: learned(0.0),
        BOTH: learned(1.0),
    }
