"""Who may ask for what, and what the answers may do in a browser.

``origins`` sees by which name and by whose page the server is asked, ``guard`` whether somebody has
logged in, which ``access`` knows: by a door (``doors``: a token, or the passwords of ``users``),
``sessions`` and ``attempts``. ``limits`` bounds what bringing pictures costs, ``headers`` what an
answer may do in a browser, and ``places`` which folders are named.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, abort, request

from pixfind.config import Settings
from pixfind.messages import said
from web.security import guard, headers, limits, origins, places
from web.security.access import Access
from web.security.headers import HEADERS
from web.security.origins import SAFE

__all__ = ["HEADERS", "SAFE", "register"]

# Requests that would change something by their method, and change nothing in the library.
READING = (
    "translation.choose",
    "selection.export",
    "pictures.take",
    "api_pictures.bring",
    "login.enter",
    "login.leave",
)


def register(
    app: Flask,
    settings: Settings,
    *,
    loopback: bool,
    changes: bool,
    names: Collection[str] = (),
    access: Access | None = None,
) -> None:
    """Set the headers on every answer, and refuse what nobody here has asked for.

    Args:
        app: the application.
        settings: where things lie that not everybody is told of.
        loopback: refuse requests to any other host.
        changes: take requests that change something, if they come from a page of this server.
        names: what this server may be called besides, where others may ask it.
        access: who may ask at all; everybody if it is not given.
    """
    headers.register(app, guarded=access is not None)
    origins.register(app, loopback=loopback, names=names)
    guard.register(app, access)
    if not changes:
        app.before_request(_refuse_changes)
    limits.register(app)
    places.register(app, settings, hidden=not changes)


def _refuse_changes() -> None:
    if request.method not in SAFE and request.endpoint not in READING:
        abort(403, said("nothing can be changed here; allow it with: serve --allow-changes"))
