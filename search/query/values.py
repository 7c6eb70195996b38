"""A field's value: from what was typed to numbers, dates, places and text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from typing import NamedTuple

from pixfind.messages import said
from pixfind.parts import Box
from search.query import mistakes
from search.query.fields import FIRST_YEAR, LAST_YEAR, MAX_RADIUS_KM, MONTHS, Field, Kind
from search.query.model import Area, Dates, Numbers, Text, Value

METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344}
DAY = timedelta(days=1)
FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
DECEMBER = 12
MAX_LATITUDE, MAX_LONGITUDE = 90, 180
LATITUDES = said("a latitude from -%(most)s to %(most)s", most=MAX_LATITUDE)
LONGITUDES = said("a longitude from -%(most)s to %(most)s", most=MAX_LONGITUDE)
RADII = said("a radius above 0 and up to %(most)s km", most=MAX_RADIUS_KM)
SHORT_MONTH = 3  # letters
LEAST_SHARE = 0.02  # of a picture's edge; less shows nothing
ROUNDING = 1e-3  # shares that were rounded may add up to more than all
NUMBER = r"[0-9]+\.?[0-9]*|\.[0-9]+"
DATE = r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?"
PLACE = rf"(-?(?:{NUMBER}))\s*,\s*(-?(?:{NUMBER}))\s*,\s*({NUMBER})\s*(m|km|mi|)"


def one_line(text: str) -> str:
    """Return words with one space between them.

    Halves of characters, which no tokenizer takes, become U+FFFD.
    """
    whole = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return " ".join(whole.split())


def read_value(field: Field, text: str, at: int) -> Value:
    """Read a value of a filter or a setting; ``at`` is where it lies in the query.

    Raises:
        QuerySyntaxError: the field cannot have that value.
    """
    kept = text if field.kind is Kind.PATH else one_line(text)
    return _READERS[field.kind](_Typed(field, kept, at))


def read_box(text: str, at: int) -> Box:
    """Read the part of a picture: left, top, width and height as shares of its edges.

    Args:
        text: what stands behind the @.
        at: where the @ lies in the query.

    Raises:
        QuerySyntaxError: these are no four numbers, or they lie outside the picture, or hardly
            anything is in them.
    """
    shares = text.split(",")
    if len(shares) != len(fields(Box)) or not all(re.fullmatch(NUMBER, one) for one in shares):
        raise mistakes.wrong_part(at, text)
    left, top, width, height = map(float, shares)
    if max(left + width, top + height) > 1 + ROUNDING:
        raise mistakes.part_outside(at, text)
    if min(width, height) < LEAST_SHARE:
        raise mistakes.part_too_small(at, text, LEAST_SHARE)
    return Box(left, top, width, height)


class _Typed(NamedTuple):
    """What was typed for a field, and where."""

    field: Field
    text: str
    at: int


class _Ends(NamedTuple):
    """A range as it was typed: ``2019..2021``, ``>3000``, or one value at both ends."""

    low: str
    high: str
    low_included: bool = True
    high_included: bool = True


def _ends(text: str) -> _Ends:
    low, dots, high = (part.strip() for part in text.partition(".."))
    if dots:
        return _Ends(low.removeprefix(">"), high.removeprefix("<"), low[:1] != ">", high[:1] != "<")
    bound = low.lstrip("<>=").lstrip()
    match low[: len(low) - len(bound)].rstrip():
        case ">":
            return _Ends(bound, "", low_included=False)
        case ">=":
            return _Ends(bound, "")
        case "<":
            return _Ends("", bound, high_included=False)
        case "<=":
            return _Ends("", bound)
        case _:
            return _Ends(low, low)


def _numbers(typed: _Typed) -> Numbers:
    return _interval(typed, _number)


def _months(typed: _Typed) -> Numbers:
    return _interval(typed, _month)


def _interval(typed: _Typed, number: Callable[[_Typed, str], float]) -> Numbers:
    ends = _ends(typed.text)
    if not ends.low and not ends.high:
        raise mistakes.wrong_value(typed.at, typed.field, typed.text)
    low = number(typed, ends.low) if ends.low else None
    high = number(typed, ends.high) if ends.high else None
    if low is not None and high is not None:
        closed = ends.low_included and ends.high_included
        if low > high or (low == high and not closed):
            raise mistakes.impossible_range(
                typed.at, typed.field, typed.text, _swapped(typed.field, ends)
            )
    return Numbers(
        low,
        high,
        low_included=ends.low_included or low is None,
        high_included=ends.high_included or high is None,
    )


def _swapped(field: Field, ends: _Ends) -> str:
    if field.kind is Kind.MONTH:  # a winter: november..february
        return f"{ends.low}..12|1..{ends.high}"
    return f"{ends.high}..{ends.low}"


def _number(typed: _Typed, text: str) -> float:
    field = typed.field
    plain = text.lower().removesuffix(field.unit).rstrip()
    if not re.fullmatch(NUMBER, plain):
        raise mistakes.wrong_value(typed.at, field, typed.text)
    number = float(plain)
    if field.whole and "." in plain:
        raise mistakes.wrong_value(typed.at, field, typed.text)
    if not field.low <= number <= field.high:
        limits = said(
            "%(field)s from %(low)s to %(high)s",
            field=field.name,
            low=f"{field.low:.0f}",
            high=f"{field.high:.0f}",
        )
        raise mistakes.out_of_limits(typed.at, field, limits, text)
    return number


def _month(typed: _Typed, text: str) -> float:
    if text.isdecimal():
        return _number(typed, text)
    name = text.lower().removesuffix(".")
    for number, month in enumerate(MONTHS, start=1):
        if name in (month.lower(), month[:SHORT_MONTH].lower()) or (name, number) == ("sept", 9):
            return float(number)
    raise mistakes.wrong_value(typed.at, typed.field, typed.text)


def _dates(typed: _Typed) -> Dates:
    ends = _ends(typed.text)
    if not ends.low and not ends.high:
        raise mistakes.wrong_value(typed.at, typed.field, typed.text)
    low, high = _period(typed, ends.low), _period(typed, ends.high)
    first = last = None
    try:
        if low is not None:
            first = low[0] if ends.low_included else low[1] + DAY
        if high is not None:
            last = high[1] if ends.high_included else high[0] - DAY
    except OverflowError:  # after the last day that there is
        raise mistakes.impossible_range(typed.at, typed.field, typed.text, "2019..") from None
    if (first or FIRST_DAY) > (last or LAST_DAY):
        instead = f"{ends.high}..{ends.low}" if ends.low and ends.high else "2019.."
        raise mistakes.impossible_range(typed.at, typed.field, typed.text, instead)
    return Dates(first, last)


def _period(typed: _Typed, text: str) -> tuple[date, date] | None:
    """Return the first and the last day of a year, a month or a day."""
    if not text:
        return None
    match = re.fullmatch(DATE, text)
    if match is None:
        raise mistakes.wrong_value(typed.at, typed.field, typed.text)
    year, month, day = (None if part is None else int(part) for part in match.groups())
    if year is None or not FIRST_YEAR <= year <= LAST_YEAR:
        limits = said("a year from %(low)s to %(high)s", low=FIRST_YEAR, high=LAST_YEAR)
        raise mistakes.out_of_limits(typed.at, typed.field, limits, text)
    try:
        first = date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        possible = month is not None and 1 <= month <= DECEMBER
        instead = f"{year}-{month:02}" if possible else f"{year}"
        raise mistakes.impossible_date(typed.at, typed.field, text, instead) from None
    if month is None:
        return first, date(year, DECEMBER, 31)
    return first, month_end(first) if day is None else first


def month_end(day: date) -> date:
    """Return the last day of the day's month."""
    if day.month == DECEMBER:  # the next day may be after the last one that there is
        return day.replace(day=31)
    return day.replace(month=day.month + 1, day=1) - DAY


