"""Does a damaged catalog end in an answer or in one line, and how much of it can be saved?

``python -m reliability damage [ROUNDS] [SEED] [PHOTOS]`` indexes the photos of a folder with the
bundled model, tags, rejects, describes and keeps albums as an owner does, and keeps a copy. In each
round a fresh copy's catalog is damaged (``damages.py``; in one round of four, its log).

What must hold in each round: a search and ``status`` answer, or end with one line that names the
next step, never with a traceback, and in a bounded time; so does ``pixfind doctor``; after its
repair the library is healthy, what was there before is kept, and it can be searched; a run of
``pixfind index`` then has every file again. What is counted: how much was saved of what cannot
be derived again.
"""

from __future__ import annotations

import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from indexer import Indexer
from pixfind.care.checkup import check_library
from pixfind.care.repair import repair_library
from pixfind.catalog.database import FILE_NAME
from pixfind.catalog.schema import (
    FROM_SIDECAR,
    FROM_USER,
    Album,
    Asset,
    AssetTag,
    Embedding,
    File,
    Root,
    Tag,
)
from pixfind.catalog.schema import TagRejection as Rejection
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryAccessError, LibraryDamagedError, PixfindError
from pixfind.library import Library
from pixfind.status import library_status
from reliability.checks import Findings
from reliability.damages import damage
from search import SearchEngine
from search.albums import save_album
from search.tags.owner import accept, reject

PHOTOS = Path("../shared/photos/library")
TAGS = ("beach", "dog", "snow", "my garden", "grandmother's house")
REJECTED = ("cat", "car")
ALBUMS = {"Winter": "snow", "Red": "something red -car", "Dogs": "tag:dog"}
# Longer than anything takes that ends.
LIMIT_S = 60
LOG = f"{FILE_NAME}-wal"
Known = dict[str, set[Any]]


def run(rounds: str = "200", seed: str = "8", photos: str = str(PHOTOS)) -> None:
    """Damage a catalog again and again; print what came of it."""
    models = ModelStore(Path("nowhere"))
    encoder = models.load("pocket")
    with tempfile.TemporaryDirectory() as made:
        original = Path(made, "original")
        _make(original, encoder, Path(photos).resolve())
        trial = Trial(original, Path(made, "library"), models, encoder)
        for number in range(int(rounds)):
            trial.round(random.Random(f"{seed} {number}"))
            if (number + 1) % 20 == 0:
                print(f"{number + 1} rounds", flush=True)
    trial.print_summary()
    sys.exit(1 if trial.findings.broken else 0)


