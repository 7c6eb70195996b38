"""Photos and results as the API's documents, with the addresses of their pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask import url_for

from pixfind.catalog import photos
from search import Result
from search.serialization import photo_json, result_json
from web.api import answers


def photo_document(photo: photos.Photo) -> answers.Photo:
    """Return a photo's facts and addresses."""
    return cast("answers.Photo", _linked(photo, photo_json(photo)))


def photo_documents(shown: Iterable[photos.Photo]) -> list[answers.Photo]:
    """Return the same of several photos."""
    return [photo_document(photo) for photo in shown]


def result_documents(results: Iterable[Result]) -> list[answers.Result]:
    """Return what was found, with the reasons."""
    linked = (_linked(result.photo, result_json(result)) for result in results)
    return cast("list[answers.Result]", list(linked))


def _linked(photo: photos.Photo, facts: dict[str, Any]) -> dict[str, Any]:
    links = {
        name: url_for(f"media.{name}", photo_id=photo.id, v=photo.version)
        for name in ("thumbnail", "preview", "original")
    }
    return {**facts, **links}
