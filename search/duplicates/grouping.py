"""Photos that look the same to groups, each with the one that is best to keep.

Likeness is not passed on: every member of a group is like its best photo itself. Otherwise a long
chain, each link like the next, would lead from one photo to a quite different one. The price is
that a photo which is only like some lesser member of a group is left out of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

from pixfind.catalog.assets import Ids, Vectors
from pixfind.catalog.photos import Photo
from pixfind.photos.appearance import Look, hash_distances
from search.duplicates.copies import FileCopy, path_order

# A frame, a caption or a light crop changes a picture's pixels by less than this share.
AS_LARGE = 0.8
# Copies of the same sharpness measure at least this share of each other's in 9 of 10 cases; a blur
# by a thousandth of the long edge leaves 0.6 to 0.75 (40 photos of 1,024 pixels, edits of
# benchmarks: duplicates).
AS_SHARP = 0.8


class Reason(str, Enum):
    """What makes a group's best file the one to keep."""

    ONLY_THERE = "the only one there"
    LARGEST = "largest"
    SHARPEST = "sharpest"
    MOST_BYTES = "most bytes"
    SHORTEST_PATH = "shortest path"


@dataclass(frozen=True)
class Candidate:
    """A photo that may be in a group; ``vector`` is its embedding, float32 (dim,)."""

    photo: Photo
    files: tuple[FileCopy, ...]
    look: Look
    vector: Vectors

    @property
    def there(self) -> bool:
        """Whether any of its files is."""
        return any(file.there for file in self.files)

    @property
    def pixels(self) -> int:
        """How many the full picture has."""
        return self.photo.width * self.photo.height


@dataclass(frozen=True)
class Member:
    """A photo of a group, with its files in the order in which to keep them.

    ``similarity`` is the cosine with the group's best photo and ``hash_distance`` the number of
    bits in which their perceptual hashes differ. ``sharpness`` (see ``appearance.Look``) is not
    measured for exact copies.
    """

    photo: Photo
    files: tuple[FileCopy, ...]
    sharpness: float | None
    similarity: float
    hash_distance: int


@dataclass(frozen=True)
class Group:
    """Files of one picture: the same bytes (``exact``), or photos that look alike (``near``).

    The photo to keep is the first member, the file to keep its first file.
    """

    kind: Literal["exact", "near"]
    reason: Reason
    members: tuple[Member, ...]

    @property
    def best(self) -> Member:
        """The photo to keep."""
        return self.members[0]

    @property
    def spare_files(self) -> int:
        """How many files that are there now are not the one to keep."""
        return sum(file.there for member in self.members for file in member.files) - 1

    @property
    def spare_bytes(self) -> int:
        """How many bytes those files take."""
        sizes = [
            member.photo.byte_size for member in self.members for file in member.files if file.there
        ]
        return sum(sizes) - self.best.photo.byte_size


def linked(links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return what is linked to each other, however indirectly, each part in ascending order."""
    leader: dict[int, int] = {}

    def lead(item: int) -> int:
        while (above := leader.setdefault(item, item)) != item:
            leader[item] = leader[above]
            item = leader[item]
        return item

    for one, other in links:
        low, high = sorted((lead(one), lead(other)))
        leader[high] = low
    parts: defaultdict[int, list[int]] = defaultdict(list)
    for item in sorted(leader):
        parts[lead(item)].append(item)
    return list(parts.values())


def near_groups(candidates: Sequence[Candidate], cosine: float, distance: int) -> Iterator[Group]:
    """Divide photos that are linked by likeness into groups around the best of them.

    The best photo takes all that are like it themselves; the best of the rest does the same, until
    none is left. A photo that is like no other of them is in no group.

    Args:
        candidates: the photos.
        cosine: the least cosine of two that are alike.
        distance: in how many bits the hashes of two that are alike may differ.
    """
    left = list(candidates)
    while len(left) > 1:
        best, reason = choose(left)
        others = [one for one in left if one is not best]
        similarities, distances = _compared(best, others)
        alike = (similarities >= cosine) & (distances <= distance)
        group = [one for one, same in zip(others, alike, strict=True) if same]
        if group:
            members = [
                _member(one, float(similarity), int(bits))
                for one, similarity, bits in zip(
                    group, similarities[alike], distances[alike], strict=True
                )
            ]
            members.sort(key=lambda member: (-member.similarity, member.photo.id))
            winner, closer = choose([best, *group])
            reason = closer if winner is best else reason
            yield Group("near", reason, (_member(best, 1.0, 0), *members))
        left = [one for one, same in zip(others, alike, strict=True) if not same]


def choose(candidates: Sequence[Candidate]) -> tuple[Candidate, Reason]:
    """Return which photo to keep, and what decided it.

    Being there comes first; then pixels and sharpness, each only where it differs by more than
    saving or editing a copy changes it; then bytes.
    """
    left = [one for one in candidates if one.there] or list(candidates)
    reason = Reason.ONLY_THERE
    if len(left) > 1:
        most = max(one.pixels for one in left)
        left, reason = [c for c in left if c.pixels >= AS_LARGE * most], Reason.LARGEST
    if len(left) > 1:
        sharpest = max(one.look.sharpness for one in left)
        left = [c for c in left if c.look.sharpness >= AS_SHARP * sharpest]
        reason = Reason.SHARPEST
    if len(left) > 1:
        bytes_ = max(one.photo.byte_size for one in left)
        left, reason = [c for c in left if c.photo.byte_size == bytes_], Reason.MOST_BYTES
    if len(left) > 1:
        reason = Reason.SHORTEST_PATH
    return min(left, key=lambda one: path_order(one.files[0])), reason


def _compared(best: Candidate, others: Sequence[Candidate]) -> tuple[Vectors, Ids]:
    """Return the cosines and the hash distances of all to the best, each (n,)."""
    vectors = np.stack([one.vector for one in others])
    hashes = np.frombuffer(b"".join(one.look.hash for one in others), np.uint8)
    own = np.frombuffer(best.look.hash, np.uint8)
    distances = hash_distances(hashes.reshape(len(others), -1), own)
    # Vectors of one length but for rounding, to float16, may seem to agree by more than all.
    return np.minimum(vectors @ best.vector, 1.0), distances


def _member(one: Candidate, similarity: float, distance: int) -> Member:
    return Member(one.photo, one.files, one.look.sharpness, similarity, distance)
