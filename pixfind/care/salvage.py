"""Reading what can be read of a damaged catalog into a new one, ids kept.

A table that SQLite can still read is copied by it. Of others, rows are read from the pages that
hold them (``pages.py``), and then from indexes, which have parts of some rows once more: a photo
whose row is lost is known by its content there, so that what its owner said of it has a photo to
belong to. What the columns of a new catalog cannot hold is left out.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    MetaData,
    Table,
    delete,
    event,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from pixfind.care.findings import Progress
from pixfind.care.pages import Row, rows_in_pages
from pixfind.care.values import TABLES, is_row_sound, is_sound, sound_or_nothing
from pixfind.catalog import Catalog, connections

# The order is that of what refers to what; and the full-text index, which triggers keep, is written
# once a photo if tags come before files.
ORDER = (
    "setting", "model", "root", "tag", "tag_run", "album", "asset", "asset_tag", "tag_rejection",
    "tag_coverage", "description", "file", "embedding",
)  # fmt: skip
# The beginning of every SQLite 3 file (https://www.sqlite.org/fileformat2.html#the_database_header).
MAGIC = b"SQLite format 3\0"
PAGE_SIZES = (8192, 4096)
BATCH = 1000
UNREADABLE = (SQLAlchemyError, *connections.UNREADABLE)
# What SQLite says of the disk. Both catalogs are of this moment: it takes no more, or is failing.
FAILING = ("disk is full", "disk I/O error")
# Written after the rest: a photo's words are put together whenever a file of it comes.
LAST = ("file",)
# What is no text but bytes, and what a column must have that older rows do not know.
PATHS = {"path", "folder", "name"}
FILLED = {"metadata_version": 0}
# Rows that are lost and stand in an index still: by what it is ordered, and what goes into the
# columns that it does not have (see ``mending`` for what becomes of zeros).
IN_INDEXES: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "asset": (
        ("content_id",),
        {"byte_size": 0, "format": "", "width": 0, "height": 0, "metadata_version": 0},
    ),
    "model": (("name", "fingerprint"), {"dim": 0}),
    "root": (("path",), {"whole": 1}),
    "tag": (("name",), {}),
    "asset_tag": (("tag_id", "asset_id", "source"), {}),
    "tag_rejection": (("tag_id", "asset_id"), {"rejected_at": ""}),
}
DAMAGED = "damaged"
# A file that lacks more than this is not believed to have been so large.
MOST_GROWN = 8


@dataclass(frozen=True)
class Saved:
    """How many rows of a table were saved, and how many had been there, if that is known."""

    table: str
    saved: int
    known: int | None

    @property
    def lost(self) -> int | None:
        """How many are lost, if that is known."""
        return None if self.known is None else max(0, self.known - self.saved)


def salvage(damaged: Path, target: Path, progress: Progress) -> list[Saved]:
    """Make a new catalog of what can be read of a damaged one.

    Args:
        damaged: a copy of its file, with its log beside it; both are changed.
        target: a folder for the new ``catalog.db``.
        progress: told of every step.

    Returns:
        What was saved, table by table.

    Raises:
        OSError, SQLAlchemyError, sqlite3.Error: the disk takes no more. Then nothing is lost.
    """
    _mend_ends(damaged)
    _write_log_back(damaged)
    catalog = Catalog.open(target)
    with catalog.write() as session:
        session.execute(delete(TABLES["setting"]))

    def attach(connection: sqlite3.Connection, _: object) -> None:
        # Parts of the schema that cannot be understood are passed over, and nothing in it is run.
        for pragma in ("writable_schema = ON", "foreign_keys = OFF",
                       "synchronous = OFF", "cell_size_check = ON"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        with _passing_over():
            connection.execute(f"ATTACH DATABASE ? AS {DAMAGED}", (str(damaged),))

    event.listen(catalog.engine, "connect", attach)
    catalog.engine.dispose()
    try:
        return _all(catalog, damaged, progress)
    finally:
        catalog.close()


def _all(catalog: Catalog, damaged: Path, progress: Progress) -> list[Saved]:
    copied = [_table(catalog, name, progress) for name in ORDER]
    wanting = {saved.table for saved, is_wanting in copied if is_wanting}
    if wanting:
        _from_pages(catalog, damaged, wanting, progress)
    for name in IN_INDEXES:
        if name in wanting:
            _from_index(catalog, name)
    return [
        Saved(saved.table, _count(catalog, TABLES[saved.table]) or 0, saved.known)
        for saved, _ in copied
    ]


def _table(catalog: Catalog, name: str, progress: Progress) -> tuple[Saved, bool]:
    """Copy a table; return what of it was saved, and whether something may be missing."""
    progress(f"saving {name}", 0, 0)
    new = TABLES[name]
    columns = _columns(catalog, name)
    if columns is None:
        return Saved(name, 0, None), True
    old = new.to_metadata(MetaData(), schema=DAMAGED)
    copied = [column for column in old.columns if column.name in columns]
    rows = select(*map(sound_or_nothing, copied)).where(is_row_sound(old))
    put = insert(new).prefix_with("OR IGNORE")
    try:
        _execute(catalog, put.from_select([column.name for column in copied], rows))
    except UNREADABLE as error:
        if _is_failing(error):
            raise
        return Saved(name, 0, _count(catalog, old)), True
    known, saved = _count(catalog, old), _count(catalog, new)
    # It may be that a page leads where another one of the same kind lies.
    return Saved(name, saved or 0, known), known != saved


def _from_pages(catalog: Catalog, file: Path, names: set[str], progress: Progress) -> None:
    """Put back the rows of some tables from the pages that hold them."""
    waiting: dict[str, list[Row]] = {name: [] for name in ORDER if name in names}
    for done, (name, row) in enumerate(rows_in_pages(file, _page_size_of(file))):
        if name in waiting:
            waiting[name].append(row)
            if len(waiting[name]) >= BATCH and name not in LAST:
                _put_rows(catalog, name, waiting[name])
        if done % BATCH == 0:
            progress("reading pages (rows)", done, 0)
    for name, rows in waiting.items():
        _put_rows(catalog, name, rows)


def _put_rows(catalog: Catalog, name: str, rows: list[Row]) -> None:
    table = TABLES[name]
    put = insert(table).prefix_with("OR IGNORE")
    missing = {column.name: FILLED.get(column.name) for column in table.columns}
    for start in range(0, len(rows), BATCH):
        batch = [_encodable({**missing, **row}) for row in rows[start : start + BATCH]]
        with _passing_over(), _connected(catalog) as connection:
            connection.execute(put, batch)
            connection.commit()
    rows.clear()


def _encodable(row: Row) -> Row:
    """Replace what is no UTF-8 in texts that are; those of files may be anything."""
    return {
        name: value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if isinstance(value, str) and name not in PATHS
        else value
        for name, value in row.items()
    }


def _from_index(catalog: Catalog, name: str) -> None:
    """Put back what an index still tells of rows that are lost."""
    new = TABLES[name]
    old = new.to_metadata(MetaData(), schema=DAMAGED)
    keys, others = IN_INDEXES[name]
    number = [key for key in new.primary_key.columns.keys() if key not in keys]  # noqa: SIM118
    told = [old.c[key] for key in (*number, *keys)]
    rows = (
        select(*told, *map(literal, others.values()))
        .where(*(is_sound(column) for column in told))
        # In the index's order, so that SQLite reads nothing else.
        .order_by(*(old.c[key] for key in keys))
    )
    put = insert(new).prefix_with("OR IGNORE").from_select([*number, *keys, *others], rows)
    with _passing_over():
        _execute(catalog, put)


def _columns(catalog: Catalog, name: str) -> set[str] | None:
    """Return the columns that a table of the damaged catalog has; ``None`` if it is not there."""
    with _passing_over(), _connected(catalog) as connection:
        rows = connection.execute(
            text("SELECT name FROM pragma_table_info(:name, :schema)"),
            {"name": name, "schema": DAMAGED},
        )
        return {str(row.name) for row in rows} or None
    return None


def _count(catalog: Catalog, table: Table) -> int | None:
    count = _ask(catalog, select(func.count()).select_from(table))
    return count if isinstance(count, int) else None


def _ask(catalog: Catalog, question: Any) -> Any:
    with _passing_over(), _connected(catalog) as connection:
        return connection.execute(question).scalar()
    return None


def _execute(catalog: Catalog, statement: Any) -> None:
    with _connected(catalog) as connection:
        connection.execute(statement)
        connection.commit()


@contextmanager
def _connected(catalog: Catalog) -> Iterator[Connection]:
    with catalog.engine.connect() as connection:
        try:
            yield connection
        except UNREADABLE:
            with suppress(*UNREADABLE):
                connection.rollback()
            raise


@contextmanager
def _passing_over() -> Iterator[None]:
    """Pass over what cannot be read; what cannot be written must not be taken for lost."""
    try:
        yield
    except UNREADABLE as error:
        if _is_failing(error):
            raise


def _is_failing(error: Exception) -> bool:
    # SQLAlchemy's own text quotes the statement and its values.
    said = str(getattr(error, "orig", error))
    return any(part in said for part in FAILING)


def _mend_ends(file: Path) -> None:
    """Put the file's beginning right where it is as in every catalog, and make up for a lost end.

    Pages that are gone become empty ones, which then cannot be read, instead of none that can.
    """
    size = file.stat().st_size
    with file.open("rb+") as opened:
        begin = bytearray(opened.read(100).ljust(100, b"\0"))
        page = struct.unpack(">H", begin[16:18])[0]
        if page not in PAGE_SIZES:
            page = _page_size(file)
        # Magic, page size, versions (WAL), nothing reserved, payload fractions, text as UTF-8.
        begin[:24] = MAGIC + struct.pack(">HBBBBBB", page, 2, 2, 0, 64, 32, 32)
        pages = struct.unpack(">I", begin[28:32])[0]
        there = max(1, -(-size // page))  # of an empty file, the log may have pages
        pages = max(pages, there) if pages <= MOST_GROWN * there else there
        begin[28:32] = struct.pack(">I", pages)
        begin[44:48] = struct.pack(">I", 4)
        begin[52:72] = struct.pack(">IIIII", 0, 1, 0, 0, 0)
        # That the number of pages is to be believed.
        begin[92:96] = begin[24:28]
        opened.seek(0)
        opened.write(begin)
    _resize(file, pages * page)


def _write_log_back(file: Path) -> None:
    with _passing_over(), closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _page_size_of(file: Path) -> int:
    with file.open("rb") as opened:
        return int.from_bytes(opened.read(18)[16:], "big")


def _page_size(file: Path) -> int:
    """Guess how large the pages are: each begins with one of a few kinds."""
    kinds = {2, 5, 10, 13}
    best, most = PAGE_SIZES[0], -1.0
    with file.open("rb") as opened:
        content = opened.read(1 << 24)
    for size in PAGE_SIZES:
        begins = content[size::size]
        right = sum(byte in kinds for byte in begins) / max(1, len(begins))
        if right > most:
            best, most = size, right
    return best


def _resize(file: Path, size: int) -> None:
    with file.open("rb+") as opened:
        opened.truncate(size)
