"""Results as lines of a file: comma-separated values for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from pixfind.spreadsheet import plain_cell
from search.results import Result
from search.serialization import result_json

COLUMNS = (
    "path", "score", "probability", "similarity", "taken_at", "camera", "width", "height",
    "latitude", "longitude", "rating", "caption", "tags", "id", "sha256",
)  # fmt: skip


def csv_header() -> bytes:
    """Return the line that names the columns."""
    return _csv_line(COLUMNS)


def csv_line(result: Result) -> bytes:
    """Return a result as a line of ``COLUMNS``; what is not known is empty, tags end by ``;``."""
    facts = result_json(result)
    facts["tags"] = ";".join(facts["tags"])
    return _csv_line([plain_cell(facts[name]) for name in COLUMNS])


def json_line(result: Result) -> bytes:
    """Return a result as one line of JSON (https://jsonlines.org)."""
    return _bytes(json.dumps(result_json(result), ensure_ascii=False) + "\n")


def _csv_line(cells: Any) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return _bytes(line.getvalue())


def _bytes(text: str) -> bytes:
    # Captions may hold halves of characters; in JSON, these are its own escapes.
    return text.encode("utf-8", "backslashreplace")
