"""Book a time, move it, give it back; approve and decline."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy.orm import Session

from app.domain import bookings as rules
from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.custom_fields import check_answers
from app.domain.errors import Conflict, Forbidden, HoldExpired, Invalid, NotFound, SignInRequired
from app.domain.offers import Offer
from app.domain.prices import Quote, quote
from app.domain.tokens import derive_token, hash_token, is_token
from app.domain.wishes import BookingWish, Wish
from app.persistence import bookings, holds
from app.persistence.audit import add_audit
from app.persistence.bookings import StoredBooking
from app.persistence.calendar import delete_booking_occupancies, delete_hold_occupancies, lock_resources
from app.persistence.idempotency import IdempotencyKey, add_answer
from app.persistence.offers import list_resource_ids
from app.persistence.session import reading, transaction, use_case
from app.services.calendar import Place, find_place, lock_offer, occupy, offering_alternatives
from app.services.file_answers import add_answers, take_uploads
from app.services.idempotency import once

_BOOKING = msgspec.json.Decoder(Booking)
_EXPIRE_BATCH = 100  # bookings, each in a transaction of its own


@dataclass(frozen=True, slots=True)
class Access:
    """How a caller reaches one booking: as its owner, as somebody who runs its venue, or by the token of its manage link."""

    by: Actor
    token: str | None = None
    version: int | None = None  # that the caller has seen; None is any


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
        booking = _new_booking(wish, place, now=now)
        booking, uploaded = take_uploads(session, offer.custom_fields, booking, by=by, now=now)
        customer_id = bookings.add_customer(session, wish.customer, user_id=by.user_id, now=now)
        token = manage_token(booking.ref, secret_key)
        booking_id = bookings.add_booking(
            session, booking, customer_id=customer_id, manage_token_hash=hash_token(token)
        )
        add_answers(session, booking_id, uploaded, by=by, now=now)
        occupy(session, place, booking_id=booking_id)
        booking = replace(booking, id=booking_id)
        _audit(session, "booking.made", booking, by=by, now=now, status=booking.status)
        if key is not None:
            add_answer(session, key, msgspec.json.encode(booking).decode(), now=now)
    return booking


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
    before = _admit(reading(), ref, access)
    wish = _completed(wish, before)
    with offering_alternatives(wish, now=now):
        return _reschedule(before, wish, access=access, now=now)


def _reschedule(known: Booking, wish: Wish, *, access: Access, now: datetime) -> Booking:
    ids = {*list_resource_ids(reading(), known.service_id), *(resource_id for resource_id, _ in known.resources)}
    with transaction() as session:
        offer = lock_offer(session, known.service_id, sorted(ids))
        before = _admit_change(session, known.ref, access, now=now)
        asks_again = offer.requires_approval and not _runs_its_venue(access, before)
        status = rules.next_state(before, "reschedule", otherwise="pending" if asks_again else None)
        delete_booking_occupancies(session, before.id)
        place = find_place(session, offer, wish, now=now)
        after = _moved(before, place, status=status, now=now)
        bookings.update_time(session, before, after)
        occupy(session, place, booking_id=before.id)
        _audit(session, "booking.rescheduled", after, by=access.by, now=now, was=before.starts_at, to=after.starts_at)
    return after


@use_case
def cancel(ref: str, *, reason: str, access: Access, now: datetime) -> Booking:
    """Cancel a booking and give its time back.

    Raises:
        NotFound: there is no such booking for this caller.
        Conflict: it is in no state to be cancelled, or has begun; VersionMismatch: it has changed.
    """
    return _change_status(ref, "cancel", "booking.cancelled", reason, access=access, now=now)


@use_case
def approve(ref: str, *, access: Access, now: datetime) -> Booking:
    """Confirm a pending booking; it has had its time since it was made.

    Raises:
        Forbidden: the caller does not run the venue. NotFound: there is no such booking. Conflict: it is not pending.
    """
    return _change_status(ref, "approve", "booking.approved", "", access=access, now=now, is_the_venues=True)


@use_case
def decline(ref: str, *, reason: str, access: Access, now: datetime) -> Booking:
    """Turn a pending booking down and give its time back.

    Raises:
        Forbidden: the caller does not run the venue. NotFound: there is no such booking. Conflict: it is not pending.
    """
    return _change_status(ref, "decline", "booking.declined", reason, access=access, now=now, is_the_venues=True)


def expire_batch(*, now: datetime) -> int:
    """End up to a hundred requests that nobody has answered before their start, and return how many.

    One that is answered or moved at the same moment is left to whoever was faster.
    """
    return sum(_expire(ref, now=now) for ref in use_case(bookings.list_lapsed)(reading(), now=now, limit=_EXPIRE_BATCH))


@use_case
def _expire(ref: str, *, now: datetime) -> bool:
    try:
        _change_status(ref, "expire", "booking.expired", "", access=Access(Actor("operator", "cron")), now=now)
    except Conflict:
        return False
    return True


def manage_token(ref: str, secret_key: str) -> str:
    """Return the token of a booking's manage link."""
    return derive_token(secret_key, "manage", ref)


