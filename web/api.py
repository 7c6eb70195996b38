"""The JSON API."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for

from pixfind.catalog.photos import Photo
from pixfind.errors import QueryError
from search.engine import DEFAULT_LIMIT
from search.serialization import photo_json, result_json, results_json
from web.state import state

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.get("/search")
def search() -> dict[str, Any]:
    """Answer ``?q=&limit=`` with ranked photos."""
    found = state().engine().search(request.args.get("q", ""), _limit())
    answer = results_json(found)
    shown = zip(found.results, answer["results"], strict=True)
    answer["results"] = [_linked(result.photo, facts) for result, facts in shown]
    return answer


@blueprint.get("/photos/<int:photo_id>")
def photo(photo_id: int) -> dict[str, Any]:
    """Answer with one photo's facts."""
    found = state().engine().photo(photo_id)
    return _linked(found, photo_json(found))


@blueprint.get("/photos/<int:photo_id>/similar")
def similar(photo_id: int) -> dict[str, Any]:
    """Answer with the photos most like one."""
    found = state().engine().similar(photo_id, _limit())
    return {
        "total": found.total,
        "results": [_linked(r.photo, result_json(r)) for r in found.results],
    }


def _limit() -> int:
    given = request.args.get("limit")
    if given is None:
        return DEFAULT_LIMIT
    try:
        return int(given)
    except ValueError:
        raise QueryError(f"the limit must be a number, not {given[:20]!r}") from None


def _linked(photo: Photo, facts: dict[str, Any]) -> dict[str, Any]:
    links = {
        name: url_for(f"media.{name}", photo_id=photo.id, v=photo.version)
        for name in ("thumbnail", "preview", "original")
    }
    return {**facts, **links}
