"""What must hold of a library whatever happened to the process that wrote it.

A catalog is read here with nothing of pixfind, so that its own reading cannot hide a loss.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pixfind.catalog import assets
from pixfind.catalog.database import FILE_NAME
from pixfind.durable import LEFTOVER_AGE_S
from pixfind.encoders.base import Encoder
from pixfind.errors import LibraryEmptyError
from pixfind.library import VECTORS, Library
from search import SearchEngine

# Rounding: a photo alone in a batch may come out a little different from one among others.
SAME = 1e-3
SAMPLED = 5
SHOWN = 3
# Numbers that are given in the order of work, moments of work, and what is derived.
VOLATILE = {"id", "root_id", "asset_id", "seen_at", "failed_at", "run_id", "said_at", "applied_at"}
Row = dict[str, Any]


@dataclass
class Findings:
    """Promises that were broken, counted by kind; the first few are printed."""

    broken: Counter[str] = field(default_factory=Counter)

    def expect(self, holds: object, kind: str, about: object = "") -> bool:
        """Note what does not hold; return whether it did."""
        if not holds:
            self.broken[kind] += 1
            if self.broken[kind] <= SHOWN:
                print(f"  BROKEN: {kind}: {about}", flush=True)
        return bool(holds)

    def summary(self) -> str:
        """Return one line."""
        counts = ", ".join(f"{kind}: {n}" for kind, n in sorted(self.broken.items()))
        return f"promises broken: {self.broken.total()}{f' ({counts})' if counts else ''}"


@dataclass(frozen=True)
class Held:
    """What a catalog holds: contents by asset id, vectors by embedding id, files by path."""

    assets: dict[int, bytes] = field(default_factory=dict)
    vectors: dict[int, tuple[int, int]] = field(default_factory=dict)
    files: dict[str, tuple[int, int, int | None]] = field(default_factory=dict)


@contextmanager
def reading(library: Path) -> Iterator[sqlite3.Connection]:
    """Open a catalog for reading only."""
    connection = sqlite3.connect(f"{(library / FILE_NAME).as_uri()}?mode=ro", uri=True, timeout=30)
    connection.text_factory = os.fsdecode
    connection.row_factory = sqlite3.Row
    with closing(connection):
        yield connection


def held(library: Path) -> Held:
    """Return what is committed now; nothing of a catalog that is not there yet."""
    if not (library / FILE_NAME).exists():
        return Held()
    try:
        with reading(library) as catalog:
            catalog.execute("BEGIN")
            contents = dict(map(tuple, catalog.execute("SELECT id, content_id FROM asset")))
            rows = catalog.execute("SELECT id, asset_id, vector FROM embedding")
            vectors = {row[0]: (row[1], zlib.crc32(row[2])) for row in rows}
            rows = catalog.execute(
                "SELECT root.path, folder, name, size, mtime_ns, asset_id "
                "FROM file JOIN root ON root.id = root_id"
            )
            files = {os.path.join(*row[:3]): tuple(row)[3:] for row in rows}  # noqa: PTH118
    except sqlite3.OperationalError:
        return Held()  # it is being made
    return Held(contents, vectors, files)


def check_soundness(library: Path, findings: Findings) -> bool:
    """Ask SQLite whether the catalog is whole; return whether there is one that has its tables."""
    if not (library / FILE_NAME).exists():
        return False
    with closing(sqlite3.connect(library / FILE_NAME)) as catalog:
        (result,) = catalog.execute("PRAGMA integrity_check").fetchone()
        findings.expect(result == "ok", "the catalog is not whole", result)
        strays = catalog.execute("PRAGMA foreign_key_check").fetchall()
        findings.expect(not strays, "rows lead nowhere", strays[:3])
        tables = {row[0] for row in catalog.execute("SELECT name FROM sqlite_master")}
        if "embedding" not in tables:
            return False
        (orphans,) = catalog.execute(
            "SELECT count(*) FROM embedding WHERE asset_id NOT IN (SELECT id FROM asset)"
        ).fetchone()
        findings.expect(not orphans, "embeddings without their asset", orphans)
        (half,) = catalog.execute("SELECT count(*) FROM embedding WHERE length(vector) = 0")
        findings.expect(not half[0], "embeddings without a vector", half[0])
    return True


def check_kept(before: Held, library: Path, findings: Findings) -> None:
    """Check that what was committed before is there still, but for files that have changed."""
    now = held(library)
    for number, content in before.assets.items():
        findings.expect(now.assets.get(number) == content, "an asset was lost", number)
    for number, vector in before.vectors.items():
        findings.expect(now.vectors.get(number) == vector, "a vector was lost", number)
    for path, (size, mtime_ns, asset_id) in before.files.items():
        try:
            stat = os.stat(path)  # noqa: PTH116 - a name of any bytes
        except OSError:
            continue
        if (stat.st_size, stat.st_mtime_ns) == (size, mtime_ns):
            known = now.files.get(path)
            findings.expect(
                known is not None and known[2] == asset_id, "a file was forgotten", path
            )


def copy_of(library: Path, to: Path) -> Path:
    """Copy a library as a killed process left it, so that looking at it does not mend it."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        if (library / name).exists():
            shutil.copy2(library / name, to / name)
    if (library / VECTORS).exists():
        shutil.copytree(library / VECTORS, to / VECTORS)
    return to


