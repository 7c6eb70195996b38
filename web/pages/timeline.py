"""The library by time: years, and the months of each."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, abort, render_template

from pixfind.catalog import browse
from pixfind.catalog.browse import Month
from pixfind.catalog.photos import photos_by_id
from pixfind.messages import said
from web.state import state

blueprint = Blueprint("timeline", __name__, url_prefix="/timeline")


@blueprint.get("/")
def index() -> str:
    """Show each year with its months and how many photos these have."""
    with state().library().catalog.read() as session:
        months = browse.months(session)
        years = {year: list(those) for year, those in groupby(months, lambda month: month.year)}
        covers = photos_by_id(session, [those[0].last for those in years.values()])
        undated = browse.count_undated(session)
    return render_template(
        "timeline.html", years=years, covers=covers, undated=undated, month_query=_month_query
    )


@blueprint.get("/<int:year>")
def year(year: int) -> str:
    """Show the months of a year, each with a picture."""
    with state().library().catalog.read() as session:
        months = [month for month in browse.months(session) if month.year == year]
        covers = photos_by_id(session, [month.last for month in months])
    if not months:
        abort(404, said("no photo was taken in %(year)s", year=year))
    return render_template(
        "timeline_year.html", year=year, months=months, covers=covers, month_query=_month_query
    )


def _month_query(month: Month) -> str:
    """Return the query for what was taken in a month, in the order of time."""
    text = f"{month.year}-{month.month:02d}"
    return f"date:{text} sort:date"
