"""Searching, and single photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, url_for

from pixfind.catalog.photos import Photo
from search import Result
from search.engine import DEFAULT_LIMIT
from search.query import parse
from search.serialization import photo_json, result_json, results_json
from web import parameters
from web.state import state

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.get("/search")
def search() -> dict[str, Any]:
    """Answer ``?q=&limit=&offset=&all=1&facets=1`` with ranked photos."""
    asked = parse(parameters.query())
    found = (
        state()
        .engine()
        .search(
            asked,
            # A limit in the query may be higher than what one request may cost.
            parameters.limit(min(asked.limit or DEFAULT_LIMIT, parameters.MAX_SHOWN)),
            offset=parameters.offset(),
            everything=parameters.flag("all"),
            with_facets=parameters.flag("facets"),
        )
    )
    answer = results_json(found)
    answer["results"] = _all_linked(found.results, answer["results"])
    answer["nearest"] = _all_linked(found.nearest, answer["nearest"])
    return answer


@blueprint.get("/photos/<int:photo_id>")
def photo(photo_id: int) -> dict[str, Any]:
    """Answer with one photo's facts."""
    found = state().engine().photo(photo_id)
    return _linked(found, photo_json(found))


@blueprint.get("/photos/<int:photo_id>/similar")
def similar(photo_id: int) -> dict[str, Any]:
    """Answer ``?limit=`` with the photos most like one."""
    found = state().engine().similar(photo_id, parameters.limit(DEFAULT_LIMIT))
    facts = [result_json(result) for result in found.results]
    return {"total": found.total, "results": _all_linked(found.results, facts)}


def _all_linked(
    results: Sequence[Result], documents: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [_linked(result.photo, facts) for result, facts in zip(results, documents, strict=True)]


def _linked(photo: Photo, facts: dict[str, Any]) -> dict[str, Any]:
    links = {
        name: url_for(f"media.{name}", photo_id=photo.id, v=photo.version)
        for name in ("thumbnail", "preview", "original")
    }
    return {**facts, **links}
