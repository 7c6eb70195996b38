"""Cameras."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("cameras", __name__, url_prefix="/cameras")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return render_template("cameras.html")
