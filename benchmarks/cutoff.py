"""Is "nothing matches" an answer? The default cutoff against a single cosine for all queries.

``python -m benchmarks cutoff [FOLDER]`` asks the queries of ``library_cutoff_queries.tsv`` and of
``training/library_queries.tsv`` of the photos in FOLDER. A line is a query and all photos that
match it, TABs between; where it names none, nothing matches. No number is fitted to these photos
and queries but the baseline that is chosen on them in hindsight. They are not quite unseen: while
the form of the cutoff was looked for on dev photos, trials printed their figures as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pixfind.calibration import QUANTILE, Calibration
from pixfind.encoders.base import Vectors
from pixfind.encoders.store import ModelStore
from pixfind.evaluation.cutoffs import best_cutoff, shown
from pixfind.evaluation.embedding import embed_photos, embed_texts
from pixfind.photos.formats import is_picture_name

Flags = npt.NDArray[np.bool_]
PHOTOS = Path("../shared/photos/library")
HERE = Path(__file__).parent
QUERIES = (HERE / "library_cutoff_queries.tsv", HERE.parent / "training" / "library_queries.tsv")
# The best single cosine for texts on the dev photos, as ``python -m training.recalibrate`` prints.
COSINE_OF_DEV = 0.4132
RESAMPLES = 10_000
SEED = 0


def run(folder: str = str(PHOTOS)) -> None:
    """Measure and print."""
    encoder = ModelStore(Path("nowhere")).load("pocket")
    calibration = encoder.calibration
    if calibration is None:
        raise SystemExit("the model has no calibration, and so no cutoff")
    files = sorted(file for file in Path(folder).iterdir() if is_picture_name(file.name))
    queries = read_queries(QUERIES)
    matches = np.array([[file.name in right for file in files] for right in queries.values()])
    asked = embed_texts(encoder, list(queries))
    scores = asked @ embed_photos(encoder, files).T
    cosine = best_cutoff(scores, matches)
    chosen = {
        f"the default, a probability of {calibration.cutoff:.3f}": _default(
            calibration, asked, scores
        ),
        f"a cosine of {cosine:.4f}, the best here in hindsight": scores >= cosine,
        f"a cosine of {COSINE_OF_DEV}, the best on dev": scores >= COSINE_OF_DEV,
    }
    some = int(matches.any(axis=1).sum())
    print(f"{len(files)} photos; {some} queries that match, {len(queries) - some} that match none")
    default, *_ = chosen.values()
    for name, flags in chosen.items():
        print(f"{name}: {described(flags, matches)}")
    for name, flags in list(chosen.items())[1:]:
        low, high = np.percentile(_differences(default, flags, matches), [2.5, 97.5])
        print(f"F1 of the default minus that of {name}: 95% interval {low:+.3f} to {high:+.3f}")


def read_queries(files: Iterable[Path]) -> dict[str, set[str]]:
    """Return the names of the photos that match, by query; a query may stand in both files."""
    queries: dict[str, set[str]] = {}
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            query, *names = line.split("\t")
            queries.setdefault(query, set()).update(filter(None, names))
    return queries


def _default(calibration: Calibration, asked: Vectors, scores: Vectors) -> Flags:
    chosen = []
    for query, row in zip(asked, scores, strict=True):
        prior = calibration.prior_in(query, float(np.quantile(row, QUANTILE)), len(row))
        chosen.append(row >= calibration.score_at(query, calibration.cutoff, prior))
    return np.array(chosen)


def described(chosen: Flags, matches: Flags) -> str:
    """Return the figures of what is shown, bool (queries, photos), against what matches."""
    got, some = shown(chosen, matches), matches.any(axis=1)
    silent = 1 - chosen[~some].any(axis=1).mean()
    found = (chosen & matches)[some].any(axis=1).mean()
    return (
        f"precision {got.precision:.3f}, recall {got.recall:.3f}, F1 {got.f1:.3f}; nothing shown "
        f"where nothing matches {silent:.3f}, a right photo shown where some match {found:.3f}"
    )


def _differences(one: Flags, other: Flags, matches: Flags) -> npt.NDArray[np.float64]:
    """Return the difference in F1 of resamples of the queries, the same for both."""
    drawn = np.random.default_rng(SEED).multinomial(
        len(matches), np.full(len(matches), 1 / len(matches)), RESAMPLES
    )
    of_both = []
    for chosen in (one, other):
        right = drawn @ (chosen & matches).sum(axis=1)
        of_both.append(2 * right / (drawn @ (chosen.sum(axis=1) + matches.sum(axis=1))))
    return np.asarray(of_both[0] - of_both[1], np.float64)
