"""People with an account: their roles, how long a session of theirs lasts, and when a proof of who they are is fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.errors import Conflict, FieldError, Invalid
from app.domain.text import clean_email, clean_line, clean_phone

MAX_NAME = 200
ROLES = ("customer", "staff", "admin")
STAFF_ROLES = frozenset({"staff", "admin"})
# role -> (idle, absolute): how long a session lasts unused, and at the longest
LIFETIMES: Mapping[str, tuple[timedelta, timedelta]] = {
    "customer": (timedelta(hours=12), timedelta(days=30)),
    "staff": (timedelta(minutes=30), timedelta(hours=12)),
    "admin": (timedelta(minutes=30), timedelta(hours=12)),
}
HALF_WAY = timedelta(minutes=10)  # from the first factor to the second
FRESH = timedelta(minutes=10)  # so long a sign-in lets change what one signs in with


@dataclass(frozen=True, slots=True)
class User:
    """One account. ``email`` and ``phone`` are verified; ``contact_phone`` is as given, and opens nothing."""

    id: int
    role: str
    name: str
    email: str
    phone: str
    contact_phone: str
    has_password: bool
    has_totp: bool
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime
    language: str = ""  # that it is written to in; empty where nobody has said

    @property
    def needs_totp(self) -> bool:
        """Tell whether this role signs in with two factors."""
        return self.role in STAFF_ROLES


@dataclass(frozen=True, slots=True)
class Target:
    """An address that a message can go to: ``channel`` is email or sms."""

    channel: str
    address: str

    @property
    def field(self) -> str:
        """Return the field it is given in."""
        return "email" if self.channel == "email" else "phone"


def check_target(email: str | None, phone: str | None) -> Target:
    """Return the one address that names an account.

    Raises:
        Invalid: it is no address, or both are given, or none.
    """
    if bool(email) == bool(phone):
        raise Invalid.field("email", "required", "Give an e-mail address or a telephone number: one of the two.")
    if email:
        return Target("email", _clean("email", email))
    return Target("sms", _clean("phone", phone or ""))


def check_name(name: str) -> str:
    """Return a person's name, cleaned.

    Raises:
        Invalid: it is empty, too long or cannot be shown.
    """
    try:
        cleaned = clean_line(name, MAX_NAME)
    except ValueError as error:
        raise Invalid.field("name", "invalid", str(error)) from None
    if not cleaned:
        raise Invalid.field("name", "required", "Say your name.")
    return cleaned


def check_contact_phone(phone: str, *, field: str) -> str:
    """Return a number to be called, which opens nothing; empty where there is none.

    Raises:
        Invalid: for *field*, it is no telephone number.
    """
    try:
        return clean_phone(phone) if phone else ""
    except ValueError as error:
        raise Invalid.field(field, "invalid", str(error)) from None


def check_role(role: str) -> str:
    """Return the role.

    Raises:
        Invalid: there is no such role.
    """
    if role not in ROLES:
        raise Invalid.field("role", "invalid", f"A role is one of {', '.join(ROLES)}.")
    return role


def check_addresses(email: str | None, phone: str | None) -> tuple[str, str]:
    """Return both addresses, cleaned; at least one is given.

    Raises:
        Invalid: one is no address, or none is given.
    """
    if not email and not phone:
        raise Invalid(
            "An account needs an address.",
            [FieldError("email", "required", "Give an e-mail address or a telephone number.")],
        )
    return _clean("email", email) if email else "", _clean("phone", phone) if phone else ""


def check_keeps_an_address(email: str, phone: str) -> None:
    """Refuse to leave an account without any verified address.

    Raises:
        Conflict: it would have none.
    """
    if not email and not phone:
        raise Conflict("An account keeps one verified address; add the other first.")


def is_fresh(authenticated_at: datetime, *, now: datetime) -> bool:
    """Tell whether somebody proved who they are a short while ago; a clock that ran backwards proves nothing."""
    return timedelta(0) <= now - authenticated_at + timedelta(seconds=1) <= FRESH + timedelta(seconds=1)


def _clean(field: str, text: str) -> str:
    try:
        return clean_email(text) if field == "email" else clean_phone(text)
    except ValueError as error:
        raise Invalid.field(field, "invalid", str(error)) from None
