"""What pocket's scores are worth: fitted on photos that its heads were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pixfind.calibration import QUANTILE, Calibration
from pixfind.calibration.fit import InLibrary, fit_general, fit_in_libraries
from pixfind.calibration.link import Link, logit
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.model_files import CALIBRATION, Description, sha256_of
from pixfind.evaluation.cutoffs import best_cutoff, shown, strict_cutoff
from pixfind.evaluation.embedding import embed_photos, embed_texts
from training.captions import Photo
from training.simulated_library import (
    SIZES,
    Flags,
    Queries,
    dev_queries,
    libraries,
    photos_as_queries,
)

# A covariance asks for more photos than an embedding has numbers, and not for many more.
BACKGROUND = 3000


@dataclass(frozen=True)
class Simulated:
    """Queries in libraries.

    Args:
        cases: each with what the fit takes of it.
        cosines: of the pairs of all cases in their order (n,).
    """

    cases: list[InLibrary]
    cosines: Vectors

    @property
    def matches(self) -> Flags:
        """Which pairs match, bool (n,)."""
        return np.concatenate([case.matches for case in self.cases])


def calibrate(
    encoder: Encoder, sets: Sequence[Sequence[Photo]], background: Vectors
) -> Calibration:
    """Fit on the sentences and short queries of sets of photos, each of its own kind.

    Args:
        encoder: the model.
        sets: of about equally many photos each; a text meets those of its own set alone. All of
            them together make the libraries that the cutoff is chosen in.
        background: see ``sample_background``.
    """
    general = fit_general(background)
    embedded = [embed_photos(encoder, [photo.path for photo in photos]) for photos in sets]
    photos, images = [photo for of in sets for photo in of], np.concatenate(embedded)
    queries = dev_queries(photos)
    simulated = simulate(general, queries, embed_texts(encoder, queries.texts), images)
    text = fit_in_libraries(simulated.cases)
    cutoff = strict_cutoff(probabilities(text, simulated), simulated.matches)
    report("texts", text, simulated, cutoff)

    pictures = photos_as_queries(photos, queries)
    asked = images[pictures.own]
    simulated = simulate(general, pictures, asked, images)
    image = at_cutoff(fit_in_libraries(simulated.cases), simulated, cutoff)
    report("pictures", image, simulated, cutoff)
    return replace(general, text=text, image=image, cutoff=cutoff)


def at_cutoff(link: Link, simulated: Simulated, cutoff: float) -> Link:
    """Return the link with another base, so that the cutoff is the best one for these queries.

    A short query's words are much to ask of a photo that is like another, so probabilities of
    pictures come out lower than those of texts; yet one cutoff has to serve both.
    """
    best = strict_cutoff(probabilities(link, simulated), simulated.matches)
    return replace(link, base=link.base + float(logit(cutoff) - logit(best)))


def simulate(
    calibration: Calibration, queries: Queries, asked: Vectors, images: Vectors
) -> Simulated:
    """Ask the queries in libraries of all sizes.

    Args:
        calibration: see ``fit_general``.
        queries: see ``dev_queries``.
        asked: their unit vectors (queries, dim).
        images: unit vectors of the photos (photos, dim).
    """
    cosines = asked @ images.T
    above = calibration.above(asked, cosines)
    _, spreads = calibration.in_general(asked)
    cases, scores = [], []
    for size, count in SIZES.items():
        for case in libraries(queries, size, count):
            own = above[case.query, case.photos]
            highest = float(np.quantile(own, QUANTILE))
            matches, spread = case.matches[case.sure], float(spreads[case.query])
            cases.append(InLibrary(own[case.sure], matches, highest, size, spread))
            scores.append(cosines[case.query, case.photos[case.sure]])
    return Simulated(cases, np.concatenate(scores))


def probabilities(link: Link, simulated: Simulated) -> Vectors:
    """Return those of the pairs of all cases, in their order (n,)."""
    of_cases = [
        link.probability(case.above, link.prior_in(case.highest, case.size, case.spread))
        for case in simulated.cases
    ]
    return np.concatenate(of_cases).astype(np.float32)


def report(name: str, link: Link, simulated: Simulated, cutoff: float) -> None:
    """Print how right the cutoff is, and for the same pairs the best single cosine in hindsight."""
    matches, likely = simulated.matches, probabilities(link, simulated)
    cosine = best_cutoff(simulated.cosines, matches)
    lengths = [len(case.above) for case in simulated.cases]
    sizes = np.repeat([case.size for case in simulated.cases], lengths)
    print(f"{name}: {link}")  # noqa: T201 - this is the command's result
    for what, chosen in (
        (f"probability {cutoff:.3f}", likely >= cutoff),
        (f"cosine {cosine:.4f}", simulated.cosines >= cosine),
    ):
        parts = {"all": np.full(len(sizes), True)} | {str(size): sizes == size for size in SIZES}
        of_parts = {part: shown(chosen[of], matches[of]) for part, of in parts.items()}
        f1 = ", ".join(f"{part} {got.f1:.3f}" for part, got in of_parts.items())
        whole = of_parts["all"]
        print(  # noqa: T201
            f"{name}, from {what} on: precision {whole.precision:.3f}, "
            f"recall {whole.recall:.3f}; F1 {f1}"
        )


def sample_background(encoder: Encoder, photos: Sequence[Photo], seed: int = 0) -> Vectors:
    """Return the vectors of a sample of photos, float32 (b, dim).

    The photos must be of many kinds: measured against Flickr8k's alone, every photo of a room or a
    meal looks exceptional.
    """
    size = min(BACKGROUND, len(photos))
    chosen = np.random.default_rng(seed).choice(len(photos), size, replace=False)
    return embed_photos(encoder, [photos[int(row)].path for row in chosen])


def store(folder: Path, description: Description, calibration: Calibration) -> Description:
    """Write the calibration into the model's folder; return a description that names it."""
    calibration.save(folder / CALIBRATION)
    return replace(description, calibration=sha256_of(folder / CALIBRATION))
