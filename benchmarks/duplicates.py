"""How surely are near-duplicates told from photos that are only much alike?

``python -m benchmarks duplicates [FOLDER [PHOTOS]]``: some photos of a folder, divided by a seed
into a tuning half and a test half, are indexed with the bundled model, and with them edited copies
of the first of them. A pair to be found is a photo and its copy; a pair not to be found is any two
pictures of different photos of a half, and so the most similar ones by embedding as well.
Thresholds are chosen on the tuning half, as those of the highest recall with a precision of
``PRECISION``, and reported on the test half: for the embedding alone, the perceptual hash alone,
and both.

Pictures of one burst count as different, since only one of them shows that moment. Two photos of
the folder that are the same one, in other files, are counted neither way.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.edits import EDITS, QUALITY, saved
from indexer import Indexer
from pixfind.catalog.copies import StoredVectors, stored_vectors
from pixfind.catalog.photos import Photo, photos_by_id
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.photos.appearance import Look, hash_distances, look_of_file
from pixfind.photos.decode import decode_file
from pixfind.photos.thumbnails import Thumbnails
from search.duplicates.finding import LEAST_COSINE, MOST_BITS, Duplicates, find_duplicates
from search.duplicates.grouping import Candidate, Member, choose
from search.duplicates.neighbours import close_pairs

FOLDER = Path("../shared/training/flickr8k/images")
SEED = 0
PHOTOS = 2400
EDITED = 200
LARGEST_EDGE = 1600
PRECISION = 0.995
# At 0.7 twenty times as many pairs would be proposed, ever more the larger the library, and each
# photo in them has to be looked at.
COSINES = np.round(np.arange(0.85, 0.9951, 0.005), 3)
ALL_BITS = range(0, 25, 2)
# Closer than any two moments: one photo, in two files.
SAME_PHOTO_COSINE = 0.99

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pictures:
    """Which photo each is of, by what edit, and how it was seen; arrays of n rows."""

    numbers: npt.NDArray[np.int64]
    edits: npt.NDArray[np.str_]
    vectors: StoredVectors
    hashes: npt.NDArray[np.uint8]

    def only(self, chosen: Mask) -> Pictures:
        """Return those that a mask chooses."""
        return Pictures(
            self.numbers[chosen], self.edits[chosen], self.vectors[chosen], self.hashes[chosen]
        )


@dataclass(frozen=True)
class Half:
    """All pairs of pictures of one half: cosines, hash distances, what they are; arrays (m,)."""

    cosines: npt.NDArray[np.float32]
    bits: npt.NDArray[np.int64]
    wanted: Mask
    edits: npt.NDArray[np.str_]

    def measures(self, found: Mask) -> tuple[float, float, int]:
        """Return precision, recall and the number of false pairs."""
        right, false = int((found & self.wanted).sum()), int((found & ~self.wanted).sum())
        return right / max(right + false, 1), right / int(self.wanted.sum()), false


@dataclass(frozen=True)
class Thresholds:
    """A method: ``None`` leaves out what is not asked."""

    cosine: float | None
    bits: int | None

    def found(self, half: Half) -> Mask:
        """Return which pairs it takes for duplicates."""
        close = (
            np.ones(len(half.wanted), bool)
            if self.cosine is None
            else (half.cosines >= self.cosine)
        )
        return close if self.bits is None else close & (half.bits <= self.bits)


METHODS: dict[str, list[Thresholds]] = {
    "embedding alone": [Thresholds(float(cosine), None) for cosine in COSINES],
    "perceptual hash alone": [Thresholds(None, bits) for bits in ALL_BITS],
    "both": [Thresholds(float(cosine), bits) for cosine in COSINES[::-1] for bits in ALL_BITS],
}


def run(folder: str | None = None, photos: str | None = None) -> None:
    """Measure and print precision and recall."""
    files = sorted(Path(folder or FOLDER).iterdir())
    order = np.random.default_rng(SEED).permutation(len(files))[: int(photos or PHOTOS)]
    with tempfile.TemporaryDirectory() as place:
        pictures = Path(place, "photos")
        pictures.mkdir()
        _write([files[i] for i in order], pictures)
        with Library.create(Path(place, "library")) as library:
            Indexer(library, ModelStore(Path(place)).load("pocket")).run([pictures])
            seen = _read(library)
            found = find_duplicates(library)
    tuning, test = (_pairs(seen.only(seen.numbers % 2 == remainder)) for remainder in (0, 1))
    for name, half in (("tuning", tuning), ("test", test)):
        print(f"{name}: {int(half.wanted.sum()):,} pairs to find among {len(half.wanted):,}")
    for name, choices in METHODS.items():
        _report(name, choices, tuning, test)
    _report("as built", [Thresholds(LEAST_COSINE, MOST_BITS)], tuning, test)
    _report_originals(seen.only(seen.edits == ""))
    _report_groups(found)


def _write(files: Sequence[Path], folder: Path) -> None:
    """Write every photo as NUMBER.jpg, and the edits of the first ones as NUMBER.EDIT.jpg."""
    for number, file in enumerate(files):
        image = decode_file(file, LARGEST_EDGE).image
        original = folder / f"{number}.jpg"
        original.write_bytes(saved(image, QUALITY + 2))
        if number < min(EDITED, len(files) // 2):
            again = decode_file(original, LARGEST_EDGE).image
            for edit, make in EDITS.items():
                (folder / f"{number}.{edit}.jpg").write_bytes(make(again))


def _read(library: Library) -> Pictures:
    model = library.model()
    assert model is not None  # noqa: S101 - it has just been indexed
    with library.catalog.read() as session:
        ids, vectors = stored_vectors(session, model)
        photos = photos_by_id(session, [int(i) for i in ids])
    thumbnails = Thumbnails(library.thumbnails)
    files = [thumbnails.file(photos[int(i)].content_id, "grid") for i in ids]
    hashes = np.frombuffer(b"".join(look_of_file(file).hash for file in files), np.uint8)
    numbers, edits = zip(*(_named(photos[int(i)]) for i in ids), strict=True)
    return Pictures(np.array(numbers), np.array(edits), vectors, hashes.reshape(len(ids), -1))


def _pairs(of: Pictures) -> Half:
    numbers, edits = of.numbers, of.edits
    vectors = of.vectors.astype(np.float32)
    first, second = np.triu_indices(len(numbers), 1)
    cosines = (vectors @ vectors.T)[first, second]
    bits = hash_distances(of.hashes[first], of.hashes[second])
    related = numbers[first] == numbers[second]
    originals = (edits[first] == "") & (edits[second] == "")
    twice = ~related & originals & (bits == 0) & (cosines >= SAME_PHOTO_COSINE)
    same = np.unique(np.concatenate([numbers[first[twice]], numbers[second[twice]]]))
    # Two copies of one photo are neither: what is asked is whether a copy leads to its original.
    counted = ~(related & (edits[first] != "") & (edits[second] != ""))
    counted &= related | ~(np.isin(numbers[first], same) & np.isin(numbers[second], same))
    first, second = first[counted], second[counted]
    edit = np.where(edits[first] != "", edits[first], edits[second])
    return Half(cosines[counted], bits[counted], related[counted], edit)


def _report(name: str, choices: Sequence[Thresholds], tuning: Half, test: Half) -> None:
    best = max(choices, key=lambda one: _worth(one, tuning))
    found = best.found(test)
    precision, recall, false = test.measures(found)
    asked = [f"cosine >= {best.cosine:.3f}"] if best.cosine is not None else []
    asked += [f"bits <= {best.bits}"] if best.bits is not None else []
    print(f"{name} ({', '.join(asked)}): precision {precision:.4f} ({false} false pairs), "
          f"recall {recall:.4f}")  # fmt: skip
    wanted = Counter(test.edits[test.wanted].tolist())
    right = Counter(test.edits[found & test.wanted].tolist())
    print("   " + ", ".join(f"{edit} {right[edit] / wanted[edit]:.2f}" for edit in EDITS))


def _worth(one: Thresholds, half: Half) -> tuple[bool, float, float]:
    """Sort by enough precision, then recall; where none has enough, by precision."""
    precision, recall, _ = half.measures(one.found(half))
    enough = precision >= PRECISION
    return enough, recall if enough else precision, precision


def _report_originals(originals: Pictures) -> None:
    """Say how many false pairs other thresholds would find among all photos of both halves."""
    pairs = close_pairs(originals.vectors, LEAST_COSINE, len(originals.vectors))
    bits = hash_distances(originals.hashes[pairs.first], originals.hashes[pairs.second])
    bits = bits[(bits > 0) | (pairs.cosines < SAME_PHOTO_COSINE)]
    count = len(originals.vectors)
    print(f"among all {count * (count - 1) // 2:,} pairs of different photos, "
          f"cosine >= {LEAST_COSINE} and bits <= N are:")  # fmt: skip
    print("   " + ", ".join(f"{most}: {int((bits <= most).sum())}" for most in ALL_BITS))


def _report_groups(found: Duplicates) -> None:
    """Say how pure the groups are, and how often an original is preferred to its copy."""
    mixed, kept, asked = 0, Counter[str](), Counter[str]()
    for group in found.groups:
        names = {member.photo.id: _named(member.photo) for member in group.members}
        mixed += len({number for number, _ in names.values()}) > 1
        by_edit = {names[member.photo.id][1]: _candidate(member) for member in group.members}
        original = by_edit.pop("", None)
        for edit, copy in by_edit.items() if original else ():
            asked[edit] += 1
            kept[edit] += choose([original, copy])[0] is original
    print(f"groups: {len(found.groups)}, of more than one photo: {mixed}")
    shares = [f"{edit} {kept[edit] / asked[edit]:.2f}" for edit in EDITS if asked[edit]]
    print("   the original is kept rather than: " + ", ".join(shares))


def _named(photo: Photo) -> tuple[int, str]:
    """Return which photo a picture is of and by what edit, none for the photo itself."""
    number, edit = photo.path.name.split(".")[:2]
    return int(number), "" if edit == "jpg" else edit


def _candidate(member: Member) -> Candidate:
    look = Look(b"", member.sharpness or 0.0)
    return Candidate(member.photo, member.files, look, np.empty(0, np.float32))
