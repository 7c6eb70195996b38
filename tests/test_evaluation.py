"""Evaluation: reading labelled sets, and measures that nothing can flatter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from pixfind.calibration import Calibration
from pixfind.calibration.link import Link
from pixfind.encoders.base import Vectors
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import EvaluationError, PhotoDecodeError, PhotoError, PhotoReadError
from pixfind.evaluation import (
    Captions,
    Estimate,
    Evaluation,
    evaluate_classes,
    evaluate_queries,
    evaluate_retrieval,
    read_captions,
    read_classes,
    read_queries,
)
from pixfind.evaluation.cutoffs import best_cutoff, shown
from pixfind.evaluation.embedding import class_prompts, embed_classes
from pixfind.evaluation.measures import (
    Ranks,
    calibration_error,
    estimate,
    first_right_ranks,
    mean_reciprocal_rank,
    median_rank,
    share_within,
)

COLOURS = tuple(FakeEncoder.COLOURS)
NAN = float("nan")


def link(dim: int) -> Calibration:
    """Some calibration; any query scores nought on photos in general, give or take a quarter."""
    one = Link(slope=1.5, intercept=-4.0, prior=0.01,
               base=-4.0, per_highest=0.0, per_log_size=0.0, per_spread=0.0)  # fmt: skip
    covariance = np.eye(dim, dtype=np.float32) / 16
    return Calibration(np.zeros(dim, np.float32), covariance, text=one, image=one, cutoff=0.5)


@pytest.fixture
def captioned(tmp_path: Path) -> Path:
    """A set of one plain picture for each colour that the fake encoder knows by name."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    for colour in COLOURS:
        Image.new("RGB", (40, 30), FakeEncoder.COLOURS[colour]).save(
            folder / f"images/{colour}.png"
        )
    write(folder, *(f"{colour}.png\t{colour}\tc'est {colour}" for colour in COLOURS))
    return folder


def write(folder: Path, *lines: str) -> None:
    (folder / "captions.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def test_captions_are_read_with_their_photos(captioned: Path) -> None:
    write(captioned, "red.png\ta red one", "blue.png\tblau", "", "red.png\tanother\tcolumn")
    captions = read_captions(captioned)
    assert captions.images == [captioned / "images/red.png", captioned / "images/blue.png"]
    assert captions.texts == ["a red one", "blau", "another"]
    assert captions.owners == [0, 1, 0]


def test_another_column(captioned: Path) -> None:
    assert read_captions(captioned, column=2).texts == [f"c'est {colour}" for colour in COLOURS]


def test_split_lies_anywhere_or_in_the_set(captioned: Path, tmp_path: Path) -> None:
    for split in (captioned / "split.txt", tmp_path / "elsewhere.txt"):
        split.write_text("blue.png\n\nred.png\n", "utf-8")
        assert read_captions(captioned, split).texts == ["red", "blue"]
    assert read_captions(captioned, Path("split.txt")).texts == ["red", "blue"]


def test_windows_line_ends_and_byte_order_marks(captioned: Path) -> None:
    (captioned / "captions.tsv").write_bytes(b"\xef\xbb\xbfred.png\tred\r\nblue.png\tblue\r\n")
    captions = read_captions(captioned)
    assert captions.texts == ["red", "blue"]
    assert captions.images[0].is_file()


def test_captions_may_hold_odd_separators(captioned: Path) -> None:
    write(captioned, "red.png\tone\u2028caption\x0bof one\x85line")
    assert read_captions(captioned).texts == ["one\u2028caption\x0bof one\x85line"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("red.png", "without column 2"),
        ("red.png\t", "without column 2"),
        ("red.png\t   \tx", "without column 2"),
    ],
)
def test_bad_lines_are_named(captioned: Path, line: str, reason: str) -> None:
    write(captioned, "blue.png\tblue", line)
    with pytest.raises(EvaluationError, match=reason):
        read_captions(captioned)


def test_missing_files_are_named(captioned: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"captions\.tsv"):
        read_captions(tmp_path)
    with pytest.raises(EvaluationError, match=r"nowhere\.txt"):
        read_captions(captioned, Path("nowhere.txt"))
    (tmp_path / "others.txt").write_text("pink.png\n", "utf-8")
    with pytest.raises(EvaluationError, match="none of the chosen photos"):
        read_captions(captioned, tmp_path / "others.txt")


