"""A booking on paper: what is read is read at once, and then written without the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.documents.confirmation import Confirmation, confirmation
from app.documents.languages import printable
from app.documents.quote import PrintedQuote, quote_document
from app.domain.bookings import Booking
from app.persistence.letterheads import get_of_booking
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services.booking_access import Access, manage_url, view_for


@dataclass(frozen=True, slots=True)
class Asked:
    """How a document is asked for: in which language, and when."""

    language: str
    now: datetime


def iter_confirmation(settings: Settings, ref: str, access: Access, asked: Asked) -> Iterator[bytes]:
    """Return the confirmation of a booking as chunks of a PDF.

    By a manage link alone it has no name and no notes. The link is on it unless the venue asked: it is the customer's.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    booking, is_all = view_for(ref, access)
    link = "" if access.by.is_operator else manage_url(booking.ref, settings)
    value = _confirmation(booking, asked, settings, is_all=is_all, link=link)
    return confirmation(value, packs=settings.font_dir)


def iter_quote(settings: Settings, ref: str, access: Access, asked: Asked) -> Iterator[bytes]:
    """Return what a booking costs, line by line, as chunks of a PDF.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    booking, is_all = view_for(ref, access)
    head = get_of_booking(reading(), venue_id=booking.venue_id, service_id=booking.service_id)
    value = PrintedQuote(
        venue=head.venue,
        venue_address=head.address,
        venue_email=head.email,
        timezone=booking.timezone,
        ref=booking.ref,
        service=head.subject,
        customer=booking.customer.name if is_all else "",
        customer_address=(booking.customer.email or booking.customer.phone) if is_all else "",
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        quote=booking.price,
        issued_at=asked.now,
        language=printable(asked.language, settings.font_dir),
    )
    return quote_document(value, packs=settings.font_dir)


def _confirmation(booking: Booking, asked: Asked, settings: Settings, *, is_all: bool, link: str) -> Confirmation:
    head = get_of_booking(reading(), venue_id=booking.venue_id, service_id=booking.service_id)
    return Confirmation(
        venue=head.venue,
        venue_address=head.address,
        timezone=booking.timezone,
        ref=booking.ref,
        status=booking.status,
        service=head.subject,
        resources=tuple(name for _, name in booking.resources),
        customer=booking.customer.name if is_all else "",
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        party_size=booking.party_size,
        quote=booking.price,
        issued_at=asked.now,
        code=booking.ref,
        notes=booking.notes if is_all else "",
        manage_url=link,
        language=printable(asked.language, settings.font_dir),
    )
