"""One table from what went wrong to what the client reads: RFC 9457 problem+json, with a stable code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Flask, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException

from app.domain.errors import (
    Busy,
    ChecksumMismatch,
    Conflict,
    DomainError,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    InvalidCredentials,
    NotFound,
    OutcomeUnknown,
    RangeNotSatisfiable,
    RateLimited,
    SignInRequired,
    SlotTaken,
    StepUpRequired,
    StorageFull,
    TooLarge,
    UploadLocked,
    VersionMismatch,
    WouldStrand,
)
from app.domain.times import minute_text
from app.persistence.session import refusal
from app.runtime import logs


class Malformed(DomainError):
    """The body is no JSON at all."""


class UnsupportedMedia(DomainError):
    """The body is of a kind that this interface does not take."""

    code = "unsupported_media_type"


# The nearest class in an error's family decides; titles are for people, codes for programs.
TABLE: tuple[tuple[type[DomainError], int, str], ...] = (
    (Malformed, 400, "The body cannot be read"),
    (SignInRequired, 401, "Sign in first"),
    (InvalidCredentials, 401, "Not recognised"),
    (Forbidden, 403, "Not allowed"),
    (StepUpRequired, 403, "Sign in again first"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Not possible as things stand"),
    (SlotTaken, 409, "That time is taken"),
    (VersionMismatch, 412, "It has changed in the meantime"),
    (TooLarge, 413, "The file is too large"),
    (UnsupportedMedia, 415, "Send it in another form"),
    (RangeNotSatisfiable, 416, "The file ends before that"),
    (ChecksumMismatch, 460, "The checksum is another"),
    (UploadLocked, 423, "Another request is writing it"),
    (DomainError, 422, "This cannot be accepted"),
    (IdempotencyMismatch, 422, "The idempotency key was used for something else"),
    (RateLimited, 429, "Too often"),
    (Busy, 503, "Busy; try again shortly"),
    (OutcomeUnknown, 503, "Not known whether it was done"),
    (StorageFull, 507, "No room left"),
)
_STATUS = {kind: (status, title) for kind, status, title in TABLE}
HTTP = {
    400: ("invalid", "The request cannot be read"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "The address does not take that method"),
    413: ("payload_too_large", "The body is too large"),
    414: ("invalid", "The address is too long"),
    415: ("unsupported_media_type", "Send it in another form"),
    431: ("invalid", "The headers are too large"),
}
GENERIC = "Something went wrong on our side. The log has the details under the request id."


def init_app(app: Flask) -> None:
    """Turn every exception into a problem."""
    app.register_error_handler(DomainError, _domain_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(DBAPIError, _database_problem)
    app.register_error_handler(PoolTimeout, _database_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def problem(status: int, code: str, title: str, detail: str, **more: object) -> Response:
    """Return a problem document as a response."""
    document: dict[str, object] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": logs.request_id.get(),
        **more,
    }
    return Response(msgspec.json.encode(document), status=status, mimetype="application/problem+json")


def internal_problem() -> Response:
    """Return the answer to a fault of ours: it says nothing about the inside."""
    return problem(500, "internal_error", "A fault on our side", GENERIC)


def status_of(kind: type[DomainError]) -> tuple[int, str]:
    """Return the status and the title of an error."""
    return next(_STATUS[known] for known in kind.__mro__ if known in _STATUS)


def _domain_problem(error: DomainError) -> Response:
    status, title = status_of(type(error))
    more: dict[str, object] = {}
    if isinstance(error, Invalid) and error.errors:
        more["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in error.errors]
    if "alternatives" in error.extra:
        more["alternatives"] = [_slot(slot) for slot in _sequence(error.extra["alternatives"])]
    if isinstance(error, WouldStrand):
        more |= {"bookings": error.extra["bookings"], "count": error.extra["count"]}
    response = problem(status, error.code, title, _detail(error), **more)
    if isinstance(error, (Busy, StorageFull)):
        logs.warning(error.code, detail=error.detail, cause=repr(error.__cause__)[:300])
    if isinstance(error, (Busy, RateLimited)):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, RateLimited):
        told = {"Limit": error.most, "Remaining": 0, "Reset": error.retry_after_seconds}
        response.headers.update({f"RateLimit-{name}": str(value) for name, value in told.items()})
    if isinstance(error, RangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.size_bytes}"
    if isinstance(error, (SignInRequired, InvalidCredentials)):
        response.headers["WWW-Authenticate"] = "Session"
    return response


def _detail(error: DomainError) -> str:
    """Return the words for the client; of our own troubles it hears only what it can act on."""
    if isinstance(error, Busy) and not isinstance(error, OutcomeUnknown):
        return "The service cannot take this now; ask again in a moment."
    return error.detail


def _sequence(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _slot(slot: Any) -> Mapping[str, object]:  # noqa: ANN401 - a domain Slot
    return {
        "starts_at": minute_text(slot.starts),
        "ends_at": minute_text(slot.ends),
        "resource_ids": slot.resource_ids,
        "spots_open": slot.spots_open,
    }


def _http_problem(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500 or status not in HTTP:  # noqa: PLR2004 - 5xx
        return internal_problem() if status >= 500 else problem(status, "invalid", error.name, error.name)  # noqa: PLR2004
    code, title = HTTP[status]
    response = problem(status, code, title, title + ".")
    if getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return response


def _database_problem(error: Exception) -> Response:
    word = refusal(error)
    return _domain_problem(word) if isinstance(word, DomainError) else _unexpected_problem(error)


def _unexpected_problem(error: Exception) -> Response:
    if type(error).__module__ == "gunicorn.http.errors":  # what it says of a body whose chunks make no sense
        return _http_problem(BadRequest())
    logs.error("unexpected_error", trace=error)
    return internal_problem()
