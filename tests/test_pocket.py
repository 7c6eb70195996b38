"""What the bundled model can do, with the files that ship, on real photos."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from conftest import SHARED
from PIL import Image

from indexer import Indexer
from pixfind.encoders.base import Encoder
from pixfind.library import Library
from pixfind.photos.decode import decode_file
from search import SearchEngine

SCENES = ("Landscape", "Portrait")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, pocket: Encoder) -> Iterator[SearchEngine]:
    """The shared library of real photos, indexed with the bundled model."""
    photos = SHARED / "photos" / "library"
    if not photos.is_dir():
        pytest.skip("the shared photos are not on this machine")
    with Library.create(tmp_path_factory.mktemp("real")) as library:
        summary = Indexer(library, pocket).run([photos])
        assert (summary.embedded, summary.failed) == (len(list(photos.iterdir())), 0)
        yield SearchEngine(library, pocket)


@pytest.mark.parametrize(
    ("query", "expected", "within"),
    [
        ("a red telephone box", "drewnoakes__Nikon_D40.jpg", 1),
        ("a frog", "nextcloud__Frog.jpg", 1),
        ("handwritten notes in a notebook", "immich__albums__text__handwritten-notes.jpg", 1),
        ("a bird on a branch", "nextcloud__Birdie.jpg", 3),
        ("bananas and apples", "drewnoakes__FujiFilm_FinePix1400Zoom__2_.jpg", 3),
    ],
)
def test_finds_what_is_described(
    real: SearchEngine, query: str, expected: str, within: int
) -> None:
    results = real.search(query).results
    assert expected in [result.photo.path.name for result in results[:within]]
    assert [r.score for r in results] == sorted((r.score for r in results), reverse=True)


@pytest.mark.parametrize("scene", SCENES)
def test_orientations_of_a_scene_embed_alike(pocket: Encoder, shared: Path, scene: str) -> None:
    files = sorted((shared / "orientation").glob(f"{scene}_*.jpg"))
    assert len(files) == 9
    upright = pocket.encode_images([decode_file(file, 260).image for file in files])
    assert (upright @ upright.T).min() >= 0.90
    as_stored = pocket.encode_images([Image.open(file).convert("RGB") for file in files])
    assert (as_stored @ as_stored.T).min() < 0.80


def test_recall_on_flickr8k(pixfind: Callable[..., Result]) -> None:
    """The bar for this version, on photos and captions that training never saw."""
    folder = SHARED / "training" / "flickr8k"
    if not folder.is_dir():
        pytest.skip("the captioned photos are not on this machine")
    result = pixfind("eval", folder, "--split", "split_test.txt", "--json")
    measured = json.loads(result.stdout)
    assert (measured["images"], measured["captions"]) == (1000, 5000)
    assert measured["recall@10"] >= 0.67


def test_a_text_alone_or_in_a_batch_embeds_the_same(pocket: Encoder) -> None:
    texts = ["a dog", "two children playing football in a park", "红色的电话亭", "🐕", ""]
    together = pocket.encode_texts(texts)
    alone = np.concatenate([pocket.encode_texts([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
