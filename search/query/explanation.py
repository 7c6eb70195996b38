"""A query's terms in plain words, one line each, for people who did not type them."""

from __future__ import annotations

from datetime import date

from pixfind.photos.brought import is_token
from pixfind.text import printable
from search.query.fields import FIELDS, MONTHS, Field, Kind
from search.query.formatting import distance, number
from search.query.lexer import is_short_name
from search.query.model import (
    Area,
    Dates,
    Filter,
    Like,
    Limit,
    Numbers,
    Order,
    Phrase,
    Score,
    Sort,
    Term,
    Text,
    Value,
)

ORDERS = {
    Order.RELEVANCE: "best match first",
    Order.OLDEST: "oldest first",
    Order.NEWEST: "newest first",
    Order.NAME: "sorted by name",
}


def describe(term: Term) -> str:
    """Return one line about a term, for example ``camera is canon or nikon``."""
    match term:
        case Phrase():
            return _line(term, f'"{term.text}"{_weight(term)}')
        case Like():
            part = "" if term.box is None else "a part of "
            return _line(term, f"like {part}{_picture(term.picture)}{_weight(term)}")
        case Filter():
            field = FIELDS[term.field]
            values = " or ".join(_value(field, value) for value in term.values)
            return _line(term, f"{field.label} {values}".lstrip())
        case Sort():
            return ORDERS[term.order]
        case Limit():
            return f"at most {term.count} result{'s' if term.count > 1 else ''}"
        case Score():
            return f"{FIELDS['score'].label} {_numbers(FIELDS['score'], term.range)}"


def _picture(named: str) -> str:
    if is_token(named):
        return "your picture"
    return f"photo {named}" if is_short_name(named) else named


def _line(term: Phrase | Like | Filter, text: str) -> str:
    return printable(" ".join(f"{'not: ' if term.negative else ''}{text}".split()))


def _weight(term: Phrase | Like) -> str:
    return "" if term.weight == 1 else f" (weight {number(term.weight)})"


def _value(field: Field, value: Value) -> str:
    match value:
        case Text():
            return value.text
        case Numbers():
            return _numbers(field, value)
        case Dates():
            return _dates(value)
        case Area():
            radius = distance(value.radius)
            unit = "km" if radius.endswith("km") else "m"
            place = f"{number(value.latitude)}, {number(value.longitude)}"
            return f"within {radius.removesuffix(unit)} {unit} of {place}"


def _numbers(field: Field, numbers: Numbers) -> str:
    low = "" if numbers.low is None else _number(field, numbers.low)
    high = "" if numbers.high is None else _number(field, numbers.high)
    if low == high:
        return f"is {low}"
    if low and high and numbers.low_included and numbers.high_included:
        return f"from {low} to {high}"
    above = low and f"{'at least' if numbers.low_included else 'over'} {low}"
    below = high and f"{'at most' if numbers.high_included else 'under'} {high}"
    return " and ".join(part for part in (above, below) if part)


def _number(field: Field, value: float) -> str:
    if field.kind is Kind.MONTH:
        return MONTHS[int(value) - 1]
    return f"{number(value)} {field.unit}".rstrip()


def _dates(dates: Dates) -> str:
    if dates.first == dates.last:
        return f"on {_day(dates.first)}"
    if dates.last is None:
        return f"since {_day(dates.first)}"
    if dates.first is None:
        return f"until {_day(dates.last)}"
    return f"from {_day(dates.first)} to {_day(dates.last)}"


def _day(day: date | None) -> str:
    return "any day" if day is None else day.isoformat()
