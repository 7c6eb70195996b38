"""A model's card: what to know before relying on it, as Markdown that a terminal can show too.

All of it comes from ``model.json``. Nothing in it depends on the machine that it is printed on.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pixfind.encoders.model_files import Description
from pixfind.text import printable, readable_size

WIDTH = 100
# What ``about`` says of every OpenCLIP model, in a word each.
FACTS = ("architecture", "weights")
ENGINES = {"onnx": "ONNX Runtime, on the CPU", "open_clip": "OpenCLIP in torch, on a GPU if any"}
DEEPEST = 4
UNKNOWN = "–"
NOTHING_MORE = (
    "No more is known of it here. What it was trained on, and under which terms it may be used, "
    "its publisher says. How well it finds photos like yours can be measured:"
)


def model_card(description: Description, size: int, *, bundled: bool) -> str:
    """Return the card, without a last line's end.

    Args:
        description: the content of ``model.json``.
        size: how many bytes the model's files take.
        bundled: whether it comes with the program.
    """
    lines = [f"# {_text(description.name)}, version {_text(description.version)}", ""]
    for name, value in _facts(description, size, bundled):
        lines += _wrapped(f"{name}: {value}", "- ")
    sections = {key: value for key, value in description.about.items() if key not in FACTS}
    for title, value in sections.items():
        lines += _section(title, value, 2)
    if not sections:
        lines += ["", *_wrapped(NOTHING_MORE)]
        lines += ["", f"    pixfind eval DIR --model {_text(description.name)}"]
    return "\n".join(lines)


def _facts(description: Description, size: int, bundled: bool) -> Iterator[tuple[str, str]]:
    for name in FACTS:
        if name in description.about:
            yield name, _cell(description.about[name])
    yield "embedding", f"{description.dim} numbers"
    square = description.preprocessing.size
    yield "sees", f"{square} x {square} pixels of a photo"
    yield "size on disk", readable_size(size)
    yield "engine", ENGINES[description.engine]
    yield "licence", _text(description.licence)
    yield "comes with pixfind", _cell(bundled)
    calibrated = description.calibration is not None
    yield "calibrated", "yes, scores can be told as probabilities" if calibrated else "no"
    yield "fingerprint", description.fingerprint


def _section(title: str, value: Any, level: int) -> Iterator[str]:
    named = _text(title)
    yield from ("", f"{'#' * level} {named[:1].upper()}{named[1:]}", "")
    if not isinstance(value, dict) or level == DEEPEST:
        yield from _block(value)
    elif any(isinstance(part, dict | list) for part in value.values()):
        first = True
        for key, part in value.items():
            lines = list(_section(key, part, level + 1))
            # The heading above has left an empty line already.
            yield from lines[1:] if first else lines
            first = False
    else:
        yield from _wrapped("; ".join(f"{_text(key)} {_cell(value[key])}" for key in value))


def _block(value: Any) -> Iterator[str]:
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        yield from _table(value)
    elif isinstance(value, list):
        for item in value:
            yield from _wrapped(_cell(item), "- ")
    else:
        yield from _wrapped(_cell(value))


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_text(key) for key in columns]]
    cells += [[_cell(row.get(key)) for key in columns] for row in rows]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(padded)} |"


def _wrapped(text: str, mark: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _cell(value: Any) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)):  # noqa: PLR2004
        return " to ".join(map(_cell, value))  # an interval
    if _is_number(value):
        return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
    return _text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(text: str) -> str:
    """Return it on one line: models of others are printed on the user's terminal."""
    return printable(" ".join(text.split()))
