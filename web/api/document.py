"""The OpenAPI document (version 3.1), made from the operations themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from flask import Flask, Response
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from web.api.answers import Problem
from web.api.operations import JSON, PREFIX, UPLOAD, VERSION, Operation
from web.searching.bringing import MOST_BYTES
from web.security import SAFE
from web.security.guard import EXTENSION as ACCESS

EXTENSION = "pixfind_openapi"
PROBLEM = "application/problem+json"
COMPONENT = "#/components/schemas/{model}"
DESCRIPTION = """\
Everything that the pages do, for programs. Photos and videos are named by their numbers, never by
paths. Lists come in pages: an answer's `cursor` asks for the next one, and is `null` on the last.
Errors are problem documents (RFC 9457)."""
MEANINGS = {
    400: "A parameter, or the query, is not as it must be.",
    401: "The credentials are missing or wrong.",
    403: "Changes are not allowed, or this one was asked for by another site.",
    404: "There is no such thing.",
    409: "It cannot be done as things stand.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "The file cannot be read.",
    429: "Too many of these, or too many wrong credentials; try again after `Retry-After` seconds.",
    503: "The library, its model or somebody's turn is not there now; try again.",
}

# How programs say who they are, by the scheme that the server was started with.
SCHEMES = {
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of `pixfind serve --auth token`.",
    },
    "Basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A name and its password, as `pixfind password` has set it.",
    },
}

# One server-sent event; OpenAPI 3.1 has no other words for a stream of them.
EVENT = {
    "oneOf": [
        {
            "type": "object",
            "required": ["event", "data"],
            "properties": {
                "event": {"const": name},
                "data": {
                    "type": "string",
                    "contentMediaType": JSON,
                    "contentSchema": schema,
                },
            },
        }
        for name, schema in (
            ("progress", {"$ref": COMPONENT.format(model="Job")}),
            ("end", {"type": "object", "maxProperties": 0}),
        )
    ]
}

Found = tuple[str, str, str, Operation]
Schemas = dict[tuple[str, str], dict[str, Any]]


class _Schemas(GenerateJsonSchema):
    """Without the titles that only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def operations(app: Flask) -> Iterator[Found]:
    """Yield the operations: path as OpenAPI writes it, method, name and operation."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if isinstance(view, Operation):
            path = re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule.rule)
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield path, method, rule.endpoint.removeprefix("api_").replace(".", "_"), view


def openapi(app: Flask) -> dict[str, Any]:
    """Return the document of an application."""
    access = app.extensions[ACCESS]
    scheme = access.door.scheme if access is not None else None
    found = list(operations(app))
    groups = list(dict.fromkeys(operation.group for *_, operation in found))
    found.sort(key=lambda each: (groups.index(each[3].group), each[0], each[1]))
    schemas, schemas_of_all = _schemas(found)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, name, operation in found:
        described = _described(method, name, operation, schemas, guarded=scheme is not None)
        paths.setdefault(path, {})[method.lower()] = described
    components = {"schemas": schemas_of_all}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "pixfind",
            "version": VERSION,
            "summary": f"Search and keep photos, under {PREFIX}.",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": group} for group in groups],
        "paths": paths,
        "components": components,
    }
    if scheme is not None:
        components["securitySchemes"] = {scheme: SCHEMES[scheme]}
        document["security"] = [{scheme: []}]
    return document


def described(app: Flask) -> dict[str, Any]:
    """Return the same, made once."""
    if EXTENSION not in app.extensions:
        app.extensions[EXTENSION] = openapi(app)
    return cast("dict[str, Any]", app.extensions[EXTENSION])


def _schemas(found: list[Found]) -> tuple[Schemas, dict[str, Any]]:
    """Return the schemas of all bodies and answers, and the components that they refer to."""
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        ("Problem", "serialization", _adapter(Problem))
    ]
    for _, _, name, operation in found:
        if operation.body is not None:
            adapters.append((name, "validation", _adapter(operation.body)))
        if not _is_raw(operation):
            adapters.append((name, "serialization", _adapter(operation.answer)))
    schemas, shared = TypeAdapter.json_schemas(
        adapters, ref_template=COMPONENT, schema_generator=_Schemas
    )
    return schemas, shared["$defs"]  # type: ignore[return-value]


@cache
def _adapter(described: Any) -> TypeAdapter[Any]:
    # The descriptions of fields are read from the code, which takes a while.
    return TypeAdapter(described)


def _described(
    method: str, name: str, operation: Operation, schemas: Schemas, *, guarded: bool
) -> dict[str, Any]:
    summary, _, rest = operation.description.partition("\n")
    described: dict[str, Any] = {
        "operationId": name,
        "tags": [operation.group],
        "summary": summary.rstrip("."),
    }
    if rest.strip():
        described["description"] = " ".join(rest.split())
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {JSON: {"schema": schemas[name, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.takes_picture:
        described["requestBody"] = {"required": True, "content": _upload()}
    described["responses"] = _responses(method, name, operation, schemas, guarded=guarded)
    return described


def _responses(
    method: str, name: str, operation: Operation, schemas: Schemas, *, guarded: bool
) -> dict[str, dict[str, Any]]:
    answer: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.status != HTTPStatus.NO_CONTENT:
        schema = EVENT if _is_raw(operation) else schemas[name, "serialization"]
        answer["content"] = {operation.media_type: {"schema": schema}}
    statuses = {400, 503, *operation.problems}
    if operation.path:
        statuses.add(404)
    if method not in SAFE:
        statuses.add(403)
    if guarded:
        statuses |= {401, 429}
    if operation.takes_picture:
        statuses.add(429)
    if operation.body is not None or operation.takes_picture:
        statuses.add(413)
    if operation.body is not None:
        statuses.add(415)
    problem = {PROBLEM: {"schema": schemas["Problem", "serialization"]}}
    return {str(operation.status): answer} | {
        str(status): {"description": MEANINGS[status], "content": problem}
        if status in MEANINGS
        else {"description": HTTPStatus(status).phrase}
        for status in sorted(statuses)
    }


def _path_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name, hint in operation.path.items():
        yield _parameter("path", name, TypeAdapter(hint).json_schema(schema_generator=_Schemas))


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.query is None:
        return
    model = operation.query.model_json_schema(schema_generator=_Schemas)
    for name, schema in model["properties"].items():
        parameter = _parameter("query", name, schema)
        parameter["required"] = name in model.get("required", ())
        if schema.get("type") == "array":
            parameter["explode"] = False  # one value, with commas
        yield parameter


def _parameter(where: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = dict(schema)
    description = schema.pop("description", "")
    examples = schema.pop("examples", ())
    parameter = {
        "name": name,
        "in": where,
        "required": True,
        "description": " ".join(description.split()),
        "schema": schema,
    }
    if examples:
        parameter["example"] = examples[0]
    return parameter


def _upload() -> dict[str, Any]:
    file = {
        "type": "string",
        "format": "binary",
        "description": f"A file of at most {MOST_BYTES // 2**20} MiB.",
    }
    schema = {"type": "object", "required": [UPLOAD], "properties": {UPLOAD: file}}
    return {"multipart/form-data": {"schema": schema}}


def _is_raw(operation: Operation) -> bool:
    return operation.answer is Response or operation.status == HTTPStatus.NO_CONTENT
