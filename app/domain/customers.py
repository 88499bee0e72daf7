"""Who a booking is for: names and addresses as people type them, made fit to keep."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.bookings import Customer
from app.domain.errors import FieldError, Invalid
from app.domain.text import clean_email, clean_line, clean_phone

MAX_NAME = 200


def check_customer(name: str, email: str | None, phone: str | None) -> Customer:
    """Return the customer, cleaned.

    Raises:
        Invalid: a field cannot be used, or there is neither an e-mail address nor a telephone number.
    """
    errors: list[FieldError] = []
    customer = Customer(
        _clean(errors, "customer.name", lambda text: clean_line(text, MAX_NAME), name),
        _clean(errors, "customer.email", clean_email, email or ""),
        _clean(errors, "customer.phone", clean_phone, phone or ""),
    )
    if not errors and not customer.name:
        errors.append(FieldError("customer.name", "required", "Say who the booking is for."))
    if not errors and not (customer.email or customer.phone):
        errors.append(FieldError("customer.email", "required", "Give an e-mail address or a telephone number."))
    if errors:
        raise Invalid("The customer's details cannot be accepted.", errors)
    return customer


def _clean(errors: list[FieldError], field: str, clean: Callable[[str], str], text: str) -> str:
    if not text:
        return ""
    try:
        return clean(text)
    except ValueError as error:
        errors.append(FieldError(field, "invalid", str(error)))
        return ""
