"""pixfind's errors as pages, and as problem documents (RFC 9457) under ``/api``."""

from __future__ import annotations

import re

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from pixfind.errors import (
    LibraryError,
    ModelError,
    PhotoError,
    PhotoNotFoundError,
    PixfindError,
    QueryError,
    QuerySyntaxError,
)
from pixfind.text import printable

BAD_QUERY = (400, "This query cannot be answered")
STATUS: tuple[tuple[type[PixfindError], int, str], ...] = (
    (PhotoNotFoundError, 404, "No such photo"),
    (PhotoError, 404, "This photo cannot be shown"),
    (QueryError, *BAD_QUERY),
    (LibraryError, 503, "The library cannot be searched yet"),
    (ModelError, 503, "The model cannot be used"),
    (PixfindError, 500, "Something went wrong"),
)

# What was typed comes back to be corrected; more than this nobody has typed.
KEPT_CHARS = 8000
EXCERPT_CHARS = 40


def register(app: Flask) -> None:
    """Answer errors in the form that the caller reads."""
    app.register_error_handler(PixfindError, _pixfind_error)
    app.register_error_handler(HTTPException, _http_error)


def _pixfind_error(error: PixfindError) -> Response:
    status, title = next((s, t) for kind, s, t in STATUS if isinstance(error, kind))
    if isinstance(error, PhotoNotFoundError) and "photo_id" not in (request.view_args or {}):
        status, title = BAD_QUERY  # it is the query that names the photo, not the address
    return _answer(status, title, printable(str(error)), error)


def _http_error(error: HTTPException) -> Response:
    return _answer(error.code or 500, error.name, error.description or "")


def _answer(status: int, title: str, detail: str, error: PixfindError | None = None) -> Response:
    syntax = error if isinstance(error, QuerySyntaxError) else None
    if request.path.startswith("/api/"):
        return _problem(status, title, detail, syntax)
    typed = request.args.get("q", "")
    page = render_template(
        "error.html",
        title=title,
        detail=detail,
        query=_kept(typed[:KEPT_CHARS]),
        excerpt=_excerpt(typed.strip(), syntax.position - 1) if syntax else None,
        in_query=error is not None and status == BAD_QUERY[0],
    )
    return make_response(page, status)


def _problem(status: int, title: str, detail: str, syntax: QuerySyntaxError | None) -> Response:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if syntax is not None:
        problem["position"] = syntax.position
        problem["expected"] = printable(syntax.expected)
        problem["suggestion"] = printable(syntax.suggestion)
    response = jsonify(problem)
    response.mimetype = "application/problem+json"
    response.status_code = status
    return response


def _excerpt(typed: str, at: int) -> tuple[str, str, str]:
    """Return what stands before a mistake, the word where it begins, and what follows."""
    end = at + len(typed[at:].partition(" ")[0])
    before = typed[max(0, at - EXCERPT_CHARS) : at]
    if at > EXCERPT_CHARS:
        before = f"…{before}"
    word = typed[at : min(end, at + EXCERPT_CHARS)]
    after = typed[at + len(word) : at + len(word) + EXCERPT_CHARS]
    return _kept(before), _kept(word), _kept(after)


def _kept(typed: str) -> str:
    """Return what was typed as a page can hold it: on one line, nothing in it hidden."""
    return printable(re.sub(r"[\t\r\n]", " ", typed))
