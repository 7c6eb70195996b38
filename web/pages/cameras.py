"""The library by camera."""

from __future__ import annotations

from flask import Blueprint, render_template

from pixfind.catalog import browse
from search.query.naming import can_be_typed, named
from web.state import state

blueprint = Blueprint("cameras", __name__, url_prefix="/cameras")


@blueprint.get("/")
def index() -> str:
    """Show the cameras with their lenses, and how many photos each has taken."""
    with state().library().catalog.read() as session:
        cameras = browse.cameras(session)
    return render_template("cameras.html", cameras=cameras, query=None, named=_query)


def _query(field: str, name: str) -> str | None:
    text = named(field, name)
    return text if can_be_typed(text) else None
