"""The one way to take time: lock the calendars, look, choose, write. Every verb that makes a resource scarcer comes here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain import slots, spans
from app.domain.errors import Busy, DomainError, SlotTaken
from app.domain.offers import Ask, Offer, check_ask
from app.domain.prices import Quote, quote
from app.domain.times import from_minute, local_date, to_minute
from app.domain.wishes import Wish
from app.persistence.calendar import add_occupancies, lock_resources
from app.persistence.offers import get_offer
from app.persistence.session import Session, reading, use_case
from app.persistence.slots import get_calendars


@dataclass(frozen=True, slots=True)
class Place:
    """A time that is free, under the lock: ``starts`` and ``ends`` are UTC minutes, without buffers."""

    offer: Offer
    ask: Ask
    starts: int
    ends: int
    resource_ids: tuple[int, ...]

    @property
    def starts_at(self) -> datetime:
        """Return the start as a UTC datetime."""
        return from_minute(self.starts)

    @property
    def ends_at(self) -> datetime:
        """Return the end as a UTC datetime."""
        return from_minute(self.ends)

    @property
    def price(self) -> Quote:
        """Return what it costs."""
        minutes, party_size = self.ask.duration_minutes, self.ask.party_size
        return quote(self.offer.prices, label=self.offer.name, duration_minutes=minutes, party_size=party_size)

    @property
    def resources(self) -> tuple[tuple[int, str], ...]:
        """Return the chosen resources with their names."""
        names = {resource.id: resource.name for resource in self.offer.resources}
        return tuple((resource_id, names[resource_id]) for resource_id in sorted(self.resource_ids))


def lock_offer(session: Session, service_id: int, resource_ids: Sequence[int]) -> Offer:
    """Lock the calendars of a service's resources, as read before the transaction, and return the service as it is now.

    Raises:
        NotFound: there is no such service any more.
    """
    locked = set(resource_ids)
    lock_resources(session, locked)
    offer = get_offer(session, service_id)
    while not locked.issuperset(offer.resource_ids):  # the catalogue changed in between
        lock_resources(session, set(offer.resource_ids) - locked)
        locked.update(offer.resource_ids)
        offer = get_offer(session, service_id)
    return offer


def find_place(session: Session, offer: Offer, wish: Wish, *, now: datetime) -> Place:
    """Return the free time that the wish names; call it under :func:`lock_offer`, after giving back what is one's own.

    Raises:
        Invalid, TooSoon, TooFar, OutsideHours: it is not offered.
        SlotTaken: it is not free.
    """
    starts = spans.check_start(offer, wish.starts_at)
    ask = check_ask(
        offer,
        duration_minutes=wish.duration_minutes,
        party_size=wish.party_size,
        resource_id=wish.resource_id,
    )
    ask = replace(ask, preferred_ids=wish.preferred_ids, is_held=wish.is_held, any_hours=wish.any_hours)
    span = spans.span_of_start(offer, starts)
    calendars = get_calendars(session, offer, span, now_seconds=int(now.timestamp()))
    chosen = slots.choose(offer, calendars, ask, starts, now=now)
    return Place(offer, ask, starts, starts + ask.duration_minutes, chosen)


def occupy(
    session: Session,
    place: Place,
    *,
    booking_id: int | None = None,
    hold_id: int | None = None,
    expires: int | None = None,
) -> None:
    """Write what is taken, buffers folded in, for a booking or a hold."""
    offer = place.offer
    add_occupancies(
        session,
        [
            {
                "resource_id": resource_id,
                "starts": place.starts - offer.buffer_before_minutes,
                "ends": place.ends + offer.buffer_after_minutes,
                "units": offer.units(place.ask.party_size),
                "booking_id": booking_id,
                "hold_id": hold_id,
                "expires": expires,
            }
            for resource_id in sorted(place.resource_ids)
        ],
    )


@contextmanager
def offering_alternatives(wish: Wish, *, now: datetime) -> Iterator[None]:
    """Let a :class:`SlotTaken` out with the nearest free slots, looked up after the lock is gone."""
    try:
        yield
    except SlotTaken as error:
        alternatives: tuple[slots.Slot, ...] = ()
        with suppress(Busy):  # a courtesy: that the time is taken is known without it
            alternatives = list_alternatives(wish, now=now)
        raise SlotTaken(error.detail, alternatives=alternatives) from error


@use_case
def list_alternatives(wish: Wish, *, now: datetime) -> tuple[slots.Slot, ...]:
    """Return the free slots nearest to the wish, on its day and the next two; none where the wish itself is wrong."""
    try:
        offer = get_offer(reading(), wish.service_id)
        ask = check_ask(
            offer,
            duration_minutes=wish.duration_minutes,
            party_size=wish.party_size,
            resource_id=wish.resource_id,
        )
        day = local_date(to_minute(wish.starts_at), offer.zone)
        span = spans.span_of_days(offer, day, day + timedelta(days=slots.ALTERNATIVE_DAYS))
    except DomainError:
        return ()
    calendars = get_calendars(reading(), offer, span, now_seconds=int(now.timestamp()))
    found = slots.find(offer, calendars, ask, span, now=now)
    return slots.nearest((slot for day in found.values() for slot in day), to_minute(wish.starts_at))
