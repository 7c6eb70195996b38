"""What a library holds, in numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pixfind.catalog import files, roots
from pixfind.catalog.files import Failure
from pixfind.catalog.holdings import Holdings, holdings
from pixfind.library import PICTURES, THUMBNAILS, VECTORS, Library

NOTHING = Holdings(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class RootStatus:
    """A folder that the library covers, and whether it is there now."""

    path: str
    available: bool


@dataclass(frozen=True)
class LibraryStatus:
    """The state of a library. ``bytes`` gives the disk used by each part of its folder.

    For the numbers from ``photos`` to ``described`` see ``catalog.holdings``.
    """

    library: str
    model: str | None
    photos: int
    videos: int
    regions: int
    moments: int
    tagged: int
    accepted: int
    described: int
    files: int
    roots: list[RootStatus]
    failures: list[Failure]
    bytes: dict[str, int]


def library_status(library: Library, used: dict[str, int] | None = None) -> LibraryStatus:
    """Look at an open library.

    Args:
        library: the library.
        used: what ``disk_use`` says of it, if that is known.
    """
    model = library.model()
    with library.catalog.read() as session:
        return LibraryStatus(
            library=str(library.folder),
            model=model.name if model else None,
            **vars(holdings(session, model.id) if model else NOTHING),
            files=files.count_files(session),
            roots=[
                RootStatus(root.path, Path(root.path).is_dir()) for root in roots.all_roots(session)
            ],
            failures=files.failures(session),
            bytes=disk_use(library) if used is None else used,
        )


def disk_use(library: Library) -> dict[str, int]:
    """Return how many bytes each part of a library's folder takes; every file is asked."""
    return {
        "catalog": _size(library.folder.glob("catalog.db*")),
        "vectors": _size_of_all(library.folder / VECTORS),
        "thumbnails": _size_of_all(library.folder / THUMBNAILS),
        "pictures": _size_of_all(library.folder / PICTURES),
    }


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        with suppress(FileNotFoundError):  # renamed or removed by an indexer just now
            total += file.lstat().st_size
    return total


def _size_of_all(folder: Path) -> int:
    # Not by globbing, which takes six times as long over a hundred thousand thumbnails.
    return sum(_size(Path(inner, name) for name in names) for inner, _, names in os.walk(folder))
