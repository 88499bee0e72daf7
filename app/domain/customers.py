"""Who a booking is for: names and addresses as people type them, made fit to keep."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import datetime

from app.domain.bookings import Customer
from app.domain.errors import FieldError, Invalid
from app.domain.text import clean_email, clean_line, clean_phone

MAX_NAME = 200


def check_customer(name: str, email: str | None, phone: str | None, *, within: str = "customer.") -> Customer:
    """Return the customer, cleaned; what is refused is named as a field *within* what was sent.

    Raises:
        Invalid: a field cannot be used, or there is neither an e-mail address nor a telephone number.
    """
    errors: list[FieldError] = []
    customer = Customer(
        _clean(errors, f"{within}name", lambda text: clean_line(text, MAX_NAME), name),
        _clean(errors, f"{within}email", clean_email, email or ""),
        _clean(errors, f"{within}phone", clean_phone, phone or ""),
    )
    if not errors and not customer.name:
        errors.append(FieldError(f"{within}name", "required", "Say who the booking is for."))
    if not errors and not (customer.email or customer.phone):
        errors.append(FieldError(f"{within}email", "required", "Give an e-mail address or a telephone number."))
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


def months_before(at: datetime, months: int) -> datetime:
    """Return the same day and time so many months ago; the last day of a shorter month."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
