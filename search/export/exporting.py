"""All photos that answer a query, put where other programs find them: folders, tables."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pixfind.catalog import Catalog
from pixfind.catalog.photos import Photo
from pixfind.config import normal_path
from pixfind.durable import replace_file
from pixfind.errors import ExportError
from pixfind.photos.formats import is_picture_name
from search.engine import SearchEngine
from search.export.placing import Placing, copy_into, link_into
from search.export.tables import Row, csv_header, csv_line, json_line, rows
from search.query.fields import MAX_LIMIT
from search.query.model import Like, Phrase, Query
from search.query.parser import parse
from search.results import Result, Results

Progress = Callable[[int, int], None]
# Where no further photo can be written either.
DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Answers:
    """Every photo that answers a query, in the query's order.

    Args:
        query: as it was understood.
        total: how many there are.
        results: they, once.
        catalog: of the library that they are in.
    """

    query: str
    total: int
    results: Iterator[Result]
    catalog: Catalog


@dataclass(frozen=True)
class Destinations:
    """Where an export goes; at least one.

    Args:
        copy_to: a folder for copies.
        link_to: a folder for symbolic links.
        csv: a file, or an open stream, for ``tables.csv_line``.
        jsonl: the same for ``tables.json_line``.
        replace: whether these files may be there already.
    """

    copy_to: Path | None = None
    link_to: Path | None = None
    csv: Path | BinaryIO | None = None
    jsonl: Path | BinaryIO | None = None
    replace: bool = False


@dataclass(frozen=True)
class Failure:
    """A photo that could not be copied or linked, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Exported:
    """What an export has done.

    Args:
        photos: how many answered the query.
        copied: how many copies were made.
        linked: how many links were made.
        there: how many copies and links there were already.
        failures: what could not be copied or linked.
    """

    photos: int
    copied: int
    linked: int
    there: int
    failures: tuple[Failure, ...]


def answers(engine: SearchEngine, query: str | Query, *, everything: bool = False) -> Answers:
    """Return every photo that answers a query, or as many as its ``limit:`` says.

    Args:
        engine: searches the library.
        query: a line, or what was read from one.
        everything: also what is improbable.

    Raises:
        ExportError: the model cannot tell which photos answer it.
        PixfindError: as ``SearchEngine.search``.
    """
    asked = parse(query) if isinstance(query, str) else query
    if not everything and _has_no_end(asked):
        best = engine.search(asked, 1)  # one tells; all of a large library take their time
        if best.cutoff is None:
            raise ExportError(
                f"the model {best.model} cannot tell which photos match, only rank all "
                f"{best.total:,}; export the best with limit:100 in the query, or all with --all"
            )
    first = engine.search(asked, MAX_LIMIT, everything=everything)
    pages = _pages(engine, asked, first, everything)
    return Answers(first.query, first.total, pages, engine.catalog)


def export(
    found: Answers, to: Destinations, progress: Progress = lambda done, total: None
) -> Exported:
    """Copy, link and list photos. No file of the owner's is changed, and none overwritten.

    Run again, it adds what is new: copies with the same content and links that are right stay, and
    so do those of photos that answer no longer. A photo that cannot be read is passed over.

    Args:
        found: what to export.
        to: where to; folders are made.
        progress: is told how many photos are done, of how many.

    Raises:
        ExportError: a destination cannot be used, the disk is full, or no photo could be exported.
    """
    copy_to = _folder(to.copy_to)
    link_to = _folder(to.link_to)
    done: Counter[Placing] = Counter()
    failures: list[Failure] = []
    photos = 0
    with ExitStack() as files:
        lines = _lines(files, to)
        for photos, row in enumerate(rows(found.catalog, found.results), 1):
            for write in lines:
                write(row)
            if copy_to is not None:
                _place(copy_into, row.result.photo, copy_to, done, failures)
            if link_to is not None:
                _place(link_into, row.result.photo, link_to, done, failures)
            progress(photos, found.total)
        _require_any(done, failures)
    counts = {placing.value: done[placing] for placing in Placing}
    return Exported(photos, **counts, failures=tuple(failures))


def _has_no_end(asked: Query) -> bool:
    """Whether the results have an order but no end, unless the model knows a cutoff."""
    described = any(isinstance(term, Phrase | Like) and not term.negative for term in asked.terms)
    return described and asked.score is None and asked.limit is None


def _pages(
    engine: SearchEngine, asked: Query, first: Results, everything: bool
) -> Iterator[Result]:
    yield from first.results
    # A page is as long as can be: between two, the library may change.
    for offset in range(MAX_LIMIT, first.total, MAX_LIMIT):
        page = engine.search(asked, MAX_LIMIT, offset=offset, everything=everything)
        yield from page.results


def _folder(folder: Path | None) -> Path | None:
    """Make a destination's folder."""
    if folder is None:
        return None
    folder = normal_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ExportError(f"{error.filename} is a file; name a folder to export to") from error
    except OSError as error:
        raise ExportError(f"the folder {folder} cannot be made ({_reason(error)})") from error
    return folder


def _place(
    put: Callable[[Photo, Path], Placing],
    photo: Photo,
    folder: Path,
    done: Counter[Placing],
    failures: list[Failure],
) -> None:
    try:
        done[put(photo, folder)] += 1
    except OSError as error:
        if error.errno in DISK_TROUBLE:
            raise ExportError(
                f"{folder} takes no more ({_reason(error)}); what is there is whole, and the same "
                "export continues when there is room"
            ) from error
        failures.append(Failure(photo.paths[0], _reason(error)))


def _require_any(done: Counter[Placing], failures: list[Failure]) -> None:
    """Raises before tables take their names: an export that failed leaves nothing behind."""
    if failures and not done:
        first = failures[0]
        raise ExportError(
            f"none of the photos could be exported; {first.path}, for one: {first.reason}"
        )


def _lines(files: ExitStack, to: Destinations) -> list[Callable[[Row], object]]:
    """Open the tables; return what writes a line into each."""
    for wanted in (to.csv, to.jsonl):  # both, before one is begun
        if isinstance(wanted, Path):
            _require_usable(wanted, to.replace)
    lines: list[Callable[[Row], object]] = []
    if to.csv is not None:
        table = files.enter_context(_opened(to.csv))
        table.write(csv_header())
        lines.append(lambda row: table.write(csv_line(row)))
    if to.jsonl is not None:
        objects = files.enter_context(_opened(to.jsonl))
        lines.append(lambda row: objects.write(json_line(row)))
    return lines


def _require_usable(file: Path, replace: bool) -> None:
    if is_picture_name(file.name):
        raise ExportError(f"{file} is a picture by its name; name a file for a table")
    if file.is_dir():
        raise ExportError(f"{file} is a folder; name a file for a table")
    if os.path.lexists(file) and not replace:
        raise ExportError(f"{file} exists already; name a new file, or write over it by --replace")
    if not file.absolute().parent.is_dir():
        raise ExportError(f"there is no folder {file.absolute().parent} to write to")


def _opened(to: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    return _written(to) if isinstance(to, Path) else nullcontext(to)


@contextmanager
def _written(file: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name when all is in it."""
    with replace_file(file) as temporary, temporary.open("wb") as opened:
        yield opened


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
