"""How ``pixfind dupes`` shows what it has found: as text, as a table, as JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixfind.spreadsheet import plain_cell
from pixfind.text import printable, readable_size
from search.duplicates.copies import FileCopy
from search.duplicates.differences import Aspect, Difference, differences
from search.duplicates.finding import Duplicates
from search.duplicates.grouping import Group, Member
from search.serialization import photo_json

HEADINGS = (
    "group", "kind", "suggestion", "reason", "path", "there", "bytes", "width", "height",
    "format", "taken_at", "similarity", "hash_distance", "sharpness", "differs",
)  # fmt: skip
DIGITS = 4
NOT_THERE = "gone or changed since it was indexed"


@dataclass(frozen=True)
class Line:
    """A file of a group, and how it differs from the one to keep."""

    member: Member
    file: FileCopy
    keep: bool
    differs: str

    @property
    def path(self) -> str:
        """Where it lies, as it can be printed."""
        return printable(str(self.file.path))


def lines_of(group: Group) -> list[Line]:
    """Return the files of a group, the one to keep first."""
    return [
        Line(member, file, keep, "" if keep else _differs(group.best, member, file))
        for member in group.members
        for file in member.files
        for keep in [file is group.best.files[0]]
    ]


def text_of(found: Duplicates) -> Iterator[str]:
    """Yield the report, a line at a time."""
    for number, group in enumerate(found.groups, 1):
        lines = lines_of(group)
        what = "the same bytes" if group.kind == "exact" else "look alike"
        yield f"Group {number}: {len(lines)} files, {what}"
        notes = [f"keep: {group.reason.value}" if one.keep else one.differs for one in lines]
        sizes = [f"{one.member.photo.width} x {one.member.photo.height}" for one in lines]
        for one, note, size in zip(lines, notes, sizes, strict=True):
            mark = "*" if one.keep else " "
            yield (
                f" {mark} {size:<{max(map(len, sizes))}}"
                f"  {readable_size(one.member.photo.byte_size):>10}"
                f"  {note:<{max(map(len, notes))}}  {one.path}"
            )
        yield ""
    yield (
        f"{counted(len(found.groups), 'group')} among {counted(found.photos, 'photo')}: beside the "
        f"files to keep (*) there are {found.spare_files:,} more, which take "
        f"{readable_size(found.spare_bytes)}. Nothing has been deleted or changed."
    )


def write_table(found: Duplicates, file: Path) -> None:
    """Write a table of all files of all groups, as CSV in UTF-8.

    Raises:
        FileExistsError: there is a file already, which is left as it is.
    """
    with file.open("x", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(HEADINGS)
        for number, group in enumerate(found.groups, 1):
            table.writerows(map(plain_cell, _row(number, group, one)) for one in lines_of(group))


def document_of(found: Duplicates) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "model": found.model,
        "photos": found.photos,
        "groups": [_group(group) for group in found.groups],
        "spare_files": found.spare_files,
        "spare_bytes": found.spare_bytes,
        "skipped": found.skipped,
        "absent": found.absent,
    }


def counted(number: int, what: str) -> str:
    """Return for example ``1 photo`` or ``2,000 photos``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _differs(best: Member, member: Member, file: FileCopy) -> str:
    if member is best:
        parts = ["the same bytes"]
    else:
        parts = [
            f"similarity {member.similarity:.3f}",
            *map(_difference, differences(best, member)),
        ]
    return ", ".join([*parts, *([] if file.there else [NOT_THERE])])


def _difference(found: Difference) -> str:
    match found.aspect:
        case Aspect.PIXELS:
            return f"{found.share:.0%} of the pixels"
        case Aspect.FORMAT:
            return found.value
        case Aspect.TAKEN:
            return f"taken {found.value}"
        case Aspect.UNDATED:
            return "without the date"
        case _:
            return str(found.aspect.value)


def _row(number: int, group: Group, one: Line) -> tuple[object, ...]:
    photo, member = one.member.photo, one.member
    sharpness = "" if member.sharpness is None else round(member.sharpness, DIGITS)
    return (
        number, group.kind, "keep" if one.keep else "spare",
        group.reason.value if one.keep else "", one.path, "yes" if one.file.there else "no",
        photo.byte_size, photo.width, photo.height, photo.format, photo.taken_at or "",
        round(member.similarity, DIGITS), member.hash_distance, sharpness, one.differs,
    )  # fmt: skip


def _group(group: Group) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "reason": group.reason.value,
        "keep": printable(str(group.best.files[0].path)),
        "spare_files": group.spare_files,
        "spare_bytes": group.spare_bytes,
        "photos": [_member(member) for member in group.members],
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        **photo_json(member.photo),
        "files": [
            {"path": printable(str(file.path)), "there": file.there} for file in member.files
        ],
        "similarity": round(member.similarity, DIGITS),
        "hash_distance": member.hash_distance,
        "sharpness": None if member.sharpness is None else round(member.sharpness, DIGITS),
    }
