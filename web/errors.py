"""pixfind's errors as pages, and as problem documents (RFC 9457) under ``/api``."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from pixfind.errors import (
    LibraryError,
    ModelError,
    PhotoError,
    PhotoNotFoundError,
    PixfindError,
    QueryError,
)
from pixfind.text import printable

STATUS: tuple[tuple[type[PixfindError], int, str], ...] = (
    (PhotoNotFoundError, 404, "No such photo"),
    (PhotoError, 404, "This photo cannot be shown"),
    (QueryError, 400, "This query cannot be answered"),
    (LibraryError, 503, "The library cannot be searched yet"),
    (ModelError, 503, "The model cannot be used"),
    (PixfindError, 500, "Something went wrong"),
)


def register(app: Flask) -> None:
    """Answer errors in the form that the caller reads."""
    app.register_error_handler(PixfindError, _pixfind_error)
    app.register_error_handler(HTTPException, _http_error)


def _pixfind_error(error: PixfindError) -> Response:
    status, title = next((s, t) for kind, s, t in STATUS if isinstance(error, kind))
    return _answer(status, title, printable(str(error)))


def _http_error(error: HTTPException) -> Response:
    return _answer(error.code or 500, error.name, error.description or "")


def _answer(status: int, title: str, detail: str) -> Response:
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        response = jsonify(problem)
        response.mimetype = "application/problem+json"
        response.status_code = status
        return response
    page = render_template("error.html", title=title, detail=detail, query="")
    return make_response(page, status)
