"""Indexing with a model that embeds in many threads at once, beside the decoding."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer import Indexer
from indexer.encoding import Encoding
from indexer.progress import CancelledError, Control, Phase, Standing
from pixfind.catalog import assets
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.fake import FakeEncoder
from pixfind.library import Library
from search import SearchEngine


class ThreadedEncoder(FakeEncoder):
    """Lets everybody in at once, and remembers the largest call and whose calls there were."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []
        self.threads: set[str] = set()

    def for_threads(self) -> Encoder:
        return self

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        self.calls.append(len(images))
        self.threads.add(threading.current_thread().name)
        return super().encode_images(images)


class BrokenEncoder(ThreadedEncoder):
    """Raises what it is told to when so many calls have gone well."""

    def __init__(self, error: BaseException, calls: int) -> None:
        super().__init__()
        self._error, self._left = error, calls

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return super().encode_images(images)


class Ends(Control):
    """Ends the run when so many files are in the catalog."""

    def __init__(self, done: int) -> None:
        self._done, self._standing = done, Standing()

    def checkpoint(self) -> None:
        if self._standing.phase is Phase.WORKING and self._standing.done >= self._done:
            raise CancelledError

    def stands(self, standing: Standing) -> None:
        self._standing = standing


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A hundred pictures, each like no other, and a second copy of one of them."""
    folder = tmp_path / "many"
    folder.mkdir()
    numbers = np.random.default_rng(0)
    for number in range(100):
        pixels = numbers.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    (folder / "copy.png").write_bytes((folder / "099.png").read_bytes())
    return folder


def _vectors(library: Library, encoder: Encoder) -> dict[str, bytes]:
    """Return the vectors of a library by the names of the pictures."""
    engine = SearchEngine(library, encoder)
    found = engine.search("red", limit=1000, everything=True).results
    model = library.model()
    assert model is not None
    with library.catalog.read() as session:
        vectors = {
            result.photo.path.name: assets.vector_of(session, result.photo.id, model.id)
            for result in found
        }
    return {name: vector.tobytes() for name, vector in vectors.items() if vector is not None}


@pytest.mark.parametrize("workers", [1, 2, 16])
@pytest.mark.parametrize("regions", [False, True])
def test_every_photo_gets_its_own_vector(
    library: Library, many: Path, tmp_path: Path, workers: int, regions: bool
) -> None:
    alone, threaded = FakeEncoder(), ThreadedEncoder()
    with Library.create(tmp_path / "other") as other:
        Indexer(other, alone, regions=regions).run([many])
        summary = Indexer(library, threaded, workers=workers, regions=regions).run([many])
        expected = _vectors(other, alone)
    assert (summary.embedded, summary.known, summary.photos) == (100, 1, 100)
    assert len(expected) == 100
    assert _vectors(library, threaded) == expected
    assert max(threaded.calls) <= 8
    assert all(name.startswith("encode") for name in threaded.threads)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CancelledError()])
def test_what_was_committed_stays_when_the_run_is_interrupted(
    library: Library, many: Path, error: BaseException
) -> None:
    summary = Indexer(library, BrokenEncoder(error, calls=6), workers=2).run([many])
    assert summary.interrupted
    assert summary.photos == summary.embedded == 32  # of the second batch two calls went well
    assert Indexer(library, FakeEncoder()).run([many]).embedded == 68


def test_error_of_the_model_ends_the_run(library: Library, many: Path) -> None:
    broken = BrokenEncoder(MemoryError("no memory for the model"), calls=0)
    with pytest.raises(MemoryError, match="no memory for the model"):
        Indexer(library, broken).run([many])
    assert Indexer(library, FakeEncoder()).run([many]).embedded == 100


def test_control_ends_the_run_between_two_batches(library: Library, many: Path) -> None:
    encoder = ThreadedEncoder()
    summary = Indexer(library, encoder, control=Ends(32)).run([many])
    assert summary.interrupted
    assert summary.photos == 32
    assert not [t for t in threading.enumerate() if t.name.startswith("encode")]


def test_nothing_to_encode_gives_no_vectors() -> None:
    for encoder in (FakeEncoder(), ThreadedEncoder()):
        encoding = Encoding(encoder, 2, Control())
        assert encoding.start([[], []])().shape == (0, encoder.spec.dim)
        encoding.end()


def test_bundled_model_sees_the_same_in_one_thread(pocket: Encoder) -> None:
    numbers = np.random.default_rng(1)
    pictures = [Image.fromarray(numbers.integers(0, 256, (260, 260, 3), np.uint8)) for _ in "123"]
    alone = pocket.for_threads()
    assert alone is not None
    assert alone is pocket.for_threads()  # its weights are read once
    assert alone.spec == pocket.spec
    assert np.abs(alone.encode_images(pictures) - pocket.encode_images(pictures)).max() < 1e-5
