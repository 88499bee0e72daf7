"""The part of the description that says what comes back: good answers, refusals with their codes, and headers.

Loaded with ``openapi_build``, never by a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from app.domain import errors as refusals
from app.domain.errors import DomainError
from app.web import errors
from app.web.access import SAFE
from app.web.openapi_files import ANSWER_HEADERS, answer_headers
from app.web.routes import Route

Json = dict[str, Any]

_PHRASES = {
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    460: "Checksum Mismatch",  # of tus
}  # RFC 9110; Python 3.12 and older have the old words
_TYPES = {"application/json": "object"}  # anything else is bytes
_ALWAYS = {400, 503}
_BODY = {413, 415, 422}
_PROOFS = {"code", "recovery_code", "password", "current_password"}  # fields that show who somebody is
_TAKING_TIME = ("bookings.", "holds.", "desk.book")  # views
_OF_TIMES = {"slot_taken", "hold_expired", "outside_hours", "too_soon", "too_far"}
_RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_REFUSAL_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After", *_RATE_LIMIT), 503: ("Retry-After",)}
HEADERS: Json = ANSWER_HEADERS | {
    name: {"description": about, "schema": {"type": kind}}
    for name, kind, about in (
        ("ETag", "string", "Weak; send it as If-None-Match, or as If-Match with a change."),
        ("Idempotency-Replayed", "string", "`true`: this is the answer that the key got the first time."),
        ("RateLimit-Limit", "integer", "How often this may be asked in the span that ends with `RateLimit-Reset`."),
        ("RateLimit-Remaining", "integer", "How often it may still be asked."),
        ("RateLimit-Reset", "integer", "Seconds until it counts anew."),
        ("Retry-After", "integer", "Seconds after which to ask again."),
        ("WWW-Authenticate", "string", "How to sign in."),
    )
}
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


@dataclass(frozen=True, slots=True)
class Described:
    """A route, and what its handler's annotations say: the Struct it answers with, its body's fields, whether it counts."""

    row: Route
    answer: Json | None
    body: frozenset[str] | None
    tells_limit: bool


def answers(of: Described, shared: Json) -> Json:
    """Return the answers of a route by status; refusals that other routes may give, too, go into *shared*, by name."""
    row = of.row
    good: Json = {"description": _phrase(row.status), **_headers(_good_headers(of))}
    if row.status != HTTPStatus.NO_CONTENT:
        good["content"] = {row.gives: {"schema": of.answer or {"type": _TYPES.get(row.gives, "string")}}}
    found = {str(row.status): good}
    for status in sorted(_statuses(of)):
        found[str(status)] = _refusal(status, sorted(_codes(of, status)), shared)
    if row.gives == "*/*":
        found["206"] = {**good, "description": _phrase(HTTPStatus.PARTIAL_CONTENT)}
    if row.cached:
        found["304"] = {"description": _phrase(HTTPStatus.NOT_MODIFIED), **_headers(["ETag"])}
    shared["default"] = _problem("Any other refusal, or a fault of the server.")
    return {**found, "default": _ref("default")}


def _statuses(of: Described) -> set[int]:
    """Return what a caller may meet: what the row names, and what follows from who may call and how."""
    row = of.row
    by_key = {401, 403} if row.scope else set()
    by_change = {403, *_BODY} if row.method not in SAFE else set()  # a foreign page; a body, though none be asked for
    return {*row.problems, *_ALWAYS, *by_key, *by_change}


def _good_headers(of: Described) -> Iterator[str]:
    if of.row.cached or of.row.versioned or (of.row.view == "bookings.read"):
        yield "ETag"
    yield from answer_headers(of.row)
    if of.row.idempotent:
        yield "Idempotency-Replayed"
    if of.tells_limit:
        yield from _RATE_LIMIT


def _refusal(status: int, codes: list[str], shared: Json) -> Json:
    """Return the reference to a refusal, which is described once."""
    name = "-".join((str(status), *codes))
    words = " or ".join(f"`{code}`" for code in codes)
    described = _problem(f"{_phrase(status)}; `code` is {words}.")
    shared[name] = {**described, **_headers(_REFUSAL_HEADERS.get(status, ()))}
    return _ref(name)


def _codes(of: Described, status: int) -> set[str]:
    """Return the codes that a refusal of this status may carry."""
    found = {*_codes_of(status)} - _unlikely(of)
    if status == 422 and of.body is None:  # noqa: PLR2004 - a query: nothing but a parameter can be wrong
        return {"invalid"}
    return found


def _unlikely(of: Described) -> set[str]:
    """Return the codes that this route never gives, though others do under the same status."""
    row, proofs = of.row, (of.body or frozenset()) & _PROOFS
    unlikely = set() if row.idempotent else {"idempotency_mismatch"}
    if not (proofs and {401, 429} <= set(row.problems)):
        unlikely.add("invalid_credentials")
    elif not row.policy.stages:
        unlikely.add("sign_in_required")
    if not row.policy.fresh and (row.policy.roles or 403 not in row.problems):  # noqa: PLR2004 - else a handler asks for it
        unlikely.add("step_up_required")
    if not row.view.startswith(("catalogue_desk.change", "catalogue_desk.archive")):
        unlikely.add("would_strand")
    return unlikely if row.view.startswith(_TAKING_TIME) else unlikely | _OF_TIMES


def _codes_of(status: int) -> Iterator[str]:
    if status in errors.HTTP:
        yield errors.HTTP[status][0]
    for kind in (*vars(refusals).values(), errors.Malformed, errors.UnsupportedMedia):
        is_error = isinstance(kind, type) and issubclass(kind, DomainError)
        if is_error and errors.status_of(kind)[0] == status:
            yield kind.code


def _problem(description: str) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/responses/{name}"}


def _headers(names: Iterator[str] | tuple[str, ...] | list[str]) -> Json:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"headers": headers} if headers else {}


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or HTTPStatus(status).phrase
