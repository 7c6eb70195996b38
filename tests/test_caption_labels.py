"""What captions say of labels, how often people name them, and what the measurements make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.tags import classes as classification
from search.tags.recognition import Background
from search.tags.vocabulary import Vocabulary, read_vocabulary

ROOT = Path(__file__).resolve().parents[1]
with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(ROOT)  # neither is installed
    from benchmarks import classes, examples, tags
    from training import tag_usage
    from training.caption_labels import named_labels
    from training.captions import Photo, Splits

LABELS = """\
animal\tanimal
dog\tanimal\tanimal\tpuppy
dachshund\tanimal\tdog
horse\tanimal\tanimal
wave\tscene
wristwatch\tobject\t\twatch
glasses\tobject
drinking glass\tobject\t\tglass
waving\tactivity
swimming\tactivity
rowing\tactivity
dog walking\tactivity
"""


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    file = tmp_path / "labels.tsv"
    file.write_text(LABELS)
    return read_vocabulary(file)


@pytest.mark.parametrize(
    ("caption", "names"),
    [
        ("A dachshund .", {"dachshund", "dog", "animal"}),
        ("Two puppies and horses", {"dog", "horse", "animal"}),
        ("a hotdog", set()),
        ("waves on the shore", {"wave"}),
        ("a man waved", {"waving"}),
        ("two boys swim", {"swimming"}),
        ("a girl swims; others are swimming", {"swimming"}),
        ("a woman in glasses", {"glasses"}),
        ("a glass", {"drinking glass"}),
        ("dogs walking", {"dog", "animal", "dog walking"}),
        ("walking a dog", {"dog", "animal"}),
        ("people watch a row of seats", set()),
    ],
)
def test_caption_names_labels(vocabulary: Vocabulary, caption: str, names: set[str]) -> None:
    (named,) = named_labels(vocabulary, [Photo(Path("a.jpg"), (caption,))])
    assert {vocabulary.labels[row].name for row in np.flatnonzero(named)} == names


def test_every_text_of_a_photo_counts_once(vocabulary: Vocabulary) -> None:
    photo = Photo(Path("a.jpg"), ("a horse", "the horse"), query="wave")
    (named,) = named_labels(vocabulary, [photo])
    assert named.sum() == 3  # the horse, the animal that it is, and the wave


def test_usage_is_the_mean_of_both_sets(vocabulary: Vocabulary, tmp_path: Path) -> None:
    flickr = [Photo(Path("f.jpg"), ("a horse",)) for _ in range(3)]
    everyday = [
        Photo(Path("e.jpg"), ("a horse",), query="horse"),
        Photo(Path("g.jpg"), ("a wave",), query="wave"),
    ]
    usage = tag_usage.count(vocabulary, Splits([*flickr, *everyday], [], []))
    file = tmp_path / "usage.tsv"
    tag_usage.write(file, vocabulary, usage / 3)
    assert file.read_text() == "animal\t0.25\nhorse\t0.25\nwave\t0.083333\n"


def test_fit_finds_what_made_the_labels() -> None:
    numbers = np.random.default_rng(0)
    scores = numbers.normal(0, 2, 4_000)
    named = numbers.random(len(scores)) < 1 / (1 + np.exp(-(1.5 * scores - 2)))
    assert tag_usage.fit(scores, named) == pytest.approx((1.5, -2), abs=0.2)


def test_first_labels_are_counted() -> None:
    scores = np.array([[9.0, 8, 7, 6, 5, 4], [0, 1, 2, 3, 4, 5]])
    named = np.array([[1, 0, 0, 0, 0, 1], [1, 1, 0, 0, 0, 0]], bool)
    assert tag_usage.precision(scores, named) == pytest.approx(2 / 10)
    only_first = np.array([1, 0, 0, 0, 0, 0], bool)
    assert tag_usage.recall(scores, named, only_first) == pytest.approx(1 / 2)


def test_lists_hold_one_label_that_is_named(vocabulary: Vocabulary) -> None:
    rows = {label.name: row for row, label in enumerate(vocabulary.labels)}
    named = np.zeros((2, len(rows)), bool)
    named[0, [rows[n] for n in ("dachshund", "dog", "animal")]] = True
    named[1, rows["glasses"]] = True
    dev = tag_usage.Dev("dev", np.empty((2, 3), np.float32), named)
    some = classes.lists(dev, vocabulary, 3, one_kind=False, none=False)
    flags = named[some.rows[:, None], some.labels]
    assert flags[:, 0].all()
    assert not flags[:, 1:].any()
    none = classes.lists(dev, vocabulary, 3, one_kind=False, none=True)
    assert not named[none.rows[:, None], none.labels].any()
    animals = classes.lists(dev, vocabulary, 2, one_kind=True, none=False)
    of_dachshund = animals.labels[animals.labels[:, 0] == rows["dachshund"]]
    assert set(of_dachshund[:, 1]) == {rows["horse"]}, "dog and animal are above it"


def test_level_of_none_is_that_of_the_program() -> None:
    deviations = np.random.default_rng(0).normal(0.5, 1, (500, 4))
    usual = Background(np.zeros(4), np.ones(4))
    none = np.array(classification._none(usual, deviations)) > classification.UNSURE
    height = classes.height(deviations, classification.DEVIATION_TEMPERATURE)
    assert 0 < none.sum() < len(none)
    assert np.array_equal(none, height < classification.NONE_LEVEL)


def test_what_another_implies_is_not_counted(vocabulary: Vocabulary) -> None:
    order = ["animal", "dog", "wave", "glasses", "dachshund", "horse", "swimming", "waving"]
    scores = np.full((1, len(vocabulary)), -1.0)
    for rank, name in enumerate(order):
        row = next(r for r, label in enumerate(vocabulary.labels) if label.name == name)
        scores[0, row] = len(order) - rank
    (kept,) = tags.first_specific(scores, vocabulary)
    shown = {vocabulary.labels[row].name for row in kept}
    assert shown == {"wave", "glasses", "dachshund", "horse", "swimming"}


def test_examples_of_fewer_are_among_those_of_more() -> None:
    named = np.zeros((3000, 2), bool)
    named[:100, 1] = True
    first, *_, last = list(examples.cases(named, np.array([1])))[: len(examples.COUNTS)]
    assert (first.count, last.count) == (1, 50)
    assert set(first.accepted) < set(last.accepted) < set(range(100))
    assert not set(last.accepted) & set(last.others)


def test_average_precision() -> None:
    scores = np.array([4.0, 3, 2, 1])
    assert examples.average_precision(scores, np.array([1, 0, 1, 0], bool)) == pytest.approx(5 / 6)
    assert examples.f1(scores > 2, np.array([1, 0, 1, 0], bool)) == pytest.approx(1 / 2)
