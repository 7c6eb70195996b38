"""Where sidecars lie: beside the pictures, by one of two names, or in a mirror of their folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path

from pixfind.catalog.sidecars import Place
from pixfind.config import normal_path
from pixfind.errors import SidecarError

EXTENSION = ".xmp"
REMEMBERED = 100  # listings of folders
# What cameras call their raw files: not indexed, but a sidecar may be theirs.
RAW_EXTENSIONS = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc",
    ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raf", ".raw", ".rw2", ".rwl",
    ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip


class Style(Enum):
    """How a sidecar is called: ``photo.jpg.xmp`` (digiKam, too) or ``photo.xmp``."""

    DARKTABLE = "darktable"
    LIGHTROOM = "lightroom"

    def name_for(self, picture: str) -> str:
        """Return the name of the sidecar of a file of that name."""
        return (picture if self is Style.DARKTABLE else _stem(picture)) + EXTENSION


class Folders:
    """Tells where the sidecars of a library's files are, or are to be.

    Args:
        everything: all files of the library.
        base: the folder with the mirror; ``None``: beside the pictures.
    """

    def __init__(self, everything: Sequence[Place], base: Path | None) -> None:
        self._base = normal_path(base) if base is not None else None
        self._names = _names_of_roots(everything)
        self._stems = Counter(_stem_in(place) for place in everything)
        self._files = {(place.root_id, place.folder, place.name.lower()) for place in everything}
        self._listed: dict[Path, frozenset[str]] = {}

    def folder(self, place: Place) -> Path:
        """Return the folder of a file's sidecar; in a mirror, first comes the name of the root."""
        if self._base is None:
            return place.path.parent
        return self._base / self._names[place.root_id] / place.folder

    def make(self, place: Place, sidecar: Path) -> None:
        """Make the folder of a mirror, or see that the picture is still there.

        Raises:
            SidecarError: the picture is gone, or the mirror's folder leads out of the mirror.
            OSError: the folder cannot be made.
        """
        if self._base is None:
            if not os.path.isfile(place.path):  # noqa: PTH113 - never raises
                raise SidecarError(sidecar, "is not written: its picture is not there any more")
            return
        if not sidecar.parent.resolve().is_relative_to(self._base.resolve()):
            raise SidecarError(sidecar, f"is not written: a link leads out of {self._base}")
        sidecar.parent.mkdir(parents=True, exist_ok=True)

    def is_shared(self, place: Place) -> bool:
        """Return whether ``photo.xmp`` could be the sidecar of another file of the library."""
        # The sidecar of a.jpg is called as Lightroom's of a.jpg.png would be.
        return self._stems[_stem_in(place)] > 1 or _stem_in(place) in self._files

    def is_of_other(self, place: Place) -> bool:
        """Return whether ``photo.xmp`` is what the sidecar of a file called ``photo`` is called."""
        return _stem_in(place) in self._files

    def has_raw(self, place: Place) -> bool:
        """Return whether beside a file lies a camera's raw file with its name."""
        names, stem = self._listing(place.path.parent), _stem(place.name)
        return any(stem + e in names or stem + e.upper() in names for e in RAW_EXTENSIONS)

    def existing(self, place: Place, style: Style) -> Path | None:
        """Return a file's sidecar of a style, if it is there."""
        folder, name = self.folder(place), style.name_for(place.name)
        names = self._listing(folder)
        shouted = name.removesuffix(EXTENSION) + EXTENSION.upper()
        return next((folder / one for one in (name, shouted) if one in names), None)

    def _listing(self, folder: Path) -> frozenset[str]:
        if folder not in self._listed:
            try:
                names = frozenset(os.listdir(folder))  # noqa: PTH208 - paths would take a while
            except OSError:
                names = frozenset()  # an unplugged drive
            if len(self._listed) >= REMEMBERED:  # files come ordered by folder
                self._listed.clear()
            self._listed[folder] = names
        return self._listed[folder]


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122 - called for every file


def _stem_in(place: Place) -> tuple[int, str, str]:
    return place.root_id, place.folder, _stem(place.name).lower()


def _names_of_roots(everything: Iterable[Place]) -> dict[int, str]:
    """Return a name for each root: its own, or with a number if an older one is called the same."""
    taken: Counter[str] = Counter()
    names: dict[int, str] = {}
    for root_id, root in sorted({(place.root_id, place.root) for place in everything}):
        name = root.name or "root"
        taken[name.lower()] += 1
        count = taken[name.lower()]
        names[root_id] = name if count == 1 else f"{name} ({count})"
    return names
