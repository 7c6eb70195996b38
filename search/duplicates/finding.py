"""Finding the duplicates of a library: the same bytes in several files, and photos that look alike.

Photos look alike if their embeddings are close *and* their perceptual hashes nearly equal: the
embedding knows what is in a picture, the hash where it is. So the next picture of a burst, another
photo of the place, or a copy turned or mirrored is not taken for a duplicate. Nothing is changed
but thumbnails that are made again where they are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from sqlalchemy.orm import Session

from pixfind.catalog.assets import Ids, count_searchable
from pixfind.catalog.copies import copied_assets, files_of, stored_vectors
from pixfind.catalog.files import count_files
from pixfind.catalog.photos import Photo, photos_by_id
from pixfind.catalog.schema import Model
from pixfind.errors import LibraryEmptyError, PhotoError
from pixfind.library import Library
from pixfind.machine import cores
from pixfind.photos.appearance import HASH_BITS, Look, hash_distances, look_of_file
from pixfind.photos.thumbnails import Thumbnails
from search.duplicates.copies import file_copies
from search.duplicates.grouping import Candidate, Group, Member, Reason, linked, near_groups
from search.duplicates.neighbours import Pairs, close_pairs

# Both were chosen with the bundled model (benchmarks: duplicates). Copies of photos of a camera's
# size are all this close. A cosine of 0.7 would also find those scaled down to a thumbnail's size,
# and propose twenty times as many pairs, more the larger the library.
LEAST_COSINE = 0.85
# Of 64. A part of Flickr8k would allow 18. Among the 32.7 million pairs of all its 8,091 photos, 18
# take eleven wrong ones for duplicates, 14 four and 12 two, pictures of bursts, and 10 none. To
# miss a copy with a caption is better than to suggest discarding another photo.
MOST_BITS = 10
# Alike photos are linked by any of them, so even thousands of one picture need few links each.
NEIGHBOURS = 32
READ_BATCH = 1000

Working = Callable[[int, int], None]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Duplicates:
    """The duplicates of a library, those that take the most room first.

    ``photos`` counts those that were compared. ``skipped`` are photos that are close to another by
    their embedding, but can neither be read nor have a thumbnail. ``absent`` counts groups that
    are left out, because fewer than two of their files are there now, as they were indexed.
    """

    model: str
    photos: int
    groups: tuple[Group, ...]
    skipped: int
    absent: int

    @property
    def spare_files(self) -> int:
        """How many files there are beside the ones to keep."""
        return sum(group.spare_files for group in self.groups)

    @property
    def spare_bytes(self) -> int:
        """How many bytes those files take."""
        return sum(group.spare_bytes for group in self.groups)


def find_duplicates(
    library: Library,
    model: Model | None = None,
    *,
    exact_only: bool = False,
    progress: Working | None = None,
) -> Duplicates:
    """Find the photos that a library has more than once.

    Args:
        library: an open library.
        model: whose embeddings to compare; else those that the library is searched with.
        exact_only: look for files of the same bytes only.
        progress: called with how many photos are done and how many there are, first while they
            are compared, then while those that are close to another are looked at.

    Raises:
        LibraryEmptyError: there is nothing to compare.
    """
    model = model or library.model()
    with library.catalog.read() as session:
        if model is None or not count_files(session):
            raise LibraryEmptyError(library.folder)
        copied, photos = copied_assets(session), count_searchable(session, model.id)
    near: list[Group] = []
    skipped = 0
    if not exact_only:
        search = _NearSearch(library, model, progress or (lambda done, total: None))
        near, skipped = list(search.groups()), search.skipped
    grouped = {member.photo.id for group in near for member in group.members}
    exact = _exact_groups(library, [one for one in copied if one not in grouped])
    groups = [*near, *exact]
    there = [group for group in groups if group.spare_files > 0]
    there.sort(key=lambda group: (-group.spare_bytes, str(group.best.files[0].path)))
    return Duplicates(model.name, photos, tuple(there), skipped, len(groups) - len(there))


class _NearSearch:
    """One search for photos that look alike: embeddings propose, perceptual hashes confirm."""

    def __init__(self, library: Library, model: Model, progress: Working) -> None:
        self.skipped = 0
        self._library = library
        self._progress = progress
        with library.catalog.read() as session:
            self._ids, self._vectors = stored_vectors(session, model)

    def groups(self) -> Iterator[Group]:
        """Yield the groups."""
        close = close_pairs(self._vectors, LEAST_COSINE, NEIGHBOURS, self._progress)
        positions = np.unique(np.concatenate([close.first, close.second]))
        looks = self._looks(positions)
        self.skipped = len(positions) - len(looks)
        parts = linked(_confirmed(close, looks))
        photos = self._candidates([i for part in parts for i in part], looks)
        for part in parts:
            candidates = [photos[position] for position in part if position in photos]
            yield from near_groups(candidates, LEAST_COSINE, MOST_BITS)

    def _looks(self, positions: Ids) -> dict[int, Look]:
        """Look at the photos at those positions; those that cannot be read are left out."""
        thumbnails = Thumbnails(self._library.thumbnails)

        def look(photo: Photo) -> Look | None:
            try:
                return look_of_file(thumbnails.get(photo.content_id, photo.path, "grid"))
            except (PhotoError, OSError):
                return None

        place = {int(self._ids[position]): int(position) for position in positions}
        found: dict[int, Look] = {}
        done = 0
        with ThreadPoolExecutor(cores()) as pool:
            for batch in _read(self._library, list(place), photos_by_id):
                for asset_id, seen in zip(batch, pool.map(look, batch.values()), strict=True):
                    done += 1
                    if seen is not None:
                        found[place[asset_id]] = seen
                    self._progress(done, len(place))
        return found

    def _candidates(self, positions: Sequence[int], looks: dict[int, Look]) -> dict[int, Candidate]:
        """Return what is known of the photos at those positions, if they are still there."""
        place = {int(self._ids[position]): position for position in positions}
        files = {
            asset_id: file_copies(stored)
            for batch in _read(self._library, list(place), files_of)
            for asset_id, stored in batch.items()
        }
        return {
            place[photo.id]: Candidate(
                photo,
                files[photo.id],
                looks[place[photo.id]],
                self._vectors[place[photo.id]].astype(np.float32),
            )
            for batch in _read(self._library, list(files), photos_by_id)
            for photo in batch.values()
        }


def _confirmed(pairs: Pairs, looks: dict[int, Look]) -> Iterator[tuple[int, int]]:
    """Yield the pairs whose perceptual hashes are nearly equal too."""
    seen = np.array(sorted(looks), np.int64)
    pairs = pairs.only(np.isin(pairs.first, seen) & np.isin(pairs.second, seen))
    content = b"".join(looks[int(position)].hash for position in seen)
    hashes = np.frombuffer(content, np.uint8).reshape(len(seen), HASH_BITS // 8)
    first, second = (np.searchsorted(seen, side) for side in (pairs.first, pairs.second))
    same = pairs.only(hash_distances(hashes[first], hashes[second]) <= MOST_BITS)
    return zip(same.first.tolist(), same.second.tolist(), strict=True)


def _exact_groups(library: Library, asset_ids: Sequence[int]) -> Iterator[Group]:
    """Yield a group for each of those pictures that lies in several files."""
    for ids in _slices(asset_ids):
        with library.catalog.read() as session:
            photos, stored = photos_by_id(session, ids), files_of(session, ids)
        for asset_id, photo in photos.items():
            files = file_copies(stored.get(asset_id, []))
            if len(files) > 1:
                yield Group("exact", Reason.SHORTEST_PATH, (Member(photo, files, None, 1.0, 0),))


def _slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), READ_BATCH):
        yield ids[start : start + READ_BATCH]


def _read(
    library: Library,
    ids: Sequence[int],
    question: Callable[[Session, Sequence[int]], dict[int, Row]],
) -> Iterator[dict[int, Row]]:
    """Yield the answers on those assets in batches, each from a short session of its own."""
    for some in _slices(ids):
        with library.catalog.read() as session:
            answer = question(session, some)
        yield answer
