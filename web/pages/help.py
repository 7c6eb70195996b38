"""What can be asked."""

from __future__ import annotations

from flask import Blueprint, render_template

from web.searching.query_help import examples, explained_fields, notes

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
def query_language() -> str:
    """Show the query language."""
    return render_template(
        "help.html", examples=examples(), fields=explained_fields(), notes=notes()
    )
