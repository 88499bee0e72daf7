"""What follows from an event: messages to the customer and to the venue, and what is owed to other servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.accounts import Target
from app.domain.bookings import Booking
from app.domain.notices import OF_ACCOUNTS, REMINDER, Notices, address_of, notices_of
from app.domain.quiet_hours import allowed_from
from app.persistence import bookings, outbox, users
from app.persistence.correspondence import Correspondence, get_correspondence, take_back
from app.persistence.outbox import OwedMessage
from app.persistence.session import Session, transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.messages import owe
from app.services.notice_fields import Span, fields_for_customer, fields_for_staff, span_from
from app.services.sign_in import addresses_of
from app.services.webhooks import add_deliveries


@dataclass(frozen=True, slots=True)
class _Occasion:
    """One event with all that is known of it."""

    settings: Settings
    message: OwedMessage
    booking: Booking
    facts: Correspondence
    was: Span | None
    now: datetime


@use_case
def expand(settings: Settings, message: OwedMessage, claimant: str, *, now: datetime) -> None:
    """End an event, and owe what follows from it, in one transaction; nothing where the claim was lost.

    A kill on the way leaves the event to whoever claims it next, and nothing is owed twice.

    Raises:
        KeyError: this version of the program knows no such event; it stays for the one that does.
    """
    details: dict[str, Any] = json.loads(message.details or "{}")
    is_of_account = message.topic in OF_ACCOUNTS
    status, by = str(details.get("status", "")), str(details.get("by", ""))
    notices = Notices() if is_of_account else notices_of(message.topic, status, by=by)
    with transaction() as session:
        if not outbox.end_message(session, message.id, claimant, status="sent", at=now):
            return
        if is_of_account:
            _tell_account(session, settings, message, now=now)
            return
        found = bookings.find_booking(session, message.object.removeprefix("booking:"))
        if found is None:
            return
        booking = _as_it_was(found.booking, details)
        facts = get_correspondence(session, venue_id=booking.venue_id, service_id=booking.service_id)
        _tell(session, _Occasion(settings, message, booking, facts, span_from(details.get("was")), now), notices)


def reach(settings: Settings, booking: Booking) -> Target | None:
    """Return where the customer of a booking is written to; None is nowhere, as for one whose account was erased."""
    has_whatsapp, has_sms = settings.whatsapp_url != "none:", settings.sms_url != "none:"
    return address_of(booking.customer, whatsapp=has_whatsapp, sms=has_sms)


def language_of(booking: Booking, facts: Correspondence) -> str:
    """Return the language in which the customer of a booking is written to."""
    return booking.language or facts.language or "en"


def allowed_at(target: Target, booking: Booking, facts: Correspondence, *, now: datetime) -> datetime:
    """Return when a message may go that is ready now: a short one waits for the end of the venue's quiet hours."""
    if target.channel == "email":
        return now
    return allowed_from(facts.quiet, ZoneInfo(booking.timezone), now)


def _as_it_was(booking: Booking, details: Mapping[str, Any]) -> Booking:
    """Return a booking without the reason of what has happened to it since: it has none for this."""
    return booking if booking.status == details.get("status") else replace(booking, status_reason="")


def _tell(session: Session, occasion: _Occasion, notices: Notices) -> None:
    booking, now = occasion.booking, occasion.now
    if notices.ends_reminders:
        take_back(session, REMINDER, occasion.message.object)
    if notices.customer:
        _tell_customer(session, occasion, notices)
    if notices.staff and occasion.facts.email:
        _tell_staff(session, occasion, notices.staff)
    add_deliveries(session, occasion.message, booking, now=now)


def _tell_account(session: Session, settings: Settings, message: OwedMessage, *, now: datetime) -> None:
    """Tell the holder of an account what an admin has done to it; where it has no address, nobody is told."""
    found = users.find_user(session, int(message.object.removeprefix("user:")))
    if found is None:
        return
    for target in addresses_of(found.user):
        dedupe = f"{message.message_id}:{target.channel}"
        language = found.user.language or "en"
        owe(session, settings, message.topic, target, now=now, language=language, about=message.object, dedupe=dedupe)


def _tell_customer(session: Session, occasion: _Occasion, notices: Notices) -> None:
    settings, booking, facts = occasion.settings, occasion.booking, occasion.facts
    target = reach(settings, booking)
    if target is None:
        logs.info("customer_not_told", topic=notices.customer, ref=booking.ref)
        return
    language = language_of(booking, facts)
    fields: dict[str, Any] = fields_for_customer(settings, booking, facts, language=language, was=occasion.was)
    owe(
        session,
        settings,
        notices.customer,
        target,
        now=occasion.now,
        language=language,
        venue_id=booking.venue_id,
        about=occasion.message.object,
        dedupe=f"{occasion.message.message_id}:customer",
        due=int(_due(target, occasion).timestamp()),
        attach="calendar" if notices.in_calendar and target.channel == "email" else "",
        **fields,
    )


def _due(target: Target, occasion: _Occasion) -> datetime:
    """Return when the customer is told. What could only be said once the booking has begun is said at night."""
    now, starts_at = occasion.now, occasion.booking.starts_at
    allowed = allowed_at(target, occasion.booking, occasion.facts, now=now)
    return now if now < starts_at <= allowed else allowed


def _tell_staff(session: Session, occasion: _Occasion, topic: str) -> None:
    booking, facts = occasion.booking, occasion.facts
    language = facts.language or "en"
    fields: dict[str, Any] = fields_for_staff(booking, facts, language=language, was=occasion.was)
    owe(
        session,
        occasion.settings,
        topic,
        Target("email", facts.email),
        now=occasion.now,
        language=language,
        venue_id=booking.venue_id,
        about=occasion.message.object,
        dedupe=f"{occasion.message.message_id}:staff",
        **fields,
    )
