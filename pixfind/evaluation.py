"""Text-to-image retrieval on captioned photos: recall@k and the median rank."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import EvaluationError
from pixfind.machine import cores
from pixfind.photos.decode import decode_file

KS = (1, 5, 10)
BATCH = 32
TEXT_BATCH = 64


@dataclass(frozen=True)
class Captions:
    """Photos, and texts with the position of the photo that each belongs to."""

    images: list[Path]
    texts: list[str]
    owners: list[int]


@dataclass(frozen=True)
class Retrieval:
    """How well captions find their photos among all of a set's."""

    images: int
    captions: int
    recall: dict[int, float]
    median_rank: float


def read_captions(folder: Path, split: Path | None = None, column: int = 1) -> Captions:
    """Read ``folder/captions.tsv``: file name, TAB, caption, perhaps further columns.

    Args:
        folder: it also holds ``images/``.
        split: a file that names the photos to use, one a line; looked for in ``folder`` too.
        column: which column the caption stands in, counted from 0.

    Raises:
        EvaluationError: a file is missing, or no caption is left.
    """
    chosen = None if split is None else set(_lines(_split_file(folder, split)))
    captions = Captions([], [], [])
    positions: dict[str, int] = {}
    for line in _lines(folder / "captions.tsv"):
        cells = line.split("\t")
        if len(cells) <= column or not cells[column].strip():
            raise EvaluationError(
                f"{folder / 'captions.tsv'} has a line without column {column + 1}: {line[:60]!r}"
            )
        if chosen is not None and cells[0] not in chosen:
            continue
        if cells[0] not in positions:
            positions[cells[0]] = len(captions.images)
            captions.images.append(folder / "images" / cells[0])
        captions.texts.append(cells[column])
        captions.owners.append(positions[cells[0]])
    if not captions.texts:
        raise EvaluationError(f"{folder / 'captions.tsv'} names none of the chosen photos")
    return captions


def evaluate_retrieval(
    encoder: Encoder,
    captions: Captions,
    working: Callable[[int, int], None] = lambda done, total: None,
) -> Retrieval:
    """Embed all photos and captions and rank every photo for every caption.

    A photo of equal score counts as ranked before the right one, so ties never help.

    Raises:
        PhotoError: a photo of the set cannot be read.
    """
    images = _image_vectors(encoder, captions.images, working)
    ranks = np.concatenate(list(_ranks(encoder, captions, images)))
    return Retrieval(
        images=len(images),
        captions=len(ranks),
        recall={k: float((ranks <= k).mean()) for k in KS},
        median_rank=float(np.median(ranks)),
    )


def _ranks(
    encoder: Encoder, captions: Captions, images: Vectors
) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(captions.texts), TEXT_BATCH):
        part = slice(start, start + TEXT_BATCH)
        scores = encoder.encode_texts(captions.texts[part]) @ images.T
        own = scores[np.arange(len(scores)), captions.owners[part]]
        # "Not less" rather than "at least": a score that is no number must not count as beaten.
        yield (~(scores < own[:, np.newaxis])).sum(axis=1)


def _image_vectors(
    encoder: Encoder, files: list[Path], working: Callable[[int, int], None]
) -> Vectors:
    parts = []
    batch: list[Image.Image] = []
    for done, image in enumerate(_decoded(encoder, files), start=1):
        batch.append(image)
        if len(batch) == BATCH or done == len(files):
            parts.append(encoder.encode_images(batch))
            batch = []
            working(done, len(files))
    return np.concatenate(parts)


def _decoded(encoder: Encoder, files: list[Path]) -> Iterator[Image.Image]:
    def load(file: Path) -> Image.Image:
        return encoder.prepare(decode_file(file, encoder.spec.image_size).image)

    pending: deque[Future[Image.Image]] = deque()
    with ThreadPoolExecutor(cores()) as pool:
        for file in files:
            pending.append(pool.submit(load, file))
            if len(pending) > 2 * BATCH:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _split_file(folder: Path, split: Path) -> Path:
    return split if split.is_file() else folder / split


def _lines(file: Path) -> list[str]:
    try:
        # Not ``splitlines``, which also splits at characters that captions may hold.
        return [line for line in file.read_text("utf-8-sig").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise EvaluationError(
            f"{file} cannot be read ({reason}); a set is a folder with images/ and captions.tsv"
        ) from error