def test_text_that_is_not_utf8_is_named(captioned: Path) -> None:
    (captioned / "captions.tsv").write_bytes(b"red.png\tcaf\xe9\n")
    with pytest.raises(EvaluationError, match=r"captions\.tsv"):
        read_captions(captioned)


def test_photos_that_cannot_be_read(captioned: Path, encoder: FakeEncoder) -> None:
    write(captioned, "gone.png\tgone")
    with pytest.raises(PhotoReadError, match=r"gone\.png"):
        evaluate_retrieval(encoder, read_captions(captioned))
    (captioned / "images/gone.png").write_bytes(b"no picture")
    with pytest.raises(PhotoDecodeError, match=r"gone\.png"):
        evaluate_retrieval(encoder, read_captions(captioned))


def recall(measured: Evaluation) -> dict[int, float]:
    return {k: measured.measures[f"recall@{k}"].value for k in (1, 5, 10)}


def test_right_captions_find_their_photos(captioned: Path, encoder: FakeEncoder) -> None:
    seen: list[tuple[int, int]] = []
    measured = evaluate_retrieval(
        encoder, read_captions(captioned), lambda done, total: seen.append((done, total))
    )
    assert (measured.images, measured.texts, measured.measures["median_rank"].value) == (3, 3, 1)
    assert recall(measured) == {1: 1, 5: 1, 10: 1}
    assert seen[-1] == (3, 3)


def test_wrong_captions_do_not(captioned: Path, encoder: FakeEncoder) -> None:
    write(captioned, "red.png\tblue", "blue.png\tgreen", "green.png\tred")
    measured = evaluate_retrieval(encoder, read_captions(captioned))
    assert recall(measured)[1] == 0
    assert measured.measures["median_rank"].value > 1


class Drawn(FakeEncoder):
    """Gives the pictures and the texts the vectors that a test has drawn for them."""

    def __init__(
        self, images: Vectors, texts: Vectors, calibration: Calibration | None = None
    ) -> None:
        super().__init__(calibration=calibration)
        self.images, self.texts = images, texts

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        first = self.images_encoded
        self.images_encoded += len(images)
        return self.images[first : self.images_encoded]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self.texts[[int(text) for text in texts]]


def drawn(folder: Path, images: Vectors, texts: Vectors, owners: list[int]) -> Captions:
    """A set of as many pictures and texts as there are vectors."""
    file = folder / "one.png"
    Image.new("RGB", (8, 8)).save(file)
    return Captions([file] * len(images), [str(n) for n in range(len(texts))], owners)


def test_ranks_are_those_of_all_photos(tmp_path: Path) -> None:
    numbers = np.random.default_rng(3)
    images = numbers.standard_normal((70, 8)).astype(np.float32)
    texts = numbers.standard_normal((130, 8)).astype(np.float32)
    owners = [int(n) for n in numbers.integers(0, 70, 130)]
    captions = drawn(tmp_path, images, texts, owners)
    measured = evaluate_retrieval(Drawn(images, texts), captions)
    order = np.argsort(-(texts @ images.T), axis=1)
    ranks = 1 + np.array([row.tolist().index(own) for row, own in zip(order, owners, strict=True)])
    assert measured.measures["median_rank"].value == np.median(ranks)
    assert recall(measured) == {k: pytest.approx((ranks <= k).mean()) for k in (1, 5, 10)}


def test_ties_never_help(tmp_path: Path) -> None:
    images = np.ones((10, 4), np.float32)
    texts = np.ones((4, 4), np.float32)
    captions = drawn(tmp_path, images, texts, [0, 3, 5, 9])
    measured = evaluate_retrieval(Drawn(images, texts), captions)
    assert recall(measured) == {1: 0, 5: 0, 10: 1}
    assert measured.measures["median_rank"].value == 10


@pytest.mark.parametrize("broken", ["images", "texts", "own image", "other images", "zeros"])
def test_vectors_that_are_no_numbers_never_help(tmp_path: Path, broken: str) -> None:
    images = np.eye(12, dtype=np.float32)
    texts = images[:2].copy()
    if broken == "images":
        images[:] = np.nan
    elif broken == "texts":
        texts[:] = np.nan
    elif broken == "own image":
        images[:2] = np.nan
    elif broken == "other images":
        images[2:] = np.nan
    else:
        texts[:] = 0
    captions = drawn(tmp_path, images, texts, [0, 1])
    measured = evaluate_retrieval(Drawn(images, texts), captions)
    assert recall(measured) == {1: 0, 5: 0, 10: 0}