def check_searches(folder: Path, encoder: Encoder, findings: Findings, seed: int) -> None:
    """Check that a text finds something, and photos' own vectors find these photos first."""
    with Library.open(folder) as library:
        try:
            model = library.require(encoder.spec)
        except LibraryEmptyError:
            with library.catalog.read() as session:
                there = [assets.count_searchable(session, row.id) for row in library.models()]
            findings.expect(not any(there), "a library with photos is taken for empty", there)
            return
        results = SearchEngine(library, encoder).search("a red circle", limit=SAMPLED)
        findings.expect(results is not None, "a search has no answer")
        check_index(library, model.id, findings, seed)


def check_index(library: Library, model_id: int, findings: Findings, seed: int) -> None:
    """Compare an index with its catalog: the ids, and the nearest of some of the vectors."""
    model = next(row for row in library.models() if row.id == model_id)
    index = library.vectors(model).current()
    with library.catalog.read() as session:
        wanted = assets.searchable_ids(session, model.id)
        numbers = np.random.default_rng(seed)
        chosen = numbers.choice(wanted, min(SAMPLED, len(wanted)), replace=False)
        known = list(assets.vectors_of(session, np.sort(chosen)))
    findings.expect(
        np.array_equal(np.sort(index.ids), np.sort(wanted)),
        "the index is not of the catalog's pictures",
        f"{len(index)} and {len(wanted)}",
    )
    for ids, vectors in known:
        scores, found = index.search(vectors, 2)
        for own, row, best in zip(ids, scores, found, strict=True):
            # Pictures can be so much alike that rounding decides.
            is_first = (
                own == best[0] or row[0] - row[list(best).index(own)] < SAME
                if own in best
                else False
            )
            findings.expect(is_first, "a photo's own vector does not find it first", own)


def leftovers(*folders: Path) -> list[Path]:
    """Return the temporary files in folders."""
    return [
        Path(at, name)
        for folder in folders
        for at, _, names in os.walk(folder)
        for name in names
        if name.startswith(".") and name.endswith(".tmp")
    ]


def age(files: list[Path]) -> None:
    """Make files look as old as those of a run that was killed long ago."""
    then = time.time() - 2 * LEFTOVER_AGE_S
    for file in files:
        os.utime(file, (then, then))


def final_state(library: Path) -> dict[str, dict[Any, Any]]:
    """Return what a library says of the files there are, by content and path, without numbers."""
    with reading(library) as catalog:
        contents = {
            row[0]: row[1].hex()
            for row in catalog.execute(
                "SELECT id, content_id FROM asset WHERE id IN (SELECT asset_id FROM file)"
            )
        }
        roots = dict(map(tuple, catalog.execute("SELECT id, path FROM root")))
        state: dict[str, dict[Any, Any]] = {"roots": dict.fromkeys(roots.values())}
        state["files"] = {
            (roots[row["root_id"]], row["folder"], row["name"]): (
                contents.get(row["asset_id"]), _lasting(row)
            )
            for row in catalog.execute("SELECT * FROM file")
        }  # fmt: skip
        state["metadata"] = {
            contents[row["id"]]: _lasting(row)
            for row in catalog.execute("SELECT * FROM asset")
            if row["id"] in contents
        }
        state["tags"] = {
            (contents[row["asset_id"]], row["name"], row["source"]): row["score"]
            for row in catalog.execute(
                "SELECT asset_id, name, source, score FROM asset_tag JOIN tag ON tag.id = tag_id"
            )
            if row["asset_id"] in contents
        }
        state["words"] = {
            contents[row[0]]: tuple(sorted((part or "").split()) for part in tuple(row)[1:])
            for row in catalog.execute("SELECT rowid, name, folder, tags, caption FROM document")
            if row[0] in contents
        }
        state["vectors"] = {
            (contents[row["asset_id"]], row["model_id"], row["kind"], row["second"]): row["vector"]
            for row in catalog.execute("SELECT * FROM embedding WHERE kind <> 'region'")
            if row["asset_id"] in contents
        }
    thumbs = {file.stem for file in library.glob("thumbs/grid/*/*.jpg")}
    state["thumbnails"] = {content: content in thumbs for content in contents.values()}
    return state


def _lasting(row: sqlite3.Row) -> Row:
    return {name: row[name] for name in row.keys() if name not in VOLATILE}  # noqa: SIM118


def check_same(
    reached: dict[str, dict[Any, Any]], wanted: dict[str, dict[Any, Any]], findings: Findings
) -> int:
    """Compare two final states; return how many vectors are equal to the last bit."""
    equal = 0
    for kind, expected in wanted.items():
        found = reached[kind]
        missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
        findings.expect(not missing, f"the final state lacks {kind}", sorted(missing, key=str)[:2])
        findings.expect(not extra, f"the final state has too many {kind}", list(extra)[:2])
        for key in expected.keys() & found.keys():
            same = found[key] == expected[key]
            if kind == "vectors":
                equal += same
                one, other = (np.frombuffer(v, "<f2").astype(np.float32)
                              for v in (found[key], expected[key]))  # fmt: skip
                same = len(one) == len(other) and bool(np.abs(one - other).max() <= SAME)
            findings.expect(same, f"{kind} differ in the end", (key, found[key], expected[key]))
    return equal


def check_saved(library: Path, findings: Findings) -> None:
    """Check that the index on disk is the catalog's, and that nothing else lies beside it."""
    with Library.open(library) as opened:
        for model in opened.models():
            cache = opened.vectors(model)
            index = cache.current()
            with opened.catalog.read() as session:
                wanted = assets.searchable_ids(session, model.id)
            findings.expect(
                np.array_equal(np.sort(index.ids), np.sort(wanted)),
                "the final index is not of the catalog's pictures",
            )
            if len(wanted):
                findings.expect(cache.is_saved, "the final index is not on disk")
