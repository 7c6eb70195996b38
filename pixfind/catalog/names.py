"""How names are told alike, and how a camera's is shown."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Return what all spellings of a text have in common: composed, and without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def camera_name(make: str | None, model: str | None) -> str | None:
    """Join make and model unless the model already begins with the make ("Canon Canon EOS")."""
    if not make or not model:
        return model or make
    first = make.split()[0].lower()
    return model if model.lower().startswith(first) else f"{make} {model}"
