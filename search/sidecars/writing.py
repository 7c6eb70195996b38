"""Sidecars written: what a library says of its pictures, beside what others have said there."""

from __future__ import annotations

import errno
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pixfind.catalog import sidecars
from pixfind.catalog.sidecars import Place
from pixfind.durable import replace_file
from pixfind.errors import SidecarError
from pixfind.library import Library
from pixfind.photos.sidecar import Words, content_of, merge
from pixfind.photos.xmp_document import XmpDocument
from search.sidecars.placing import Folders, Style
from search.sidecars.words import Wording

Progress = Callable[[int, int], None]
BATCH = 500
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True)
class Options:
    """How sidecars are written.

    Attributes:
        to: a folder that mirrors those of the pictures; ``None``: beside these.
        style: how sidecars are called.
        replace: see ``pixfind.photos.sidecar.merge``.
        automatic: whether automatic tags are written; those that were are taken out else.
        descriptions: whether a model's description is written where people have left none.
        dry_run: only tell what would be done.
    """

    to: Path | None = None
    style: Style = Style.DARKTABLE
    replace: bool = False
    automatic: bool = True
    descriptions: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Trouble:
    """A file that was passed over, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Written:
    """What was done.

    Attributes:
        photos: how many were asked for.
        written: new sidecars.
        updated: sidecars that were there, and say more or other things now.
        unchanged: sidecars that said it all.
        empty: files of which there is nothing to say, and that have no sidecar.
        skipped: files whose sidecar could be another one's.
        failures: sidecars that could not be read or written; they are as they were.
    """

    photos: int
    written: int
    updated: int
    unchanged: int
    empty: int
    skipped: tuple[Trouble, ...]
    failures: tuple[Trouble, ...]


class _Outcome(Enum):
    WRITTEN = "written"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    EMPTY = "empty"


def write_sidecars(
    library: Library,
    asset_ids: Iterable[int] | None,
    options: Options,
    progress: Progress = lambda done, total: None,
) -> Written:
    """Write the sidecars of photos, for each of their files. The photos themselves stay untouched.

    Args:
        library: which has them.
        asset_ids: the photos; ``None``: all.
        options: how.
        progress: is told how many photos are done, of how many.

    Raises:
        SidecarError: the folder of a mirror cannot be used.
        VocabularyError: the owner's vocabulary cannot be read.
    """
    if options.to is not None and options.to.exists() and not options.to.is_dir():
        raise SidecarError(options.to, "is a file; name a folder to write to")
    with library.catalog.read() as session:
        everything = sidecars.places(session)
    wording = Wording(library, automatic=options.automatic, descriptions=options.descriptions)
    writer = _Writer(Folders(everything, options.to), options)
    places: defaultdict[int, list[Place]] = defaultdict(list)
    for place in everything:
        places[place.asset_id].append(place)
    chosen = list(dict.fromkeys(places if asset_ids is None else asset_ids))
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        with library.catalog.read() as session:
            words = wording.of(session, batch)
        for done, asset_id in enumerate(batch, start + 1):
            for place in places[asset_id]:
                writer.write(place, words.get(asset_id, Words()))
            progress(done, len(chosen))
    counts = {outcome.value: writer.done[outcome] for outcome in _Outcome}
    return Written(
        len(chosen), **counts, skipped=tuple(writer.skipped), failures=tuple(writer.failures)
    )


class _Writer:
    def __init__(self, folders: Folders, options: Options) -> None:
        self._folders = folders
        self._options = options
        self.done: Counter[_Outcome] = Counter()
        self.skipped: list[Trouble] = []
        self.failures: list[Trouble] = []

    def write(self, place: Place, words: Words) -> None:
        """Write one sidecar, or note why not."""
        style = self._options.style
        sidecar = self._folders.folder(place) / style.name_for(place.name)
        if style is Style.LIGHTROOM and (
            self._folders.is_shared(place) or self._folders.has_raw(place)
        ):
            reason = f"{sidecar.name} would be the sidecar of another photo, too; use darktable's"
            self.skipped.append(Trouble(place.path, f"{reason} style for this one"))
            return
        sidecar = self._folders.existing(place, style) or sidecar
        try:
            self.done[self._written(place, sidecar, words)] += 1
        except SidecarError as error:
            self.failures.append(Trouble(error.file, error.problem))
        except OSError as error:
            reason = f"cannot be written ({error.strerror or error})"
            if error.errno in NOT_ALLOWED and self._options.to is None:
                reason += "; name a folder elsewhere with --to"
            self.failures.append(Trouble(sidecar, reason))

    def _written(self, place: Place, sidecar: Path, words: Words) -> _Outcome:
        if sidecar.is_symlink():
            # In its place a file would part it from what it leads to, which may be elsewhere.
            raise SidecarError(sidecar, "is a symbolic link, and pixfind does not write over links")
        before = content_of(sidecar)
        if before is None and words.is_empty:
            return _Outcome.EMPTY
        document = XmpDocument.new() if before is None else XmpDocument.parse(before, sidecar)
        as_it_was = document.to_bytes()
        merge(document, words, replace=self._options.replace)
        content = document.to_bytes()
        if before is not None and content == as_it_was:
            return _Outcome.UNCHANGED
        self._put(place, sidecar, before, content)
        return _Outcome.WRITTEN if before is None else _Outcome.UPDATED

    def _put(self, place: Place, sidecar: Path, before: bytes | None, content: bytes) -> None:
        if self._options.dry_run:
            return
        self._folders.make(place, sidecar)
        with replace_file(sidecar) as temporary:
            temporary.write_bytes(content)
            if before is not None:
                shutil.copymode(sidecar, temporary)
            if content_of(sidecar) != before:
                raise SidecarError(sidecar, "was changed by another program meanwhile; try again")