def _area(typed: _Typed) -> Area:
    match = re.fullmatch(PLACE, typed.text.lower())
    if match is None:
        raise mistakes.wrong_value(typed.at, typed.field, typed.text)
    latitude, longitude = float(match[1]), float(match[2])
    radius = float(match[3]) * METRES[match[4] or "km"]
    for limits, possible in (
        (LATITUDES, abs(latitude) <= MAX_LATITUDE),
        (LONGITUDES, abs(longitude) <= MAX_LONGITUDE),
        (RADII, 0 < radius <= MAX_RADIUS_KM * 1000),
    ):
        if not possible:
            raise mistakes.out_of_limits(typed.at, typed.field, limits, typed.text)
    return Area(latitude, longitude, radius)


def _choice(typed: _Typed) -> Text:
    choice = typed.text.lower()
    if choice not in typed.field.choices:
        raise mistakes.wrong_value(typed.at, typed.field, typed.text)
    return Text(choice)


def _text(typed: _Typed) -> Text:
    return Text(typed.text)


_READERS: dict[Kind, Callable[[_Typed], Value]] = {
    Kind.TEXT: _text,
    Kind.PATH: _text,
    Kind.CHOICE: _choice,
    Kind.NUMBER: _numbers,
    Kind.MONTH: _months,
    Kind.DATE: _dates,
    Kind.AREA: _area,
}
