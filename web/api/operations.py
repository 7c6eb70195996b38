"""The operations of the API: views whose signatures say what they take and what they answer.

A view names the parts of its address, and may take ``query``, what follows the question mark,
``body``, a JSON document, or ``picture``, an uploaded file. The first two are checked before it is
called; what it answers is described by its type alone, so that large answers cost nothing more.
The OpenAPI document is made from the same signatures (``web.api.document``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar, get_type_hints

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from web.errors import InvalidRequest, Mistake
from web.searching.bringing import FIELD, MOST_BYTES
from web.security import SAFE

VERSION = "1"
PREFIX = f"/api/v{VERSION}"
JSON = "application/json"
UPLOAD = FIELD
# Far more than any request needs: a thousand numbers, or a query of the greatest length.
MOST_JSON_BYTES = 2**20

View = TypeVar("View", bound=Callable[..., Any])


class Request(BaseModel):
    """What a request may hold: nothing else, so that no misspelt parameter is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Operation:
    """One view of the API.

    Args:
        view: what is called.
        group: what the operation belongs to, for the reader.
        status: of an answer that went well; 204 has none.
        problems: the statuses of problems of its own.
        media_type: of the answer.
    """

    def __init__(
        self,
        view: Callable[..., Any],
        group: str,
        status: int,
        problems: Sequence[int],
        media_type: str,
    ) -> None:
        self.group = group
        self.status = status
        self.problems = tuple(problems)
        self.media_type = media_type
        self.description = inspect.getdoc(view) or ""
        hints = get_type_hints(view, include_extras=True)
        self.answer = hints.pop("return")
        self.query: type[Request] | None = hints.pop("query", None)
        self.body: type[Request] | None = hints.pop("body", None)
        self.takes_picture = hints.pop(UPLOAD, None) is not None
        self.path: dict[str, Any] = hints
        self._view = view

    def __call__(self, **path: Any) -> Response:
        """Answer the current request.

        Raises:
            InvalidRequest: it is not what the view takes.
        """
        asked = dict(path)
        if self.query is not None:
            asked["query"] = _read_query(self.query)
        elif request.args:
            raise _unknown(next(iter(request.args)))
        if self.body is not None:
            asked["body"] = _read_body(self.body)
        if self.takes_picture:
            asked[UPLOAD] = _read_picture()
        return self._response(self._view(**asked))

    def _response(self, answer: Any) -> Response:
        if isinstance(answer, Response):
            return answer
        if self.status == HTTPStatus.NO_CONTENT:
            return Response(status=self.status)
        response = jsonify(answer)
        response.status_code = self.status
        # Kept by the browser alone, and asked for each time: the library may have changed.
        response.cache_control.private = response.cache_control.no_cache = True
        if request.method in SAFE:
            response.add_etag()
            response.make_conditional(request)
        return response


class Operations(Blueprint):
    """The operations on one kind of thing."""

    def __init__(self, name: str, group: str) -> None:
        super().__init__(f"api_{name}", __name__, url_prefix=PREFIX)
        self._group = group

    def operation(
        self,
        method: str,
        rule: str,
        *,
        status: int = 200,
        problems: Sequence[int] = (),
        media_type: str = JSON,
    ) -> Callable[[View], View]:
        """Make a view answer requests; for the arguments see ``Operation``."""

        def register(view: View) -> View:
            answering = Operation(view, self._group, status, problems, media_type)
            self.add_url_rule(rule, view.__name__, answering, methods=[method])
            return view

        return register


def _read_query(model: type[Request]) -> Request:
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest([Mistake("given more than once", parameter=name)])
        given[name] = values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidRequest(
            [
                Mistake(_said(found["msg"]), parameter=str(found["loc"][0]) if found["loc"] else "")
                for found in error.errors(include_url=False, include_input=False)
            ]
        ) from None


def _read_body(model: type[Request]) -> Request:
    request.max_content_length = MOST_JSON_BYTES
    content = request.get_data(cache=False)
    if request.mimetype != JSON:
        raise UnsupportedMediaType(f"send a JSON document, with the header Content-Type: {JSON}")
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise InvalidRequest(
            [
                Mistake(_said(found["msg"]), pointer=_pointer(found["loc"]))
                for found in error.errors(include_url=False, include_input=False)
            ]
        ) from None


def _read_picture() -> Any:
    request.max_content_length = MOST_BYTES
    picture = request.files.get(UPLOAD)
    if picture is None:
        raise BadRequest(f"send a picture as multipart/form-data, in a field named {UPLOAD}")
    return picture


def _unknown(name: str) -> InvalidRequest:
    return InvalidRequest([Mistake("there is no such parameter", parameter=name)])


def _pointer(path: Sequence[int | str]) -> str:
    """Return a place in a document as a JSON pointer (RFC 6901) in an address's fragment."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{part}" for part in parts)


def _said(message: str) -> str:
    if message == "Extra inputs are not permitted":
        return "there is no such parameter"
    return message.removeprefix("Value error, ")
