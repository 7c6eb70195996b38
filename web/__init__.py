"""The web app: pages and a JSON API over ``search``."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from pixfind.config import Settings
from web import api, errors, formatting, localisation, media, pages, security, translation
from web.api.operations import MOST_JSON_BYTES
from web.navigation import is_indexing, rooms
from web.pages import login
from web.security.access import Access
from web.state import AppState


def create_app(
    settings: Settings | None = None,
    *,
    model: str | None = None,
    loopback: bool = True,
    changes: bool = True,
    index_roots: Sequence[Path] = (),
    names: Sequence[str] = (),
    access: Access | None = None,
) -> Flask:
    """Make the Flask application.

    Args:
        settings: which library and models; read from the environment if not given.
        model: the model to search with; else the library's own.
        loopback: answer only requests that name this machine as their host, so that a page
            elsewhere cannot reach it by pointing a name of its own at 127.0.0.1.
        changes: whether tags, albums and folders can be changed, and photos indexed.
        index_roots: under which folders others may be added to the library.
        names: by which it answers, besides addresses and local names, if not ``loopback``.
        access: who is let in; everybody if it is not given.
    """
    # Windows may know it as something else, and browsers run no other as a module.
    mimetypes.add_type("text/javascript", ".js")
    app = Flask(__name__)
    settings = settings or Settings.load()
    app.extensions["pixfind"] = AppState(settings, model, index_roots, keeps=changes)
    # Forms are no larger; what takes files says so itself.
    app.config["MAX_CONTENT_LENGTH"] = MOST_JSON_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(changes_allowed=changes, rooms=rooms, is_indexing=is_indexing)
    for blueprint in (*pages.BLUEPRINTS, *api.BLUEPRINTS, media.blueprint):
        app.register_blueprint(blueprint)
    if access is not None:
        app.register_blueprint(login.blueprint)
    errors.register(app)
    security.register(app, settings, loopback=loopback, changes=changes, names=names, access=access)
    translation.register(app)
    localisation.register(app)
    formatting.register_filters(app)
    return app
