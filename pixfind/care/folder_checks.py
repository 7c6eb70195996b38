"""What can be wrong around a catalog: files derived from it, models, folders, the disk."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pixfind.care.findings import Finding, Mend, Progress, counted
from pixfind.catalog import roots
from pixfind.catalog.database import FILE_NAME
from pixfind.encoders.model_files import read_description, verify
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryBusyError, LibraryReadOnlyError, ModelError
from pixfind.library import PARTS, THUMBNAILS, VECTORS, Library
from pixfind.text import printable, readable_size
from pixfind.vectors.manifest import Manifest, checksum

LITTLE_SPACE = 100 << 20
JPEG_BEGINS, JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"
THUMBNAIL = re.compile(r"[0-9a-f]{64}(-\d+)?\.jpg")
INDEX_FILE = re.compile(r".*\.(faiss|changes|json)|\..*\.tmp")


def check_indexes(library: Library, progress: Progress) -> Iterator[Finding]:
    """Check the FAISS files, which the next search would write anew by itself."""
    if is_being_written(library):
        return  # what no manifest names may be named in a moment
    progress("index files", 0, 0)
    damaged = list(damaged_indexes(library.folder))
    if damaged:
        yield Finding(
            f"{counted(len(damaged), 'index file')} in {VECTORS} are damaged or left over",
            "they are rebuilt by themselves; at once with: pixfind doctor --repair",
            Mend.FAISS,
        )


def damaged_indexes(folder: Path) -> Iterator[Path]:
    """Yield the manifests of which something is damaged, and files that no manifest names."""
    for place in (folder / VECTORS, folder / VECTORS / PARTS):
        named: set[str | None] = set()
        for manifest_file in place.glob("*.json"):
            manifest = Manifest.read(manifest_file)
            if manifest is not None and _is_whole(place, manifest):
                named |= {manifest_file.name, manifest.file, manifest.changes}
        for file in place.glob("*"):
            if INDEX_FILE.fullmatch(file.name) and file.name not in named:
                yield file


def _is_whole(place: Path, manifest: Manifest) -> bool:
    try:
        file, _ = manifest.check(place)
        return checksum(file) == manifest.crc32
    except OSError:
        return False


def check_thumbnails(library: Library, progress: Progress) -> Iterator[Finding]:
    """Check that thumbnails are JPEGs from their first bytes to their last."""
    damaged = sum(1 for _ in damaged_thumbnails(library.folder, progress))
    if damaged:
        yield Finding(
            f"{counted(damaged, 'thumbnail')} are damaged",
            "remove them with: pixfind doctor --repair; they are made anew when they are shown",
            Mend.THUMBNAILS,
        )


def damaged_thumbnails(folder: Path, progress: Progress) -> Iterator[Path]:
    """Yield the thumbnails that are no whole JPEGs."""
    done = 0
    for inner, _, names in os.walk(folder / THUMBNAILS):
        progress("thumbnails", done, 0)
        for name in names:
            done += 1
            file = Path(inner, name)
            if THUMBNAIL.fullmatch(name) and not _is_whole_jpeg(file):
                yield file


def _is_whole_jpeg(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(JPEG_BEGINS))
            opened.seek(-len(JPEG_ENDS), os.SEEK_END)
            return begins == JPEG_BEGINS and opened.read() == JPEG_ENDS
    except FileNotFoundError:
        return True  # removed just now
    except OSError:
        return False


def check_models(library: Library, models: ModelStore, progress: Progress) -> Iterator[Finding]:
    """Check that the models that the library was indexed with are there and whole."""
    chosen = library.model()
    for row in library.models():
        progress(f"model {row.name}", 0, 0)
        is_chosen = chosen is not None and chosen.id == row.id
        try:
            description = models.describe(row.name)
            folder = models.folder_of(row.name)
            verify(folder, read_description(folder, row.name))
        except ModelError as error:
            yield Finding(str(error), "until then it cannot be searched", is_note=not is_chosen)
            continue
        if description.fingerprint != row.fingerprint:
            yield Finding(
                f"the model {row.name!r} is another one than the one that the library's vectors "
                "come from",
                f"embed the photos again with: pixfind index --model {row.name}",
                is_note=not is_chosen,
            )


def check_surroundings(library: Library) -> Iterator[Finding]:
    """Check what the library needs around it."""
    if library.catalog.is_read_only:
        yield Finding(
            "the library can only be read where it lies",
            "searching works; to change it, copy it to a folder that can be written",
            is_note=True,
        )
    else:
        if is_being_written(library):
            yield Finding(
                "another pixfind is writing to the library now", "check again later", is_note=True
            )
        yield from _disk(library.folder)
    with library.catalog.read() as session:
        paths = [root.path for root in roots.all_roots(session)]
    for path in paths:
        if not Path(path).exists():
            yield Finding(
                f"the folder {printable(path)} is not there",
                "mount its drive, or say where it is with: pixfind move OLD NEW",
                is_note=True,
            )


def is_being_written(library: Library) -> bool:
    """Tell whether another process holds the library's lock."""
    try:
        with library.writing():
            return False
    except LibraryBusyError:
        return True
    except LibraryReadOnlyError:
        return False


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    needed = (folder / FILE_NAME).stat().st_size
    if free < max(LITTLE_SPACE, needed):
        yield Finding(
            f"the disk has {readable_size(free)} left",
            "make room: indexing and repairing need more than that",
            is_note=free >= LITTLE_SPACE,
        )
