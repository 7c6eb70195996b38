"""Photos and results as the JSON that the command line and the web API share."""

from __future__ import annotations

from typing import Any

from pixfind.catalog.photos import Photo
from pixfind.text import printable
from search.engine import Result, Results


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
    }


def result_json(result: Result) -> dict[str, Any]:
    """Return a photo's facts with its score, the cosine rounded to six places."""
    return {"score": round(result.score, 6), **photo_json(result.photo)}


def results_json(results: Results) -> dict[str, Any]:
    """Return the whole answer to a query."""
    return {
        "query": printable(results.query),
        "model": results.model,
        "total": results.total,
        "results": [result_json(result) for result in results.results],
    }