def get_for(ref: str, access: Access) -> Booking:
    """Return the booking that the caller may see.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    return _admit(reading(), ref, access)


def view_for(ref: str, access: Access) -> tuple[Booking, bool]:
    """Return the booking that the caller may see, and whether all of it: a manage link alone opens no names or answers.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    stored = bookings.get_booking(reading(), ref)
    return _admitted(stored, access), _is_owner(access, stored) or _runs_its_venue(access, stored.booking)


def _change_status(  # noqa: PLR0913 - a transition's facts, each by name
    ref: str, verb: str, action: str, reason: str, *, access: Access, now: datetime, is_the_venues: bool = False
) -> Booking:
    reason = rules.check_reason(reason)
    known = _admit(reading(), ref, access)
    if is_the_venues and not _runs_its_venue(access, known):
        raise Forbidden("Only the venue approves and declines bookings.")
    with transaction() as session:
        lock_resources(session, (resource_id for resource_id, _ in known.resources))
        before = _admit_change(session, ref, access, now=now)
        if before.resources != known.resources:  # moved in between: what it gives back now must show, too
            lock_resources(session, (resource_id for resource_id, _ in before.resources))
        status = rules.next_state(before, verb)
        if verb == "expire":
            rules.check_lapsed(before, now=now)
        bookings.update_status(session, before, status=status, reason=reason, now=now)
        if status not in rules.TAKING_TIME:
            delete_booking_occupancies(session, before.id)
        _audit(session, action, before, by=access.by, now=now, was=before.status)
    return replace(
        before,
        status=status,
        status_reason=reason,
        version=before.version + 1,
        updated_at=now.replace(microsecond=0),
    )


def _admit(session: Session, ref: str, access: Access) -> Booking:
    """Return the booking if the caller has access to it; to anybody else it does not exist."""
    return _admitted(bookings.get_booking(session, ref), access)


def _admitted(stored: StoredBooking, access: Access) -> Booking:
    has_token = access.token is not None and is_token(access.token, stored.manage_token_hash)
    if has_token or _is_owner(access, stored) or _runs_its_venue(access, stored.booking):
        return stored.booking
    raise NotFound("There is no such booking.")


def _is_stranger(by: Actor, offer: Offer, resource_ids: Collection[int]) -> bool:
    """Tell whether nobody answers for this booking: no account, and no server of this venue."""
    return by.kind == "guest" or (by.kind == "key" and not by.reaches(offer.venue_id, resource_ids))


def _is_owner(access: Access, stored: StoredBooking) -> bool:
    return access.by.user_id is not None and access.by.user_id == stored.user_id


def _runs_its_venue(access: Access, booking: Booking) -> bool:
    return access.by.reaches(booking.venue_id, [resource_id for resource_id, _ in booking.resources])


def _admit_change(session: Session, ref: str, access: Access, *, now: datetime) -> Booking:
    """Return the booking under the lock, if this caller may change it as it stands."""
    booking = _admit(session, ref, access)
    rules.check_version(booking, access.version)
    if not _runs_its_venue(access, booking):
        rules.check_not_begun(booking, now=now)
    return booking


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
    return Booking(
        id=0,
        ref="".join(secrets.choice(rules.REF_ALPHABET) for _ in range(rules.REF_LENGTH)),
        status=rules.first_state(requires_approval=offer.requires_approval),
        venue_id=offer.venue_id,
        service_id=offer.service_id,
        resources=place.resources,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        timezone=str(offer.zone),
        party_size=ask.party_size,
        price=_price(place),
        customer=wish.customer,
        answers=check_answers(offer.custom_fields, wish.answers),
        notes=wish.notes,
        status_reason="",
        version=1,
        created_at=now.replace(microsecond=0),
        updated_at=now.replace(microsecond=0),
    )


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
        price=before.price if same_length else _price(place),
        version=before.version + 1,
        updated_at=now.replace(microsecond=0),
    )


def _price(place: Place) -> Quote:
    offer, ask = place.offer, place.ask
    return quote(offer.prices, label=offer.name, duration_minutes=ask.duration_minutes, party_size=ask.party_size)


def _audit(session: Session, action: str, booking: Booking, *, by: Actor, now: datetime, **detail: object) -> None:
    add_audit(session, action, f"booking:{booking.ref}", by=by, now=now, **detail)
