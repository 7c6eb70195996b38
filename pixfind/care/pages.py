"""Rows read from a database's pages one by one, whatever has become of the trees that they form.

A page that holds rows says where each begins, and a row says what its columns are
(https://www.sqlite.org/fileformat2.html). What table it is of follows from that. Pages that are on
the list of free ones are passed over: what they hold was deleted.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pixfind.care.values import TABLES, kinds, number_of

Value = bytes | str | int | float | None
Row = dict[str, Any]

HEADER_BYTES = 100
TABLE_LEAF, INDEX_LEAF, INDEX_INNER = 13, 10, 2
# Longer rows are none: an account of a photo takes some thousand bytes.
MOST_BYTES = 1 << 24
NUMBERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
FIRST_BLOB, FIRST_TEXT = 12, 13
# Tables whose rows lie in an index's pages: those that have no number of their own.
KEYED = ("setting", "asset_tag", "tag_rejection")
SETTINGS = ("library_id", "generation", "model_id", "regions")
TIME = re.compile(r"\d{4}-\d\d-\d\dT")
EMBEDDED = ("whole", "region", "frame")
# Columns that the first release's photos had; later ones were added behind.
FEWEST_OF_ASSET = 17


def rows_in_pages(file: Path, page: int) -> Iterator[tuple[str, Row]]:
    """Yield the rows of all tables that can be told apart, with their table's name.

    Args:
        file: the database, whose log has been written back.
        page: the size of its pages in bytes.
    """
    with file.open("rb") as opened:
        pages = Pages(opened, page, file.stat().st_size // page)
        free = pages.free()
        for number in range(1, pages.count + 1):
            if number not in free:
                yield from _rows(pages, number)


class Pages:
    """The pages of a database, from 1 on."""

    def __init__(self, opened: Any, size: int, count: int) -> None:
        self._opened = opened
        self.size = size
        self.count = count

    def read(self, number: int) -> bytes:
        """Return a page."""
        if not 1 <= number <= self.count:
            raise ValueError("no such page")
        self._opened.seek((number - 1) * self.size)
        return bytes(self._opened.read(self.size))

    def free(self) -> set[int]:
        """Return the pages that are listed as free, as far as the list can be followed."""
        (trunk,) = struct.unpack(">I", self.read(1)[32:36])
        free: set[int] = set()
        while 1 < trunk <= self.count and trunk not in free:
            content = self.read(trunk)
            following, count = struct.unpack(">II", content[:8])
            if count > self.size // 4 - 2:
                break
            free |= {trunk, *struct.unpack(f">{count}I", content[8 : 8 + 4 * count])}
            trunk = following
        return free

    def payload(self, content: bytes, start: int, size: int, most_here: int) -> bytes:
        """Return a row's bytes, of which the end may lie in other pages."""
        if not 0 < size <= MOST_BYTES:
            raise ValueError("no row")
        if size <= most_here:
            return content[start : start + size]
        least = (self.size - 12) * 32 // 255 - 23
        here = least + (size - least) % (self.size - 4)
        here = here if here <= most_here else least
        parts = [content[start : start + here]]
        (following,) = struct.unpack(">I", content[start + here : start + here + 4])
        left = size - here
        while left > 0:
            other = self.read(following)
            (following,) = struct.unpack(">I", other[:4])
            parts.append(other[4 : 4 + min(left, self.size - 4)])
            left -= len(parts[-1])
        return b"".join(parts)


def _rows(pages: Pages, number: int) -> Iterator[tuple[str, Row]]:
    content = pages.read(number)
    begin = HEADER_BYTES if number == 1 else 0
    kind, _, count = struct.unpack(">BHH", content[begin : begin + 5])
    if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INNER):
        return
    cells = begin + (12 if kind == INDEX_INNER else 8)
    if cells + 2 * count > pages.size:
        return
    for at in struct.unpack(f">{count}H", content[cells : cells + 2 * count]):
        try:
            found = _cell(pages, content, at, kind)
        except (ValueError, IndexError, struct.error):
            continue
        if found is not None:
            yield found


def _cell(pages: Pages, content: bytes, at: int, kind: int) -> tuple[str, Row] | None:
    if kind == INDEX_INNER:
        at += 4  # past the page that lies before this row
    size, at = _varint(content, at)
    if kind == TABLE_LEAF:
        rowid, at = _varint(content, at)
        values = _values(pages.payload(content, at, size, pages.size - 35))
        return _numbered(rowid - (1 << 64) if rowid >> 63 else rowid, values)
    most = (pages.size - 12) * 64 // 255 - 23
    return _keyed(_values(pages.payload(content, at, size, most)))


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = content[at + n]
        if n == 8:  # noqa: PLR2004 - the ninth byte counts whole
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return value, at + n + 1
    raise ValueError("no number")


def _values(payload: bytes) -> list[Value]:
    end, at = _varint(payload, 0)
    types = []
    while at < end:
        kind, at = _varint(payload, at)
        types.append(kind)
    values: list[Value] = []
    for kind in types:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise ValueError("no row")
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in NUMBERS:
        end = at + NUMBERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:  # noqa: PLR2004 - an IEEE double
        return float(struct.unpack(">d", payload[at : at + 8])[0]), at + 8
    if kind in (8, 9):
        return kind - 8, at
    if kind < FIRST_BLOB:
        raise ValueError("no kind")
    end = at + (kind - FIRST_BLOB) // 2
    if end > len(payload):
        raise ValueError("no row")
    content = payload[at:end]
    return (content.decode("utf-8", "surrogateescape") if kind % 2 else content), end


def _numbered(rowid: int, values: list[Value]) -> tuple[str, Row] | None:
    """Tell which table a row with a number is of; its first column stands empty for that."""
    if not values or values[0] is not None:
        return None
    for name, table in TABLES.items():
        if name in KEYED:
            continue
        columns = [column.name for column in table.columns]
        fits = len(values) == len(columns)
        if name == "asset":
            fits = FEWEST_OF_ASSET <= len(values) <= len(columns)
        if not fits:
            continue
        row = dict(zip(columns, [rowid, *values[1:]], strict=False))
        row = {number_of(table).name: rowid, **row}
        if _is_of(name, row):
            return name, row
    return None


def _keyed(values: list[Value]) -> tuple[str, Row] | None:
    for name in KEYED:
        columns = [column.name for column in TABLES[name].columns]
        if len(values) == len(columns):
            row = dict(zip(columns, values, strict=True))
            if _is_of(name, row):
                return name, row
    return None


def _is_of(name: str, row: Row) -> bool:
    """Tell whether values can be a row of a table; what may be missing and is none goes."""
    for column in TABLES[name].columns:
        if column.name not in row:
            continue
        value = row[column.name]
        if value is None and column.nullable:
            continue
        if _kind_of(value) not in kinds(column):
            if not column.nullable:
                return False
            row[column.name] = None
    if name == "setting":
        return row["key"] in SETTINGS
    if name == "tag_rejection":
        return TIME.match(row["rejected_at"]) is not None
    if name == "embedding":
        return row["kind"] in EMBEDDED
    return name != "asset" or len(row["content_id"]) == 32  # noqa: PLR2004 - bytes of SHA-256


def _kind_of(value: Value) -> str:
    kind = {int: "integer", float: "real", str: "text", bytes: "blob"}
    return kind.get(type(value), "null")
