"""pixfind's errors as pages, and as problem documents (RFC 9457) under ``/api``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed

from pixfind.errors import (
    AlbumExistsError,
    AlbumNameError,
    AlbumNotFoundError,
    DecodersBusyError,
    DescriberBusyError,
    FolderRefusedError,
    IndexingActiveError,
    IndexingError,
    LibraryAccessError,
    LibraryBusyError,
    LibraryDamagedError,
    LibraryEmptyError,
    LibraryError,
    LibraryNotFoundError,
    LoginRequiredError,
    ModelError,
    NoIndexingError,
    PhotoError,
    PhotoNotFoundError,
    PixfindError,
    QueryError,
    QuerySyntaxError,
    TaggingError,
    TooManyAttemptsError,
    TooManyPicturesError,
    TooManyWatchersError,
    UnknownTagError,
)
from pixfind.messages import Message, said
from pixfind.text import printable
from web.security.guard import is_known
from web.security.places import without_places
from web.state import state
from web.translation import gettext, language, translated, translated_error

BAD_QUERY = (400, said("This query cannot be answered"))
STATUS: tuple[tuple[type[PixfindError], int, str], ...] = (
    (PhotoNotFoundError, 404, said("No such photo")),
    (PhotoError, 404, said("This photo cannot be shown")),
    (QueryError, *BAD_QUERY),
    (TaggingError, 400, said("Not tagged")),
    (UnknownTagError, 400, said("No such tag")),
    (AlbumNameError, 400, said("No album can have this name")),
    (AlbumNotFoundError, 404, said("No such album")),
    (AlbumExistsError, 409, said("There is such an album already")),
    (FolderRefusedError, 400, said("This folder cannot be added")),
    (IndexingActiveError, 409, said("Photos are being indexed")),
    (NoIndexingError, 409, said("No photos are being indexed")),
    (TooManyWatchersError, 503, said("Enough others are following this")),
    (IndexingError, 409, said("Photos cannot be indexed now")),
    (DescriberBusyError, 503, said("Other photos are being described")),
    (DecodersBusyError, 503, said("Other pictures are being decoded")),
    (LoginRequiredError, 401, said("Log in first")),
    (TooManyAttemptsError, 429, said("Too many attempts")),
    (TooManyPicturesError, 429, said("Too many pictures")),
    (LibraryBusyError, 503, said("Another program is writing to the library")),
    (LibraryAccessError, 503, said("The library cannot be used now")),
    (LibraryDamagedError, 503, said("The library is damaged")),
    (LibraryError, 503, said("The library cannot be searched yet")),
    (ModelError, 503, said("The model cannot be used")),
    (PixfindError, 500, said("Something went wrong")),
)

# What Werkzeug says of requests that nothing here answers, for those who translate.
SAID_BY_WERKZEUG = (
    said("Bad Request"),
    said("Forbidden"),
    said("Not Found"),
    said("Method Not Allowed"),
    said("Conflict"),
    said("Request Entity Too Large"),
    said("Unprocessable Entity"),
    said("Internal Server Error"),
    said("Service Unavailable"),
    said("The browser (or proxy) sent a request that this server could not understand."),
    said(
        "The requested URL was not found on the server. "
        "If you entered the URL manually please check your spelling and try again."
    ),
    said("The method is not allowed for the requested URL."),
    said("The data value transmitted exceeds the capacity limit."),
    said(
        "The server encountered an internal error and was unable to complete your request. "
        "Either the server is overloaded or there is an error in the application."
    ),
)
# What somebody else has to end first; ask again after so many seconds.
BUSY = (
    DecodersBusyError,
    DescriberBusyError,
    LibraryAccessError,
    LibraryBusyError,
    TooManyWatchersError,
)
RETRY_AFTER_S = 10
# What was typed comes back to be corrected; more than this nobody has typed.
KEPT_CHARS = 8000
EXCERPT_CHARS = 40
MOST_MISTAKES = 10


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a parameter, or with a place in a JSON body.

    The place is a JSON pointer (RFC 6901) as a fragment; ``#`` is all of the body.
    """

    detail: str
    parameter: str | None = None
    pointer: str | None = None

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.parameter or self.pointer}: {self.detail}"

    def document(self) -> dict[str, str]:
        """Return it as JSON can hold it."""
        return {name: printable(text) for name, text in vars(self).items() if text is not None}


class InvalidRequest(BadRequest):
    """A request whose parameters or body are not what an operation takes."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes[:MOST_MISTAKES])
        super().__init__("; ".join(map(str, self.mistakes)))


def register(app: Flask) -> None:
    """Answer errors in the form that the caller reads."""
    app.register_error_handler(PixfindError, _pixfind_error)
    app.register_error_handler(HTTPException, _http_error)


def _pixfind_error(error: PixfindError) -> Response:
    status, title = next((s, t) for kind, s, t in STATUS if isinstance(error, kind))
    if isinstance(error, PhotoNotFoundError) and "photo_id" not in (request.view_args or {}):
        status, title = BAD_QUERY  # it is the query that names the photo, not the address
    detail = without_places(translated_error(error))
    response = _answer(status, translated(title), detail, error)
    if isinstance(error, TooManyAttemptsError | TooManyPicturesError):
        response.headers["Retry-After"] = str(error.seconds)
    elif isinstance(error, BUSY):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, InvalidRequest):
        mistakes = [mistake.document() for mistake in error.mistakes]
        title, detail = gettext(error.name), printable(error.description or "")
        return _problem(400, title, detail, {"errors": mistakes})
    response = _answer(error.code or 500, gettext(error.name), _described(error))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.allow.update(error.valid_methods)
    return response


def _answer(status: int, title: str, detail: str, error: PixfindError | None = None) -> Response:
    syntax = error if isinstance(error, QuerySyntaxError) else None
    if request.path.startswith("/api/"):
        return _problem(status, title, detail, _of_query(syntax) if syntax else {})
    if not is_known():  # nothing of what the pages tell around it
        needed = isinstance(error, LoginRequiredError)
        page = render_template("error.html", title=title, detail=detail, bare=True, log_in=needed)
        return make_response(page, status)
    typed = request.args.get("q", "")
    no_photos = isinstance(error, LibraryEmptyError | LibraryNotFoundError)
    jobs = state().jobs
    page = render_template(
        "error.html",
        title=title,
        detail=detail,
        query=_kept(typed[:KEPT_CHARS]),
        excerpt=_excerpt(typed.strip(), syntax.position - 1) if syntax else None,
        in_query=error is not None and status == BAD_QUERY[0],
        no_photos=no_photos,
        running=no_photos and jobs.current() is not None,
        can_add=bool(jobs.roots),
    )
    return make_response(page, status)


def _described(error: HTTPException) -> str:
    text = error.description or ""
    return translated(text) if isinstance(text, Message) else text and gettext(text)


def _problem(status: int, title: str, detail: str, more: Mapping[str, Any]) -> Response:
    response = jsonify(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    )
    response.mimetype = "application/problem+json"
    response.status_code = status
    response.cache_control.no_store = True
    response.content_language.add(language().tag)
    return response


def _of_query(error: QuerySyntaxError) -> dict[str, Any]:
    return {
        "position": error.position,
        "expected": printable(translated(error.expected)),
        "suggestion": printable(translated(error.suggestion)),
    }


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
