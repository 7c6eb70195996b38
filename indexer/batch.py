"""What goes into one transaction: prepared files in their order, and the vectors they wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from indexer.prepare import Failed, Fresh, Known, Prepared, Reread
from indexer.progress import Summary
from indexer.videos import FreshVideo
from pixfind.encoders.base import Vectors


@dataclass
class Batch:
    """Prepared files until they are committed.

    ``others`` need no vectors, or bring none. ``files`` counts all that were added, those included
    that leave nothing to write. ``encoded`` waits for the vectors of ``images``, or computes them.
    """

    fresh: list[Fresh] = field(default_factory=list)
    videos: list[FreshVideo] = field(default_factory=list)
    others: list[Known | Reread | Failed] = field(default_factory=list)
    files: int = 0
    encoded: Callable[[], Vectors] | None = None

    def add(self, prepared: Prepared) -> None:
        """Take in a file."""
        self.files += 1
        if isinstance(prepared, Fresh):
            self.fresh.append(prepared)
        elif isinstance(prepared, FreshVideo):
            self.videos.append(prepared)
        elif isinstance(prepared, Known | Reread | Failed):
            self.others.append(prepared)

    def is_full(self, *, photos: int, others: int) -> bool:
        """Tell whether it has so many new photos or other files, or any video.

        A video has taken long enough to be worth a commit of its own.
        """
        return bool(self.videos) or len(self.fresh) >= photos or len(self.others) >= others

    @property
    def leaves_something(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.fresh or self.videos or self.others)

    @property
    def images(self) -> list[list[Image.Image]]:
        """What is to be encoded: the new photos, then the regions of each."""
        wholes = [item.photo.image for item in self.fresh]
        return [wholes, *([tile.image for tile in item.tiles] for item in self.fresh)]

    @property
    def content_ids(self) -> list[bytes]:
        """The contents that are new to the model."""
        return [*(item.content_id for item in self.fresh), *(v.content_id for v in self.videos)]

    def vectors(self) -> tuple[Vectors, Sequence[Vectors]]:
        """Return the vectors of the new photos, and those of the regions of each."""
        if self.encoded is None:
            raise RuntimeError("the batch has not been given to be encoded")
        vectors, photos = self.encoded(), len(self.fresh)
        ends = np.cumsum([len(item.tiles) for item in self.fresh], dtype=np.int64)
        return vectors[:photos], np.split(vectors[photos:], ends[:-1]) if photos else []

    def count(self, summary: Summary) -> None:
        """Add what has been committed to what the run did."""
        summary.embedded += len(self.fresh) + len(self.videos)
        summary.known += sum(isinstance(other, Known) for other in self.others)
        summary.reread += sum(isinstance(other, Reread) for other in self.others)
        summary.failed += sum(isinstance(other, Failed) for other in self.others)
