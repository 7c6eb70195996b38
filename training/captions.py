"""The captioned photos that pocket learns from, and the ones that it never sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pixfind.encoders.cleaning import CLEANERS

# What the encoder does to every text; without it a full stop at the end of a caption, which
# training had not seen, cost 1.6 points of recall@10.
TEXT_CLEANING = "sentence"
# Every tenth everyday photo is to choose by and every tenth is kept apart, to see what holds on
# photos unlike Flickr8k's.
EVERYDAY_DEV = Path(__file__).parent / "everyday_dev.txt"
EVERYDAY_TEST = Path(__file__).parent / "everyday_test.txt"


@dataclass(frozen=True)
class Photo:
    """A photo with its sentences and, in the everyday set, one short query."""

    path: Path
    sentences: tuple[str, ...]
    query: str | None = None

    @property
    def texts(self) -> list[str]:
        """All that is said of it."""
        return [*self.sentences, *([self.query] if self.query else [])]


@dataclass(frozen=True)
class Splits:
    """What to train on and what to choose by; the test splits are for ``pixfind eval`` alone."""

    train: list[Photo]
    flickr_dev: list[Photo]
    everyday_dev: list[Photo]


def read_flickr8k(folder: Path) -> dict[str, Photo]:
    """Read ``captions.tsv``: file name, TAB, caption; five lines a photo."""
    sentences: dict[str, list[str]] = {}
    for name, caption in _rows(folder / "captions.tsv"):
        sentences.setdefault(name, []).append(CLEANERS[TEXT_CLEANING](caption))
    return {
        name: Photo(folder / "images" / name, tuple(captions))
        for name, captions in sentences.items()
    }


def read_everyday(folder: Path) -> dict[str, Photo]:
    """Read ``captions.tsv``: file name, TAB, one sentence, TAB, a short query."""
    # The sentences keep their full stop: the shipped weights have learned from them so.
    return {
        name: Photo(folder / "images" / name, (sentence,), query)
        for name, sentence, query in _rows(folder / "captions.tsv")
    }


def read_splits(data: Path) -> Splits:
    """Read both sets from ``data`` (folders ``flickr8k`` and ``everyday``)."""
    flickr, everyday = read_flickr8k(data / "flickr8k"), read_everyday(data / "everyday")

    def split(name: str) -> list[Photo]:
        return [flickr[photo] for photo in _names(data / "flickr8k" / f"split_{name}.txt")]

    dev, test = _names(EVERYDAY_DEV), _names(EVERYDAY_TEST)
    apart = {*dev, *test}
    learned = [photo for name, photo in everyday.items() if name not in apart]
    return Splits(split("train") + learned, split("dev"), [everyday[name] for name in dev])


def _names(path: Path) -> list[str]:
    return path.read_text("utf-8").split()


def _rows(path: Path) -> Iterable[list[str]]:
    for line in path.read_text("utf-8").splitlines():
        yield line.split("\t")
