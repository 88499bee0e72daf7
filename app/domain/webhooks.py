"""What servers elsewhere may be told of bookings, and what it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.domain.bookings import Booking
from app.domain.errors import Invalid
from app.domain.networks import Network, is_public, is_within, parse_address
from app.domain.text import clean_line
from app.domain.times import rfc3339
from app.domain.web_addresses import parse_web_address

MOST_WEBHOOKS = 20
MAX_DESCRIPTION = 200
TEST = "webhook.test"
EVENTS = (
    "booking.made",
    "booking.approved",
    "booking.declined",
    "booking.cancelled",
    "booking.rescheduled",
    "booking.expired",
    "booking.checked_in",
    "booking.completed",
    "booking.no_show",
    TEST,
)
GIVE_UP_AFTER = timedelta(days=5)  # of nothing but failures. Source: Standard Webhooks, "disabling failing endpoints"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A server that is told of bookings; ``venue_id`` None is every venue. Its secret is never part of it."""

    id: int
    venue_id: int | None
    url: str
    description: str
    events: tuple[str, ...]
    active: bool
    failing_since: datetime | None
    last_error: str
    version: int
    created_at: datetime
    updated_at: datetime


def check_events(events: Sequence[str]) -> tuple[str, ...]:
    """Return the events, each once, in the order in which they are listed here.

    Raises:
        Invalid: there is no such event, or none is given.
    """
    unknown = [event for event in events if event not in EVENTS]
    if unknown or not events:
        what = f"There is no event {unknown[0][:40]!r}" if unknown else "A webhook needs an event"
        raise Invalid.field("events", "invalid", f"{what}; there are {', '.join(EVENTS)}.")
    return tuple(event for event in EVENTS if event in events)


def check_url(url: str, *, allowed: Collection[Network]) -> str:
    """Return an address that may be told of bookings; where its name leads is looked at whenever something is sent there.

    Networks that are *allowed* beside the internet may be reached without encryption, too.

    Raises:
        Invalid: it cannot be used.
    """
    try:
        address = parse_web_address(url)
    except ValueError as error:
        raise Invalid.field("url", "invalid", str(error)) from None
    literal = parse_address(address.host)
    if not address.is_secure and not allowed:
        raise Invalid.field("url", "invalid", "The address must begin with https://.")
    if literal is not None and not (is_public(literal) or is_within(literal, allowed)):
        raise Invalid.field("url", "invalid", "The address is not one of the internet.")
    return url


def check_description(text: str) -> str:
    """Return what a webhook is for, cleaned.

    Raises:
        Invalid: it is too long or cannot be shown.
    """
    try:
        return clean_line(text, MAX_DESCRIPTION)
    except ValueError as error:
        raise Invalid.field("description", "invalid", str(error)) from None


def booking_payload(event: str, booking: Booking, details: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """Return what a server is told: the booking as it is, without anything about the customer.

    ``was`` and ``to`` are there where the event has them, as for a booking that was moved.
    """
    data = {
        "ref": booking.ref,
        "status": booking.status,
        "venue_id": booking.venue_id,
        "service_id": booking.service_id,
        "resource_ids": [resource_id for resource_id, _ in booking.resources],
        "starts_at": rfc3339(booking.starts_at),
        "ends_at": rfc3339(booking.ends_at),
        "timezone": booking.timezone,
        "party_size": booking.party_size,
        "total_minor": booking.price.total_minor,
        "currency": booking.price.currency,
        "version": booking.version,
    }
    changes = {name: details[name] for name in ("was", "to") if name in details}
    return {"type": event, "timestamp": at, "data": {**data, **changes}}
