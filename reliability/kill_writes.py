"""Kill the writing of large indexes: is there always one to search with, and the right one?

A library of synthetic vectors, enough for an index in lists, is changed a little or much, or loses
its index files, and a process that writes them (``Library.save_vectors``) is killed. After each
kill an index is opened, has exactly the catalog's pictures, and vectors find themselves first.
The next writing ends, and leaves one index and nothing else.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from sqlalchemy import delete, insert, select

from benchmarks.small_files import DIM, ClusteredEncoder
from benchmarks.synthetic_library import fill
from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File
from pixfind.encoders.base import unit
from pixfind.library import VECTORS, Library
from reliability import sampled
from reliability.checks import age, check_index, check_saved, check_soundness, leftovers
from reliability.rounds import Rounds

COUNT = 60_000
PHASES = {"vectors": 4.0, "writing": 0.2}
# What comes before a writing: how many pictures go and come; or the index files go.
CHANGES = {"a few": 300, "many": 12_000, "files gone": 0}


def run(rounds: str = "40", seed: str = "0", count: str = str(COUNT)) -> None:
    """Kill so many writings of an index over so many vectors."""
    with tempfile.TemporaryDirectory(prefix="pixfind-kill-") as folder:
        trial = Trial(Path(folder), int(seed), int(count))
        for number in range(int(rounds)):
            trial.round(number)
        kinds = ", ".join(f"{kind} {n}" for kind, n in trial.kinds.items())
        trial.rounds.report(
            f"writings of an index over {int(count):,} vectors",
            f"what had changed before: {kinds}",
            f"kills that left a file half written: {trial.half}; none is left after the next run",
        )


def save(library: str) -> None:
    """Write a library's index; what the killed process does."""
    with Library.open(Path(library)) as opened:
        (model,) = opened.models()
        opened.save_vectors(model)


class Trial:
    """All rounds over one library."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        self.rounds = Rounds(folder, seed, PHASES, anywhere=0.2)
        self.kinds: Counter[str] = Counter()
        self.half = 0
        self._library = folder / "library"
        self._vectors = np.random.default_rng(seed)
        with Library.create(self._library) as library:
            fill(library, ClusteredEncoder(), count)
        self._command = [
            sys.executable, "-m", "reliability.kill_writes", "{phases}", str(self._library)
        ]  # fmt: skip
        self._lasts_s = {"files gone": self.rounds.complete(self._command)}
        for kind in ("a few", "many"):
            self._change(kind)
            self._lasts_s[kind] = self.rounds.complete(self._command)
        lasts = ", ".join(f"{kind} {s:.1f} s" for kind, s in self._lasts_s.items())
        print(f"writing it after changes: {lasts}", flush=True)

    def round(self, number: int) -> None:
        """Change the library, kill who writes its index, look at what is left, write it."""
        phase = None
        while phase is None:
            kind = self.rounds.numbers.choice(list(CHANGES))
            self._change(kind)
            phase = self.rounds.kill(self._command, self._lasts_s[kind])
        self.kinds[kind] += 1
        findings = self.rounds.findings
        left = leftovers(self._library)
        self.half += bool(left)
        check_soundness(self._library, findings)
        with Library.open(self._library) as library:
            (model,) = library.models()
            check_index(library, model.id, findings, number)
        if number % 2:
            age(left)
            self.rounds.complete(self._command)
            check_saved(self._library, findings)
            left = [*leftovers(self._library), *self._files(".faiss")[1:]]
            findings.expect(not left, "files of indexes pile up", left)
        self.rounds.tell(number, f"{kind}, killed in {phase}")

    def _files(self, suffix: str) -> list[Path]:
        return sorted((self._library / VECTORS).glob(f"*{suffix}"))

    def _change(self, kind: str) -> None:
        if kind == "files gone":
            shutil.rmtree(self._library / VECTORS, ignore_errors=True)
            return
        count = CHANGES[kind]
        with Library.open(self._library) as library, library.catalog.write() as session:
            (model,) = library.models()
            known = np.array(session.scalars(select(File.asset_id)).all())
            first = int(known.max()) + 1
            gone = self._vectors.choice(known, count, replace=False)
            for some in np.array_split(gone, 1 + count // 5000):
                session.execute(delete(File).where(File.asset_id.in_(some.tolist())))
            ids = range(first, first + count)
            vectors = unit(self._vectors.standard_normal((count, DIM), np.float32)).astype("<f2")
            session.execute(insert(Asset), [_asset(n) for n in ids])
            session.execute(
                insert(Embedding),
                [
                    {"asset_id": n, "model_id": model.id, "kind": WHOLE, "vector": v.tobytes()}
                    for n, v in zip(ids, vectors, strict=True)
                ],
            )
            session.execute(insert(File), [_file(n) for n in ids])
            bump_generation(session)


def _asset(number: int) -> dict[str, object]:
    return {
        "id": number, "content_id": number.to_bytes(32, "big"), "byte_size": 1, "format": "JPEG",
        "width": 4, "height": 3, "metadata_version": 1,
    }  # fmt: skip


def _file(number: int) -> dict[str, object]:
    return {
        "root_id": 1, "folder": "added", "name": f"{number}.jpg", "size": 1, "mtime_ns": 1,
        "asset_id": number,
    }  # fmt: skip


if __name__ == "__main__":
    sampled.run(Path(sys.argv[1]), lambda: save(sys.argv[2]))
