"""Book a time. All that may be done with a booking afterwards can be had from here, and stands in ``booking_*`` modules."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import msgspec

from app.domain import bookings as rules
from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.custom_fields import check_answers
from app.domain.errors import HoldExpired, Invalid, NotFound, SignInRequired
from app.domain.offers import Offer
from app.domain.tokens import hash_token
from app.domain.wishes import BookingWish, Wish
from app.persistence import bookings, holds
from app.persistence.calendar import delete_hold_occupancies
from app.persistence.idempotency import IdempotencyKey, add_answer
from app.persistence.offers import list_resource_ids
from app.persistence.session import Session, reading, transaction, use_case
from app.services.booking_access import Access, get_for, manage_token, view_for
from app.services.booking_changes import note
from app.services.booking_decisions import approve, cancel, decline, expire_batch
from app.services.booking_moves import reschedule
from app.services.calendar import Place, find_place, lock_offer, occupy, offering_alternatives
from app.services.file_answers import add_answers, take_uploads
from app.services.idempotency import once

__all__ = [
    "Access",
    "approve",
    "book",
    "cancel",
    "decline",
    "expire_batch",
    "get_for",
    "manage_token",
    "reschedule",
    "view_for",
]

_BOOKING = msgspec.json.Decoder(Booking)


def book(
    wish: BookingWish, *, secret_key: str, by: Actor, now: datetime, key: IdempotencyKey | None = None
) -> tuple[Booking, bool]:
    """Book a time; return the booking and whether it is the answer to an earlier try.

    Raises:
        NotFound, Invalid, TooSoon, TooFar, OutsideHours: there is no such time, or an answer is wrong.
        SignInRequired: the service takes no guests.
        HoldExpired: the hold is over or was for something else.
        SlotTaken: somebody has it; carries ``alternatives``.
        IdempotencyMismatch: the key came before with another wish.
    """
    with offering_alternatives(wish.time, now=now):
        return once(
            key,
            lambda: _book(wish, secret_key, by=by, now=now, key=key),
            _BOOKING.decode,
            now=now,
        )


@use_case
def _book(wish: BookingWish, secret_key: str, *, by: Actor, now: datetime, key: IdempotencyKey | None) -> Booking:
    ids = list_resource_ids(reading(), wish.time.service_id)
    with transaction() as session:
        offer = lock_offer(session, wish.time.service_id, ids)
        if not offer.guest_bookings and _is_stranger(by, offer, ids):
            raise SignInRequired("This service is for customers who are signed in.")
        place = find_place(session, offer, _use_up_hold(session, wish, now), now=now)
        if wish.on_behalf:
            require_reach(by, place)
        booking = _new_booking(wish, place, now=now)
        booking, uploaded = take_uploads(session, offer.custom_fields, booking, by=by, now=now)
        owner = None if wish.on_behalf else by.user_id
        customer_id = bookings.add_customer(session, wish.customer, user_id=owner, now=now)
        token = manage_token(booking.ref, secret_key)
        booking_id = bookings.add_booking(
            session, booking, customer_id=customer_id, manage_token_hash=hash_token(token)
        )
        add_answers(session, booking_id, uploaded, by=by, now=now)
        occupy(session, place, booking_id=booking_id)
        booking = replace(booking, id=booking_id)
        note(session, "booking.made", booking, by=by, now=now, audited=_audited(wish, booking))
        if key is not None:
            add_answer(session, key, msgspec.json.encode(booking).decode(), now=now)
    return booking


def require_reach(by: Actor, place: Place) -> None:
    """Let somebody through who runs what was chosen.

    Raises:
        NotFound: the caller does not; to them the service does not exist.
    """
    if not by.reaches(place.offer.venue_id, place.resource_ids):
        raise NotFound("There is no such service.")


def _audited(wish: BookingWish, booking: Booking) -> dict[str, object]:
    return {"status": booking.status, **({"override": wish.override} if wish.time.any_hours else {})}


def _is_stranger(by: Actor, offer: Offer, resource_ids: Collection[int]) -> bool:
    """Tell whether nobody answers for this booking: no account, and no server of this venue."""
    return by.kind == "guest" or (by.kind == "key" and not by.reaches(offer.venue_id, resource_ids))


def _use_up_hold(session: Session, wish: BookingWish, now: datetime) -> Wish:
    """Return the wish with what its hold has settled, after giving the hold's time back under the lock."""
    if wish.hold_token is None:
        return wish.time
    held = holds.find_hold(session, hash_token(wish.hold_token))
    if held is None or held.expires <= now.timestamp():
        raise HoldExpired("The hold is over; choose a time again.")
    if held.service_id != wish.time.service_id or held.starts * 60 != wish.time.starts_at.timestamp():
        raise Invalid.field("hold_token", "mismatch", "The hold is for another service or another time.")
    delete_hold_occupancies(session, held.id)
    holds.delete_hold(session, held.id)
    return replace(
        wish.time,
        duration_minutes=wish.time.duration_minutes or held.ends - held.starts,
        party_size=wish.time.party_size or held.party_size,
        preferred_ids=held.resource_ids,
        is_held=True,
    )


def _new_booking(wish: BookingWish, place: Place, *, now: datetime) -> Booking:
    offer, ask = place.offer, place.ask
    status = rules.first_state(requires_approval=offer.requires_approval and not wish.on_behalf)
    return Booking(
        id=0,
        ref="".join(secrets.choice(rules.REF_ALPHABET) for _ in range(rules.REF_LENGTH)),
        status=status,
        venue_id=offer.venue_id,
        service_id=offer.service_id,
        resources=place.resources,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        timezone=str(offer.zone),
        party_size=ask.party_size,
        price=place.price,
        customer=wish.customer,
        answers=check_answers(offer.custom_fields, wish.answers),
        notes=wish.notes,
        status_reason="",
        version=1,
        created_at=now.replace(microsecond=0),
        updated_at=now.replace(microsecond=0),
        language=wish.language,
        answer_by=rules.answer_by(status, place.starts_at, offer.approval_minutes, now=now),
    )
