"""Numbers and dates as readers of a language write them."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, get_month_names
from babel.numbers import format_decimal
from flask import Flask

from web.translation import language, ngettext


def register(app: Flask) -> None:
    """Make the functions below known to the templates."""
    for function in (counted, day, moment, month_name):
        app.add_template_filter(function)
    app.jinja_env.globals["photos_counted"] = photos_counted


def counted(number: int) -> str:
    """Return a number with its thousands apart."""
    return format_decimal(number, locale=_locale())


def photos_counted(number: int) -> str:
    """Return for example ``1,234 photos``."""
    return ngettext("%(count)s photo", "%(count)s photos", number, count=counted(number))


def day(iso: str) -> str:
    """Return a day that is given in ISO 8601."""
    return format_date(date.fromisoformat(iso[:10]), "medium", _locale())


def moment(iso: str) -> str:
    """Return a day and a time of day, given in ISO 8601."""
    return format_datetime(datetime.fromisoformat(iso), "medium", locale=_locale())


def month_name(month: int) -> str:
    """Return the name of a month of the year, 1 to 12."""
    return str(get_month_names("wide", "stand-alone", _locale())[month])


def _locale() -> Locale:
    return _parsed(language().tag)


@lru_cache
def _parsed(tag: str) -> Locale:
    return Locale.parse(tag, sep="-")
