"""Are the tags right that photos get, and are those of its most probable labels?

``python -m benchmarks tags [FOLDER]`` compares ways to rank the labels of the shipped vocabulary on
the library of 124 photos, whose labels (``training/library_tags.tsv``) two people wrote down by eye
before they had seen any score: a tag is right if it is one of them or implied by one. Then, on the
photos of ``training/imagenet_names.tsv`` whose name is a label or a synonym, it is right if it is
that label or implied by it. No number is fitted to these photos.

"None implied" counts the first labels of which none implies another, so that it is not for what
nearly every photo shows; "of what is said" those that are in the list themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.calibration.link import sigmoid
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.errors import UnknownTagError
from pixfind.evaluation import read_classes
from pixfind.evaluation.embedding import embed_photos, embed_texts
from search.tags.choosing import Chooser
from search.tags.recognition import (
    Background,
    Doubles,
    background,
    directions,
    label_vectors,
    log_odds,
    usage_of,
)
from search.tags.vocabulary import Vocabulary, shipped
from training.measure import IMAGENET_NAMES

DATA = "../shared"
LABELS = Path(__file__).parents[1] / "training" / "library_tags.tsv"
TOP = 5
RESAMPLES, SEED = 10_000, 0
INTERVAL = (2.5, 97.5)
# What most people would try first.
PLAIN = "a photo of {}"

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """Photos (n, dim), which labels are said of them, and which are right, bool (n, labels)."""

    photos: Vectors
    said: Flags
    right: Flags


@dataclass(frozen=True)
class Ways:
    """Ways to rank labels.

    Args:
        vocabulary: the labels.
        labels: the means of their prompts, (labels, dim).
        plain: the vectors of one prompt each, (labels, dim).
        usual: what ``labels`` score in general.
        together: how their scores go together, see ``recognition.directions``.
    """

    vocabulary: Vocabulary
    labels: Vectors
    plain: Vectors
    usual: Background
    together: Vectors

    def scores(self, photos: Vectors) -> Mapping[str, Doubles]:
        """Return by way what photos (n, dim) score, (n, labels); the last is the program's."""
        deviations = self.usual.deviations(photos @ self.labels.T)
        odds = log_odds(deviations, usage_of(self.vocabulary))
        return {
            f'cosine with "{PLAIN}"': (photos @ self.plain.T).astype(np.float64),
            "cosine with several prompts": (photos @ self.labels.T).astype(np.float64),
            "deviations": deviations,
            "log odds, with usage": odds,
        }

    def tags(self, photos: Vectors) -> Flags:
        """Return the tags that the program gives photos (n, dim), bool (n, labels)."""
        rows = {label.name: row for row, label in enumerate(self.vocabulary.labels)}
        chooser = Chooser(self.vocabulary, self.together)
        *_, odds = self.scores(photos).values()
        given = np.zeros((len(photos), len(rows)), bool)
        for row, probabilities in enumerate(chooser.consistent(sigmoid(odds))):
            given[row, [rows[name] for name in chooser.choose(probabilities)]] = True
        return given


def run(folder: str = DATA) -> None:
    """Print the figures of both sets."""
    encoder = ModelStore(Path("nowhere")).load("pocket")
    vocabulary, data = shipped(), Path(folder)
    ways = _ways(encoder, vocabulary)
    library = _library(encoder, vocabulary, data / "photos" / "library")
    print(f"{len(library.photos)} photos of the library, {library.said.sum()} labels by eye")
    _show(ways, library)
    names = _names(encoder, vocabulary, data)
    print(f"\n{len(names.photos)} photos of ImageNet's names that are labels")
    _show(ways, names)


def first(scores: Doubles) -> Numbers:
    """Return the labels with the highest scores of each photo, (n, ``TOP``)."""
    return np.asarray(np.argsort(-scores, axis=1, kind="stable")[:, :TOP])


def first_specific(scores: Doubles, vocabulary: Vocabulary) -> Numbers:
    """Return the first labels of each photo until these remain, (n, ``TOP``).

    Of a label and another that implies it, only the latter does.
    """
    above = ancestors(vocabulary)
    found = []
    for order in np.argsort(-scores, axis=1, kind="stable").tolist():
        kept: list[int] = []
        for row in order:
            if not any(row in above[one] for one in kept):
                kept = [*(one for one in kept if one not in above[row]), row]
            if len(kept) == TOP:
                break
        found.append(kept)
    return np.array(found)


