"""A backup as a file: a zip archive of a catalog, and of thumbnails if they were asked for.

Its members are stored, not compressed: vectors and JPEGs do not get smaller. So what an archive
unpacks to is never larger than itself. ``manifest.json``, which is written last, tells the size and
the SHA-256 of each. Only members of these names are read, and only to places that are chosen here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pixfind.care.findings import Progress
from pixfind.errors import BackupDamagedError, BackupTooNewError

MANIFEST, CATALOG = "manifest.json", "catalog.db"
# As thumbnails lie in a library (``photos.thumbnails``): by size, by content, at a moment.
THUMBNAIL = re.compile(r"thumbs/(grid|preview)/([0-9a-f]{2})/\2[0-9a-f]{62}(-\d{1,9})?\.jpg")
FORMAT, VERSION = "pixfind backup", 1
CHUNK = 1 << 20
MOST_MANIFEST_BYTES = 1 << 28
MOST_THUMBNAIL_BYTES = 1 << 24
MOST_MEMBERS = 10_000_000
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Member:
    """A file of a backup: its size in bytes and the SHA-256 of its content, hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What a backup holds, as its manifest tells.

    ``migrations`` are those that the catalog has been through, ``made_at`` is ISO 8601 in UTC.
    """

    pixfind: str
    made_at: str
    library_id: str
    migrations: list[str]
    photos: int
    files: int
    tags: int
    albums: int
    members: dict[str, Member]

    @property
    def size(self) -> int:
        """How many bytes there are to restore."""
        return sum(member.size for member in self.members.values())


class Writer:
    """Writes a backup, one member after the other."""

    def __init__(self, archive: zipfile.ZipFile, progress: Progress) -> None:
        self._archive = archive
        self._progress = progress
        self.members: dict[str, Member] = {}

    def add(self, name: str, file: Path) -> None:
        """Add a file."""
        digest, done, size = hashlib.sha256(), 0, file.stat().st_size
        with file.open("rb") as source, self._archive.open(name, "w", force_zip64=True) as member:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                member.write(chunk)
                done += len(chunk)
                if name == CATALOG:
                    self._progress("writing the backup (MiB)", done >> 20, size >> 20)
        self.members[name] = Member(done, digest.hexdigest())

    def finish(self, contents: Contents) -> None:
        """Add the manifest."""
        document = {"format": FORMAT, "version": VERSION, **asdict(contents)}
        self._archive.writestr(MANIFEST, json.dumps(document, indent=1))


@contextmanager
def new_archive(file: Path, mode: int, progress: Progress) -> Iterator[Writer]:
    """Write a backup to a file that is not there yet, with a mode from its first byte on."""
    with (
        open(file, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as opened,
        zipfile.ZipFile(opened, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
    ):
        yield Writer(archive, progress)


class Reader:
    """Reads a backup, which may be damaged, or made by somebody with ill intent.

    Raises:
        BackupDamagedError: from each method, for what is no backup or no whole one.
    """

    def __init__(self, file: Path, archive: zipfile.ZipFile) -> None:
        self._file = file
        self._archive = archive
        self.contents = self._read_contents()

    def check(self, progress: Progress) -> None:
        """Compare every member with its checksum."""
        total, done = self.contents.size, 0
        for name in self.contents.members:
            for chunk in self._chunks(name):
                done += len(chunk)
                progress("checking the backup (MiB)", done >> 20, total >> 20)

    def extract(self, name: str, target: Path) -> None:
        """Write a member to a file that is not there yet, and compare it with its checksum."""
        with target.open("xb") as written:
            for chunk in self._chunks(name):
                written.write(chunk)

    def _chunks(self, name: str) -> Iterator[bytes]:
        member = self.contents.members[name]
        digest, left = hashlib.sha256(), member.size
        try:
            with self._archive.open(name) as opened:
                while chunk := opened.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        break
                    digest.update(chunk)
                    yield chunk
        except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise self._damaged(f"{name}: {error}") from error
        if left or digest.hexdigest() != member.sha256:
            raise self._damaged(f"{name} is not what was saved")

    def _read_contents(self) -> Contents:
        infos = self._archive.infolist()
        self._require_plain(infos)
        document = self._document()
        try:
            contents = _contents(document)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise self._damaged("its manifest is none") from error
        sizes = {info.filename: info.file_size for info in infos if info.filename != MANIFEST}
        if sizes != {name: member.size for name, member in contents.members.items()}:
            raise self._damaged("it does not hold what its manifest tells")
        return contents

    def _require_plain(self, infos: list[zipfile.ZipInfo]) -> None:
        names = [info.filename for info in infos]
        if MANIFEST not in names or CATALOG not in names:
            raise self._damaged("it holds no library")
        if len(names) > MOST_MEMBERS or len(set(names)) != len(names):
            raise self._damaged("it holds something twice")
        for info in infos:
            if not is_expected(info.filename):
                raise self._damaged("it holds what no backup does")
            is_stored = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not is_stored or kind not in (0, stat.S_IFREG):
                raise self._damaged("it holds what is no plain file")
            if info.file_size > _most_bytes(info.filename, self._file.stat().st_size):
                raise self._damaged("it holds something too large")
        # Members that share their bytes would unpack to more than the archive has.
        if sum(info.file_size for info in infos) > self._file.stat().st_size:
            raise self._damaged("it holds more than it can")

    def _document(self) -> dict[str, Any]:
        try:
            document = json.loads(self._archive.read(MANIFEST))
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, RecursionError) as error:
            raise self._damaged("its manifest cannot be read") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise self._damaged("its manifest is none")
        version = document.get("version")
        if not isinstance(version, int):
            raise self._damaged("its manifest is none")
        if version > VERSION:
            raise BackupTooNewError(self._file, f"version {version}")
        return document

    def _damaged(self, reason: str) -> BackupDamagedError:
        return BackupDamagedError(self._file, reason)


@contextmanager
def opened_archive(file: Path) -> Iterator[Reader]:
    """Open a backup to read it.

    Raises:
        BackupDamagedError: it is none.
        BackupTooNewError: a later pixfind made it.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BackupDamagedError(file, getattr(error, "strerror", None) or str(error)) from error
    with archive:
        yield Reader(file, archive)


def is_backup(file: Path) -> bool:
    """Tell whether a file is a backup, be it a later pixfind's; its checksums are not compared."""
    try:
        with opened_archive(file):
            return True
    except BackupTooNewError:
        return True
    except BackupDamagedError:
        return False


def is_expected(name: str) -> bool:
    """Tell whether a backup has members of that name."""
    return name in (MANIFEST, CATALOG) or THUMBNAIL.fullmatch(name) is not None


def _most_bytes(name: str, whole: int) -> int:
    return {MANIFEST: MOST_MANIFEST_BYTES, CATALOG: whole}.get(name, MOST_THUMBNAIL_BYTES)


def _contents(document: dict[str, Any]) -> Contents:
    members = {
        str(name): Member(int(member["size"]), str(member["sha256"]))
        for name, member in document["members"].items()
    }
    if not all(SHA256.fullmatch(member.sha256) for member in members.values()):
        raise ValueError("no SHA-256")
    migrations = document["migrations"]
    if not isinstance(migrations, list) or not all(isinstance(name, str) for name in migrations):
        raise TypeError("no names")
    return Contents(
        pixfind=str(document["pixfind"]),
        made_at=str(document["made_at"]),
        library_id=str(document["library_id"]),
        migrations=migrations,
        **{name: int(document[name]) for name in ("photos", "files", "tags", "albums")},
        members=members,
    )