class Trial:
    """All rounds, and what came of them."""

    def __init__(self, original: Path, folder: Path, models: ModelStore, encoder: Encoder) -> None:
        self._original, self._folder = original, folder
        self._models, self._encoder = models, encoder
        self.findings = Findings()
        self._known = _known(original)
        self._ends: dict[str, Counter[str]] = defaultdict(Counter)
        self._shares: dict[str, list[float]] = defaultdict(list)
        self._rounds = self._noticed = self._silent = self._same = 0

    def round(self, chance: random.Random) -> None:
        """Damage a copy once, look at it, repair it, bring it up to date."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._original, self._folder)
        kind = self._damage(chance)
        self._rounds += 1
        self._ask("search", kind, self._search)
        self._ask("status", kind, self._status)
        healthy = self._ask("doctor", kind, self._doctor)
        now = _known_or_none(self._folder)
        if healthy:
            self._same += now == self._known
            self._silent += now != self._known
            return
        self._noticed += 1
        self._repair(kind)

    def _damage(self, chance: random.Random) -> str:
        log = self._folder / LOG
        if chance.random() < 1 / 4:
            with Library.open(self._folder) as library:
                _use(library, chance)
                content = log.read_bytes()
                catalog = (self._folder / FILE_NAME).read_bytes()
            log.write_bytes(content)
            (self._folder / FILE_NAME).write_bytes(catalog)
            return f"log: {damage(log, chance)}"
        return damage(self._folder / FILE_NAME, chance)

    def _ask(self, name: str, kind: str, question: Callable[[], Any]) -> Any:
        """Ask something, and note how that ended."""
        try:
            with _limit():
                answer = question()
        except LibraryDamagedError as error:
            self._ends[name]["refused: damaged"] += 1
            self.findings.expect("pixfind doctor" in str(error), "no next step", error)
            return None
        except PixfindError as error:
            self._ends[name][f"refused: {type(error).__name__}"] += 1
            self.findings.expect("\n" not in str(error), "more than one line", error)
            return None
        except BaseException as error:  # whatever it is: it is what is looked for
            self._ends[name]["TRACEBACK"] += 1
            where = traceback.extract_tb(error.__traceback__)[-3:]
            self.findings.expect(False, f"{name} ends in a traceback", (kind, repr(error), where))
            return None
        self._ends[name]["answered"] += 1
        return answer

    def _search(self) -> None:
        with Library.open(self._folder) as library:
            SearchEngine(library, self._encoder).search("a dog on the beach", 20)

    def _status(self) -> None:
        with Library.open(self._folder) as library:
            library_status(library)

    def _doctor(self) -> bool:
        return check_library(self._folder, self._models).is_healthy

    def _repair(self, kind: str) -> None:
        before = (self._folder / FILE_NAME).read_bytes()
        repaired = self._ask("repair", kind, lambda: repair_library(self._folder, self._models))
        if repaired is None:
            self.findings.expect(False, "not repaired", kind)
            return
        after = [finding.problem for finding in repaired.after.findings if not finding.is_note]
        self.findings.expect(not after, "not healthy after its repair", (kind, after))
        if repaired.saved:
            kept = [file.read_bytes() for file in repaired.kept]
            self.findings.expect(before in kept, "what was there is not kept", kind)
        saved = _known_or_none(self._folder) or {}
        for what, known in self._known.items():
            share = len(known & saved.get(what, set())) / len(known)
            self._shares[what].append(share)
        self._ask("index", kind, self._index)
        self._ask("search again", kind, self._search)
        again = (_known_or_none(self._folder) or {}).get("files", set())
        lost = len(self._known["files"] - again)
        self.findings.expect(not lost, "photos lost after index", (kind, lost))

    def _index(self) -> None:
        with Library.open(self._folder) as library:
            Indexer(library, self._encoder).run([self._photos_folder()])

    def _photos_folder(self) -> Path:
        return Path((self._original / "photos.txt").read_text("utf-8"))

    def print_summary(self) -> None:
        """Print what came of all rounds."""
        counts = {what: len(known) for what, known in self._known.items()}
        print(f"library: {', '.join(f'{n} {what}' for what, n in counts.items())}")
        for name, ends in self._ends.items():
            print(f"{name}: {', '.join(f'{end} {n}' for end, n in sorted(ends.items()))}")
        print(
            f"rounds: {self._rounds}; found by the doctor: {self._noticed}; nothing was changed by "
            f"the damage: {self._same}; text or numbers changed without a trace: {self._silent}"
        )
        for what, shares in self._shares.items():
            whole = sum(share == 1 for share in shares)
            print(
                f"saved {what}: {sum(shares) / len(shares):.1%} on average, "
                f"all of them in {whole} of {len(shares)} repairs, {min(shares):.1%} at worst"
            )
        print(self.findings.summary())


def _make(folder: Path, encoder: Encoder, photos: Path) -> None:
    """Index photos, and say of them what an owner says."""
    with Library.create(folder) as library:
        Indexer(library, encoder).run([photos])
        with library.catalog.read() as session:
            ids = [str(i) for i in session.scalars(select(Asset.id).order_by(Asset.id))]
        for n, tag in enumerate(TAGS):
            accept(library, tag, ids[n :: len(TAGS) + 1])
        for n, tag in enumerate(REJECTED):
            reject(library, tag, ids[n::4])
        for name, query in ALBUMS.items():
            save_album(library, name, query)
        with library.catalog.write() as session:
            for asset_id in ids[::3]:
                session.execute(
                    update(Asset)
                    .where(Asset.id == int(asset_id))
                    .values(caption=f"What I wrote of {asset_id}", described_by=FROM_SIDECAR)
                )
    (folder / "photos.txt").write_text(str(photos), "utf-8")


def _use(library: Library, chance: random.Random) -> None:
    """Write something, so that there is a log."""
    for n in range(chance.randint(1, 30)):
        with library.catalog.write() as session:
            tag = Tag(name=f"a new one {n}")
            session.add(tag)


def _known(folder: Path) -> Known:
    """Return what a library knows that cannot be derived again, and its vectors, by contents."""
    with Library.open(folder) as library, library.catalog.read() as session:
        content = Asset.content_id
        of_tag = select(content, Tag.name).join_from(Asset, AssetTag).join(Tag)
        return {
            "photos": set(session.scalars(select(content))),
            "files": _rows(
                session.execute(
                    select(Root.path, File.folder, File.name)
                    .join_from(File, Root)
                    .join(Asset)
                    .join(Embedding)
                )
            ),
            "tags": _rows(session.execute(of_tag.where(AssetTag.source == FROM_USER))),
            "rejections": _rows(
                session.execute(select(content, Tag.name).join_from(Asset, Rejection).join(Tag))
            ),
            "albums": _rows(session.execute(select(Album.name, Album.query))),
            "captions": _rows(
                session.execute(
                    select(content, Asset.caption).where(Asset.described_by == FROM_SIDECAR)
                )
            ),
            "vectors": _rows(
                session.execute(select(content, Embedding.vector).join_from(Asset, Embedding))
            ),
        }


def _rows(rows: Any) -> set[Any]:
    return {tuple(row) for row in rows}


def _known_or_none(folder: Path) -> Known | None:
    try:
        return _known(folder)
    except (LibraryDamagedError, LibraryAccessError):
        return None


@contextmanager
def _limit() -> Iterator[None]:
    """End what takes longer than anything that ends."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not over in {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
