"""Does ``pixfind classify`` find which of a few things a photo shows, and see that it is none?

``python -m benchmarks classes [FOLDER]`` draws lists of 3, 10 and 30 things for dev photos, of
which captions name exactly one, or none; from all things, or from those of one kind, which are
harder to tell apart. Captions leave out much of what is there, so no method reaches 1. It shows
how ``search.tags.classes.NONE_LEVEL`` and ``DEVIATION_TEMPERATURE`` and the model's own temperature
were chosen, and then tells the photos of ``training/imagenet_names.tsv`` apart by all 1,000 names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.evaluation import read_classes
from pixfind.evaluation.embedding import embed_photos
from search.tags.classes import DEVIATION_TEMPERATURE, NONE_LEVEL, Classifier
from search.tags.phrases import phrase_of
from search.tags.recognition import Doubles, background, label_vectors
from search.tags.vocabulary import Label, Vocabulary, shipped
from training.captions import read_splits
from training.measure import IMAGENET_NAMES
from training.tag_usage import Dev, dev_sets

DATA = "../shared"
THINGS = frozenset({"animal", "building", "food", "object", "plant", "vehicle"})
LENGTHS = (3, 10, 30)
LISTS = 1500  # of each length and sort, for each set of photos
# What is tried in their place.
TEMPERATURES = (0.03, 0.04, 0.05, 0.055, 0.06, 0.065, 0.07, 0.08, 0.1, 0.15)
DEVIATION_TEMPERATURES = (0.2, 0.35, 0.5, 0.65, 0.8, 1.0, 1.5)
LEVELS = np.arange(-0.5, 3.01, 0.05)
TOP = 5


@dataclass(frozen=True)
class Lists:
    """Photos, each with a list of labels: rows (n,), positions (n, length), the right one first."""

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """What lists of one length and sort score: cosines and deviations, both (n, length).

    Args:
        named: of lists whose first label is right.
        unnamed: of lists in which none is.
    """

    title: str
    cosines: Doubles
    named: Doubles
    unnamed: Doubles


def run(folder: str = DATA) -> None:
    """Print the figures of each sort of lists, then those of all together, then of the names."""
    encoder = ModelStore(Path("nowhere")).load("pocket")
    vocabulary, data = shipped(), Path(folder)
    cases = list(_cases(encoder, vocabulary, data))
    print(f"{'':26}{'accuracy':>10}{'NLL':>8}{'best':>8}{'at T':>8}{'none':>8}{'best':>8}{'at':>8}")
    for case in cases:
        own, (best, at) = nll(case.cosines, encoder.temperature), _best_nll([case])
        shipped_level = balanced(case, DEVIATION_TEMPERATURE, NONE_LEVEL)
        top, level = _best_level([case], DEVIATION_TEMPERATURE)
        right = (case.cosines.argmax(axis=1) == 0).mean()
        print(
            f"{case.title:26}{right:10.3f}{own:8.3f}{best:8.3f}{at:8.3f}"
            f"{shipped_level:8.3f}{top:8.3f}{level:8.2f}"
        )
    own = float(np.mean([nll(case.cosines, encoder.temperature) for case in cases]))
    best, at = _best_nll(cases)
    print(f"\nall: NLL {own:.3f} at {encoder.temperature}, {best:.3f} at {at}")
    now = float(np.mean([balanced(case, DEVIATION_TEMPERATURE, NONE_LEVEL) for case in cases]))
    print(f"none of these, balanced accuracy: {now:.3f} as it is; the best level by temperature:")
    for temperature in DEVIATION_TEMPERATURES:
        top, level = _best_level(cases, temperature)
        print(f"  {temperature:5.2f}: {top:.3f} at {level:.2f}")
    _show_names(encoder, data)


def lists(
    dev: Dev, vocabulary: Vocabulary, length: int, one_kind: bool, none: bool, seed: int = 0
) -> Lists:
    """Draw lists of things for photos whose captions name one.

    Args:
        dev: the photos.
        vocabulary: its most specific labels are drawn from, of which none implies another.
        length: of each list.
        one_kind: whether all of a list are of the kind of the thing that is named.
        none: whether that is left out of the list.
        seed: of the draws.
    """
    numbers = np.random.default_rng((seed, length, one_kind, none))
    labels = vocabulary.labels
    kinds = np.array([label.kind or "" for label in labels])
    leaf = [one.kind in THINGS and not vocabulary.children(one.name) for one in labels]
    things = np.flatnonzero(leaf)
    pairs = np.argwhere(dev.named[:, things])
    rows, drawn = [], []
    for row, column in numbers.choice(pairs, LISTS):
        right = things[column]
        pool = things[kinds[things] == kinds[right]] if one_kind else things
        others = numbers.permutation(pool[~dev.named[row, pool]])
        rows.append(row)
        drawn.append(others[:length] if none else [right, *others[: length - 1]])
    return Lists(np.array(rows), np.array(drawn))


def nll(cosines: Doubles, temperature: float) -> float:
    """Return the negative log likelihood of the first of each list (n, length)."""
    scores = cosines / temperature
    return float((_log_sum(scores) - scores[:, 0]).mean())


def height(deviations: Doubles, temperature: float) -> Doubles:
    """Return what ``NONE_LEVEL`` is compared with: a soft maximum less what chance makes of it.

    Below the level, ``search.tags.classes`` finds none of a list (n, length) likelier than not.
    """
    length = deviations.shape[1]
    return np.asarray(temperature * (_log_sum(deviations / temperature) - np.log(length)))


def balanced(case: Case, temperature: float, level: float) -> float:
    """Return the mean of the shares of lists with a right label and without that are told so."""
    some, none = (height(part, temperature) for part in (case.named, case.unnamed))
    return float(((some >= level).mean() + (none < level).mean()) / 2)


def _log_sum(scores: Doubles) -> Doubles:
    highest = scores.max(axis=1)
    return np.asarray(highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1)))


def _cases(encoder: Encoder, vocabulary: Vocabulary, data: Path) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as scratch:
        labels = label_vectors(encoder, vocabulary, Path(scratch))
    usual = background(encoder, labels, None)
    if usual is None:
        raise SystemExit("the model has no calibration")
    for dev in dev_sets(encoder, vocabulary, read_splits(data / "training")):
        cosines = (dev.photos @ labels.T).astype(np.float64)
        deviations = usual.deviations(cosines)
        for length in LENGTHS:
            for one_kind in (False, True):
                named = lists(dev, vocabulary, length, one_kind, none=False)
                unnamed = lists(dev, vocabulary, length, one_kind, none=True)
                yield Case(
                    f"{dev.name}, {length}" + (" of a kind" if one_kind else ""),
                    cosines[named.rows[:, None], named.labels],
                    deviations[named.rows[:, None], named.labels],
                    deviations[unnamed.rows[:, None], unnamed.labels],
                )


def _best_nll(cases: Sequence[Case]) -> tuple[float, float]:
    """Return the lowest mean, and the temperature that it is at."""
    return min((float(np.mean([nll(case.cosines, t) for case in cases])), t) for t in TEMPERATURES)


def _best_level(cases: Sequence[Case], temperature: float) -> tuple[float, float]:
    """Return the highest mean of the balanced accuracies, and the level that it is at."""
    return max(
        (float(np.mean([balanced(case, temperature, level) for case in cases])), float(level))
        for level in LEVELS
    )


def _show_names(encoder: Encoder, data: Path) -> None:
    """Print how often the right one of ImageNet's names is the first or among the first."""
    known = read_classes(data, IMAGENET_NAMES)
    firsts = [name.partition(",")[0].strip() for name in known.texts]
    names = Vocabulary(
        "names",
        tuple(
            Label(name, None, (), (), phrase_of(first))
            for name, first in zip(known.texts, firsts, strict=True)
        ),
    )
    with tempfile.TemporaryDirectory() as scratch:
        classifier = Classifier(encoder, names, Path(scratch))
    right: dict[int, set[str]] = {}
    for name, photos in zip(known.texts, known.right, strict=True):
        for photo in photos:
            right.setdefault(photo, set()).add(name)
    rows = sorted(right)
    pictures = embed_photos(encoder, [known.images[row] for row in rows])
    chosen = classifier.choose(pictures)
    for top in (1, TOP):
        hits = [
            bool(right[row] & set(one.labels[:top])) for row, one in zip(rows, chosen, strict=True)
        ]
        print(f"ImageNet's names, top-{top} of {len(rows)} photos: {np.mean(hits):.3f}")
