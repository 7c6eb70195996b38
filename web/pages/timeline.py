"""Timeline."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("timeline", __name__, url_prefix="/timeline")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("timeline.html")
