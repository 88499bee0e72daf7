"""Builds the description of the interface, OpenAPI 3.1, from the route table and the handlers' annotations and docstrings.

Loaded by the ``openapi`` command and by tests, never by a server, which may have been started without docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from app.web.openapi_answers import HEADERS, PROBLEM, Described, answers
from app.web.openapi_callers import SCHEMES, security, who
from app.web.openapi_files import REQUEST_HEADERS, request_body, request_headers
from app.web.routes import API, TABLE, Route

Json = dict[str, Any]

_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_KINDS: dict[str, Json] = {
    "id": {"type": "integer", "minimum": 1},
    "word": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "topic": {"type": "string", "pattern": "^[a-z]{1,20}\\.[a-z_]{1,40}$"},
}


def build() -> str:
    """Return the document as JSON text, the same each time."""
    routes = [(prefix, row, _handler(row)) for _, prefix, rows in TABLE for row in rows]
    structs = {struct for _, _, handler in routes for struct in _structs(handler)}
    _, components = msgspec.json.schema_components(
        sorted(structs, key=lambda struct: struct.__name__), ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, Json] = {}
    refusals: Json = {}
    for prefix, row, handler in routes:
        path = _PARAMETER.sub(r"{\g<name>}", prefix + row.rule)
        paths.setdefault(path, {})[row.method.lower()] = _operation(row, handler, components, refusals)
    for name in {hints["query"].__name__ for *_, handler in routes if "query" in (hints := get_type_hints(handler))}:
        del components[name]  # shown as parameters
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Slotkeeper", "version": API.rpartition("/v")[2], "description": _OVERVIEW},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**{name: _plain(schema) for name, schema in components.items()}, "Problem": PROBLEM},
            "responses": refusals,
            "headers": HEADERS,
            "securitySchemes": SCHEMES,
        },
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


_OVERVIEW = (
    "Venues, rooms, staff and equipment that customers book by time slot. Times are RFC 3339: with an offset on the way "
    "in, UTC on the way out; dates are local to the venue. Money is integer minor units with a currency. Every refusal is "
    "`application/problem+json`."
)


def _handler(row: Route) -> Callable[..., Any]:
    module, _, name = row.view.partition(".")
    handler: Callable[..., Any] = getattr(import_module(f"app.web.{module}"), name)
    return handler


def _structs(handler: Callable[..., Any]) -> Iterator[type[msgspec.Struct]]:
    hints = get_type_hints(handler)
    for kind in (hints.get("body"), hints.get("query"), _answer_of(hints["return"])):
        if kind is not None:
            yield kind


def _answer_of(hint: Any) -> type[msgspec.Struct] | None:  # noqa: ANN401 - an annotation can be anything
    """Return the Struct that a handler answers with: alone, with headers, or beside a whole Response."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    kinds = get_args(hint)[:1] if get_origin(hint) is tuple else get_args(hint)
    return next((found for kind in kinds if (found := _answer_of(kind)) is not None), None)


def _operation(row: Route, handler: Callable[..., Any], components: dict[str, Json], refusals: Json) -> Json:
    hints = get_type_hints(handler)
    summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n\n")
    description = "\n\n".join(filter(None, (description, who(row))))
    operation: Json = {
        "operationId": row.endpoint,
        "tags": [row.view.partition(".")[0]],
        "summary": summary.rstrip("."),
        "parameters": [*_path(row), *_query(hints.get("query"), components), *_headers(row)],
        "responses": answers(_described(row, hints), refusals),
    }
    if description:
        operation["description"] = description
    if ways := security(row):
        operation["security"] = ways
    if "body" in hints:
        operation["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(hints["body"])),
            "content": {"application/json": {"schema": _ref(hints["body"])}},
        }
    elif row.takes:
        operation["requestBody"] = request_body(row)
    return operation


def _described(row: Route, hints: dict[str, Any]) -> Described:
    answer, body = _answer_of(hints["return"]), hints.get("body")
    fields = None if body is None else frozenset(field.encode_name for field in msgspec.structs.fields(body))
    tells_limit = 429 in row.problems and get_origin(hints["return"]) is tuple and not row.versioned  # noqa: PLR2004
    return Described(row, _ref(answer) if answer else None, fields, tells_limit)


def _path(row: Route) -> Iterator[Json]:
    for found in _PARAMETER.finditer(row.rule):
        yield {"name": found["name"], "in": "path", "required": True, "schema": _KINDS[found["kind"]]}


def _query(struct: type[msgspec.Struct] | None, components: dict[str, Json]) -> Iterator[Json]:
    if struct is None:
        return
    schema = components[struct.__name__]
    for name, value in schema["properties"].items():
        plain = _without_null(value)
        described = {"description": plain.pop("description")} if "description" in plain else {}
        required = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": required, "schema": plain, **described}


def _without_null(schema: Json) -> Json:
    """Return the schema of a parameter that is left out rather than null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    return {**rest, **(kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})}


def _headers(row: Route) -> Iterator[Json]:
    if row.idempotent:
        about = "The same key with the same body gets the first answer again, for a day."
        yield _header("Idempotency-Key", about, pattern="^[!-~]{1,255}$")
    if row.versioned:
        about = 'The version you have read, as `W/"3"`; 412 if it has changed since.'
        yield _header("If-Match", about, pattern=r'^(\*|W/"[0-9]{1,9}")$')
    if row.cached:
        yield _header("If-None-Match", "The ETag of your copy; 304 if it still holds.")
    for name in request_headers(row):
        about, pattern = REQUEST_HEADERS[name]
        yield _header(name, about, **({"pattern": pattern} if pattern else {}))


def _header(name: str, description: str, **schema: str) -> Json:
    text = {"type": "string", **schema}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": text}


def _ref(struct: type[msgspec.Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _plain(schema: Json) -> Json:
    """Return the schema without the title that repeats its name; its text is indented like code before Python 3.13."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    return kept | {"description": inspect.cleandoc(kept["description"])} if "description" in kept else kept
