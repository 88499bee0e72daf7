"""What every change of a booking does: move it to another state under the lock, and write down what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from app.domain import bookings as rules
from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.errors import Forbidden
from app.domain.times import rfc3339
from app.persistence import bookings
from app.persistence.audit import add_audit
from app.persistence.calendar import delete_booking_occupancies, lock_resources
from app.persistence.outbox import add_event
from app.persistence.session import Session, reading, transaction
from app.services.booking_access import Access, admit, admit_change, runs_its_venue

Check = Callable[[Session, Booking], None]


def change_status(  # noqa: PLR0913 - a transition's facts, each by name
    ref: str,
    verb: str,
    event: str,
    *,
    access: Access,
    now: datetime,
    reason: str = "",
    is_the_venues: bool = False,
    check: Check | None = None,
) -> Booking:
    """Move a booking to the state that *verb* leads to, and return it; its time is given back where that state takes none.

    *event* is what the audit log, and whoever is told of it, calls that. The caller is a use case and nothing else is
    in its transaction. *is_the_venues*: only whoever runs the venue may. *check* looks at the booking under the lock, and
    raises where the verb is not for it.

    Raises:
        NotFound: there is no such booking for this caller. Forbidden: it is the venue's to do.
        Conflict: it is in no state for it, or has begun; VersionMismatch: it has changed. Invalid: the reason is too long.
    """
    reason = rules.check_reason(reason)
    known = admit(reading(), ref, access)
    if is_the_venues and not runs_its_venue(access, known):
        raise Forbidden("Only the venue does that with a booking.")
    with transaction() as session:
        lock_resources(session, (resource_id for resource_id, _ in known.resources))
        before = admit_change(session, ref, access, now=now)
        if before.resources != known.resources:  # moved in between: what it gives back now must show, too
            lock_resources(session, (resource_id for resource_id, _ in before.resources))
        status = rules.next_state(before, verb)
        if check is not None:
            check(session, before)
        bookings.update_status(session, before, status=status, reason=reason, now=now)
        if status not in rules.TAKING_TIME:
            delete_booking_occupancies(session, before.id)
        after = _changed(before, status, reason, now=now)
        note(session, event, after, by=access.by, now=now, audited={"was": before.status})
    return after


def note(  # noqa: PLR0913 - what happened, each fact by name
    session: Session,
    event: str,
    booking: Booking,
    *,
    by: Actor,
    now: datetime,
    audited: Mapping[str, object],
    told: Mapping[str, object] | None = None,
) -> None:
    """Write what has happened to a booking into the audit log and the outbox; *booking* is as it is afterwards.

    What is *told* stands in the open for whoever sends notices: no names, no addresses, and no reason, which the booking has.
    """
    subject = f"booking:{booking.ref}"
    add_audit(session, event, subject, by=by, now=now, **audited)
    details = {"at": rfc3339(now), "by": by.kind, "status": booking.status, **(told or {})}
    add_event(session, event, subject, venue_id=booking.venue_id, details=details, now=now)


def _changed(before: Booking, status: str, reason: str, *, now: datetime) -> Booking:
    return replace(
        before,
        status=status,
        status_reason=reason,
        version=before.version + 1,
        updated_at=now.replace(microsecond=0),
    )
