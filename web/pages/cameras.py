"""The library by camera."""

from __future__ import annotations

from flask import Blueprint, render_template

from pixfind.catalog import browse
from search.query.naming import typeable
from web.state import state

blueprint = Blueprint("cameras", __name__, url_prefix="/cameras")


@blueprint.get("/")
def index() -> str:
    """Show the cameras with their lenses, and how many photos each has taken."""
    cameras = state().read(browse.cameras, browse.cameras)
    return render_template("cameras.html", cameras=cameras, typeable=typeable)
