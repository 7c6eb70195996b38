"""The API's description of itself."""

from __future__ import annotations

from typing import Any

from flask import current_app

from web.api.document import described
from web.api.operations import Operations

blueprint = Operations("description", "This description")


@blueprint.operation("GET", "/openapi.json")
def openapi() -> dict[str, Any]:
    """Return this OpenAPI document."""
    return described(current_app)
