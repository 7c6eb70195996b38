"""Results as lines of a file: comma-separated values for spreadsheets, JSON for programs.

Beside the facts that every answer has stands what recognition says of a photo: who gave each tag,
how probable the automatic ones are, and a model's description.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from pixfind.catalog import Catalog, tags
from pixfind.catalog.names import folded
from pixfind.catalog.sidecars import described
from pixfind.catalog.tags import TagOn
from pixfind.spreadsheet import plain_cell
from pixfind.text import printable
from search.results import Result
from search.serialization import result_json

COLUMNS = (
    "path", "score", "probability", "similarity", "taken_at", "camera", "width", "height",
    "latitude", "longitude", "rating", "caption", "tags", "id", "sha256", "tag_sources",
    "tag_probabilities", "alt", "description",
)  # fmt: skip
# Rows whose tags are asked for at once.
BATCH = 500


@dataclass(frozen=True)
class Row:
    """A result with what is in tables beside it.

    Attributes:
        result: as a search returns it.
        tags: its tags, each as often as there are sources of it.
        alt: a model's description for those who cannot see the photo, if there is one.
        sentence: the same in a sentence.
    """

    result: Result
    tags: tuple[TagOn, ...] = ()
    alt: str | None = None
    sentence: str | None = None


def rows(catalog: Catalog, results: Iterable[Result]) -> Iterator[Row]:
    """Yield a row for each result, in order."""
    rest = iter(results)
    while batch := list(islice(rest, BATCH)):
        with catalog.read() as session:
            found = [*_rows(session, batch)]
        yield from found


def _rows(session: Session, results: Sequence[Result]) -> Iterator[Row]:
    ids = [result.photo.id for result in results]
    tagged = tags.tags_on(session, ids)
    said = described(session, ids)
    for result in results:
        words = said.get(result.photo.id)
        on = tagged.get(result.photo.id, ())
        yield Row(result, on) if words is None else Row(result, on, words.alt, words.sentence)


def csv_header() -> bytes:
    """Return the line that names the columns."""
    return _csv_line(COLUMNS)


def csv_line(row: Row) -> bytes:
    """Return a row as a line of ``COLUMNS``; what is not known is empty.

    Between tags stands ``;``, and between what is said of each, in the same order; ``+`` between
    several sources of one.
    """
    facts = row_json(row)
    origins = facts["tag_origins"]
    facts["tags"] = ";".join(one["tag"] for one in origins)
    facts["tag_sources"] = ";".join("+".join(one["sources"]) for one in origins)
    facts["tag_probabilities"] = ";".join(
        "" if one["probability"] is None else f"{one['probability']:g}" for one in origins
    )
    return _csv_line([plain_cell(facts[name]) for name in COLUMNS])


def json_line(row: Row) -> bytes:
    """Return a row as one line of JSON (https://jsonlines.org)."""
    return _bytes(json.dumps(row_json(row), ensure_ascii=False) + "\n")


def row_json(row: Row) -> dict[str, Any]:
    """Return what ``result_json`` does, with ``tag_origins``, ``alt`` and ``description``."""
    origins: dict[str, dict[str, Any]] = {}
    for tag in row.tags:
        one = origins.setdefault(
            folded(tag.name), {"tag": tag.name, "sources": [], "probability": None}
        )
        one["sources"].append(tag.source)
        if tag.score is not None:
            one["probability"] = round(tag.score, 6)
    return {
        **result_json(row.result),
        "tag_origins": list(origins.values()),
        "alt": row.alt and printable(row.alt),
        "description": row.sentence and printable(row.sentence),
    }


def _csv_line(cells: Any) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return _bytes(line.getvalue())


def _bytes(text: str) -> bytes:
    # Captions may hold halves of characters; in JSON, these are its own escapes.
    return text.encode("utf-8", "backslashreplace")
