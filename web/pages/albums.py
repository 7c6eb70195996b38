"""Albums."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("albums", __name__, url_prefix="/albums")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("albums.html")
