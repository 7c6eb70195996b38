"""Where things lie on this machine is told to those alone who may change the library."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask, current_app

from pixfind.config import Settings
from web.security.guard import is_known

EXTENSION = "pixfind_places"
HIDDEN = "…"


def register(app: Flask, settings: Settings, *, hidden: bool) -> None:
    """Remember which folders are not to be named.

    Folders of photos are: they are what is searched.
    """
    folders = {settings.library, settings.models, settings.cache, settings.demo_library}
    folders |= {Path(tempfile.gettempdir()), Path(__file__).resolve().parents[2]}
    # Folders before those that they are in.
    app.extensions[EXTENSION] = sorted(map(str, folders), key=len, reverse=True)
    app.jinja_env.globals["shows_places"] = not hidden


def without_places(text: str) -> str:
    """Return a text for somebody who need not know where the program and its data lie."""
    if current_app.jinja_env.globals["shows_places"] and is_known():
        return text
    for folder in current_app.extensions[EXTENSION]:
        text = text.replace(folder, HIDDEN)
    return text
