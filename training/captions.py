"""The captioned photos that pocket learns from, and the ones that it never sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Every tenth everyday photo is kept apart, to see what holds on photos unlike Flickr8k's.
EVERYDAY_HELD_OUT = 10


@dataclass(frozen=True)
class Photo:
    """A photo with its sentences and, in the everyday set, one short query."""

    path: Path
    sentences: tuple[str, ...]
    query: str | None = None


@dataclass(frozen=True)
class Splits:
    """What to train on, what to choose by, and what only to report on."""

    train: list[Photo]
    dev: list[Photo]
    test: list[Photo]
    everyday: list[Photo]


def read_flickr8k(folder: Path) -> dict[str, Photo]:
    """Read ``captions.tsv``: file name, TAB, caption; five lines a photo."""
    sentences: dict[str, list[str]] = {}
    for name, caption in _rows(folder / "captions.tsv"):
        sentences.setdefault(name, []).append(caption.removesuffix(" ."))
    return {
        name: Photo(folder / "images" / name, tuple(captions))
        for name, captions in sentences.items()
    }


def read_everyday(folder: Path) -> list[Photo]:
    """Read ``captions.tsv``: file name, TAB, one sentence, TAB, a short query."""
    return [
        Photo(folder / "images" / name, (sentence,), query)
        for name, sentence, query in _rows(folder / "captions.tsv")
    ]


def read_splits(data: Path) -> Splits:
    """Read both sets from ``data`` (folders ``flickr8k`` and ``everyday``)."""
    flickr = read_flickr8k(data / "flickr8k")

    def split(name: str) -> list[Photo]:
        names = (data / "flickr8k" / f"split_{name}.txt").read_text("utf-8").split()
        return [flickr[name] for name in names]

    everyday = read_everyday(data / "everyday")
    kept_apart = everyday[::EVERYDAY_HELD_OUT]
    learned = [p for i, p in enumerate(everyday) if i % EVERYDAY_HELD_OUT]
    return Splits(split("train") + learned, split("dev"), split("test"), kept_apart)


def _rows(path: Path) -> Iterable[list[str]]:
    for line in path.read_text("utf-8").splitlines():
        yield line.split("\t")
