"""Damage the FAISS files of a library: is each damage noticed, and never a search wrong?

A small index, and one in lists that is mapped from its file, lose bytes, get others, or are
swapped with older ones: index, changes and manifest. Each is then opened as by a new process and
searched for vectors that it holds. A file in lists is searched before the part behind its head is
checked, which takes a while: there nothing may fail, and once it is checked all must be right. The
work is done in a process of its own, so that a crash in native code would be seen.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.small_files import ClusteredEncoder
from benchmarks.synthetic_library import fill
from pixfind.catalog import assets
from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import File
from pixfind.library import VECTORS, Library
from pixfind.vectors import VectorIndex, cache, manifest
from reliability.checks import Findings
from reliability.victim import REPOSITORY

COUNT = 1_200
QUERIES = 12
# Of the index in lists: so few photos are enough for one, and so little of it is its head.
LISTS_FROM, HEAD = 500, 65_536
DAMAGES = ("bits", "truncated", "garbage", "zeros", "longer", "empty", "missing", "older")
NEAR = 0.98


def run(rounds: str = "200", seed: str = "0") -> None:
    """Damage each form of index so often."""
    program = f"from reliability.fuzz_index import fuzz; fuzz({int(rounds)}, {int(seed)})"
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    print(f"the process ended with {ended.returncode} (a crash would be negative)")
    if ended.returncode:
        raise SystemExit(1)


def fuzz(rounds: int, seed: int) -> None:
    """Damage both forms, in this process."""
    findings = Findings()
    for form in ("small", "lists"):
        with tempfile.TemporaryDirectory(prefix="pixfind-fuzz-") as folder, form_of(form):
            trial = Trial(Path(folder), seed, findings)
            for _ in range(rounds):
                trial.round()
        counts = ", ".join(f"{kind} {n}" for kind, n in sorted(trial.done.items()))
        print(
            f"{form}: {rounds} damages ({counts}); "
            f"{trial.rebuilt} derived again, {trial.harmless} did no harm"
        )
    print(findings.summary(), flush=True)
    if findings.broken:
        raise SystemExit(1)


@contextmanager
def form_of(form: str) -> Iterator[None]:
    """Have indexes be of a form, though they are small."""
    if form == "small":
        yield
        return
    changed = (cache, "EXACT_LIMIT", LISTS_FROM), (manifest, "HEAD_BYTES", HEAD)
    with ExitStack() as patches:
        for module, name, value in (*changed, (cache, "CHECKED_AFTER_S", 0.3)):
            patches.enter_context(patch.object(module, name, value))
        yield


class Trial:
    """One library whose index is damaged, again and again."""

    def __init__(self, folder: Path, seed: int, findings: Findings) -> None:
        self.done: Counter[str] = Counter()
        self.rebuilt = self.harmless = 0
        self._findings = findings
        self._numbers = random.Random(seed)
        self._folder = folder / "library"
        self._old, self._whole = folder / "old", folder / "whole"
        with Library.create(self._folder) as library:
            fill(library, ClusteredEncoder(), COUNT)
            self._saved(library, self._old)
            # Lists get a file of changes beside them.
            with library.catalog.write() as session:
                session.delete(session.get_one(File, 3))
                bump_generation(session)
            self._saved(library, self._whole)
            (model,) = library.models()
            with library.catalog.read() as session:
                self._ids = assets.searchable_ids(session, model.id)
                read = list(assets.vectors_of(session, self._ids))
        self._vectors = np.concatenate([vectors for _, vectors in read])
        self._model = model

    def _saved(self, library: Library, copy: Path) -> None:
        (model,) = library.models()
        library.save_vectors(model)
        shutil.copytree(self._folder / VECTORS, copy)

    def round(self) -> None:
        """Damage a file, open, search; wait for the check and search again."""
        shutil.rmtree(self._folder / VECTORS)
        shutil.copytree(self._whole, self._folder / VECTORS)
        files = [f for f in sorted((self._folder / VECTORS).iterdir()) if f.suffix != ".TAG"]
        file = self._numbers.choice(files)
        kind = self._numbers.choice(DAMAGES)
        self.done[kind] += 1
        before = file.read_bytes()
        self._damage(file, kind)
        about = f"{kind} of {file.name}"
        try:
            self._search(file, before, about)
        except Exception as error:
            self._findings.expect(False, "a search failed", f"{about}: {error!r}")

    def _search(self, file: Path, before: bytes, about: str) -> None:
        with Library.open(self._folder) as library:
            vectors = library.vectors(self._model)
            index = vectors.current()
            is_whole = file.exists() and file.read_bytes() == before
            was_taken = vectors.is_saved and not is_whole
            if was_taken and not index.is_exact:
                self._is_right(index, about, sure=False)
                until = time.monotonic() + 20
                while vectors.current() is index and time.monotonic() < until:
                    time.sleep(0.02)
                self._findings.expect(vectors.current() is not index, "damage stays", about)
                index = vectors.current()
            self.rebuilt += not is_whole
            self.harmless += is_whole
            self._is_right(index, about, sure=True)
            library.save_vectors(self._model)
        with Library.open(self._folder) as library:
            vectors = library.vectors(self._model)
            self._is_right(vectors.current(), f"{about}, written anew", sure=True)
            self._findings.expect(vectors.is_saved, "it is not written anew", about)

    def _is_right(self, index: VectorIndex, about: str, *, sure: bool) -> None:
        chosen = np.array(self._numbers.sample(range(len(self._ids)), QUERIES))
        scores, found = index.search(self._vectors[chosen], 1)
        if sure:
            same = np.array_equal(np.sort(index.ids), np.sort(self._ids))
            self._findings.expect(same, "the index has other pictures", about)
            right = (found[:, 0] == self._ids[chosen]) & (scores[:, 0] > NEAR)
            self._findings.expect(right.all(), "a search is wrong", about)

    def _damage(self, file: Path, kind: str) -> None:
        content = bytearray(file.read_bytes())
        place = self._numbers.randrange(len(content))
        if kind == "bits":
            for _ in range(self._numbers.choice([1, 1, 4, 64])):
                content[self._numbers.randrange(len(content))] ^= 1 << self._numbers.randrange(8)
        elif kind == "truncated":
            content = content[:place]
        elif kind == "garbage":
            length = min(len(content) - place, self._numbers.choice([8, 512, 1 << 20]))
            content[place : place + length] = self._numbers.randbytes(length)
        elif kind == "zeros":
            content[place : place + 4096] = bytes(len(content[place : place + 4096]))
        elif kind == "longer":
            content += self._numbers.randbytes(100)
        elif kind == "empty":
            content = bytearray()
        elif kind == "missing":
            file.unlink()
            return
        else:
            older = [old for old in self._old.iterdir() if old.suffix == file.suffix]
            content = bytearray((older or [file])[0].read_bytes())
        file.write_bytes(content)
