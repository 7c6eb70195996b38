"""Text for people: names that can be printed, sizes that can be read."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from pixfind.messages import said

KIB = 1024
JOINERS = "\u200c\u200d"
# Halves of characters, as JSON can hold, but for those that stand for a byte of a file name.
HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """Return the text with what no terminal or JSON reader can take replaced by U+FFFD.

    File names may hold bytes that are not UTF-8, and control characters that would move the
    cursor or colour the screen. JSON may hold halves of characters.
    """
    if text.isprintable():  # as nearly all are
        return text
    whole = HALVES.sub(REPLACEMENT, text)
    valid = whole.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if _harmless(c) else REPLACEMENT for c in valid)


def json_text(document: Any) -> str:
    """Return a JSON document that people can read and UTF-8 can hold.

    Halves of characters are in it as JSON's own escapes.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _harmless(c: str) -> bool:
    # Names hold them often: macOS's screenshots a narrow space, emoji and Indic scripts joiners.
    return c.isprintable() or unicodedata.category(c) == "Zs" or c in JOINERS


def readable_size(size: int) -> str:
    """Return a number of bytes as people write it, for example ``3.4 MiB``."""
    if size < KIB:
        return said("%(count)s bytes", count=size)
    value = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        value /= KIB
        if value < KIB:
            return f"{value:.1f} {unit}"
    return f"{value / KIB:.1f} TiB"


def clock(seconds: float) -> str:
    """Return a time in a video as players show it: 1:23, or 1:02:03."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def shortened(text: str, longest: int) -> str:
    """Return the text, cut at the end of a word if it is longer than so many characters."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    whole = cut if text[longest - 1].isspace() else cut.rpartition(" ")[0] or cut
    return whole.rstrip(" ,;.") + "…"
