"""Book a time, read it again, cancel it, move it."""

from __future__ import annotations

from dataclasses import astuple
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.domain.bookings import MAX_REASON, Booking, Customer
from app.domain.custom_fields import Answer
from app.domain.customers import check_customer
from app.domain.errors import Invalid
from app.domain.text import clean_text
from app.domain.times import rfc3339
from app.domain.wishes import BookingWish, Wish
from app.services import bookings
from app.services.booking_access import Access, manage_url
from app.web.actors import actor, caller_scope, user
from app.web.context import manage_token, now, settings
from app.web.holds import ResourceName, Start
from app.web.inputs import expected_version, idempotency_key
from app.web.languages import wanted_by_browser
from app.web.pages import Id
from app.web.slots import Minutes, PartySize

MAX_NOTES = 2000


class CustomerBody(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who the booking is for: a name, and an e-mail address or a telephone number."""

    name: Annotated[str, Meta(min_length=1, max_length=800)]
    email: Annotated[str, Meta(max_length=1000)] | None = None
    phone: Annotated[str, Meta(max_length=200)] | None = None


class NewBooking(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The time to book, and for whom."""

    service_id: Id
    starts_at: Start
    customer: Annotated[CustomerBody | None, Meta(description="Left out by somebody signed in: whoever that is.")] = (
        None
    )
    duration_minutes: Minutes | None = None
    resource_id: Id | None = None
    party_size: PartySize | None = None
    hold_token: Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9_-]+$")] | None = None
    answers: Annotated[dict[str, str | int | float | bool], Meta(max_length=100)] = {}
    notes: Annotated[str, Meta(max_length=4 * MAX_NOTES)] = ""
    language: (
        Annotated[
            Literal["en", "de", "hi"],
            Meta(description="In which the customer is written to; left out, what `Accept-Language` likes best."),
        ]
        | None
    ) = None


class Cancellation(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Annotated[str, Meta(max_length=4 * MAX_REASON)] = ""


class NewTime(Struct, kw_only=True, forbid_unknown_fields=True):
    """The time to move to; what is left out stays as it is."""

    starts_at: Start
    duration_minutes: Minutes | None = None
    resource_id: Id | None = None


class LineView(Struct):
    """One line of a price."""

    kind: str
    label: str
    quantity: int
    unit_minor: int
    amount_minor: int


class PriceView(Struct):
    """What a booking costs, in minor units; the lines add up to the total, of which the deposit is a part."""

    total_minor: int
    currency: str
    deposit_minor: int
    lines: list[LineView]


class CustomerView(Struct):
    """Who the booking is for."""

    name: str
    email: str
    phone: str


class HolderView(Struct, kw_only=True):
    """A booking as whoever has its manage link may see it: no names, addresses or answers."""

    ref: str
    status: str
    status_reason: str
    service_id: int
    resources: list[ResourceName]
    starts_at: str
    ends_at: str
    timezone: str
    party_size: int
    price: PriceView
    version: int
    created_at: str
    updated_at: str


class OwnerView(HolderView, kw_only=True):
    """A booking as its owner and the venue may see it; by a manage link alone the names, answers and notes are left out."""

    customer: CustomerView | UnsetType = UNSET
    answers: dict[str, Answer] | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    language: str | UnsetType = UNSET


class BookingView(HolderView, kw_only=True):
    """A booking as whoever made it may see it; `manage_url` is told this once."""

    customer: CustomerView
    answers: dict[str, Answer]
    notes: str
    language: str
    manage_url: str


def book(body: NewBooking) -> tuple[BookingView, dict[str, str]]:
    """Book a time."""
    booking, replayed = bookings.book(
        _wish(body),
        secret_key=settings().secret_key,
        by=actor(),
        now=now(),
        key=idempotency_key(f"{caller_scope()}:booking", body),
    )
    return made_view(booking), {"Idempotency-Replayed": "true"} if replayed else {}


def read(ref: str) -> tuple[OwnerView, dict[str, str]]:
    """Read a booking."""
    booking, is_all = bookings.view_for(ref, _access())
    return owner_view(booking, is_all=is_all), _etag(booking)


def cancel(ref: str, body: Cancellation) -> tuple[HolderView, dict[str, str]]:
    """Cancel a booking; its time is free again at once."""
    return _held(bookings.cancel(ref, reason=body.reason, access=_access(), now=now()))


def reschedule(ref: str, body: NewTime) -> tuple[HolderView, dict[str, str]]:
    """Move a booking to another time."""
    wish = Wish(0, body.starts_at, body.duration_minutes, None, body.resource_id)
    return _held(bookings.reschedule(ref, wish, access=_access(), now=now()))


def owner_view(booking: Booking, *, is_all: bool = True) -> OwnerView:
    """Return a booking as its owner may see it, or without what is private."""
    return OwnerView(**_shared(booking), **(_private(booking) if is_all else {}))


def _access() -> Access:
    return Access(actor("holder"), manage_token(), expected_version())


def _wish(body: NewBooking) -> BookingWish:
    return BookingWish(
        Wish(body.service_id, body.starts_at, body.duration_minutes, body.party_size, body.resource_id),
        customer_of(body.customer),
        body.hold_token,
        body.answers,
        clean_notes(body.notes),
        body.language or _language(),
    )


def _language() -> str:
    """Return the language of whoever books; a server's is nobody's, and neither is that of somebody at the venue."""
    return "" if actor().is_operator else wanted_by_browser()


def customer_of(body: CustomerBody | None) -> Customer:
    """Return who the booking is for: whom the body names, or else the caller.

    Raises:
        Invalid: the body names nobody, and nobody has signed in.
    """
    if body is not None:
        return check_customer(body.name, body.email, body.phone)
    if actor().user_id is None:
        raise Invalid.field("customer", "required", "Say who the booking is for.")
    found = user()
    return Customer(found.name, found.email, found.phone or found.contact_phone)


def clean_notes(text: str) -> str:
    """Return what a customer has noted, cleaned.

    Raises:
        Invalid: it is too long or cannot be shown.
    """
    try:
        return clean_text(text, MAX_NOTES)
    except ValueError as error:
        raise Invalid.field("notes", "invalid", str(error)) from None


def _held(booking: Booking) -> tuple[HolderView, dict[str, str]]:
    return HolderView(**_shared(booking)), _etag(booking)


def _etag(booking: Booking) -> dict[str, str]:
    return {"ETag": f'W/"{booking.version}"'}


def _private(booking: Booking) -> dict[str, Any]:
    return {
        "customer": CustomerView(booking.customer.name, booking.customer.email, booking.customer.phone),
        "answers": dict(booking.answers),
        "notes": booking.notes,
        "language": booking.language,
    }


def made_view(booking: Booking) -> BookingView:
    """Return a booking as whoever made it may see it, with its manage link."""
    return BookingView(**_shared(booking), **_private(booking), manage_url=manage_url(booking.ref, settings()))


def _shared(booking: Booking) -> dict[str, Any]:
    price = booking.price
    lines = [LineView(*astuple(line)) for line in price.lines]
    return {
        "ref": booking.ref,
        "status": booking.status,
        "status_reason": booking.status_reason,
        "service_id": booking.service_id,
        "resources": [ResourceName(*resource) for resource in booking.resources],
        "starts_at": rfc3339(booking.starts_at),
        "ends_at": rfc3339(booking.ends_at),
        "timezone": booking.timezone,
        "party_size": booking.party_size,
        "price": PriceView(price.total_minor, price.currency, price.deposit_minor, lines),
        "version": booking.version,
        "created_at": rfc3339(booking.created_at),
        "updated_at": rfc3339(booking.updated_at),
    }
