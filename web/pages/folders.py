"""Folders."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("folders", __name__, url_prefix="/folders")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("folders.html")
