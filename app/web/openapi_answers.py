"""The part of the description that says what comes back: good answers, refusals with their codes, and headers.

Loaded with ``openapi_build``, never by a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from app.domain import errors as refusals
from app.domain.errors import DomainError
from app.web import errors
from app.web.routes import Route

Json = dict[str, Any]

_PHRASES = {
    413: "Content Too Large",
    422: "Unprocessable Content",
}  # RFC 9110; Python 3.12 and older have the old words
_ALWAYS = (400, 503)
_UNPROCESSABLE = 422
_BODY = (413, 415, _UNPROCESSABLE)
_ETAG = ("ETag", "Weak; send it as If-None-Match, or as If-Match with a change.")
_REPLAYED = ("Idempotency-Replayed", "`true`: this is the answer that the key got the first time.")
_RETRY_AFTER = ("Retry-After", "Seconds after which to ask again.")
_AUTHENTICATE = ("WWW-Authenticate", "How to sign in.")
PROBLEM: Json = {
    "type": "object",
    "description": "What went wrong, after RFC 9457: `code` is for programs, `detail` for people.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
        "alternatives": {
            "type": "array",
            "description": "With `slot_taken`: the nearest times that are free.",
            "items": {"$ref": "#/components/schemas/SlotView"},
        },
    },
}


def answers(row: Route, *, schema: Json | None, has_body: bool) -> Json:
    """Return the answers of a route by status; whatever is not named there is a problem, too."""
    good: Json = {"description": _phrase(row.status), **_headers(*_good_headers(row))}
    if row.status != HTTPStatus.NO_CONTENT:
        good["content"] = {"application/json": {"schema": schema or {"type": "object"}}}
    statuses = {*row.problems, *_ALWAYS, *(_BODY if has_body else ())}
    found = {str(row.status): good, **{str(status): _refusal(row, status) for status in sorted(statuses)}}
    if row.cached:
        found["304"] = {"description": _phrase(HTTPStatus.NOT_MODIFIED), **_headers(_ETAG)}
    return {**found, "default": _problem("Any other refusal, or a fault of the server.")}


def _good_headers(row: Route) -> Iterator[tuple[str, str]]:
    if row.cached or row.policy.token:
        yield _ETAG
    if row.idempotent:
        yield _REPLAYED


def _refusal(row: Route, status: int) -> Json:
    unlikely = set() if row.idempotent else {"idempotency_mismatch"}
    found = {"invalid"} if row.method == "GET" and status == _UNPROCESSABLE else {*_codes(status)} - unlikely
    codes = " or ".join(f"`{code}`" for code in sorted(found))
    headers = {401: [_AUTHENTICATE], 503: [_RETRY_AFTER]}.get(status, [])
    return {**_problem(f"{_phrase(status)}; `code` is {codes}."), **_headers(*headers)}


def _problem(description: str) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _codes(status: int) -> Iterator[str]:
    """Give the codes that a refusal of this status may carry."""
    if status in errors.HTTP:
        yield errors.HTTP[status][0]
    for kind in (*vars(refusals).values(), errors.Malformed, errors.UnsupportedMedia):
        is_error = isinstance(kind, type) and issubclass(kind, DomainError)
        if is_error and errors.status_of(kind)[0] == status:
            yield kind.code


def _headers(*named: tuple[str, str]) -> Json:
    headers = {name: {"description": about, "schema": {"type": "string"}} for name, about in named}
    return {"headers": headers} if headers else {}


def _phrase(status: int) -> str:
    return _PHRASES.get(status, HTTPStatus(status).phrase)
