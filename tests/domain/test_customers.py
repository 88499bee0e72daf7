"""Who a booking is for."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from app.domain.bookings import Customer
from app.domain.customers import check_customer, months_before
from app.domain.errors import Invalid


def test_a_customer_is_kept_clean() -> None:
    assert check_customer("  Ada ", "Ada@EXAMPLE.org", "+49 30 1234") == Customer("Ada", "ada@example.org", "+49301234")


@pytest.mark.parametrize(("email", "phone"), [("ada@example.org", None), (None, "030 12345"), ("ada@example.org", "")])
def test_one_address_is_enough(email: str | None, phone: str | None) -> None:
    assert check_customer("Ada", email, phone).name == "Ada"


@pytest.mark.parametrize(
    ("name", "email", "phone", "errors"),
    [
        ("", "ada@example.org", None, [("customer.name", "required")]),
        ("   ", "ada@example.org", None, [("customer.name", "required")]),
        ("\u200b\u3164", "ada@example.org", None, [("customer.name", "required")]),
        ("\u0301", "ada@example.org", None, [("customer.name", "required")]),
        ("Ada", "\u200b", None, [("customer.email", "invalid")]),
        ("Ada", None, "\u00ad", [("customer.phone", "invalid")]),
        ("Ada", None, None, [("customer.email", "required")]),
        ("Ada", "no", "no", [("customer.email", "invalid"), ("customer.phone", "invalid")]),
        ("A\nda", "ada@example.org", None, [("customer.name", "invalid")]),
        ("a" * 201, "ada@example.org", None, [("customer.name", "invalid")]),
    ],
)
def test_every_field_that_cannot_be_used_is_named(
    name: str, email: str | None, phone: str | None, errors: list[tuple[str, str]]
) -> None:
    with pytest.raises(Invalid) as refused:
        check_customer(name, email, phone)
    assert [(error.field, error.code) for error in refused.value.errors] == errors


def test_a_field_is_named_as_it_was_sent() -> None:
    with pytest.raises(Invalid) as refused:
        check_customer("Ada", "no", None, within="")
    assert [error.field for error in refused.value.errors] == ["email"]


@pytest.mark.parametrize(
    ("at", "months", "before"),
    [
        ((2027, 3, 31), 1, (2027, 2, 28)),
        ((2028, 3, 31), 1, (2028, 2, 29)),
        ((2027, 1, 15), 1, (2026, 12, 15)),
        ((2027, 1, 15), 24, (2025, 1, 15)),
        ((2027, 12, 1), 12, (2026, 12, 1)),
    ],
)
def test_months_are_those_of_the_calendar(at: tuple[int, int, int], months: int, before: tuple[int, int, int]) -> None:
    assert months_before(datetime(*at, 12, tzinfo=timezone.utc), months) == datetime(*before, 12, tzinfo=timezone.utc)
