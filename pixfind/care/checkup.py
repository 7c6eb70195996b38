"""Checking all of a library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pixfind.care import catalog_checks, folder_checks
from pixfind.care.findings import Checkup, Finding, Mend, Progress, silent
from pixfind.catalog import Catalog
from pixfind.catalog.database import is_empty
from pixfind.encoders.store import ModelStore
from pixfind.errors import LibraryDamagedError
from pixfind.library import Library

# Of a catalog without a byte, nothing is left to mend.
EMPTY = (
    "put back a backup with: pixfind restore FILE; without one, begin a new catalog with: "
    "pixfind doctor --repair"
)

Check = Callable[[], Iterator[Finding]]


def check_library(folder: Path, models: ModelStore, progress: Progress = silent) -> Checkup:
    """Look at everything that a library consists of. Nothing is changed.

    Args:
        folder: the library's.
        models: where its models are looked for.
        progress: told of every step.

    Raises:
        LibraryNotFoundError: there is none.
        LibraryTooNewError: a later pixfind wrote it.
        LibraryAccessError: it cannot be read.
    """
    checkup = Checkup()
    try:
        library = Library.open(folder)
    except LibraryDamagedError as error:
        checkup.looked_at.append("catalog")
        checkup.findings.append(_damaged(error))
        return checkup
    with library:
        _check(checkup, "catalog", lambda: check_catalog(library.catalog, progress))
        if Mend.SALVAGE in checkup.mends():
            return checkup  # what else there is to say would be guessed
        for name, check in _around(library, models, progress):
            _check(checkup, name, check)
    return checkup


def check_catalog(catalog: Catalog, progress: Progress = silent) -> Iterator[Finding]:
    """Check a catalog: its pages first, and what they hold only if they are whole.

    Raises:
        LibraryDamagedError: what was read last is beyond reading.
    """
    damaged = False
    for finding in catalog_checks.check_file(catalog, progress):
        damaged = damaged or finding.mend is Mend.SALVAGE
        yield finding
    if damaged:
        return
    yield from catalog_checks.check_values(catalog, progress)
    yield from catalog_checks.check_settings(catalog)
    yield from catalog_checks.check_vectors(catalog, progress)
    yield from catalog_checks.check_words(catalog, progress)


def _around(
    library: Library, models: ModelStore, progress: Progress
) -> tuple[tuple[str, Check], ...]:
    return (
        ("photos", lambda: catalog_checks.check_photos(library.catalog)),
        ("index files", lambda: folder_checks.check_indexes(library, progress)),
        ("thumbnails", lambda: folder_checks.check_thumbnails(library, progress)),
        ("models", lambda: _models(library, models, progress)),
        ("folders and disk", lambda: folder_checks.check_surroundings(library)),
    )


def _models(library: Library, models: ModelStore, progress: Progress) -> Iterator[Finding]:
    if not list(catalog_checks.check_settings(library.catalog)):
        yield from folder_checks.check_models(library, models, progress)


def _check(checkup: Checkup, name: str, check: Check) -> None:
    checkup.looked_at.append(name)
    try:
        for finding in check():
            checkup.findings.append(finding)
    except LibraryDamagedError as error:
        checkup.findings.append(_damaged(error))


def _damaged(error: LibraryDamagedError) -> Finding:
    advice = EMPTY if is_empty(error.library) else catalog_checks.REPAIR
    return Finding(f"the catalog is damaged: {error.reason}", advice, Mend.SALVAGE)
