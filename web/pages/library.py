"""Library."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("library", __name__, url_prefix="/library")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("library.html")
