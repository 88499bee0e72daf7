"""A booking as an event, to be put into a calendar by hand."""

from __future__ import annotations

from app.documents.calendars import CalendarEvent, one_event
from app.domain.bookings import Booking
from app.persistence import bookings
from app.persistence.letterheads import get_of_booking
from app.persistence.session import reading
from app.services.bookings import Access, view_for


def calendar_file(ref: str, access: Access) -> bytes:
    """Return one booking as a calendar file; whoever else it is for is not in it.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    booking, _ = view_for(ref, access)
    return one_event(_event(booking))


def find_event(ref: str) -> CalendarEvent | None:
    """Return a booking as it is now, for whoever may have it by mail; None where it is gone."""
    stored = bookings.find_booking(reading(), ref)
    return None if stored is None else _event(stored.booking)


def _event(booking: Booking) -> CalendarEvent:
    head = get_of_booking(reading(), venue_id=booking.venue_id, service_id=booking.service_id)
    return CalendarEvent(
        uid=uid_of(booking.ref),
        sequence=booking.version,
        status=booking.status,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        timezone=booking.timezone,
        updated_at=booking.updated_at,
        title=f"{head.subject}, {head.venue}",
        place=", ".join(filter(None, (*(name for _, name in booking.resources), head.address))),
        description=booking.ref,
        organizer=head.venue,
        organizer_email=head.email,
    )


def uid_of(ref: str) -> str:
    """Return the name by which calendars know a booking, in a file and in every feed."""
    return f"booking-{ref}@slotkeeper"