def ancestors(vocabulary: Vocabulary) -> list[set[int]]:
    """Return for each label the positions of those that it implies."""
    rows = {label.name: row for row, label in enumerate(vocabulary.labels)}
    return [
        {rows[name] for name in vocabulary.ancestors(label.name)} for label in vocabulary.labels
    ]


def _ways(encoder: Encoder, vocabulary: Vocabulary) -> Ways:
    with tempfile.TemporaryDirectory() as scratch:
        labels = label_vectors(encoder, vocabulary, Path(scratch))
    usual = background(encoder, labels, None)
    if usual is None:
        raise SystemExit("the model has no calibration")
    plain = embed_texts(encoder, [PLAIN.format(label.phrase) for label in vocabulary.labels])
    return Ways(vocabulary, labels, plain, usual, directions(encoder, labels, None))


def _library(encoder: Encoder, vocabulary: Vocabulary, folder: Path) -> Truth:
    lines = [line.split("\t") for line in LABELS.read_text("utf-8").splitlines()]
    named = [labels.split("|") for _, labels in lines]
    photos = embed_photos(encoder, [folder / name for name, _ in lines])
    return _truth(photos, vocabulary, named)


def _names(encoder: Encoder, vocabulary: Vocabulary, data: Path) -> Truth:
    """Return the photos with the labels that a name of ImageNet's is; others are left out."""
    known = read_classes(data, IMAGENET_NAMES)
    of_photo: dict[int, list[str]] = {}
    for names, photos in zip(known.texts, known.right, strict=True):
        for name in names.split(","):
            try:
                label = vocabulary.label(name).name
            except UnknownTagError:
                continue
            for photo in photos:
                of_photo.setdefault(photo, []).append(label)
            break
    vectors = embed_photos(encoder, [known.images[photo] for photo in of_photo])
    return _truth(vectors, vocabulary, list(of_photo.values()))


def _truth(photos: Vectors, vocabulary: Vocabulary, said: Sequence[Sequence[str]]) -> Truth:
    rows = {label.name: row for row, label in enumerate(vocabulary.labels)}
    above = ancestors(vocabulary)
    of_photos = np.zeros((len(said), len(rows)), bool)
    right = of_photos.copy()
    for photo, labels in enumerate(said):
        for row in {rows[vocabulary.label(label).name] for label in labels}:
            of_photos[photo, row] = True
            right[photo, [row, *above[row]]] = True
    return Truth(photos, of_photos, right)


def _show(ways: Ways, truth: Truth) -> None:
    titles = (f"precision@{TOP}", "none implied", f"hit@{TOP}", "of what is said")
    print(f"{'':32}" + "".join(f"{title:>22}" for title in titles))
    for way, scores in ways.scores(truth.photos).items():
        shown = first(scores)
        right = np.take_along_axis(truth.right, shown, axis=1)
        specific = first_specific(scores, ways.vocabulary)
        figures = (
            right.mean(axis=1),
            np.take_along_axis(truth.right, specific, axis=1).mean(axis=1),
            right.any(axis=1),
            np.take_along_axis(truth.said, shown, axis=1).any(axis=1),
        )
        print(f"{way:32}" + "".join(f"{_interval(of_photos):>22}" for of_photos in figures))
    given = ways.tags(truth.photos)
    count, right = given.sum(axis=1), (given & truth.right).sum(axis=1)
    print(
        f"the tags given: {_interval(count, 1)} a photo, precision {_interval(right, of=count)}, "
        f"recall {_interval(right, of=truth.right.sum(axis=1))}"
    )


def _interval(
    of_photos: npt.ArrayLike, digits: int = 3, of: npt.NDArray[np.int64] | None = None
) -> str:
    """Describe the mean over photos (n,), or a share ``of`` sums, with its 95% interval."""
    values = np.asarray(of_photos, np.float64)
    whole = np.ones(len(values)) if of is None else np.asarray(of, np.float64)
    drawn = np.random.default_rng(SEED).multinomial(
        len(values), np.full(len(values), 1 / len(values)), RESAMPLES
    )
    low, high = np.percentile((drawn @ values) / (drawn @ whole), INTERVAL)
    mean = values.sum() / whole.sum()
    return f"{mean:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
