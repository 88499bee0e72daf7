"""Remind people of their bookings: what is due and not yet seen to, each booking in a transaction of its own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.accounts import Target
from app.domain.bookings import Booking
from app.domain.notices import REMINDER
from app.domain.reminders import due_of
from app.domain.times import to_minute
from app.persistence import bookings
from app.persistence import reminders as stored
from app.persistence.correspondence import Correspondence, get_correspondence
from app.persistence.session import Session, reading, transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.messages import owe
from app.services.notice_fields import fields_for_customer
from app.services.notices import allowed_at, language_of, reach

_BATCH = 100  # bookings


def remind_batch(settings: Settings, *, now: datetime) -> int:
    """See to the reminders of up to a hundred bookings, and return how many there were; 0 is that nothing is left to do."""
    due = _list_due(now=now)
    for booking_id in due:
        _remind(settings, booking_id, now=now)
    return len(due)


@use_case
def _list_due(*, now: datetime) -> list[int]:
    """Return bookings with a reminder to be seen to, those of the nearest kind first: a day's worth is read of each kind."""
    found: dict[int, None] = {}  # in order, and each once
    for minutes, service_ids in sorted(_services_by_offset().items()):
        left = _BATCH - len(found)
        if left <= 0:
            break
        found.update(dict.fromkeys(stored.list_due(reading(), minutes, service_ids, now=now, limit=left)))
    return list(found)


def _services_by_offset() -> Mapping[int, list[int]]:
    services = defaultdict(list)
    for service_id, text in stored.list_offsets(reading()):
        for minutes in json.loads(text):
            services[minutes].append(service_id)
    return services


@use_case
def _remind(settings: Settings, booking_id: int, *, now: datetime) -> None:
    with transaction() as session:
        ref = stored.lock_confirmed(session, booking_id)
        if not ref:
            return
        booking = bookings.get_booking(session, ref).booking
        facts = get_correspondence(session, venue_id=booking.venue_id, service_id=booking.service_id)
        starts = to_minute(booking.starts_at)
        due = due_of(
            json.loads(facts.reminders),
            booking.starts_at,
            got_its_time_at=stored.got_its_time_at(session, ref),
            done=stored.list_marked(session, booking_id, starts=starts),
            now=now,
        )
        if due.marked:
            stored.mark(session, booking_id, starts=starts, minutes=due.marked)
        if due.sent is not None:
            _send(session, settings, booking, facts, minutes=due.sent, now=now)


def _send(
    session: Session, settings: Settings, booking: Booking, facts: Correspondence, *, minutes: int, now: datetime
) -> None:
    target = reach(settings, booking)
    if target is None:
        logs.info("customer_not_told", topic=REMINDER, ref=booking.ref)
        return
    allowed = allowed_at(target, booking, facts, now=now)
    if allowed >= booking.starts_at:  # nobody is woken for it, and afterwards it is no reminder
        logs.info("reminder_dropped", ref=booking.ref, reason="the quiet hours of its venue end after its start")
        return
    _owe(session, settings, target, booking, facts, minutes=minutes, now=now, allowed=allowed)


def _owe(  # noqa: PLR0913 - as above
    session: Session,
    settings: Settings,
    target: Target,
    booking: Booking,
    facts: Correspondence,
    *,
    minutes: int,
    now: datetime,
    allowed: datetime,
) -> None:
    language = language_of(booking, facts)
    fields: dict[str, Any] = fields_for_customer(settings, booking, facts, language=language)
    owe(
        session,
        settings,
        REMINDER,
        target,
        now=now,
        expires=int(booking.starts_at.timestamp()),
        language=language,
        venue_id=booking.venue_id,
        about=f"booking:{booking.ref}",
        dedupe=f"reminder:{booking.ref}:{to_minute(booking.starts_at)}:{minutes}",
        due=int(allowed.timestamp()),
        **fields,
    )
