"""What fills the words of a message about a booking, as its reader's language writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from app.documents.formats import amount, clock, moment, zone_name
from app.documents.messages import Messages, messages
from app.domain.bookings import Booking, lapses_at
from app.persistence.correspondence import Correspondence
from app.runtime.settings import Settings
from app.services.booking_access import manage_url

Span = tuple[datetime, datetime]


def fields_for_staff(
    booking: Booking, facts: Correspondence, *, language: str, was: Span | None = None
) -> dict[str, str]:
    """Return the fields of a message about a booking; *was* is its time before it was moved, in UTC."""
    words, zone = messages(language), ZoneInfo(booking.timezone)
    starts, ends = (at.astimezone(zone) for at in (booking.starts_at, booking.ends_at))
    return {
        "customer_name": booking.customer.name,
        "venue": facts.venue,
        "venue_address": facts.address,
        "venue_email": facts.email,
        "venue_phone": facts.phone,
        "service": facts.service,
        "resources": ", ".join(name for _, name in booking.resources),
        "starts": moment(starts, words),
        "ends": moment(ends, words),
        "when": _span((starts, ends), booking.timezone, words),
        "party_size": str(booking.party_size),
        "total": _total(booking, words),
        "ref": booking.ref,
        "reason": booking.status_reason,
        "was": _span((was[0].astimezone(zone), was[1].astimezone(zone)), booking.timezone, words) if was else "",
        "answer_by": moment(lapses_at(booking).astimezone(zone), words) if booking.status == "pending" else "",
    }


def fields_for_customer(
    settings: Settings, booking: Booking, facts: Correspondence, *, language: str, was: Span | None = None
) -> dict[str, str]:
    """Return the same with the link that opens the booking: for its customer alone."""
    link = manage_url(booking.ref, settings)
    return {**fields_for_staff(booking, facts, language=language, was=was), "manage_url": link}


def span_from(told: Mapping[str, str] | None) -> Span | None:
    """Return a time as an event tells it."""
    if told is None:
        return None
    return _instant(told["starts_at"]), _instant(told["ends_at"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _span(span: Span, zone: str, words: Messages) -> str:
    starts, ends = span
    until = clock(ends) if starts.date() == ends.date() else moment(ends, words)
    return f"{moment(starts, words)} – {until}, {zone_name(starts, zone)}"  # noqa: RUF001 - a range takes an en dash


def _total(booking: Booking, words: Messages) -> str:
    """Return what it costs; nothing where that is nothing."""
    price = booking.price
    return amount(price.total_minor, price.currency, words) if price.total_minor else ""
