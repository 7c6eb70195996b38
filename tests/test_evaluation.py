"""Evaluation: reading captioned sets, and recall that nothing can flatter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from pixfind.encoders.base import Vectors
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import EvaluationError, PhotoDecodeError, PhotoReadError
from pixfind.evaluation import Captions, evaluate_retrieval, read_captions

COLOURS = tuple(FakeEncoder.COLOURS)


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


def test_right_captions_find_their_photos(captioned: Path, encoder: FakeEncoder) -> None:
    seen: list[tuple[int, int]] = []
    measured = evaluate_retrieval(
        encoder, read_captions(captioned), lambda done, total: seen.append((done, total))
    )
    assert (measured.images, measured.captions, measured.median_rank) == (3, 3, 1)
    assert measured.recall == {1: 1, 5: 1, 10: 1}
    assert seen[-1] == (3, 3)


def test_wrong_captions_do_not(captioned: Path, encoder: FakeEncoder) -> None:
    write(captioned, "red.png\tblue", "blue.png\tgreen", "green.png\tred")
    measured = evaluate_retrieval(encoder, read_captions(captioned))
    assert measured.recall[1] == 0
    assert measured.median_rank > 1


class Drawn(FakeEncoder):
    """Gives the pictures and the texts the vectors that a test has drawn for them."""

    def __init__(self, images: Vectors, texts: Vectors) -> None:
        super().__init__()
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
    assert measured.median_rank == np.median(ranks)
    assert measured.recall == {k: pytest.approx((ranks <= k).mean()) for k in (1, 5, 10)}


def test_ties_never_help(tmp_path: Path) -> None:
    images = np.ones((10, 4), np.float32)
    texts = np.ones((4, 4), np.float32)
    captions = drawn(tmp_path, images, texts, [0, 3, 5, 9])
    measured = evaluate_retrieval(Drawn(images, texts), captions)
    assert measured.recall == {1: 0, 5: 0, 10: 1}
    assert measured.median_rank == 10


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
    assert measured.recall == {1: 0, 5: 0, 10: 0}


def test_command_prints_text_and_json(pixfind: Callable[..., Result], captioned: Path) -> None:
    result = pixfind("eval", captioned, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    measured = json.loads(result.stdout)
    assert set(measured) == {
        "dir", "model", "fingerprint", "images", "captions", "recall@1", "recall@5", "recall@10",
        "median_rank",
    }  # fmt: skip
    assert (measured["model"], measured["images"], measured["captions"]) == ("pocket", 3, 3)
    assert (measured["recall@5"], measured["recall@10"]) == (1, 1)
    text = pixfind("eval", captioned, "--column", "3").stdout
    assert "3 photos, 3 captions, text to image" in text
    assert "recall@10  1.0000" in text


def test_command_takes_a_split(pixfind: Callable[..., Result], captioned: Path) -> None:
    (captioned / "test.txt").write_text("red.png\n", "utf-8")
    result = pixfind("eval", captioned, "--split", "test.txt", "--json")
    assert json.loads(result.stdout)["images"] == 1


def test_command_names_what_is_missing(
    pixfind: Callable[..., Result], captioned: Path, tmp_path: Path
) -> None:
    (captioned / "images/red.png").unlink()
    for command in (("eval", tmp_path), ("eval", captioned), ("eval", captioned, "--column", "9")):
        result = pixfind(*command)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert result.stderr.startswith("Error: ")
