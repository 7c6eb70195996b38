"""Do excluded words exclude, and do the photos that were wanted stay?

``python -m benchmarks negatives [FOLDER]`` asks the ten queries of ``library_negative_queries.tsv``
in three ways: the wanted words alone, the unwanted vector subtracted from the wanted one, and as
pixfind does. For each it counts, among the first ten, the photos that must leave and those that
must stay, both labelled by eye. With the photos of ``../shared/training`` it then shows on dev
photos how ``search.matching.NEGATIVE_ODDS`` and ``LOWERED`` were chosen.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer import Indexer
from pixfind.calibration import Calibration
from pixfind.encoders.base import Encoder, Vectors
from pixfind.encoders.store import ModelStore
from pixfind.evaluation.embedding import embed_photos
from pixfind.library import Library
from search import SearchEngine
from search.matching import EXCLUDED
from search.query import parse
from training.captions import read_splits
from training.simulated_library import Flags, Numbers, dev_queries

PHOTOS = "../shared/photos/library"
TRAINING = Path("../shared/training")
LABELS = Path(__file__).parent / "library_negative_queries.tsv"
TOP = 10
WAYS = ("wanted alone", "subtracted", "excluded")
# For the dev figures: what is tried, words that many photos share, pairs of them that part a set,
# and libraries with some photos of the wanted.
SUBTRACTED, ODDS, LOWERED = (0.5, 0.7, 1.0), (0.01, 0.03, 0.1, 0.3), (0.0, 0.3, 0.5)
FEWEST, LEAST, MOST, PAIRS, LIBRARY, MATCHING = 8, 3, 0.6, 600, 388, 12


def run(folder: str = PHOTOS) -> None:
    """Print the counts for each query, their sums, and the dev figures."""
    encoder = ModelStore(Path()).load("pocket")
    with tempfile.TemporaryDirectory() as scratch, Library.create(Path(scratch)) as library:
        Indexer(library, encoder).run([Path(folder)])
        files = sorted(Path(folder).iterdir())
        baseline = Baseline(encoder, [file.name for file in files], embed_photos(encoder, files))
        _ask_all(SearchEngine(library, encoder), baseline)
    if TRAINING.is_dir():
        _show_dev(encoder)


@dataclass(frozen=True)
class Baseline:
    """Vector arithmetic over photos by name: vectors (n, dim)."""

    encoder: Encoder
    names: list[str]
    vectors: Vectors

    def top(self, query: str) -> set[str]:
        """Return the first photos for the wanted vectors less the unwanted ones."""
        phrases = parse(query).phrases
        signs = np.array([-1.0 if phrase.negative else 1.0 for phrase in phrases])
        vector = signs @ self.encoder.encode_texts([phrase.text for phrase in phrases])
        return {self.names[row] for row in np.argsort(-self.vectors @ vector)[:TOP]}


def read_labels() -> dict[str, dict[str, set[str]]]:
    """Return for each query the file names of the photos to ``keep`` and to ``drop``."""
    labels: dict[str, dict[str, set[str]]] = {}
    for line in LABELS.read_text("utf-8").splitlines():
        query, role, *names = line.split("\t")
        labels.setdefault(query, {})[role] = set(names)
    return labels


def _ask_all(engine: SearchEngine, baseline: Baseline) -> None:
    labels = read_labels()
    rows = []
    for query, known in labels.items():
        wanted = " + ".join(f'"{p.text}"' for p in parse(query).phrases if not p.negative)
        asked = engine.search(query, TOP, everything=True).results
        tops = [baseline.top(wanted), baseline.top(query), {r.photo.path.name for r in asked}]
        counts = [[len(top & known["drop"]), len(top & known["keep"])] for top in tops]
        rows.append((query, len(known["drop"]), len(known["keep"]), np.array(counts)))
    rows.append(("all", sum(r[1] for r in rows), sum(r[2] for r in rows), sum(r[3] for r in rows)))
    print(f"{'must leave / must stay, in the first ten':44}" + "".join(f"{w:>16}" for w in WAYS))
    for query, drop, keep, counts in rows:
        found = "".join(f"{left:>11} / {stayed:<2}" for left, stayed in counts)
        print(f"{f'{query} ({drop} / {keep})':44}{found}")


def _show_dev(encoder: Encoder) -> None:
    """Print how many wanted and unwanted photos stand among the first ten, on average.

    The wanted and the unwanted are words that some captions of dev photos share; each is asked of
    a library drawn from them. Captions do not name all that there is, so some photos that count as
    wanted show the unwanted too.
    """
    calibration = encoder.calibration
    if calibration is None:
        raise SystemExit("the model has no calibration")
    splits = read_splits(TRAINING)
    photos = [*splits.flickr_dev, *splits.everyday_dev]
    queries = dev_queries(photos)
    images = embed_photos(encoder, [photo.path for photo in photos])
    words = [row for row, kind in enumerate(queries.kinds) if kind == "word"]
    pairs = [(a, b) for a in words for b in words if _parts(queries.matches[a], queries.matches[b])]
    numbers = np.random.default_rng(0)
    texts = encoder.encode_texts(queries.texts)
    counts: dict[str, list[tuple[int, int]]] = {}
    for wanted, unwanted in (pairs[int(row)] for row in numbers.permutation(len(pairs))[:PAIRS]):
        some = numbers.permutation(np.flatnonzero(queries.matches[wanted]))[:MATCHING]
        library = np.union1d(some, numbers.choice(len(photos), LIBRARY, replace=False))
        shows = queries.matches[:, library]
        ways = _ways(calibration, images[library], texts[wanted], texts[unwanted])
        for way, top in ways.items():
            unwanted_too = shows[wanted][top] & shows[unwanted][top]
            only_wanted = shows[wanted][top] & ~shows[unwanted][top]
            counts.setdefault(way, []).append((unwanted_too.sum(), only_wanted.sum()))
    print(f"\n{PAIRS} pairs of words on {len(photos)} dev photos, means among the first ten")
    print(f"{'':44}{'unwanted':>16}{'wanted':>16}{'less twice un.':>16}")
    for way, pairs_of in counts.items():
        drop, keep = np.mean(pairs_of, axis=0)
        print(f"{way:44}{drop:>16.2f}{keep:>16.2f}{keep - 2 * drop:>16.2f}")


def _ways(
    calibration: Calibration, images: Vectors, wanted: Vectors, unwanted: Vectors
) -> dict[str, Numbers]:
    """Return the rows of the first ten photos for every way to leave something out."""
    scores, against = images @ wanted, images @ unwanted
    z = calibration.standardise(wanted, scores)
    above = calibration.standardise(unwanted, against).clip(min=0)
    ways = {"wanted alone": scores}
    ways |= {f"subtracted, weight {share}": scores - share * against for share in SUBTRACTED}
    for odds in ODDS:
        out = calibration.probability(unwanted, against, odds / (1 + odds)) >= EXCLUDED
        for lowered in LOWERED:
            ranked = np.where(out, -np.inf, z - lowered * above)
            ways[f"excluded, odds {odds}, lowered {lowered}"] = ranked
    return {way: np.argsort(-ranked)[:TOP] for way, ranked in ways.items()}


def _parts(wanted: Flags, unwanted: Flags) -> bool:
    """Whether some of the wanted photos, but fewer than of the others, show the unwanted too."""
    both = int((wanted & unwanted).sum())
    return wanted.sum() >= FEWEST and LEAST <= both <= MOST * wanted.sum()
