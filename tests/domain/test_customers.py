"""Who a booking is for."""

from __future__ import annotations

import pytest

from app.domain.bookings import Customer
from app.domain.customers import check_customer
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
