"""Are small things found by their regions, and does everything else stay found?

``python -m benchmarks regions [SPLIT] [PHOTOS]`` composes photos with an object on less than a
tenth of each (``small_objects.py``; SPLIT is ``test`` or ``dev``), asks for every object among them
and 300 other photos, without regions and with them, and prints recall, how often the box that is
pointed at holds the middle of the object, and what it costs. Then it asks the queries of
``training/library_queries.tsv`` and ``cutoff`` of the photos in ``../shared/photos/library``, and
captions of so many dev photos of Flickr8k (500), which no regions should change for the worse.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.cutoff import PHOTOS, QUERIES, described, read_queries
from benchmarks.small_objects import FLICKR8K, SmallObject, small_objects, write
from indexer import Indexer
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.parts import Box
from search import Result, SearchEngine
from search.query import Phrase, Query
from training.captions import read_flickr8k

OTHERS = 300
TOP = 10
LABELLED = QUERIES[1:]

Measure = Callable[[SearchEngine], str]


def run(split: str = "test", photos: str = "500") -> None:
    """Measure and print."""
    encoder = ModelStore(Path()).load("pocket")
    with tempfile.TemporaryDirectory() as scratch:
        objects = small_objects(split)
        write(split, Path(scratch), OTHERS)
        print(f"{len(objects)} small objects among {len(list(Path(scratch).iterdir()))} photos")
        _compare(encoder, Path(scratch), partial(_small, objects))
    print(f"\nqueries of {PHOTOS}: the first photo is right, one of the first five is; the default")
    _compare(encoder, PHOTOS, _library)
    with tempfile.TemporaryDirectory() as scratch:
        captions = _captioned(Path(scratch), int(photos))
        print(f"\na caption each of {len(captions)} dev photos")
        _compare(encoder, Path(scratch), partial(_captions, captions))


def _compare(encoder: Encoder, folder: Path, measure: Measure) -> None:
    """Index a folder without regions and with them, and print what that changes."""
    with tempfile.TemporaryDirectory() as scratch, Library.create(Path(scratch)) as library:
        for regions in (False, True):
            summary = Indexer(library, encoder, regions=regions).run([folder])
            measured = measure(SearchEngine(library, encoder))
            cost = 1e3 * summary.seconds / summary.embedded
            size = _size(library.folder) / summary.photos / 1024
            name = "with regions" if regions else "without"
            print(f"{name:12}  {measured}; a photo {cost:.1f} ms, {size:.1f} KiB", flush=True)


def _small(objects: Iterable[SmallObject], engine: SearchEngine) -> str:
    ranks, pointed = [], []
    for item in objects:
        results = _first(engine, item.query)
        ranks.append(_rank(results, {item.file}))
        if ranks[-1] < TOP:
            part = results[ranks[-1]].part
            pointed.append(part is not None and part.box is not None and _holds(part.box, item))
    right = f"boxes right {np.mean(pointed):.3f}" if pointed else ""
    return f"{_recalls(ranks, (1, TOP))}, {right}"


def _library(engine: SearchEngine) -> str:
    queries = read_queries(LABELLED)
    hits = _recalls(
        [_rank(_first(engine, query), right) for query, right in queries.items()], (1, 5)
    )
    asked = read_queries(QUERIES)
    names = sorted(file.name for file in PHOTOS.iterdir())
    matches = np.array([[name in right for name in names] for right in asked.values()])
    answers = [
        {result.photo.path.name for result in engine.search(_words(query), len(names)).results}
        for query in asked
    ]
    chosen = np.array([[name in answer for name in names] for answer in answers])
    return f"{hits}; {described(chosen, matches)}"


def _captions(captions: dict[str, str], engine: SearchEngine) -> str:
    ranks = [_rank(_first(engine, caption), {name}) for name, caption in captions.items()]
    return _recalls(ranks, (1, TOP))


def _captioned(folder: Path, count: int) -> dict[str, str]:
    """Copy dev photos into a folder; return a caption of each by its file's name."""
    known = read_flickr8k(FLICKR8K)
    names = (FLICKR8K / "split_dev.txt").read_text("utf-8").split()[:count]
    for name in names:
        shutil.copy(known[name].path, folder)
    return {name: known[name].sentences[0] for name in names}


def _first(engine: SearchEngine, text: str) -> tuple[Result, ...]:
    return engine.search(_words(text), TOP, everything=True).results


def _words(text: str) -> Query:
    return Query((Phrase(text),))


def _rank(results: Iterable[Result], right: set[str]) -> int:
    """Return how many photos stand before the first right one."""
    names = [result.photo.path.name for result in results]
    return next((rank for rank, name in enumerate(names) if name in right), TOP)


def _recalls(ranks: list[int], depths: Iterable[int]) -> str:
    return ", ".join(f"@{k} {np.mean([rank < k for rank in ranks]):.3f}" for k in depths)


def _holds(box: Box, item: SmallObject) -> bool:
    """Whether the middle of the object lies in the box."""
    x, y = item.middle
    return box.left <= x <= box.left + box.width and box.top <= y <= box.top + box.height


def _size(folder: Path) -> int:
    """Return the bytes of the catalog and of the indexes."""
    files = [*folder.glob("catalog.db*"), *(folder / "vectors").rglob("*.faiss")]
    return sum(file.stat().st_size for file in files)
