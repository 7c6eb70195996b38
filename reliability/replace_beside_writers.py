"""Restore and repair a library beside processes that write to it: is what was acknowledged kept?

Three processes save searches under names that are never used twice, and print each name when it is
saved; two of them keep the library open, as a server does, one opens it anew each time. Another one
reads. Meanwhile a backup is put back with ``restore --force``, again and again, and every third
time the catalog is damaged instead, where none of them writes, and salvaged. Each acknowledged
change must then be in the catalog that is there, or in one that was kept when another took its
place; both must be sound; after a repair all is in the new one; and who reads sees one whole
library or the other.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.small_files import ClusteredEncoder
from benchmarks.synthetic_library import fill
from pixfind.care.backup import back_up
from pixfind.care.repair import repair_library
from pixfind.care.restore import restore
from pixfind.catalog.database import FILE_NAME
from pixfind.catalog.schema import Album, File
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryBusyError
from pixfind.library import Library
from reliability.checks import Findings
from reliability.victim import REPOSITORY
from search.albums import save_album

PHOTOS, WRITERS = 500, 3
REPAIRED_EVERY = 3
PATIENCE_S = 60
SAVED, REFUSED, READ, BROKEN = "saved ", "refused ", "read ", "broken "
NAMES = "SELECT name FROM album"
EMBEDDINGS = (
    "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'embedding'"
)


def run(rounds: str = "60", seed: str = "0") -> None:
    """Put so many catalogs in the place of others."""
    with tempfile.TemporaryDirectory(prefix="pixfind-replace-") as folder:
        trial = Trial(Path(folder), int(seed))
        with trial.processes():
            for number in range(int(rounds)):
                trial.round(number)
        trial.report()
    sys.exit(1 if trial.findings.broken else 0)


def write(folder: Path, number: int, stop: Path) -> None:
    """Save searches until told to stop; what a writing process does."""
    count = 0
    library = Library.open(folder)
    while not stop.exists():
        name = f"{number} {count}"
        count += 1
        try:
            if number == 0:
                library.close()
                library = Library.open(folder)
            save_album(library, name, "a dog")
        except LibraryBusyError as error:
            print(f"{REFUSED}{error}", flush=True)
        except Exception as error:
            print(f"{BROKEN}{type(error).__name__}: {error}", flush=True)
        else:
            print(f"{SAVED}{name}", flush=True)
    library.close()


def read(folder: Path, stop: Path) -> None:
    """Count photos until told to stop; what a reading process does."""
    with Library.open(folder) as library:
        while not stop.exists():
            try:
                with library.catalog.read() as session:
                    found = session.scalar(select(func.count()).select_from(File))
                    list(session.scalars(select(Album.name)))
            except Exception as error:
                print(f"{BROKEN}{type(error).__name__}: {error}", flush=True)
            else:
                print(f"{READ}{found}", flush=True)


class Trial:
    """One library, and what becomes of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.findings = Findings()
        self._folder, self._library = folder, folder / "library"
        self._models = ModelStore(folder / "models")
        self._random = random.Random(seed)
        self._stop = folder / "stop"
        self._logs = [folder / f"{number}.log" for number in range(WRITERS + 1)]
        self._found: set[str] = set()
        self._restores = self._repairs = 0
        with Library.create(self._library) as library:
            fill(library, ClusteredEncoder(), PHOTOS)
            self._backup = back_up(library, folder / "all.pixfind").file

    @contextmanager
    def processes(self) -> Iterator[None]:
        """Run all who write and read, and wait for their ends."""
        command = [sys.executable, "-m", "reliability.replace_beside_writers"]
        with ExitStack() as stack:
            for number, log in enumerate(self._logs):
                told = stack.enter_context(log.open("wb"))
                arguments = [str(self._library), str(number), str(self._stop)]
                process = subprocess.Popen([*command, *arguments], stdout=told, cwd=REPOSITORY)
                stack.enter_context(process)
            try:
                yield
            finally:
                self._stop.touch()

    def round(self, number: int) -> None:
        """Put another catalog in place when each has done something since the last one."""
        self._until_all_go_on()
        if number % REPAIRED_EVERY == REPAIRED_EVERY - 1:
            self._repair()
        else:
            self._restore()
        print(f"{number}: {len(self._found):,} changes found so far", flush=True)

    def report(self) -> None:
        """Ask what each has seen, and print what was tried and found."""
        self._found |= self._names(self._library / FILE_NAME)
        lines = [line for log in self._logs for line in log.read_text("utf-8").splitlines()]
        told = {line.removeprefix(SAVED) for line in lines if line.startswith(SAVED)}
        refused = sum(line.startswith(REFUSED) for line in lines)
        read = [line for line in lines if line.startswith(READ)]
        for line in lines:
            self.findings.expect(not line.startswith(BROKEN), "neither done nor refused", line)
        for line in read:
            self.findings.expect(line == f"{READ}{PHOTOS}", "no whole library was read", line)
        for name in sorted(told - self._found):
            self.findings.expect(False, "an acknowledged change is lost", name)
        print(
            f"catalogs restored beside {WRITERS} writing processes: {self._restores}; "
            f"damaged and salvaged: {self._repairs}\n"
            f"changes that were acknowledged: {len(told):,}, of them lost: "
            f"{len(told - self._found)}; refused with one line: {refused}; "
            f"readings of a whole library meanwhile: {len(read):,}\n"
            f"{self.findings.summary()}"
        )

    def _restore(self) -> None:
        self._restores += 1
        kept = restore(self._backup, self._library, force=True).kept
        if self.findings.expect(kept, "nothing was kept") and kept is not None:
            self._found |= self._names(kept)
            self._remove(kept)

    def _repair(self) -> None:
        """Damage a page that nobody writes to, and repair: all that was acknowledged stays."""
        self._repairs += 1
        file = self._library / FILE_NAME
        page, size = _ask(file, EMBEDDINGS)[0]
        with file.open("rb+") as opened:
            opened.seek((int(page) - 1) * int(size))
            opened.write(self._random.randbytes(64))
        repair = repair_library(self._library, self._models)
        self.findings.expect(repair.saved, "a damaged catalog was not salvaged")
        new = self._names(file)
        self._found |= new
        for kept in repair.kept:
            old = {name for (name,) in _ask(kept, NAMES)}
            self.findings.expect(old <= new, "a repair lost changes", sorted(old - new)[:3])
            self._remove(kept)

    def _names(self, file: Path) -> set[str]:
        said = _ask(file, "PRAGMA integrity_check")
        self.findings.expect(said == [("ok",)], "a catalog is damaged", (file.name, said[:1]))
        return {name for (name,) in _ask(file, NAMES)}

    def _remove(self, kept: Path) -> None:
        for beside in self._library.glob(f"{kept.name}*"):
            beside.unlink()

    def _until_all_go_on(self) -> None:
        before = [log.stat().st_size for log in self._logs]
        until = time.monotonic() + PATIENCE_S
        while any(log.stat().st_size <= size for log, size in zip(self._logs, before, strict=True)):
            if not self.findings.expect(time.monotonic() < until, "somebody does nothing"):
                return
            time.sleep(0.01)


def _ask(file: Path, question: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file, timeout=30)) as catalog:
        return catalog.execute(question).fetchall()


if __name__ == "__main__":
    library, number, stop = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    if number == WRITERS:
        read(library, stop)
    else:
        write(library, number, stop)
