"""Repairing a library: a copy first, then what helps."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from pixfind.care import copies, mending
from pixfind.care.checkup import check_library
from pixfind.care.findings import Checkup, Mend, Progress, silent
from pixfind.care.salvage import Saved, salvage
from pixfind.care.values import TABLES
from pixfind.catalog import Catalog, replacing
from pixfind.catalog.database import FILE_NAME
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryAccessError, LibraryDamagedError
from pixfind.library import VECTORS, writer_lock
from pixfind.text import readable_size

OF_FOLDER = {Mend.FAISS, Mend.THUMBNAILS}
TRIES = 4


@dataclass
class Repair:
    """What was done. ``kept`` is the catalog as it was, ``saved`` what is left of it."""

    before: Checkup
    after: Checkup
    done: list[Mend] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)


def repair_library(folder: Path, models: ModelStore, progress: Progress = silent) -> Repair:
    """Check a library and mend what can be mended without losing anything that is still there.

    Before the catalog is changed, a copy of it is made beside it. A catalog whose pages are damaged
    is not changed at all: what can be read of it goes into a new one, and it is kept.

    Raises:
        LibraryNotFoundError, LibraryTooNewError, LibraryAccessError: as for ``check_library``.
        LibraryBusyError: another process is writing to it.
        LibraryReadOnlyError: nothing can be written there.
    """
    before = check_library(folder, models, progress)
    repair = Repair(before, before)
    # One mend can bring to light what another one is for.
    for _ in range(TRIES):
        mends = repair.after.mends()
        if not mends or set(mends) <= set(repair.done):
            break
        with writer_lock(folder):
            _mend(repair, folder, mends, progress)
        repair.done += [mend for mend in mends if mend not in repair.done]
        repair.after = check_library(folder, models, progress)
    return repair


def _mend(repair: Repair, folder: Path, mends: list[Mend], progress: Progress) -> None:
    if Mend.SALVAGE in mends:
        _salvage(repair, folder, progress)
        return
    if not set(mends) <= OF_FOLDER:
        _require_room(folder, 1)
        if not repair.kept:
            repair.kept.append(_copy(folder, progress))
        catalog = Catalog.open(folder)
        try:
            mending.mend_catalog(catalog, mends, progress)
        except LibraryDamagedError:
            # More is wrong than could be seen: nothing but a new catalog helps.
            catalog.close()
            _salvage(repair, folder, progress)
        finally:
            catalog.close()
    mending.mend_folder(folder, mends, progress)


def _copy(folder: Path, progress: Progress) -> Path:
    kept = copies.free_name(folder, "before-repair")
    try:
        copies.copy_catalog(folder, kept, progress)
    except LibraryDamagedError:
        with replacing.without_writers(folder):
            copies.copy_files(folder, kept)
    return kept


def _salvage(repair: Repair, folder: Path, progress: Progress) -> None:
    _require_room(folder, 2)
    # From the copy on: what is written later would not be in it.
    with replacing.without_writers(folder), copies.working_folder(folder) as made:
        damaged, new = made / "damaged.db", made / "new"
        new.mkdir()
        copies.copy_files(folder, damaged)
        with _about(folder):
            saved = salvage(damaged, new, progress)
            catalog = Catalog.open(new)
            try:
                mending.after_salvage(catalog, progress)
                repair.saved = _counted_again(catalog, saved)
            finally:
                catalog.close()
        copies.keep_access(folder / FILE_NAME, new / FILE_NAME)
        copies.sync(new / FILE_NAME)
        # They are of the catalog as it was, whose ids may be given out again.
        shutil.rmtree(folder / VECTORS, ignore_errors=True)
        kept = copies.exchange(folder, new / FILE_NAME, "damaged")
        if kept is not None:
            repair.kept.append(kept)


@contextmanager
def _about(folder: Path) -> Iterator[None]:
    """Have what is wrong with the disk said of the library, and not of a folder that will go."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise LibraryAccessError(folder, str(getattr(error, "orig", error))) from error
    except LibraryAccessError as error:
        raise LibraryAccessError(folder, error.reason) from error


def _counted_again(catalog: Catalog, saved: list[Saved]) -> list[Saved]:
    """Return what is left of what was saved: rows may have gone with what they referred to."""
    with catalog.read() as session:
        left = {
            row.table: session.scalar(select(func.count()).select_from(TABLES[row.table])) or 0
            for row in saved
        }
    return [
        replace(
            row,
            saved=min(row.saved, left[row.table]),
            # Pages can hold more rows than could be counted.
            known=None if row.known is None else max(row.known, row.saved),
        )
        for row in saved
    ]


def _require_room(folder: Path, times: int) -> None:
    needed = times * sum(file.stat().st_size for file in folder.glob(f"{FILE_NAME}*"))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LibraryAccessError(
            folder,
            f"repairing it needs {readable_size(needed)}, and the disk has {readable_size(free)}",
        )
