"""Move a booking to another time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.domain import bookings as rules
from app.domain.bookings import Booking
from app.domain.times import rfc3339
from app.domain.wishes import Wish
from app.persistence import bookings
from app.persistence.calendar import delete_booking_occupancies
from app.persistence.offers import list_resource_ids
from app.persistence.session import reading, transaction, use_case
from app.services.booking_access import Access, admit, admit_change, runs_its_venue
from app.services.booking_changes import note
from app.services.calendar import Place, find_place, lock_offer, occupy, offering_alternatives


@use_case
def reschedule(ref: str, wish: Wish, *, access: Access, now: datetime) -> Booking:
    """Move a booking to another time of the same service; its own time does not stand in its way.

    The price changes only with the duration. A service that requires approval asks for it again, unless an operator moves.
    The wish's ``service_id`` is not looked at.

    Raises:
        NotFound: there is no such booking for this caller.
        Conflict: it is in no state to be moved, or has begun; VersionMismatch: it has changed.
        Invalid, TooSoon, TooFar, OutsideHours, SlotTaken: as for booking.
    """
    before = admit(reading(), ref, access)
    wish = _completed(wish, before)
    with offering_alternatives(wish, now=now):
        return _reschedule(before, wish, access=access, now=now)


def _reschedule(known: Booking, wish: Wish, *, access: Access, now: datetime) -> Booking:
    ids = {*list_resource_ids(reading(), known.service_id), *(resource_id for resource_id, _ in known.resources)}
    with transaction() as session:
        offer = lock_offer(session, known.service_id, sorted(ids))
        before = admit_change(session, known.ref, access, now=now)
        asks_again = offer.requires_approval and not runs_its_venue(access, before)
        status = rules.next_state(before, "reschedule", otherwise="pending" if asks_again else None)
        delete_booking_occupancies(session, before.id)
        place = find_place(session, offer, wish, now=now)
        after = _moved(before, place, status=status, now=now)
        bookings.update_time(session, before, after)
        occupy(session, place, booking_id=before.id)
        audited = {"was": before.starts_at, "to": after.starts_at}
        note(session, "booking.rescheduled", after, by=access.by, now=now, audited=audited, told=_moves(before, after))
    return after


def _completed(wish: Wish, before: Booking) -> Wish:
    """Return the wish for a booking's new time: what it does not name stays as it was."""
    return replace(
        wish,
        service_id=before.service_id,
        duration_minutes=wish.duration_minutes or before.duration_minutes,
        party_size=before.party_size,
        preferred_ids=tuple(resource_id for resource_id, _ in before.resources),
    )


def _moved(before: Booking, place: Place, *, status: str, now: datetime) -> Booking:
    same_length = place.ask.duration_minutes == before.duration_minutes
    return replace(
        before,
        status=status,
        status_reason="",
        resources=place.resources,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        price=before.price if same_length else place.price,
        version=before.version + 1,
        updated_at=now.replace(microsecond=0),
        answer_by=rules.answer_by(status, place.starts_at, place.offer.approval_minutes, now=now),
    )


def _moves(before: Booking, after: Booking) -> dict[str, object]:
    return {
        name: {"starts_at": rfc3339(booking.starts_at), "ends_at": rfc3339(booking.ends_at)}
        for name, booking in (("was", before), ("to", after))
    }
