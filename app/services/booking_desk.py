"""Bookings as the venue's people run them: decide about one or many, and tell each other about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.actors import Actor
from app.domain.bookings import TAKING_TIME, Booking
from app.domain.errors import Conflict, DomainError, Invalid, NotFound
from app.domain.text import clean_text
from app.persistence import booking_desk, booking_notes
from app.persistence.audit import add_audit, list_audit
from app.persistence.booking_desk import DeskRow
from app.persistence.booking_notes import BookingNote
from app.persistence.session import Session, reading, transaction, use_case
from app.services.booking_access import Access, get_for, runs_its_venue
from app.services.booking_changes import Check, change_status
from app.services.booking_decisions import approve, cancel, decline

MOST_IN_BULK = 100
MOST_NOTES = 200
MAX_NOTE = 4000
MOST_RIVALS = 100
_EARLY = timedelta(hours=24)  # before which nobody has come yet


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one booking of many: its new status, or the code and the words of the refusal."""

    ref: str
    status: str = ""
    code: str = ""
    detail: str = ""


@use_case
def check_in(ref: str, *, access: Access, now: datetime) -> Booking:
    """Note that the customer is here; a day before the start at the earliest.

    Raises:
        NotFound, Forbidden, Conflict, VersionMismatch: as for approving.
    """
    check = _from(_EARLY, now, "Nobody can be here yet.")
    return change_status(ref, "check_in", "booking.checked_in", access=access, now=now, is_the_venues=True, check=check)


@use_case
def complete(ref: str, *, access: Access, now: datetime) -> Booking:
    """Note that it has taken place.

    Raises:
        NotFound, Forbidden, Conflict, VersionMismatch: as for approving; a Conflict too before it has begun.
    """
    check = _from(timedelta(), now, "The booking has not begun.")
    return change_status(ref, "complete", "booking.completed", access=access, now=now, is_the_venues=True, check=check)


@use_case
def no_show(ref: str, *, access: Access, now: datetime) -> Booking:
    """Note that nobody came.

    Raises:
        NotFound, Forbidden, Conflict, VersionMismatch: as for completing.
    """
    check = _from(timedelta(), now, "The booking has not begun.")
    return change_status(ref, "no_show", "booking.no_show", access=access, now=now, is_the_venues=True, check=check)


VERBS: Mapping[str, Callable[[str, str, Access, datetime], Booking]] = {
    "approve": lambda ref, _, access, now: approve(ref, access=access, now=now),
    "decline": lambda ref, reason, access, now: decline(ref, reason=reason, access=access, now=now),
    "cancel": lambda ref, reason, access, now: cancel(ref, reason=reason, access=access, now=now),
    "check-in": lambda ref, _, access, now: check_in(ref, access=access, now=now),
    "complete": lambda ref, _, access, now: complete(ref, access=access, now=now),
    "no-show": lambda ref, _, access, now: no_show(ref, access=access, now=now),
}


def decide(ref: str, verb: str, *, reason: str = "", access: Access, now: datetime) -> Booking:
    """Do one of :data:`VERBS` with a booking, as somebody who runs its venue.

    Raises:
        NotFound: there is no such booking for this caller. Conflict: it is in no state for it. VersionMismatch: it has changed.
    """
    _require_desk(ref, access)
    return VERBS[verb](ref, reason, access, now)


def decide_many(refs: Sequence[str], verb: str, *, reason: str = "", by: Actor, now: datetime) -> list[Done]:
    """Do the same with each of many bookings, one transaction each; return what became of every one, in order."""
    done = []
    for ref in dict.fromkeys(refs):
        try:
            booking = decide(ref, verb, reason=reason, access=Access(by), now=now)
        except DomainError as error:
            done.append(Done(ref, code=error.code, detail=error.detail))
        else:
            done.append(Done(ref, status=booking.status))
    return done


def read(ref: str, *, by: Actor) -> Booking:
    """Return a booking to somebody who runs its venue.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    return _require_desk(ref, Access(by))


def rivals(ref: str, *, by: Actor) -> list[DeskRow]:
    """Return the other bookings that are on the same resources at the time of this one.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    booking = _require_desk(ref, Access(by))
    ids = {resource_id for resource_id, _ in booking.resources}
    times = {"after": booking.starts_at, "before": booking.ends_at}
    found = booking_desk.list_during(reading(), booking.venue_id, **times, resource_ids=ids, limit=MOST_RIVALS)
    return [row for row in found if row.ref != ref and row.status in TAKING_TIME]


def history(ref: str, *, by: Actor, cursor: int, limit: int) -> list[tuple[int, datetime, str, str, dict[str, object]]]:
    """Return every change of a booking: key, when, what, by whom, and what it says besides; in order, from after *cursor*.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    _require_desk(ref, Access(by))
    rows = list_audit(reading(), f"booking:{ref}", cursor=cursor, limit=limit)
    return [(row.id, row.at, row.action, row.actor, json.loads(row.detail)) for row in rows]


def list_notes(ref: str, *, by: Actor) -> list[BookingNote]:
    """Return what the venue's people told each other about a booking.

    Raises:
        NotFound: there is no such booking for this caller.
    """
    return booking_notes.list_notes(reading(), _require_desk(ref, Access(by)).id)


@use_case
def add_note(ref: str, text: str, *, by: Actor, now: datetime) -> BookingNote:
    """Tell the others something about a booking; its customer never sees it.

    Raises:
        NotFound: there is no such booking for this caller. Invalid: there is nothing to say, or too much.
        Conflict: there are too many notes.
    """
    booking = _require_desk(ref, Access(by))
    try:
        text = clean_text(text, MAX_NOTE)
    except ValueError as error:
        raise Invalid.field("text", "invalid", str(error)) from None
    if not text:
        raise Invalid.field("text", "required", "Say something.")
    with transaction() as session:
        if booking_notes.count_notes(session, booking.id) >= MOST_NOTES:
            raise Conflict(f"A booking has {MOST_NOTES} notes at most.")
        key = booking_notes.add_note(session, booking.id, text, written_by=str(by), now=now)
        add_audit(session, "booking.noted", f"booking:{ref}", by=by, now=now, note=key)
    return BookingNote(key, text, str(by), now.replace(microsecond=0))


def _require_desk(ref: str, access: Access) -> Booking:
    """Return a booking to somebody who runs its venue; being its customer is not enough.

    Raises:
        NotFound: there is none, or it is not theirs to run.
    """
    booking = get_for(ref, access)
    if not runs_its_venue(access, booking):
        raise NotFound("There is no such booking.")
    return booking


def _from(earlier: timedelta, now: datetime, refusal: str) -> Check:
    """Return what lets a booking through from so long before its start on."""

    def check(_: Session, booking: Booking) -> None:
        if now < booking.starts_at - earlier:
            raise Conflict(refusal)

    return check
