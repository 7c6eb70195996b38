"""What the bundled model can do, with the files that ship, on real photos."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from click.testing import Result
from conftest import SHARED
from PIL import Image

from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore, bundled_models
from pixfind.photos.decode import decode_file
from search import SearchEngine

ROOT = Path(__file__).resolve().parents[1]
# How alike the files of a scene look at least: they differ by more than their turn, the portraits
# so much that a model that tells photos apart better tells these apart too.
SCENES = {"Landscape": 0.95, "Portrait": 0.88}


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


def test_what_is_there_passes_the_cutoff(real: SearchEngine) -> None:
    found = [result.photo.path.name for result in real.search("a red telephone box").results]
    assert found == ["drewnoakes__Nikon_D40.jpg"]


@pytest.mark.parametrize(
    "query", ["a herd of elephants", "an astronaut on the moon", "a camel in the desert"]
)
def test_nothing_matches_what_is_not_there(real: SearchEngine, query: str) -> None:
    assert not real.search(query).results


def test_what_its_scores_are_worth(pocket: Encoder) -> None:
    """The shipped calibration: its cutoff, its links, and what they let a library expect."""
    known = pocket.calibration
    assert known is not None
    assert 0.1 < known.cutoff < 0.9
    query = pocket.encode_texts(["a red telephone box"])[0]
    for pictures, link in ((0.0, known.text), (1.0, known.image)):
        assert link.per_log_size < 0, "the larger the library, the more scores high by chance"
        assert link.per_highest < 0
        priors = [known.prior_in(query, 0.2, size, pictures) for size in (10, 100, 1000, 10_000)]
        assert priors == sorted(priors, reverse=True)
        at = [known.score_at(query, known.cutoff, prior, pictures) for prior in priors]
        assert at == sorted(at)
        assert 0 < at[1] < 1
    text, image = (known.score_at(query, known.cutoff, 0.01, p) for p in (0.0, 1.0))
    assert text < image, "pictures are more alike than a picture and a text"


@pytest.mark.parametrize("scene", SCENES)
def test_orientations_of_a_scene_embed_alike(pocket: Encoder, shared: Path, scene: str) -> None:
    files = sorted((shared / "orientation").glob(f"{scene}_*.jpg"))
    assert len(files) == 9
    upright = pocket.encode_images([decode_file(file, 260).image for file in files])
    assert (upright @ upright.T).min() >= SCENES[scene]
    as_stored = pocket.encode_images([Image.open(file).convert("RGB") for file in files])
    assert (as_stored @ as_stored.T).min() < 0.80


def test_recall_on_flickr8k(pixfind: Callable[..., Result]) -> None:
    """The bars for this version, on photos and captions that training never saw."""
    folder = SHARED / "training" / "flickr8k"
    if not folder.is_dir():
        pytest.skip("the captioned photos are not on this machine")
    result = pixfind("eval", folder, "--split", "split_test.txt", "--json")
    measured = json.loads(result.stdout)
    assert (measured["images"], measured["captions"]) == (1000, 5000)
    assert measured["recall@1"] >= 0.28
    assert measured["recall@5"] >= 0.60
    assert measured["recall@10"] >= 0.73
    assert measured["ece@10"] <= 0.06


def test_queries_over_a_small_library(pixfind: Callable[..., Result], shared: Path) -> None:
    """Better than version 1: 0.656, 0.896 and 0.752."""
    queries = ROOT / "training" / "library_queries.tsv"
    result = pixfind("eval", shared / "library", "--queries", queries, "--json")
    measured = json.loads(result.stdout)
    assert (measured["images"], measured["queries"]) == (124, 125)
    assert measured["hit@1"] > 0.656
    assert measured["hit@5"] > 0.896
    assert measured["mrr"] > 0.752


def test_names_of_imagenet_are_known(pixfind: Callable[..., Result]) -> None:
    if not (SHARED / "training" / "everyday").is_dir():
        pytest.skip("the labelled photos are not on this machine")
    names = ROOT / "training" / "imagenet_names.tsv"
    result = pixfind("eval", SHARED, "--classes", names, "--json")
    assert json.loads(result.stdout)["top@5"] >= 0.80


def test_it_stays_small(pocket: Encoder) -> None:
    store = ModelStore(Path("nowhere"))
    assert store.size(pocket.spec.name) <= 60e6


def test_no_cpu_overflows_in_its_sums() -> None:
    """Two bytes times two neighbouring weights must fit 16 bits, where a CPU adds them so."""
    graph = onnx.load(bundled_models() / "pocket" / "image.onnx").graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    sources = {node.output[0]: node.input[0] for node in graph.node
               if node.op_type == "DequantizeLinear"}  # fmt: skip
    read = [sources.get(node.input[1]) for node in graph.node if node.op_type in ("Conv", "Gemm")]
    weights = [onnx.numpy_helper.to_array(stored[name]) for name in read if name in stored]
    sums = [_largest_sum(each) for each in weights if each.shape[1] > 1]
    assert len(sums) > 40
    assert max(sums) * 255 <= 32767


def _largest_sum(weights: npt.NDArray[np.int8]) -> int:
    pairs = weights.astype(np.int32).reshape(len(weights), -1)
    pairs = pairs[:, : pairs.shape[1] // 2 * 2].reshape(len(weights), -1, 2)
    return int(max(np.maximum(sign * pairs, 0).sum(axis=2).max() for sign in (1, -1)))


def test_a_full_stop_and_white_space_say_nothing(pocket: Encoder) -> None:
    vectors = pocket.encode_texts(
        ["two dogs on a beach", "two dogs on a beach .", " two dogs  on a beach. "]
    )
    assert np.allclose(vectors, vectors[0], atol=1e-5)


def test_a_text_alone_or_in_a_batch_embeds_the_same(pocket: Encoder) -> None:
    texts = ["a dog", "two children playing football in a park", "红色的电话亭", "🐕", ""]
    together = pocket.encode_texts(texts)
    alone = np.concatenate([pocket.encode_texts([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
