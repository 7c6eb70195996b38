"""A query's terms in plain words, one line each, for people who did not type them."""

from __future__ import annotations

from datetime import date

from pixfind.messages import any_of, said
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
    Order.RELEVANCE: said("best match first"),
    Order.OLDEST: said("oldest first"),
    Order.NEWEST: said("newest first"),
    Order.NAME: said("sorted by name"),
}
# Values that stand for themselves in a query, as words.
CHOICES = {
    "photo": said("photo"),
    "video": said("video"),
    "gps": said("gps"),
    "tag": said("tag"),
    "caption": said("caption"),
    "landscape": said("landscape"),
    "portrait": said("portrait"),
    "square": said("square"),
}


def describe(term: Term) -> str:
    """Return one line about a term, for example ``camera is canon or nikon``."""
    match term:
        case Phrase():
            return _signed(term, _weighted(term, said('"%(words)s"', words=_shown(term.text))))
        case Like():
            return _signed(term, _weighted(term, _like(term)))
        case Filter():
            field = FIELDS[term.field]
            values = any_of(_value(field, value) for value in term.values)
            return _signed(term, _labelled(field, values))
        case Sort():
            return ORDERS[term.order]
        case Limit():
            return _at_most(term.count)
        case Score():
            return _labelled(FIELDS["score"], _numbers(FIELDS["score"], term.range))


def _at_most(count: int) -> str:
    if count == 1:
        return said("at most %(count)s result", count=count)
    return said("at most %(count)s results", count=count)


def _like(term: Like) -> str:
    picture = _picture(term.picture)
    if term.box is None:
        return said("like %(picture)s", picture=picture)
    return said("like a part of %(picture)s", picture=picture)


def _picture(named: str) -> str:
    if is_token(named):
        return said("your picture")
    return said("photo %(name)s", name=named) if is_short_name(named) else _shown(named)


def _signed(term: Phrase | Like | Filter, text: str) -> str:
    return said("not: %(text)s", text=text) if term.negative else text


def _weighted(term: Phrase | Like, text: str) -> str:
    if term.weight == 1:
        return text
    return said("%(text)s (weight %(weight)s)", text=text, weight=number(term.weight))


def _labelled(field: Field, values: str) -> str:
    if not field.label:
        return values
    return said("%(label)s %(values)s", label=field.label, values=values)


def _shown(typed: str) -> str:
    return printable(" ".join(typed.split()))


def _value(field: Field, value: Value) -> str:
    match value:
        case Text() if field.kind is Kind.CHOICE:
            return CHOICES[value.text]
        case Text():
            return _shown(value.text)
        case Numbers():
            return _numbers(field, value)
        case Dates():
            return _dates(value)
        case Area():
            radius = distance(value.radius)
            unit = "km" if radius.endswith("km") else "m"
            return said(
                "within %(radius)s of %(latitude)s, %(longitude)s",
                radius=f"{radius.removesuffix(unit)} {unit}",
                latitude=number(value.latitude),
                longitude=number(value.longitude),
            )


def _numbers(field: Field, numbers: Numbers) -> str:
    low = "" if numbers.low is None else _number(field, numbers.low)
    high = "" if numbers.high is None else _number(field, numbers.high)
    if low == high:
        return said("is %(value)s", value=low)
    if low and high and numbers.low_included and numbers.high_included:
        return said("from %(first)s to %(last)s", first=low, last=high)
    above, below = _above(low, numbers), _below(high, numbers)
    return (
        said("%(above)s and %(below)s", above=above, below=below)
        if low and high
        else (above if low else below)
    )


def _above(low: str, numbers: Numbers) -> str:
    if numbers.low_included:
        return said("at least %(value)s", value=low)
    return said("over %(value)s", value=low)


def _below(high: str, numbers: Numbers) -> str:
    if numbers.high_included:
        return said("at most %(value)s", value=high)
    return said("under %(value)s", value=high)


def _number(field: Field, value: float) -> str:
    if field.kind is Kind.MONTH:
        return MONTHS[int(value) - 1]
    return f"{number(value)} {field.unit}".rstrip()


def _dates(dates: Dates) -> str:
    if dates.first == dates.last:
        return said("on %(day)s", day=_day(dates.first))
    if dates.last is None:
        return said("since %(day)s", day=_day(dates.first))
    if dates.first is None:
        return said("until %(day)s", day=_day(dates.last))
    return said("from %(first)s to %(last)s", first=_day(dates.first), last=_day(dates.last))


def _day(day: date | None) -> str:
    return said("any day") if day is None else day.isoformat()
