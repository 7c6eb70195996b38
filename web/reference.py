"""The API's description (OpenAPI) as a page shows it: operations and documents, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Schema = Mapping[str, Any]
JSON = "application/json"


@dataclass(frozen=True)
class Type:
    """The type of a value in words, and the document that it is or holds, if it is one."""

    words: str
    document: str | None = None


@dataclass(frozen=True)
class Value:
    """A parameter, or a field of a document. ``default`` is as it would be sent."""

    name: str
    type: Type
    meaning: str
    is_required: bool = True
    default: str | None = None


@dataclass(frozen=True)
class Entry:
    """An operation.

    ``body`` and ``answer`` are what is sent and what comes back; ``example`` is an address to try,
    for what only reads.
    """

    name: str
    method: str
    path: str
    summary: str
    details: str
    parameters: tuple[Value, ...]
    body: Type | None
    answer: Type | None
    problems: tuple[str, ...]
    example: str | None


@dataclass(frozen=True)
class Document:
    """A kind of JSON object."""

    name: str
    meaning: str
    fields: tuple[Value, ...]


def groups(description: Schema) -> list[tuple[str, list[Entry]]]:
    """Return the operations by what they are about."""
    found: dict[str, list[Entry]] = {tag["name"]: [] for tag in description["tags"]}
    for path, item in description["paths"].items():
        for method, operation in item.items():
            found[operation["tags"][0]].append(_entry(path, method, operation))
    return list(found.items())


def schemas(description: Schema) -> list[Document]:
    """Return the documents, by name."""
    return [
        Document(name, _line(schema), tuple(_fields(schema)))
        for name, schema in sorted(description["components"]["schemas"].items())
    ]


def _entry(path: str, method: str, operation: Schema) -> Entry:
    parameters = operation.get("parameters", ())
    statuses = operation["responses"]
    good = next(status for status in statuses if status < "3")
    return Entry(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        operation.get("description", ""),
        tuple(map(_parameter, parameters)),
        _content(operation.get("requestBody", {})),
        _content(statuses[good]),
        tuple(sorted(statuses.keys() - {good})),
        _example(path, parameters) if method == "get" else None,
    )


def _parameter(parameter: Schema) -> Value:
    schema = parameter["schema"]
    default = schema.get("default")
    return Value(
        parameter["name"],
        _type(schema),
        parameter["description"],
        parameter["required"],
        str(default) if default not in (None, "", []) else None,
    )


def _fields(schema: Schema) -> Iterator[Value]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield Value(name, _type(field), _line(field), name in required)


def _content(holder: Schema) -> Type | None:
    for media_type, content in holder.get("content", {}).items():
        if media_type == JSON:
            return _type(content["schema"])
        names = ", ".join(content["schema"].get("properties", ()))
        return Type(f"{media_type}: {names}" if names else media_type)
    return None


def _type(schema: Schema) -> Type:
    """Return a schema in words: ``integer, 1 to 1000``, ``list of Photo``, ``string or null``."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Type(name, name)
    if "anyOf" in schema:
        kinds = [_type(each) for each in schema["anyOf"]]
        named = next((kind.document for kind in kinds if kind.document), None)
        return Type(" or ".join(kind.words for kind in kinds), named)
    if "enum" in schema or "const" in schema:
        return Type(" or ".join(map(str, schema.get("enum", [schema.get("const")]))))
    kind = str(schema.get("type", "any value"))
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return Type(f"list of {inner.words}", inner.document)
    return Type(", ".join([kind, *_bounds(schema)]))


def _bounds(schema: Schema) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield f"{least} to {most}"
    elif least is not None:
        yield f"from {least}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"


def _example(path: str, parameters: list[Schema]) -> str | None:
    """Return an address that can be tried; ``None`` if what it needs is not known."""
    known = {one["name"]: one["example"] for one in parameters if "example" in one}
    if any(one["required"] and one["name"] not in known for one in parameters):
        return None
    asked = {}
    for one in parameters:
        value = known.pop(one["name"], None)
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(value))
        elif value is not None:
            asked[one["name"]] = ",".join(map(str, value)) if isinstance(value, list) else value
    return f"{path}?{urlencode(asked, safe=',')}" if asked else path


def _line(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())
