"""Photos and results as the API's documents, with the addresses of their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from flask import url_for

from pixfind.catalog import photos
from search import Result
from search.serialization import photo_json, result_json
from web.api import answers

PICTURES = ("thumbnail", "preview", "original")


def photo_document(photo: photos.Photo) -> answers.Photo:
    """Return a photo's facts and addresses."""
    return photo_documents([photo])[0]


def photo_documents(shown: Iterable[photos.Photo]) -> list[answers.Photo]:
    """Return the same of several photos."""
    linked = _linking()
    return [cast("answers.Photo", linked(photo, photo_json(photo))) for photo in shown]


def result_documents(results: Iterable[Result]) -> list[answers.Result]:
    """Return what was found, with the reasons."""
    return list(map(presenting(), results))


def presenting() -> Callable[[Result], answers.Result]:
    """Return what makes the document of any result of the current request."""
    linked = _linking()
    return lambda result: cast("answers.Result", linked(result.photo, result_json(result)))


def _linking() -> Callable[[photos.Photo, dict[str, Any]], dict[str, Any]]:
    """Return what adds its addresses to the facts of a photo.

    They differ by its number and version alone. Making them anew for each of twenty takes longer
    than everything else about them.
    """
    before = {name: url_for(f"media.{name}", photo_id=0).removesuffix("0") for name in PICTURES}

    def linked(photo: photos.Photo, facts: dict[str, Any]) -> dict[str, Any]:
        links = {name: f"{start}{photo.id}?v={photo.version}" for name, start in before.items()}
        return {**facts, **links}

    return linked
