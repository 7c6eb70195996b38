"""Photos and results as the JSON that the command line and the web API share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pixfind.catalog.photos import Photo
from pixfind.parts import Part
from pixfind.text import printable
from search.query.explanation import describe
from search.query.formatting import format_term
from search.results import Result, Results


def photo_json(photo: Photo) -> dict[str, Any]:
    """Return a photo's facts; units are those of ``catalog.schema.Asset``."""
    return {
        "id": photo.id,
        "path": printable(str(photo.path)),
        "paths": [printable(str(path)) for path in photo.paths],
        "sha256": photo.content_id.hex(),
        "bytes": photo.byte_size,
        "format": photo.format,
        "width": photo.width,
        "height": photo.height,
        "taken_at": photo.taken_at,
        "camera": photo.camera,
        "lens": photo.lens,
        "iso": photo.iso,
        "focal_length": photo.focal_length,
        "aperture": photo.aperture,
        "exposure_time": photo.exposure_time,
        "latitude": photo.latitude,
        "longitude": photo.longitude,
        "altitude": photo.altitude,
        "rating": photo.rating,
        "caption": photo.caption,
        "tags": list(photo.tags),
        "seen_at": photo.seen_at,
        "duration": photo.duration,
    }


def result_json(result: Result) -> dict[str, Any]:
    """Return a photo's facts and why it is there; numbers rounded to six places.

    ``box`` is where in a photo the match is, as shares of its width and height; ``second`` when in
    a video, in seconds.
    """
    return {
        "score": _rounded(result.score),
        "probability": _rounded(result.probability),
        "similarity": _rounded(result.similarity),
        "matched": list(result.fields),
        "box": _box_json(result.part),
        "second": None if result.part is None else _rounded(result.part.second),
        **photo_json(result.photo),
    }


def results_json(results: Results, shown: Callable[[Result], Any] = result_json) -> dict[str, Any]:
    """Return the whole answer to a query, with what is shown of each result."""
    document: dict[str, Any] = {
        "query": printable(results.query),
        "understood": [
            {"term": printable(format_term(term)), "meaning": printable(describe(term))}
            for term in results.terms
        ],
        "model": results.model,
        "total": results.total,
        "cutoff": _rounded(results.cutoff),
        "results": [shown(result) for result in results.results],
        "nearest": [shown(result) for result in results.nearest],
    }
    if results.facets is not None:
        document["facets"] = {
            name: [
                {"value": printable(v.value), "count": v.count, "filter": printable(v.filter)}
                for v in values
            ]
            for name, values in vars(results.facets).items()
        }
    return document


def _box_json(part: Part | None) -> dict[str, float] | None:
    return None if part is None or part.box is None else dict(vars(part.box))


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)
