"""Duplicates."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("duplicates", __name__, url_prefix="/duplicates")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("duplicates.html")
