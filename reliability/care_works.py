"""Kinds of work that take care of a library: backups, restoring them, repairs."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pixfind.care.backup import back_up
from pixfind.care.checkup import check_library
from pixfind.care.findings import Mend
from pixfind.care.restore import restore
from pixfind.catalog.database import FILE_NAME
from pixfind.errors import PixfindError
from pixfind.library import Library
from reliability.checks import (
    Findings,
    check_kept,
    check_searches,
    check_soundness,
    final_state,
    held,
)
from reliability.damages import damage
from reliability.stage import Stage, State, Work, owners_words
from search.albums import save_album

TABLES = ("root", "asset", "file", "embedding", "asset_tag", "tag_rejection", "album")


class Backup(Work):
    """A backup in the place of an earlier one."""

    arguments = ("backup", "--with-thumbnails", "--force", "{stage.backup}")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        self.stage.backup.write_bytes(backup_of(self.stage))
        with Library.open(self.stage.library) as library:
            save_album(library, "Later", "a blue circle")

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        super().check(copy, findings)
        findings.expect(list(self._backups()), "no backup is left")
        for file in self._backups():
            self._restored(file, copy.with_name("restored"), findings)

    def outcome(self) -> State:
        """Return all that a run leaves that ends."""
        scratch = self.stage.folder.with_name("restored")
        backups = [self._restored(file, scratch, Findings()) for file in self._backups()]
        return super().outcome() | {"backups": dict(enumerate(backups))}

    def _backups(self) -> Iterator[Path]:
        yield from sorted(self.stage.out.glob("*.pixfind"))

    def _restored(self, file: Path, folder: Path, findings: Findings) -> State:
        """Restore what has a backup's name elsewhere, which must work; return what it holds."""
        shutil.rmtree(folder, ignore_errors=True)
        try:
            restore(file, folder)
        except PixfindError as error:
            findings.expect(False, "half a backup has the name of a whole one", error)
            return {}
        check_soundness(folder, findings)
        check_kept(self._held, folder, findings)
        return final_state(folder) | {"owners": dict.fromkeys(owners_words(folder))}


class Keep(Backup):
    """A backup beside earlier ones, the oldest of which goes."""

    arguments = ("backup", "--keep", "2", "{stage.out}")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        content = backup_of(self.stage, thumbnails=False)
        for day in (1, 2):
            (self.stage.out / f"pixfind-2026010{day}-101010.pixfind").write_bytes(content)

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        super().check(copy, findings)
        findings.expect(len(list(self._backups())) >= 2, "too few backups are left")


class Restore(Work):
    """A backup, where there is no library."""

    arguments = ("restore", "{stage.backup}")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        content = backup_of(self.stage)
        self._wanted = _all(self.stage.library)
        shutil.rmtree(self.stage.library)
        self.stage.backup.write_bytes(content)

    def next_command(self) -> tuple[str, ...]:
        """Return the same; where there is a library, with what the refusal says."""
        is_there = (self.stage.library / FILE_NAME).exists()
        return (*self.command(), *(("--force",) if is_there else ()))

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        if check_soundness(copy, findings):
            findings.expect(_all(copy) == self._wanted, "half a library was restored")
            check_searches(copy, self.stage.encoder, findings, self.seed)
        else:
            findings.expect(not (copy / FILE_NAME).exists(), "no catalog has its name")


class Replace(Restore):
    """A backup in the place of another library, whose ids mean other photos."""

    arguments = ("restore", "--force", "{stage.backup}")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        content = backup_of(self.stage)
        self._wanted = _all(self.stage.library)
        with closing(sqlite3.connect(self.stage.library / FILE_NAME)) as catalog, catalog:
            # An index of one tells lies of the other.
            rows = catalog.execute("SELECT id, vector FROM embedding WHERE kind = 'whole'")
            ids, vectors = zip(*rows.fetchall(), strict=True)
            turned = zip(reversed(vectors), ids, strict=True)
            catalog.executemany("UPDATE embedding SET vector = ? WHERE id = ?", turned)
        with Library.open(self.stage.library) as library:
            save_album(library, "Of mine", "a green circle")
        shutil.rmtree(self.stage.library / "vectors")
        check_searches(self.stage.library, self.stage.encoder, Findings(), self.seed)
        self.stage.backup.write_bytes(content)
        self._mine = _all(self.stage.library)

    def next_command(self) -> tuple[str, ...]:
        """Return the same: it replaces whatever is there."""
        return self.command()

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        check_soundness(copy, findings)
        now = _all(copy)
        findings.expect(now in (self._mine, self._wanted), "neither the old library nor the new")
        check_searches(copy, self.stage.encoder, findings, self.seed)
        kept = [_all(copy, file.name) for file in copy.glob("catalog*.db")]
        findings.expect(self._mine in kept, "the library that was replaced is lost")


class Repair(Work):
    """A repair of a catalog whose pages are damaged."""

    arguments = ("doctor", "--repair")
    is_sound = False

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        file = self.stage.library / FILE_NAME
        whole = file.read_bytes()
        numbers = random.Random(self.seed)
        while Mend.SALVAGE not in check_library(self.stage.library, self.stage.models).mends():
            file.write_bytes(whole)
            damage(file, numbers)
        self._damaged = file.read_bytes()

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        kept = [file.read_bytes() for file in copy.glob("catalog*.db")]
        findings.expect(self._damaged in kept, "the damaged catalog is not kept")
        if (copy / FILE_NAME).read_bytes() != self._damaged:
            check_soundness(copy, findings)
            check_searches(copy, self.stage.encoder, findings, self.seed)


class Mending(Work):
    """A repair of a catalog that is whole, and of files that are derived from it."""

    arguments = ("doctor", "--repair")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        with closing(sqlite3.connect(self.stage.library / FILE_NAME)) as catalog, catalog:
            # Foreign keys are off in a connection of SQLite's own.
            first = 3 * self.stage.files // 5
            catalog.execute("DELETE FROM asset WHERE id BETWEEN ? AND ?", (first, first + 2))
            catalog.execute("DELETE FROM document WHERE rowid < 20")
        for file in self.stage.library.rglob("*.faiss"):
            file.write_bytes(file.read_bytes()[:-100])
        for file in sorted(self.stage.library.glob("thumbs/grid/*/*.jpg"))[:10]:
            file.write_bytes(b"no picture")

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        with closing(sqlite3.connect(copy / FILE_NAME)) as catalog:
            (said,) = catalog.execute("PRAGMA integrity_check").fetchone()
        findings.expect(said == "ok", "the catalog is not whole", said)
        now = held(copy).assets
        lost = [number for number, content in self._held.assets.items() if number not in now]
        findings.expect(not lost, "an asset was lost", lost)
        findings.expect(self._said <= owners_words(copy), "the owner's word was changed")


def backup_of(stage: Stage, *, thumbnails: bool = True) -> bytes:
    """Return a backup of the library on the stage."""
    file = stage.folder.with_name("made.pixfind")
    with Library.open(stage.library) as library:
        back_up(library, file, thumbnails=thumbnails, force=True)
    return file.read_bytes()


def _all(library: Path, name: str = FILE_NAME) -> list[Any]:
    """Return all rows of a catalog's tables that matter; none if it has no such tables."""
    if not (library / name).exists():
        return []
    with closing(sqlite3.connect(library / name)) as catalog:
        catalog.text_factory = os.fsdecode
        try:
            return [catalog.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]  # noqa: S608
        except sqlite3.Error:
            return []
