"""The three evaluations: embed, score, rank, measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pixfind.calibration import Calibration
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import EvaluationError, PhotoError
from pixfind.evaluation.embedding import Working, embed_classes, embed_photos, embed_texts
from pixfind.evaluation.measures import (
    Estimate,
    Measure,
    Ranks,
    calibration_error,
    estimate,
    first_right_ranks,
    mean_reciprocal_rank,
    median_rank,
    share_within,
)
from pixfind.evaluation.sets import Captions, Labels

KS = (1, 5, 10)
# What a person looks at; among all pairs nearly every probability is nought, and right.
SHOWN = 10
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Evaluation:
    """What was measured, by name, with how many photos and texts."""

    images: int
    texts: int
    measures: dict[str, Estimate]


def evaluate_retrieval(
    encoder: Encoder, captions: Captions, working: Working = lambda done, total: None
) -> Evaluation:
    """Rank every photo for every caption: recall@1, @5, @10 and median_rank.

    Of a calibrated model also ece@10, the expected calibration error of the ten best photos of
    each caption (of all, where there are fewer), when one photo of the set is expected; a single
    photo leaves nothing to expect, and the measure out.

    The captions of a photo depend on each other, so the intervals' resamples are of photos.

    Raises:
        PhotoError: a photo of the set cannot be read.
        ModelDamagedError: the model's calibration cannot be read.
    """
    calibration = encoder.calibration  # first, as all else takes long
    images = embed_photos(encoder, captions.images, working)
    texts = embed_texts(encoder, captions.texts)
    ranks = _ranks(texts, images, [[owner] for owner in captions.owners])
    measures = {f"recall@{k}": share_within(k) for k in KS} | {"median_rank": median_rank}
    owners = np.array(captions.owners, np.int64)
    if calibration is not None and len(images) > 1:
        measures[f"ece@{SHOWN}"] = _calibration_error(calibration, texts, images, owners)
    return Evaluation(len(images), len(texts), estimate(ranks, measures, owners))


def evaluate_queries(
    encoder: Encoder,
    queries: Labels,
    working: Working = lambda done, total: None,
    left_out: Callable[[PhotoError], None] = lambda error: None,
) -> Evaluation:
    """Rank every photo for every query: hit@1, hit@5 and mrr, of the first right photo.

    Args:
        encoder: the model.
        queries: see ``read_queries``.
        working: called with how many photos are done and how many there are.
        left_out: called for a photo that no query names and that cannot be read.

    Raises:
        EvaluationError: a photo that a query names cannot be read.
    """

    def unreadable(position: int, error: PhotoError) -> None:
        if position < queries.named:
            raise _unusable(queries, error) from error
        left_out(error)

    # Named photos come first and none of them is left out, so their positions stay.
    images = embed_photos(encoder, queries.images, working, unreadable)
    ranks = _ranks(embed_texts(encoder, queries.texts), images, queries.right)
    measures = {"hit@1": share_within(1), "hit@5": share_within(5), "mrr": mean_reciprocal_rank}
    return Evaluation(len(images), len(queries.texts), estimate(ranks, measures))


def evaluate_classes(
    encoder: Encoder, classes: Labels, working: Working = lambda done, total: None
) -> Evaluation:
    """Classify every photo zero-shot (Radford et al. 2021): top@1 and top@5 accuracy.

    Args:
        encoder: the model.
        classes: see ``read_classes``.
        working: called with how many photos are done and how many there are.

    Raises:
        EvaluationError: a photo cannot be read.
    """

    def refuse(_: int, error: PhotoError) -> None:
        raise _unusable(classes, error) from error

    images = embed_photos(encoder, classes.images, working, refuse)
    right: list[list[int]] = [[] for _ in classes.images]
    for number, photos in enumerate(classes.right):
        for photo in photos:
            right[photo].append(number)
    ranks = _ranks(images, embed_classes(encoder, classes.texts), right)
    measures = {"top@1": share_within(1), "top@5": share_within(5)}
    return Evaluation(len(images), len(classes.texts), estimate(ranks, measures))


def _ranks(rows: Vectors, columns: Vectors, right: Sequence[Sequence[int]]) -> Ranks:
    """Return the rank of each row's first right column."""
    parts = []
    for part, scores in _scores(rows, columns):
        flags = np.zeros(scores.shape, np.bool_)
        for row, positions in zip(flags, right[part], strict=True):
            row[positions] = True
        parts.append(first_right_ranks(scores, flags))
    return np.concatenate(parts)


def _calibration_error(
    calibration: Calibration, texts: Vectors, images: Vectors, owners: Ranks
) -> Measure:
    """Return the measure of the error of the best photos' probabilities."""
    likely, right = [], []
    for part, scores in _scores(texts, images):
        best = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
        shown = np.take_along_axis(scores, best, axis=1)
        likely.append(calibration.probability(texts[part], shown, 1 / len(images)))
        right.append(best == owners[part, np.newaxis])
    return calibration_error(np.concatenate(likely), np.concatenate(right))


def _scores(rows: Vectors, columns: Vectors) -> Iterator[tuple[slice, Vectors]]:
    """Yield the cosines of a few rows with all columns at a time, to save memory."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        yield part, rows[part] @ columns.T


def _unusable(labels: Labels, error: PhotoError) -> EvaluationError:
    return EvaluationError(
        f"{error}; {labels.file} names it and needs photos that can be read: replace it, or take "
        "its name out"
    )
