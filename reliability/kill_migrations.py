"""Kill the opening of old catalogs: is each old or new, and is every row still there?

A catalog of an earlier schema with thousands of rows is opened by the command line, which brings
its schema up to date, and killed while it does. After each kill SQLite finds it whole, it is of
one of the schemas in between, and every row of before is there with all that it said. Then it is
opened again, killed again now and then, and in the end equals a catalog that nobody killed.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from pixfind.catalog import Catalog, migrations
from pixfind.catalog.database import FILE_NAME
from pixfind.catalog.migrations import MIGRATIONS
from reliability.rounds import Rounds
from reliability.victim import pixfind

ROWS = 20_000
# Given anew each time a catalog is made.
MOMENTS = {"migration": "applied_at"}
PHASES = {"creation": 0.4}
TABLES = ("setting", "root", "asset", "file", "model", "embedding")
Content = dict[str, list[Any]]


def run(rounds: str = "40", seed: str = "0", rows: str = str(ROWS)) -> None:
    """Kill so many openings of catalogs with so many pictures."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(rows))
        for number in range(int(rounds)):
            trial.round(number)
        trial.rounds.report(
            f"openings of old catalogs with {int(rows):,} pictures",
            f"killed between two schemas: {trial.between}; "
            f"catalogs compared with one that was opened in peace: {trial.compared}",
        )


class Trial:
    """All rounds."""

    def __init__(self, folder: Path, seed: int, rows: int) -> None:
        self._folder = folder
        self._rows = rows
        self._old: dict[int, Path] = {}
        self._peaceful: dict[int, Content] = {}
        self._lasts_s: dict[int, float] = {}
        self.rounds = Rounds(folder, seed, PHASES, anywhere=0.15)
        self.between = self.compared = 0

    def round(self, number: int) -> None:
        """Kill the opening of a catalog of some earlier schema until it is through."""
        count = self.rounds.numbers.randrange(1, len(MIGRATIONS))
        old = self._catalog(count)
        library = self._folder / "library"
        shutil.rmtree(library, ignore_errors=True)
        shutil.copytree(old, library)
        before = content(library)
        phase = self._killed(library, count)
        done = self._check(library, before, count)
        Catalog.open(library).close()
        self.rounds.findings.expect(
            content(library) == self._peaceful[count], "the catalog differs in the end", count
        )
        self.compared += 1
        self.rounds.tell(number, f"of schema {count}, killed in {phase} at schema {done}")

    def _killed(self, library: Path, count: int) -> str:
        while True:
            phase = self.rounds.kill(pixfind(library, "status"), self._lasts_s[count])
            if phase is not None:
                return phase
            shutil.rmtree(library)
            shutil.copytree(self._old[count], library)

    def _check(self, library: Path, before: Content, count: int) -> int:
        """Look at what a killed opening has left; return how many schemas it has been through."""
        now = content(library)
        findings = self.rounds.findings
        names = [row["name"] for row in now["migration"]]
        known = [one.name for one in MIGRATIONS]
        findings.expect(names == known[: len(names)], "the schemas are not in order", names)
        self.between += count < len(names) < len(known)
        findings.expect(now["whole"] == [("ok",)], "the catalog is not whole", now["whole"])
        findings.expect(not now["strays"], "rows lead nowhere", now["strays"])
        for table in TABLES:
            pairs = zip(before[table], now[table], strict=False)
            kept = [{name: row.get(name) for name in old} for old, row in pairs]
            findings.expect(kept == before[table], "rows were lost or changed", table)
        return len(names)

    def _catalog(self, count: int) -> Path:
        """Make a catalog of a schema once, and one that is opened in peace."""
        if count not in self._old:
            self._old[count] = self._folder / f"schema {count}"
            make_catalog(self._old[count], count, self._rows)
            peaceful = self._folder / f"peaceful {count}"
            shutil.copytree(self._old[count], peaceful)
            started = time.monotonic()
            self.rounds.complete(pixfind(peaceful, "status"))
            self._lasts_s[count] = time.monotonic() - started
            self._peaceful[count] = content(peaceful)
        return self._old[count]


def make_catalog(folder: Path, count: int, rows: int) -> None:
    """Make a catalog that has been through so many migrations, with so many pictures."""
    folder.mkdir()
    engine = create_engine(f"sqlite:///{folder / FILE_NAME}")
    with engine.begin() as connection:
        for migration in MIGRATIONS[:count]:
            migrations.apply(connection, migration)
        connection.execute(text("INSERT INTO root (id, path, whole) VALUES (1, '/photos', 1)"))
        connection.execute(
            text("INSERT INTO model (id, name, fingerprint, dim) VALUES (1, 'old', 'f', 2)")
        )
        numbers = [{"n": n, "content": n.to_bytes(32, "big")} for n in range(1, rows + 1)]
        for statement in (
            "INSERT INTO asset (id, content_id, byte_size, format, width, height, camera_model) "
            "VALUES (:n, :content, :n, 'JPEG', 4, 3, 'NIKON D90')",
            "INSERT INTO file (root_id, folder, name, size, mtime_ns, asset_id) "
            "VALUES (1, 'trip ' || (:n % 50), 'IMG ' || :n || '.jpg', :n, 1, :n)",
            "INSERT INTO embedding (asset_id, model_id, kind, vector) "
            "VALUES (:n, 1, 'whole', :content)",
        ):
            connection.execute(text(statement), numbers)
    engine.dispose()


def content(library: Path) -> Content:
    """Return all rows of all tables, and how the tables are made."""
    with closing(sqlite3.connect(library / FILE_NAME)) as catalog:
        catalog.row_factory = sqlite3.Row
        names = [
            row["name"]
            for row in catalog.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        found: Content = {
            name: [
                {k: row[k] for k in row.keys() if k != MOMENTS.get(name)}  # noqa: SIM118
                for row in catalog.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - a table's name
            ]
            for name in names
        }
        found["schema"] = [
            tuple(row)
            for row in catalog.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
        ]
        found["whole"] = [tuple(r) for r in catalog.execute("PRAGMA integrity_check")]
        found["strays"] = [tuple(r) for r in catalog.execute("PRAGMA foreign_key_check")]
    return found
