"""Where kinds of work are tried: a folder that is laid out anew before each run.

Below it lie ``library``, ``photos`` and ``out``; all that a kind of work changes is there.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from pixfind.catalog.database import FILE_NAME
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from reliability.checks import (
    Findings,
    Held,
    check_kept,
    check_same,
    check_searches,
    check_soundness,
    final_state,
    held,
)
from reliability.pictures import Tree
from search.albums import save_album
from search.tags import owner

# What nobody but the owner knows.
OWNERS = (
    "SELECT content_id, name FROM asset_tag JOIN tag ON tag.id = tag_id "
    "JOIN asset ON asset.id = asset_id WHERE source = 'user'",
    "SELECT content_id, name FROM tag_rejection JOIN tag ON tag.id = tag_id "
    "JOIN asset ON asset.id = asset_id",
    "SELECT name, query FROM album",
)
State = dict[str, dict[Any, Any]]


class Stage:
    """Where everything happens, and copies of what it is at the begin of each kind of work."""

    def __init__(self, folder: Path, seed: int, files: int, index: Callable[..., object]) -> None:
        self.folder = folder / "stage"
        self.library, self.photos, self.out = (
            self.folder / name for name in ("library", "photos", "out")
        )
        self.moved, self.backup = self.folder / "moved", self.out / "library.pixfind"
        self.files = files
        self.models = ModelStore(folder / "models")
        self.encoder = self.models.load("pocket")
        self._copies = folder / "copies"
        self.out.mkdir(parents=True)
        self.tree = Tree(self.photos, random.Random(seed), files)
        self.keep("photos")
        index(self)
        with Library.open(self.library) as library:
            owner.accept(library, "our cabin", [str(n) for n in range(1, files // 5)])
            rejected = range(2 * files // 15, 2 * files // 5)
            owner.reject(library, "dog", [str(n) for n in rejected])
            save_album(library, "Red", "a red circle")
        self.keep("indexed")

    def keep(self, name: str) -> None:
        """Keep what is there now under a name."""
        shutil.copytree(self.folder, self._copies / name, symlinks=True)

    def lay_out(self, name: str) -> None:
        """Have what was kept under a name, and nothing else."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._copies / name, self.folder, symlinks=True)

    def unfinished(self) -> list[Path]:
        """Return what has the name of something that is not finished."""
        return sorted(self.folder.rglob(".*"))

    def pictures(self) -> dict[str, bytes]:
        """Return the photos there are, by name; no kind of work changes one."""
        files = [*self.photos.rglob("*.*"), *self.moved.rglob("*.*")]
        return {file.name: file.read_bytes() for file in files if file.suffix != ".xmp"}


class Work:
    """One kind: a command and what is there before. What it says holds for most others, too."""

    arguments: ClassVar[tuple[str, ...]] = ()
    begins: ClassVar[str] = "indexed"
    is_sound: ClassVar[bool] = True

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seed = seed
        self.name = type(self).__name__.lower()
        stage.lay_out(self.begins)
        self.prepare()
        stage.keep(self.name)
        self._held = held(stage.library) if self.is_sound else Held()
        self._said = owners_words(stage.library)
        self.wanted: State = {}

    def prepare(self) -> None:
        """Bring the stage from where others begin to where this one does."""

    def command(self) -> tuple[str, ...]:
        """Return what comes after ``pixfind``; places on the stage by name."""
        return tuple(part.format(stage=self.stage) for part in self.arguments)

    def next_command(self) -> tuple[str, ...]:
        """Return what is to be called after a run was cut off."""
        return self.command()

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off; ``copy`` is one of the library."""
        if check_soundness(copy, findings):
            check_kept(self._held, copy, findings)
            findings.expect(owners_words(copy) == self._said, "the owner's word was changed")
            check_searches(copy, self.stage.encoder, findings, self.seed)
        else:
            findings.expect(not self._held.assets, "the catalog was lost")

    def outcome(self) -> State:
        """Return all that an uninterrupted run leaves, and one after another that was cut off."""
        return final_state(self.stage.library)

    def compare(self, findings: Findings) -> None:
        """Compare what is there now with what an uninterrupted run has left."""
        check_same(self.outcome(), self.wanted, findings)


def owners_words(library: Path) -> set[Any]:
    """Return what the owner has said; nothing if the catalog has no such tables yet."""
    if not (library / FILE_NAME).exists():
        return set()
    with closing(sqlite3.connect(library / FILE_NAME)) as catalog:
        try:
            return {tuple(row) for question in OWNERS for row in catalog.execute(question)}
        except sqlite3.Error:
            return set()
