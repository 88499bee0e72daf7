"""One table from errors to answers: every domain error has a status, and no code means two things."""

from __future__ import annotations

import inspect

import pytest

from app.domain import errors
from app.domain.errors import DomainError
from app.web.errors import TABLE

FAMILY = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DomainError)]
CODES = {
    "slot_taken", "outside_hours", "too_soon", "too_far", "hold_expired", "not_found", "forbidden", "sign_in_required",
    "invalid", "busy", "conflict", "version_mismatch", "idempotency_mismatch", "storage_full",
    "invalid_credentials", "step_up_required", "rate_limited", "payload_too_large", "range_not_satisfiable",
    "checksum_mismatch", "upload_locked", "would_strand",
}  # fmt: skip
STATUSES = {
    "slot_taken": 409, "outside_hours": 422, "too_soon": 422, "too_far": 422, "hold_expired": 409, "not_found": 404,
    "forbidden": 403, "sign_in_required": 401, "invalid": 422, "busy": 503, "conflict": 409, "version_mismatch": 412,
    "idempotency_mismatch": 422, "storage_full": 507, "invalid_credentials": 401, "step_up_required": 403, "rate_limited": 429,
    "payload_too_large": 413, "range_not_satisfiable": 416, "checksum_mismatch": 460, "upload_locked": 423,
    "would_strand": 409,
}  # fmt: skip


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_an_error_has_the_status_of_its_code(kind: type[DomainError]) -> None:
    status = next(status for family in kind.__mro__ for known, status, _ in TABLE if known is family)
    assert status == STATUSES[kind.code]


def test_the_codes_are_those_that_frontends_know() -> None:
    assert {kind.code for kind in FAMILY} == CODES


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_an_error_says_when_it_happens(kind: type[DomainError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.strip().partition("\n")[0].endswith(".")
