"""Sidecars read: keywords, descriptions and stars that other programs gave, into the library."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from pixfind.catalog import sidecars
from pixfind.catalog.names import folded
from pixfind.catalog.schema import FROM_SIDECAR
from pixfind.catalog.sidecars import Described, Place
from pixfind.catalog.tags import set_tags, tags_on
from pixfind.config import normal_path
from pixfind.errors import PathNotFoundError, PhotoReadError, SidecarError
from pixfind.library import Library
from pixfind.photos.camera_texts import is_written_by_camera
from pixfind.photos.exif import Metadata
from pixfind.photos.sidecar import Said, content_of, said
from pixfind.photos.xmp_document import XmpDocument
from search.sidecars.placing import Folders, Style
from search.sidecars.writing import Trouble

Progress = Callable[[int, int], None]
# Photos a transaction: what a killed run loses at most.
BATCH = 500


@dataclass(frozen=True)
class Read:
    """What was read.

    Attributes:
        photos: how many have sidecars.
        sidecars: how many were read.
        changed: of how many photos the library says other things now.
        tags: how many tags these photos have from sidecars.
        skipped: sidecars that could be another file's.
        failures: sidecars that cannot be read; what was known of their photos stays.
    """

    photos: int
    sidecars: int
    changed: int
    tags: int
    skipped: tuple[Trouble, ...]
    failures: tuple[Trouble, ...]


def read_sidecars(
    library: Library,
    paths: Sequence[Path] = (),
    *,
    mirror: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Read:
    """Take over what sidecars say of the photos of a library.

    A keyword that has gone from a photo's sidecars goes; so does a description or stars, and what
    the file itself says takes their place. A photo without a sidecar keeps what one said once.
    Tags that the owner has rejected do not come back, and what pixfind has written automatically
    is not taken for anybody's word.

    Args:
        library: changed, a batch at a time.
        paths: only photos at these files or in these folders.
        mirror: the folder that sidecars were written to; ``None``: they lie beside the photos.
        progress: is told how many photos are done, of how many.

    Raises:
        PathNotFoundError: there is nothing at one of the paths.
        SidecarError: none of the library's photos is there.
    """
    with library.catalog.read() as session:
        everything = sidecars.places(session)
    folders = Folders(everything, mirror)
    chosen = _chosen(everything, folders, paths)
    skipped = _shared_ones(chosen, folders)
    # All files of a photo together, whichever of them was asked for.
    ids = {place.asset_id for place in chosen}
    found: defaultdict[int, list[Path]] = defaultdict(list)
    files: defaultdict[int, list[Path]] = defaultdict(list)
    for place in everything:
        if place.asset_id in ids:
            files[place.asset_id].append(place.path)
            found[place.asset_id] += _sidecars_of(place, folders)
    todo = [asset_id for asset_id, there in found.items() if there]
    reader = _Reader(library, found, files)
    for start in range(0, len(todo), BATCH):
        reader.take(todo[start : start + BATCH])
        progress(min(start + BATCH, len(todo)), len(todo))
    return Read(
        photos=len(todo),
        sidecars=reader.read,
        changed=reader.changed,
        tags=reader.tags,
        skipped=tuple(skipped),
        failures=tuple(reader.failures),
    )


class _Reader:
    def __init__(
        self,
        library: Library,
        found: Mapping[int, Sequence[Path]],
        files: Mapping[int, Sequence[Path]],
    ) -> None:
        self._library = library
        self._found = found
        self._files = files
        self.read = self.changed = self.tags = 0
        self.failures: list[Trouble] = []

    def take(self, asset_ids: Sequence[int]) -> None:
        """Take over what the sidecars of these photos say."""
        heard = {asset_id: self._heard(self._found[asset_id]) for asset_id in asset_ids}
        whole = {asset_id: one for asset_id, one in heard.items() if one is not None}
        with self._library.catalog.read() as session:
            known = sidecars.described(session, list(whole))
        now = {i: self._described(i, known[i], said_now) for i, said_now in whole.items()}
        with self._library.catalog.write() as session:
            before = _from_sidecars(session, list(whole))
            set_tags(session, {i: one.keywords for i, one in whole.items()}, FROM_SIDECAR)
            after = _from_sidecars(session, list(whole))
            for asset_id, (caption, rating, by_sidecar) in now.items():
                old = known[asset_id]
                news = (caption, rating) != (old.caption, old.rating)
                if news or by_sidecar != old.by_sidecar:
                    sidecars.describe(session, asset_id, caption, rating, by_sidecar=by_sidecar)
                self.changed += news or before[asset_id] != after[asset_id]
                self.tags += len(after[asset_id])

    def _heard(self, files: Sequence[Path]) -> Said | None:
        """Return what sidecars of one photo say together; ``None`` if not all can be read.

        What cannot be read might say what is known already, so that must not go.
        """
        says: list[tuple[int, Said]] = []
        for file in files:
            try:
                content = content_of(file)
                if content is not None:
                    one = said(XmpDocument.parse(content, file))
                    says.append((file.stat().st_mtime_ns, one))
            except SidecarError as error:
                self.failures.append(Trouble(file, error.problem))
            except OSError as error:
                self.failures.append(Trouble(file, f"cannot be read ({error.strerror})"))
        self.read += len(says)
        if len(says) < len(files):
            return None
        latest = [one for _, one in sorted(says, key=lambda pair: -pair[0])]
        names = {folded(name): name for one in reversed(latest) for name in one.keywords}
        return Said(
            keywords=tuple(names.values()),
            description=next((s.description for s in latest if s.description), None),
            rating=next((s.rating for s in latest if s.rating is not None), None),
        )

    def _described(
        self, asset_id: int, known: Described, now: Said
    ) -> tuple[str | None, int | None, bool]:
        """Return the caption, the rating, and whether the sidecar has said one of them."""
        said_caption = now.description
        if said_caption is not None and is_written_by_camera(said_caption, *known.camera):
            said_caption = None
        by_sidecar = said_caption is not None or now.rating is not None
        caption, rating = known.caption, known.rating
        # A sidecar may have said what it does not say any more.
        is_stale = (said_caption is None and caption) or (now.rating is None and rating)
        if known.by_sidecar and is_stale:
            own = _metadata(self._files[asset_id])
            if own is None:
                by_sidecar = True  # as long as nobody can tell what the file says
            else:
                caption, rating = own.caption, own.rating
        return (
            caption if said_caption is None else said_caption,
            rating if now.rating is None else now.rating or None,
            by_sidecar,
        )


def _chosen(
    everything: Sequence[Place], folders: Folders, paths: Sequence[Path]
) -> Sequence[Place]:
    """Return the files at the paths, in them, or whose sidecars are there; all without paths."""
    if not paths:
        return everything
    chosen: dict[Place, None] = {}
    for path in map(normal_path, paths):
        if not path.exists():
            raise PathNotFoundError(path)
        inside = [
            place
            for place in everything
            if place.path.is_relative_to(path)
            or any(one.is_relative_to(path) for one in _sidecars_of(place, folders))
        ]
        if not inside:
            raise SidecarError(path, "has no photos of the library; add them with: pixfind index")
        chosen.update(dict.fromkeys(inside))
    return list(chosen)


def _sidecars_of(place: Place, folders: Folders) -> list[Path]:
    styles = [Style.DARKTABLE] if folders.is_shared(place) else list(Style)
    found = (folders.existing(place, style) for style in styles)
    return [sidecar for sidecar in found if sidecar is not None]


def _shared_ones(chosen: Sequence[Place], folders: Folders) -> list[Trouble]:
    """Return the sidecars of which nobody can tell which file they are about."""
    unclear = {
        sidecar
        for place in chosen
        if folders.is_shared(place)
        and (sidecar := folders.existing(place, Style.LIGHTROOM)) is not None
        and not folders.is_of_other(place)
    }
    reason = "could be about several photos; rename it to the whole name of one: photo.jpg.xmp"
    return [Trouble(sidecar, reason) for sidecar in sorted(unclear)]


def _metadata(files: Sequence[Path]) -> Metadata | None:
    """Return what a photo's own file says; ``None`` if it cannot be read now."""
    from pixfind.decoding.safely import metadata_of_file

    for file in files:
        try:
            found = metadata_of_file(file)
        except PhotoReadError:
            continue
        if found is not None:
            return found
    return None


def _from_sidecars(session: Session, asset_ids: Sequence[int]) -> Mapping[int, frozenset[str]]:
    found: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
    for asset_id, on in tags_on(session, asset_ids).items():
        found[asset_id] = frozenset(tag.name for tag in on if tag.source == FROM_SIDECAR)
    return found
