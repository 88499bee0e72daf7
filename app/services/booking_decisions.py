"""What ends or settles a booking: the venue approves or declines, either side cancels, and unanswered requests lapse."""

from __future__ import annotations

from datetime import datetime

from app.domain.actors import Actor
from app.domain.bookings import Booking, check_lapsed
from app.domain.errors import Conflict, SlotTaken
from app.persistence import bookings
from app.persistence.calendar import fits
from app.persistence.session import Session, reading, use_case
from app.services.booking_access import Access
from app.services.booking_changes import Check, change_status

_EXPIRE_BATCH = 100  # bookings, each in a transaction of its own
_CRON = Access(Actor("operator", "cron"))


@use_case
def cancel(ref: str, *, reason: str, access: Access, now: datetime) -> Booking:
    """Cancel a booking and give its time back.

    Raises:
        NotFound: there is no such booking for this caller.
        Conflict: it is in no state to be cancelled, or has begun; VersionMismatch: it has changed.
    """
    return change_status(ref, "cancel", "booking.cancelled", reason=reason, access=access, now=now)


@use_case
def approve(ref: str, *, access: Access, now: datetime) -> Booking:
    """Confirm a pending booking; it has had its time since it was made, and the calendar is looked at once more.

    Raises:
        Forbidden: the caller does not run the venue. NotFound: there is no such booking. Conflict: it is not pending.
        SlotTaken: its resources have less room by now than is taken of them.
    """

    def still_fits(session: Session, booking: Booking) -> None:
        if not fits(session, booking.id, now_seconds=int(now.timestamp())):
            raise SlotTaken("More is taken at that time by now than there is; move the booking or decline it.")

    event = "booking.approved"
    return change_status(ref, "approve", event, access=access, now=now, is_the_venues=True, check=still_fits)


@use_case
def decline(ref: str, *, reason: str, access: Access, now: datetime) -> Booking:
    """Turn a pending booking down and give its time back.

    Raises:
        Forbidden: the caller does not run the venue. NotFound: there is no such booking. Conflict: it is not pending.
    """
    return change_status(ref, "decline", "booking.declined", reason=reason, access=access, now=now, is_the_venues=True)


def expire_batch(*, now: datetime) -> int:
    """End up to a hundred requests that nobody has answered in time, and return how many.

    One that is answered or moved at the same moment is left to whoever was faster.
    """
    return sum(_expire(ref, now=now) for ref in use_case(bookings.list_lapsed)(reading(), now=now, limit=_EXPIRE_BATCH))


@use_case
def _expire(ref: str, *, now: datetime) -> bool:
    try:
        change_status(ref, "expire", "booking.expired", access=_CRON, now=now, check=_has_lapsed(now))
    except Conflict:
        return False
    return True


def _has_lapsed(now: datetime) -> Check:
    return lambda _, booking: check_lapsed(booking, now=now)
