"""Write rows of a file as bookings: lock the calendars of all of them, look, write; what cannot be written is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.errors import DomainError, Invalid, NotFound, Unbookable
from app.domain.offers import Offer, check_ask
from app.domain.prices import Line, Quote, quote
from app.domain.times import rfc3339, to_minute
from app.domain.tokens import hash_token
from app.domain.wishes import Wish
from app.persistence import bookings, imports
from app.persistence.audit import add_audit
from app.persistence.calendar import lock_resources
from app.persistence.offers import get_offer, list_resource_ids
from app.persistence.outbox import add_event
from app.persistence.session import Session, reading, transaction, use_case
from app.services.booking_access import manage_token
from app.services.calendar import Place, find_place, occupy
from app.services.csv_rows import BadCell, Problem
from app.services.import_rows import ImportedBooking, candidate_ref

_ATTEMPTS = 5  # references that belong to others by chance, one after the other: never more than one was seen
_COLUMN_OF = {"resource_id": "resources"}
CREATED, SKIPPED = "created", "skipped"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a file is imported; ``override`` takes times whatever the hours say, ``notify`` tells customers."""

    secret_key: str
    by: Actor
    now: datetime
    override: bool = False
    notify: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A row that was written, or was there already."""

    line: int
    what: str


Outcome = Problem | Done


@dataclass(slots=True)
class _Batch:
    """What a transaction knows: services as they are under the lock, and references that are used."""

    offers: dict[int, Offer | DomainError] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    sources: Mapping[str, str] = field(default_factory=dict)


class DryRunOver(Exception):
    """All was tried; none of it is to stay."""


@use_case
def write(wanted: Sequence[ImportedBooking], terms: Terms) -> list[Outcome]:
    """Write rows in one transaction, each of them or nothing of it, and return what became of every one, in order.

    Raises:
        IntegrityError: somebody else has just written one of them.
    """
    outcomes: list[Outcome] = []
    locks = _resources_of({one.service_id for one in wanted if one.takes_time})
    with suppress(DryRunOver), transaction() as session:
        batch = _prepare(session, wanted, locks)
        outcomes = [_take(session, batch, one, terms) for one in wanted]
        if terms.dry_run:
            raise DryRunOver
    return outcomes


def _resources_of(service_ids: Iterable[int]) -> set[int]:
    """Return the keys of what these services use, as read before the transaction; of those that are not offered, none."""
    found: set[int] = set()
    for service_id in service_ids:
        with suppress(NotFound):
            found.update(list_resource_ids(reading(), service_id))
    return found


def _prepare(session: Session, wanted: Sequence[ImportedBooking], locks: set[int]) -> _Batch:
    """Lock all calendars at once, then look: at the services as they are now, and at references that are used."""
    if locks:
        lock_resources(session, locks)
    batch = _Batch()
    needed: set[int] = set()
    for service_id in sorted({one.service_id for one in wanted}):
        offer = batch.offers[service_id] = _offer(session, service_id)
        if isinstance(offer, Offer) and any(one.takes_time and one.service_id == service_id for one in wanted):
            needed.update(offer.resource_ids)
    if needed - locks:  # the catalogue changed in between
        return _prepare(session, wanted, needed | locks)
    refs = {one.ref or candidate_ref(one.fingerprint, 0) for one in wanted}
    batch.known = imports.find_known(session, refs)
    batch.sources = imports.find_sources(session, batch.known)
    return batch


def _offer(session: Session, service_id: int) -> Offer | DomainError:
    try:
        return get_offer(session, service_id)
    except NotFound:
        return NotFound("is not offered any more: bring it back first, see 'catalogue restore'")


def _take(session: Session, batch: _Batch, one: ImportedBooking, terms: Terms) -> Outcome:
    """Write one row, all of it or nothing: everything that may be refused is looked at before the first statement."""
    ref = _free_ref(session, batch, one)
    if ref is None:
        return Done(one.line, SKIPPED)
    try:
        place = _place(session, batch.offers[one.service_id], one, terms)
    except BadCell as error:
        return Problem(one.line, error.column, error.message)
    batch.known.add(ref)
    _store(session, place, one, ref, terms)
    return Done(one.line, CREATED)


def _free_ref(session: Session, batch: _Batch, one: ImportedBooking) -> str | None:
    """Return the reference that a row gets; None where it was imported before."""
    if one.ref:
        return None if one.ref in batch.known else one.ref
    for attempt in range(_ATTEMPTS):
        ref = candidate_ref(one.fingerprint, attempt)
        if attempt and (found := imports.find_known(session, [ref])):
            batch.known |= found
            batch.sources = {**batch.sources, **imports.find_sources(session, found)}
        if ref not in batch.known:
            return ref
        if batch.sources.get(ref) == one.fingerprint:  # and not by chance somebody else's booking
            return None
    raise RuntimeError(f"line {one.line} finds no reference of its own")


def _place(session: Session, offer: Offer | DomainError, one: ImportedBooking, terms: Terms) -> Place:
    if isinstance(offer, DomainError):
        raise BadCell("service", offer.detail)
    try:
        return _live_place(session, offer, one, terms) if one.takes_time else _past_place(offer, one)
    except Invalid as error:
        problem = error.errors[0]
        raise BadCell(_COLUMN_OF.get(problem.field, problem.field), problem.message) from None
    except Unbookable as error:
        raise BadCell("starts_at", f"{error.detail} With --override it is taken all the same.") from None
    except DomainError as error:
        raise BadCell("starts_at", f"{error.detail} Give the row another time or resource, or leave it out.") from None


def _live_place(session: Session, offer: Offer, one: ImportedBooking, terms: Terms) -> Place:
    _check_resources(offer, one)
    wish = Wish(
        one.service_id,
        one.starts_at,
        one.duration_minutes,
        one.party_size,
        preferred_ids=one.resource_ids,
        any_hours=terms.override or one.starts_at <= terms.now,  # what is under way keeps no notice
    )
    place = find_place(session, offer, wish, now=terms.now)
    if not set(one.resource_ids) <= set(place.resource_ids):
        raise BadCell("resources", "are taken then, at least one of them: name others, or leave the cell empty")
    return place


def _past_place(offer: Offer, one: ImportedBooking) -> Place:
    """Return where a record belongs; it takes no time, and rules of today are none for it."""
    _check_resources(offer, one)
    minutes = one.duration_minutes or offer.min_minutes
    ask = replace(check_ask(offer, duration_minutes=None, party_size=None), duration_minutes=minutes)
    ids = one.resource_ids or tuple(group[0].id for group in offer.groups if group)
    if not ids:
        raise BadCell("service", "has no resource in use: see 'catalogue show'")
    starts = to_minute(one.starts_at)
    return Place(offer, replace(ask, party_size=one.party_size), starts, starts + minutes, ids)


def _check_resources(offer: Offer, one: ImportedBooking) -> None:
    if not set(one.resource_ids) <= set(offer.resource_ids):
        raise BadCell("resources", "are not all of this service: see 'catalogue show'")


def _store(session: Session, place: Place, one: ImportedBooking, ref: str, terms: Terms) -> None:
    booking = _booking(place, one, ref, terms.now)
    customer_id = bookings.add_customer(session, one.customer, user_id=None, now=terms.now)
    token = hash_token(manage_token(ref, terms.secret_key))
    booking_id = bookings.add_booking(session, booking, customer_id=customer_id, manage_token_hash=token)
    if one.takes_time:
        occupy(session, place, booking_id=booking_id)
    detail = {"status": one.status, "row": one.fingerprint, **({"override": True} if terms.override else {})}
    add_audit(session, imports.IMPORTED, f"booking:{ref}", by=terms.by, now=terms.now, **detail)
    if terms.notify and one.takes_time:
        told = {"at": rfc3339(terms.now), "by": terms.by.kind, "status": one.status}
        add_event(session, "booking.made", f"booking:{ref}", venue_id=booking.venue_id, details=told, now=terms.now)


def _booking(place: Place, one: ImportedBooking, ref: str, now: datetime) -> Booking:
    offer, made = place.offer, one.created_at or now.replace(microsecond=0)
    return Booking(
        id=0,
        ref=ref,
        status=one.status,
        venue_id=offer.venue_id,
        service_id=offer.service_id,
        resources=place.resources,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        timezone=str(offer.zone),
        party_size=place.ask.party_size,
        price=_price(place, one),
        customer=one.customer,
        answers={},
        notes=one.notes,
        status_reason="",
        version=1,
        created_at=made,
        updated_at=now.replace(microsecond=0),
    )


def _price(place: Place, one: ImportedBooking) -> Quote:
    """Return what the row says that it costs, as one line; else what the service costs today."""
    offer = place.offer
    minutes, party = place.ask.duration_minutes, place.ask.party_size
    usual = quote(offer.prices, label=offer.name, duration_minutes=minutes, party_size=party)
    if one.total_minor is None:
        return usual
    deposit = one.deposit_minor or 0
    line = Line("flat", offer.name, 1, one.total_minor, one.total_minor)
    return Quote(offer.prices.currency, one.total_minor, min(deposit, one.total_minor), (line,))