def test_command_prints_text_and_json(
    pixfind: Callable[..., Result], captioned: Path, fake: FakeEncoder
) -> None:
    result = pixfind("eval", captioned, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    measured = json.loads(result.stdout)
    assert set(measured) == {
        "dir", "model", "fingerprint", "images", "captions", "recall@1", "recall@5", "recall@10",
        "median_rank", "intervals",
    }  # fmt: skip
    assert (measured["model"], measured["images"], measured["captions"]) == ("fake", 3, 3)
    assert (measured["recall@5"], measured["recall@10"]) == (1, 1)
    assert set(measured["intervals"]) == {"recall@1", "recall@5", "recall@10", "median_rank"}
    assert measured["intervals"]["recall@10"] == [1, 1]
    text = pixfind("eval", captioned, "--column", "3").stdout
    assert "3 photos, 3 captions, text to image" in text
    assert ["recall@10", "1.0000", "1.0000", "-", "1.0000"] in [
        x.split() for x in text.splitlines()
    ]


def test_calibrated_models_are_measured_by_their_probabilities_too(
    pixfind: Callable[..., Result], captioned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = FakeEncoder(calibration=link(FakeEncoder().spec.dim))
    monkeypatch.setattr(ModelStore, "load", lambda store, name: encoder)
    measured = json.loads(pixfind("eval", captioned, "--json").stdout)
    low, high = measured["intervals"]["ece@10"]
    assert 0 <= low <= high <= 1
    last = pixfind("eval", captioned).stdout.splitlines()[-1]
    assert last.split()[:2] == ["ece@10", f"{measured['ece@10']:.4f}"]
    # With a single photo nothing is left to expect.
    write(captioned, "red.png\tred", "red.png\tblue")
    assert "ece@10" not in json.loads(pixfind("eval", captioned, "--json").stdout)


def test_command_takes_a_split(pixfind: Callable[..., Result], captioned: Path) -> None:
    (captioned / "test.txt").write_text("red.png\n", "utf-8")
    result = pixfind("eval", captioned, "--split", "test.txt", "--json")
    measured = json.loads(result.stdout)
    assert (measured["model"], measured["images"]) == ("pocket", 1)


def test_command_names_what_is_missing(
    pixfind: Callable[..., Result], captioned: Path, tmp_path: Path
) -> None:
    (captioned / "images/red.png").unlink()
    for command in (("eval", tmp_path), ("eval", captioned), ("eval", captioned, "--column", "9")):
        result = pixfind(*command)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert result.stderr.startswith("Error: ")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder) -> FakeEncoder:
    """The command line uses the fake encoder, whatever model it is asked for."""
    monkeypatch.setattr(ModelStore, "load", lambda store, name: encoder)
    return encoder


def plain(file: Path, colour: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    Image.new("RGB", (20, 20), FakeEncoder.COLOURS[colour]).save(file)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one plain photo for each colour."""
    for colour in COLOURS:
        plain(tmp_path / f"folder/{colour}.png", colour)
    return tmp_path / "folder"


def listed(folder: Path, *lines: str) -> Path:
    """Write labels beside the folder."""
    file = folder.parent / "labels.tsv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def ranks(*values: int) -> Ranks:
    return np.array(values, np.int64)


def some_ranks(n: int) -> Ranks:
    return np.random.default_rng(5).integers(1, 30, n)


MEASURES = {"share": share_within(10), "median": median_rank, "mrr": mean_reciprocal_rank}


def width(found: Estimate) -> float:
    return found.high - found.low


def test_rank_is_that_of_the_best_right_one_among_the_wrong_ones() -> None:
    scores = np.array([[0.9, 0.1, 0.5, 0.3]] * 4, np.float32)
    right = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]], bool)
    assert first_right_ranks(scores, right).tolist() == [1, 3, 2, 1]


def test_wrong_ones_of_equal_score_come_before_and_right_ones_do_not() -> None:
    scores = np.ones((3, 5), np.float32)
    right = np.array([[1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
    assert first_right_ranks(scores, right).tolist() == [5, 3, 1]


def test_scores_are_equal_up_to_rounding() -> None:
    scores = np.array([[0.3, 0.3 - 1e-7, 0.2, 0.4], [0.3, 0.3 - 1e-5, 0.2, 0.4]], np.float32)
    right = np.array([[1, 0, 0, 0]] * 2, bool)
    assert first_right_ranks(scores, right).tolist() == [3, 2]


def test_scores_that_are_no_numbers_are_never_right_and_never_beaten() -> None:
    nan = np.nan
    scores = np.array([[nan, 0, 0], [nan, 1, 0], [1, nan, 0], [nan, nan, nan]], np.float32)
    right = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], bool)
    assert first_right_ranks(scores, right).tolist() == [3, 1, 2, 3]


def test_measures_are_what_their_names_say() -> None:
    found = estimate(ranks(1, 2, 4, 20), {"hit@2": share_within(2), **MEASURES})
    values = {name: estimated.value for name, estimated in found.items()}
    assert values == {"hit@2": 0.5, "share": 0.75, "median": 3, "mrr": 0.45}


@pytest.mark.parametrize("n", [1, 2, 9, 10, 2500])
def test_values_are_those_of_numpy_and_lie_in_their_intervals(n: int) -> None:
    drawn = some_ranks(n)
    found = estimate(drawn, MEASURES)
    assert found["share"].value == pytest.approx((drawn <= 10).mean())
    assert found["median"].value == np.median(drawn)
    assert found["mrr"].value == pytest.approx((1 / drawn).mean())
    for estimated in found.values():
        assert estimated.low <= estimated.value <= estimated.high


def test_intervals_are_as_wide_as_theory_says() -> None:
    for n in (100, 2500):
        found = estimate(ranks(*[1, 20] * (n // 2)), MEASURES)["share"]
        assert width(found) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / n), rel=0.1)


def test_intervals_narrow_with_more_cases_and_are_the_same_again() -> None:
    few, many = (estimate(some_ranks(n), MEASURES) for n in (50, 1000))
    for name in MEASURES:
        assert 0 < width(many[name]) < width(few[name])
    assert estimate(some_ranks(50), MEASURES) == few


def test_what_depends_on_each_other_is_drawn_together() -> None:
    alone = some_ranks(100)
    repeated, owners = np.repeat(alone, 5), np.repeat(np.arange(100), 5)
    together = estimate(repeated, MEASURES, owners)
    independent = estimate(repeated, MEASURES)
    for name, found in estimate(alone, MEASURES).items():
        assert together[name].low == pytest.approx(found.low)
        assert together[name].high == pytest.approx(found.high)
        assert width(independent[name]) < 0.7 * width(together[name])


def test_clusters_may_have_any_numbers_and_sizes() -> None:
    found = estimate(ranks(1, 1, 1, 20), MEASURES, ranks(7, 7, 7, 3))["share"]
    assert (found.value, found.low, found.high) == (0.75, 0, 1)


def test_captions_of_a_photo_are_drawn_together(tmp_path: Path) -> None:
    numbers = np.random.default_rng(3)
    images = numbers.standard_normal((60, 8)).astype(np.float32)
    texts = images + 1.5 * numbers.standard_normal((60, 8)).astype(np.float32)
    once = drawn(tmp_path, images, texts, list(range(60)))
    five_texts = np.repeat(texts, 5, axis=0)
    five_times = drawn(tmp_path, images, five_texts, [n // 5 for n in range(300)])
    one = evaluate_retrieval(Drawn(images, texts), once)
    five = evaluate_retrieval(Drawn(images, five_texts), five_times)
    assert (one.texts, five.texts) == (60, 300)
    for name, estimated in one.measures.items():
        assert estimated.low < estimated.high
        assert five.measures[name] == Estimate(
            *map(pytest.approx, (estimated.value, estimated.low, estimated.high))
        )


@pytest.mark.parametrize("count", [7, 10, 70])
def test_error_is_that_of_the_best_ten_where_one_photo_is_expected(
    tmp_path: Path, count: int
) -> None:
    numbers = np.random.default_rng(3)
    images = numbers.standard_normal((count, 8)).astype(np.float32) / 3
    owners = [int(n) for n in numbers.integers(0, count, 130)]
    texts = images[owners] + numbers.standard_normal((130, 8)).astype(np.float32) / 3
    calibration = link(8)
    encoder = Drawn(images, texts, calibration)
    measured = evaluate_retrieval(encoder, drawn(tmp_path, images, texts, owners))
    every = calibration.probability(texts, texts @ images.T, 1 / count)
    kept = [(row[place], place == own) for row, own in zip(every, owners, strict=True)
            for place in np.argsort(-row)[:10]]  # fmt: skip
    assert len(kept) == 130 * min(count, 10)
    bins: dict[int, list[float]] = {}
    for likely, match in kept:
        bins.setdefault(int(likely * 15), []).append(likely - match)
    error = sum(abs(sum(gaps)) for gaps in bins.values()) / len(kept)
    assert measured.measures["ece@10"].value == pytest.approx(error, rel=1e-4)
    plain = evaluate_retrieval(Drawn(images, texts), drawn(tmp_path, images, texts, owners))
    assert measured.measures == {**plain.measures, "ece@10": measured.measures["ece@10"]}


@pytest.mark.parametrize(
    ("probabilities", "matches", "error"),
    [
        ([[0.25] * 4], [[1, 0, 0, 0]], 0),
        ([[0.25] * 2] * 2, [[1, 0], [0, 0]], 0),  # a bin is of all cases
        ([[0.9] * 4], [[0] * 4], 0.9),
        ([[0.1, 0.7]] * 5, [[0, 1]] * 5, 0.2),
        ([[0.0, 1.0]], [[0, 1]], 0),
        ([[NAN, 0.0]], [[0, 0]], 0.5),
        ([[NAN, 1.0]], [[1, 1]], 0.5),
    ],
)
def test_error_of_probabilities(
    probabilities: list[list[float]], matches: list[list[int]], error: float
) -> None:
    measures = {"ece": calibration_error(probabilities, matches)}
    found = estimate(ranks(*[1] * len(matches)), measures)["ece"]
    assert found.value == pytest.approx(error)


def test_error_of_cases_that_are_drawn_again_is_that_of_them_repeated() -> None:
    numbers = np.random.default_rng(4)
    likely, right = numbers.uniform(size=(20, 3)), numbers.uniform(size=(20, 3)) < 0.3
    times = numbers.integers(0, 4, 20)
    weighted = calibration_error(likely, right)(some_ranks(20), times[np.newaxis].astype(float))
    often = calibration_error(np.repeat(likely, times, axis=0), np.repeat(right, times, axis=0))
    total = int(times.sum())
    assert weighted == pytest.approx(often(some_ranks(total), np.ones((1, total))))


def test_queries_are_measured_by_the_first_right_photo(folder: Path, fake: FakeEncoder) -> None:
    labels = read_queries(folder, listed(folder, "red\tred.png", "blue\tgreen.png\tblue.png"))
    found = evaluate_queries(fake, labels)
    assert (found.images, found.texts) == (3, 2)
    assert found.measures["hit@1"] == found.measures["mrr"] == Estimate(1, 1, 1)
    # Of the two others, which are equally far from red, the wrong one comes before.
    wrong = evaluate_queries(fake, read_queries(folder, listed(folder, "red\tgreen.png")))
    assert wrong.measures["mrr"].value == pytest.approx(1 / 3)
    assert (wrong.measures["hit@1"].value, wrong.measures["hit@5"].value) == (0, 1)


def test_all_photos_of_the_folder_are_ranked_and_none_inside_it(
    folder: Path, fake: FakeEncoder
) -> None:
    plain(folder / "inner/red.png", "red")
    plain(folder / ".hidden.png", "red")
    (folder / "notes.txt").write_text("no photo")
    file = listed(folder, "red\tred.png")
    assert evaluate_queries(fake, read_queries(folder, file)).measures["hit@1"].value == 1
    for n in range(3):
        plain(folder / f"more{n}.png", "red")
    found = evaluate_queries(fake, read_queries(folder, file))
    assert found.images == 6
    assert found.measures["mrr"].value == 1 / 4


def test_photos_lie_in_the_folder_or_in_its_images(captioned: Path, folder: Path) -> None:
    labels = read_queries(captioned, listed(folder, "red\tred.png"))
    assert labels.images[0] == captioned / "images/red.png"
    assert len(labels.images) == 3
    plain(captioned / "red.png", "red")
    labels = read_queries(captioned, listed(folder, "red\tred.png"))
    assert labels.images == [captioned / "red.png"]


def test_a_photo_is_ranked_once_whatever_it_is_called(folder: Path, fake: FakeEncoder) -> None:
    (folder / "a-link.png").symlink_to(folder / "red.png")
    lines = ("red\t../folder/red.png\tred.png\t./red.png", "red\ta-link.png")
    labels = read_queries(folder, listed(folder, *lines))
    assert (labels.texts, labels.right, len(labels.images)) == (["red"], [[0]], 3)
    assert evaluate_queries(fake, labels).measures["hit@1"].value == 1


def test_labels_lie_in_the_folder_too_and_may_come_from_windows(folder: Path) -> None:
    content = b"\xef\xbb\xbfred \tred.png\t\r\n\r\nblue\tblue.png\tred.png\r\n"
    (folder / "labels.tsv").write_bytes(content)
    labels = read_queries(folder, Path("labels.tsv"))
    assert (labels.texts, labels.right) == (["red", "blue"], [[0], [1, 0]])


def test_unreadable_photos_are_left_out_unless_they_are_named(
    pixfind: Callable[..., Result], folder: Path, fake: FakeEncoder
) -> None:
    (folder / "a-broken.png").write_bytes(b"no picture")
    result = pixfind("eval", folder, "--queries", listed(folder, "red\tred.png"), "--json")
    assert json.loads(result.stdout)["images"] == 3
    assert json.loads(result.stdout)["hit@1"] == 1
    assert result.stderr.startswith("left out: ")
    assert "a-broken.png" in result.stderr
    for option in ("--queries", "--classes"):
        file = listed(folder, "red\tred.png", "other\ta-broken.png")
        result = pixfind("eval", folder, option, file)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert "a-broken.png" in result.stderr
        assert "labels.tsv" in result.stderr


def test_the_rest_of_a_long_folder_may_be_unreadable(folder: Path, fake: FakeEncoder) -> None:
    for n in range(70):
        (folder / f"x{n}.png").write_bytes(b"no picture")
    left_out: list[PhotoError] = []
    labels = read_queries(folder, listed(folder, "blue\tblue.png"))
    found = evaluate_queries(fake, labels, left_out=left_out.append)
    assert (found.images, len(left_out)) == (3, 70)
    assert found.measures["hit@1"].value == 1


def test_classes_are_told_apart(folder: Path, fake: FakeEncoder) -> None:
    lines = (*(f"{colour}\t{colour}.png" for colour in COLOURS), "another", "and another")
    found = evaluate_classes(fake, read_classes(folder, listed(folder, *lines)))
    assert (found.images, found.texts) == (3, 5)
    assert found.measures == {"top@1": Estimate(1, 1, 1), "top@5": Estimate(1, 1, 1)}
    lines = ("red\tgreen.png", "green\tblue.png", "blue\tred.png")
    found = evaluate_classes(fake, read_classes(folder, listed(folder, *lines)))
    assert found.measures["top@1"].value == 0


def test_a_class_may_have_several_names() -> None:
    assert class_prompts("tabby, tabby cat") == ["tabby", "a photo of a tabby", "tabby, tabby cat"]
    assert class_prompts("dog {}") == ["dog {}", "a photo of a dog {}"]
    assert class_prompts(",") == [",", "a photo of a ,"]


def test_class_vectors_are_the_mean_of_their_prompts(encoder: FakeEncoder) -> None:
    names = ["red, scarlet", "blue", *(f"class {n}" for n in range(80))]
    found = embed_classes(encoder, names)
    assert (found.dtype, found.shape) == (np.float32, (82, encoder.spec.dim))
    for name, vector in zip(names, found, strict=True):
        mean = encoder.encode_texts(class_prompts(name)).mean(axis=0)
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_a_photo_of_several_classes_is_right_with_any(folder: Path, fake: FakeEncoder) -> None:
    lines = ("red\tred.png", "primary\tred.png\tblue.png", "blue", "green\tgreen.png")
    labels = read_classes(folder, listed(folder, *lines))
    found = evaluate_classes(fake, labels)
    assert (found.images, found.texts) == (3, 4)
    # The blue one, which is listed as primary alone, is taken for blue.
    assert found.measures["top@1"].value == pytest.approx(2 / 3)
    labels = read_classes(folder, listed(folder, *lines[:2], "blue\tblue.png", lines[3]))
    assert evaluate_classes(fake, labels).measures["top@1"].value == 1


def test_classes_of_the_same_name_are_one(folder: Path, fake: FakeEncoder) -> None:
    labels = read_classes(folder, listed(folder, "red\tred.png", "red", "blue\tblue.png"))
    assert labels.texts == ["red", "blue"]
    assert evaluate_classes(fake, labels).measures["top@1"].value == 1


def test_command_prints_queries_and_classes(
    pixfind: Callable[..., Result], folder: Path, fake: FakeEncoder
) -> None:
    file = listed(folder, "red\tred.png", "blue\tblue.png", "zzz\tgreen.png")
    for option, kind, measures in (
        ("--queries", "queries", {"hit@1", "hit@5", "mrr"}),
        ("--classes", "classes", {"top@1", "top@5"}),
    ):
        result = pixfind("eval", folder, option, file, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        found = json.loads(result.stdout)
        assert set(found) == {"dir", "model", "fingerprint", "images", kind, "intervals", *measures}
        assert (found["model"], found["images"], found[kind]) == ("fake", 3, 3)
        assert set(found["intervals"]) == measures
        for measure, (low, high) in found["intervals"].items():
            assert 0 <= low <= found[measure] <= high <= 1
        head, *table = pixfind("eval", folder, option, file).stdout.splitlines()
        assert f"3 photos, 3 {kind}, " in head
        assert [line.split()[0] for line in table[1:]] == list(found["intervals"])
        assert len({len(line) for line in table}) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--queries", "x.tsv", "--classes", "y.tsv"),
        ("--queries", "x.tsv", "--split", "test.txt"),
        ("--queries", "x.tsv", "--column", "2"),
        ("--classes", "x.tsv", "--split", "test.txt"),
        ("--classes", "x.tsv", "--column", "3"),
    ],
)
def test_options_that_exclude_each_other(
    pixfind: Callable[..., Result], folder: Path, options: tuple[str, ...]
) -> None:
    result = pixfind("eval", folder, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert options[0] in result.stderr
    assert options[2] in result.stderr


@pytest.mark.parametrize(
    ("option", "lines", "reason"),
    [
        ("--queries", ["red\tgone.png"], "gone.png"),
        ("--classes", ["red\tred.png", "blue\tgone.png"], "gone.png"),
        ("--queries", ["red\tred.png", "blue"], "no photo for 'blue'"),
        ("--queries", [""], "names no photo"),
        ("--classes", ["red", "blue"], "names no photo"),
        ("--classes", ["red\tred.png"], "one class"),
        ("--queries", ["\tred.png"], "begins with a TAB"),
        ("--queries", ["red\t."], "names ."),
    ],
)
def test_labels_that_cannot_be_used_are_named(
    pixfind: Callable[..., Result], folder: Path, option: str, lines: list[str], reason: str
) -> None:
    result = pixfind("eval", folder, option, listed(folder, *lines))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("Error: ")
    assert "labels.tsv" in result.stderr
    assert reason in result.stderr
    assert "TABs between" in result.stderr


def test_labels_or_folders_that_are_not_there(
    pixfind: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    file = listed(folder, f"red\t{folder / 'red.png'}")
    for command in (("eval", folder, "--queries", "no.tsv"),
                    ("eval", folder, "--classes", "no.tsv"),
                    ("eval", tmp_path / "nowhere", "--queries", file)):  # fmt: skip
        result = pixfind(*command)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert "cannot be read (No such file or directory)" in result.stderr


def test_what_is_shown_is_counted_in_pairs() -> None:
    matches = np.array([[True, False, True], [False, False, False]])
    got = shown(np.array([[True, True, False], [True, False, False]]), matches)
    assert (got.pairs, got.right, got.matches) == (3, 1, 2)
    assert (got.precision, got.recall, got.f1) == (1 / 3, 1 / 2, 0.4)
    nothing = shown(np.zeros(3, bool), np.zeros(3, bool))
    assert (nothing.precision, nothing.recall, nothing.f1) == (1, 1, 0)


def test_best_cutoff_is_the_best_of_all() -> None:
    numbers = np.random.default_rng(7)
    for _ in range(50):
        matches = numbers.random((4, 6)) < 0.4
        scores = np.round(numbers.random((4, 6)) + 0.3 * matches, 1)  # with ties
        f1 = [shown(scores >= at, matches).f1 for at in np.unique(scores)]
        assert shown(scores >= best_cutoff(scores, matches), matches).f1 == max(f1)
