"""The web app: pages and a JSON API over ``search``."""

from __future__ import annotations

import mimetypes

from flask import Flask

from pixfind.config import Settings
from web import api, errors, media, pages, security
from web.formatting import register_filters
from web.state import AppState


def create_app(
    settings: Settings | None = None, *, model: str | None = None, loopback: bool = True
) -> Flask:
    """Make the Flask application.

    Args:
        settings: which library and models; read from the environment if not given.
        model: the model to search with; else the library's own.
        loopback: answer only requests that name this machine as their host, so that a page
            elsewhere cannot reach it by pointing a name of its own at 127.0.0.1.
    """
    # Windows may know it as something else, and browsers run no other as a module.
    mimetypes.add_type("text/javascript", ".js")
    app = Flask(__name__)
    app.extensions["pixfind"] = AppState(settings or Settings.load(), model)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for blueprint in (pages.blueprint, api.blueprint, media.blueprint):
        app.register_blueprint(blueprint)
    errors.register(app)
    security.register(app, loopback=loopback)
    register_filters(app)
    return app
