"""Tags."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("tags", __name__, url_prefix="/tags")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("tags.html")
