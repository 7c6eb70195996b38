"""The API's reference, for those who write programs."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template

from web.api.document import described
from web.reference import groups, schemas

blueprint = Blueprint("reference", __name__, url_prefix="/reference")


@blueprint.get("/")
def index() -> str:
    """Show every operation, from the same description that programs read."""
    return render_template("reference.html", groups=groups(described(current_app)))


@blueprint.get("/documents")
def documents() -> str:
    """Show the documents that requests and answers are made of."""
    return render_template("reference_documents.html", schemas=schemas(described(current_app)))
