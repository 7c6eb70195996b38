"""From a query to its canonical line of text: ``parse(format_query(query)) == query``."""

from __future__ import annotations

import re
from datetime import date

from pixfind.parts import Box
from search.query.lexer import QUOTES, is_short_name
from search.query.model import (
    Area,
    Dates,
    Filter,
    Like,
    Limit,
    Numbers,
    Phrase,
    Query,
    Score,
    Sort,
    Term,
    Text,
    Value,
)
from search.query.values import DECEMBER, METRES, month_end


def format_query(query: Query) -> str:
    """Return the canonical text of a query.

    The text can be somewhat longer than what was typed, and ``parse`` takes no more than
    ``MAX_QUERY_CHARS``.
    """
    text = ""
    previous: Term | None = None
    for term in query.terms:
        if previous is not None:
            text += " + " if _wanted(previous) and _wanted(term) else " "
        text += format_term(term)
        previous = term
    return text


def _wanted(term: Term) -> bool:
    return isinstance(term, Phrase) and not term.negative


def format_term(term: Term) -> str:
    """Return the canonical text of one term."""
    match term:
        case Phrase():
            one_word = " " not in term.text
            bare = _bare_words(term.text) and (one_word or (_wanted(term) and term.weight == 1))
            return _weighed(term, term.text if bare else quoted(term.text))
        case Like():
            return _weighed(term, f"like:{_picture(term)}{_part(term.box)}")
        case Filter():
            values = "|".join(format_value(value) for value in term.values)
            group = f"({values})" if len(term.values) > 1 else values
            return f"{'-' if term.negative else ''}{term.field}:{group}"
        case Sort():
            return f"sort:{term.order.value}"
        case Limit():
            return f"limit:{term.count}"
        case Score():
            return f"score:{format_value(term.range)}"


def format_value(value: Value) -> str:
    """Return the canonical text of a filter's value."""
    match value:
        case Text():
            return _text(value.text)
        case Numbers():
            return _interval(value)
        case Dates():
            return _dates(value)
        case Area():
            return f"{number(value.latitude)},{number(value.longitude)},{distance(value.radius)}"


def quoted(text: str) -> str:
    """Return the text in quotes, with as few backslashes as can be: paths are full of them."""
    return '"' + re.sub(rf"\\(?=[\\{QUOTES}]|\Z)|[{QUOTES}]", r"\\\g<0>", text) + '"'


def number(value: float) -> str:
    """Return the shortest digits that are read as this number, without an exponent."""
    text = repr(float(value))
    if "e" in text:
        from decimal import Decimal

        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def distance(metres: float) -> str:
    """Return a radius in kilometres or metres."""
    kilometres = metres / METRES["km"]
    if kilometres >= 1 and kilometres * METRES["km"] == metres:
        return f"{number(kilometres)}km"
    return f"{number(metres)}m"


def _picture(term: Like) -> str:
    """Return a picture's name, in quotes where a file's name could go on behind it."""
    ends = term.weight == 1 and term.box is None
    # 12@1 is a file's name, too.
    bare = is_short_name(term.picture) or (ends and not is_short_name(term.picture.split("@")[0]))
    return _text(term.picture) if bare else quoted(term.picture)


def _part(box: Box | None) -> str:
    return "" if box is None else "@" + ",".join(map(number, vars(box).values()))


def _weighed(term: Phrase | Like, text: str) -> str:
    weight = "" if term.weight == 1 else f"^{number(term.weight)}"
    return f"{'-' if term.negative else ''}{text}{weight}"


def _bare_words(text: str) -> bool:
    """Tell whether words need no quotes; in doubt, they do."""
    words = text.split()
    special = any(c in QUOTES + ":^" for c in text)
    return not special and all(word[0] not in "+-\\" and word[-1] != "\\" for word in words)


def _text(text: str) -> str:
    """Return a value, in quotes where something in it, or behind it, could be taken for syntax."""
    special = any(c.isspace() or c in QUOTES + "()|^" for c in text) or text.endswith("\\")
    return quoted(text) if special else text


def _interval(numbers: Numbers) -> str:
    low = "" if numbers.low is None else number(numbers.low)
    high = "" if numbers.high is None else number(numbers.high)
    if low == high:
        return low
    if not high:
        return f">={low}" if numbers.low_included else f">{low}"
    if not low:
        return f"<={high}" if numbers.high_included else f"<{high}"
    above, below = "" if numbers.low_included else ">", "" if numbers.high_included else "<"
    return f"{above}{low}..{below}{high}"


def _dates(dates: Dates) -> str:
    first, last = dates.first, dates.last
    if first is not None and last is not None:
        if first == last:
            return first.isoformat()
        if (first, last) == (date(first.year, 1, 1), date(first.year, DECEMBER, 31)):
            return f"{first.year}"
        if first.day == 1 and last == month_end(first):
            return f"{first.year}-{first.month:02}"
    return f"{'' if first is None else _first(first)}..{'' if last is None else _last(last)}"


def _first(day: date) -> str:
    if day.day > 1:
        return day.isoformat()
    return f"{day.year}" if day.month == 1 else f"{day.year}-{day.month:02}"


def _last(day: date) -> str:
    if day != month_end(day):
        return day.isoformat()
    return f"{day.year}" if day.month == DECEMBER else f"{day.year}-{day.month:02}"
