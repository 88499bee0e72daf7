"""Customers as the venue's people know them: found, looked at, put right, and made one where they are there twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.actors import Actor
from app.domain.customers import check_customer
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound, VersionMismatch
from app.domain.figures import EXPECTED
from app.domain.search import terms_of
from app.persistence import customer_desk, customer_search
from app.persistence import customers as stored
from app.persistence.audit import add_audit
from app.persistence.booking_desk import MOST_FOUND
from app.persistence.customer_desk import NEWEST, CustomerRow, Sum, Twice
from app.persistence.customers import StoredCustomer
from app.persistence.session import Session, reading, transaction, use_case
from app.services.catalogue_desk import reach_of


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer, and what the caller may know of their bookings."""

    customer: StoredCustomer
    sums: tuple[Sum, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many bookings came to each status."""
        found: dict[str, int] = {}
        for one in self.sums:
            found[one.status] = found.get(one.status, 0) + one.number
        return found

    @property
    def totals(self) -> Mapping[str, int]:
        """Return what was quoted for bookings that stand, in minor units by currency."""
        found: dict[str, int] = {}
        for one in self.sums:
            if one.status in EXPECTED:
                found[one.currency] = found.get(one.currency, 0) + one.total_minor
        return found

    @property
    def first_at(self) -> datetime | None:
        """Return when the first booking starts."""
        return min((one.first_at for one in self.sums), default=None)

    @property
    def last_at(self) -> datetime | None:
        """Return when the last booking starts."""
        return max((one.last_at for one in self.sums), default=None)


@dataclass(frozen=True, slots=True)
class CustomerChanges:
    """What is to be changed; None is left as it is."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


def search(text: str, *, by: Actor, before: int = NEWEST, limit: int) -> list[CustomerRow]:
    """Return at most *limit* customers that have booked where the caller works, the newest first; three queries at most.

    Raises:
        Invalid: the text to look for has fewer than three letters.
    """
    if not text:
        return customer_desk.list_customers(reading(), reach_of(by), before=before, limit=limit)
    terms = terms_of(text)
    if not terms:
        raise Invalid.field("q", "too_short", "Look for three letters at least.")
    ids = customer_search.find_ids(reading(), terms, reach_of(by), limit=MOST_FOUND)
    return customer_desk.list_found(reading(), ids, before=before, limit=limit)


def read(customer_id: int, *, by: Actor) -> Profile:
    """Return a customer; of one who was found to be another, that other.

    Raises:
        NotFound: there is none who has booked where the caller works.
    """
    found = stored.get_customer(reading(), customer_id)
    sums = customer_desk.list_sums(reading(), found.id, reach_of(by))
    if not sums and by.scopes is not None:
        raise NotFound("There is no such customer.")
    return Profile(found, tuple(sums))


def find(customer_id: int, *, by: Actor) -> int:
    """Return the key that a customer has by now.

    Raises:
        NotFound: there is none who has booked where the caller works.
    """
    found = stored.get_customer(reading(), customer_id)
    _require_reach(reading(), found, by)
    return found.id


@use_case
def change(
    customer_id: int, changes: CustomerChanges, *, by: Actor, version: int | None, now: datetime
) -> StoredCustomer:
    """Put right what a guest is called, and how they are reached.

    Raises:
        NotFound: there is none who has booked where the caller works. VersionMismatch: it has changed.
        Conflict: it has an account, whose holder says so; or it is erased.
        Forbidden: it has booked elsewhere, too. Invalid: a field cannot be used.
    """
    with transaction() as session:
        before = _lock_live(session, customer_id)
        _require_reach(session, before, by)
        _check_version(before, version)
        _check_changeable(session, before, by)
        after = _changed(before, changes)
        if after != before:
            stored.update_customer(session, before, after)
            names = [name for name in ("name", "email", "phone") if getattr(before, name) != getattr(after, name)]
            add_audit(session, "customer.changed", f"customer:{before.id}", by=by, now=now, fields=names)
            after = replace(after, version=before.version + 1)
    return after


@use_case
def merge(
    loser_id: int, survivor_id: int, *, by: Actor, versions: Mapping[int, int] | None = None, now: datetime
) -> StoredCustomer:
    """Make two customers one: the survivor gets the bookings, and whatever it lacks of the other's details.

    It is found by the words of both. Of the other nothing stays but that it was merged. *versions* are those seen, by key.

    Raises:
        NotFound: there is no such customer. VersionMismatch: one has changed. Conflict: they have different accounts, or one is erased.
        Invalid: it is one and the same.
    """
    if loser_id == survivor_id:
        raise Invalid("A customer cannot be merged with itself.")
    with transaction() as session:
        found = {one.id: one for one in stored.lock_customers(session, {loser_id, survivor_id})}
        for one in found.values():
            _check_version(one, (versions or {}).get(one.id))
            _require_live(one)
        return _merged(session, found[loser_id], found[survivor_id], by=by, now=now)


def list_twice(*, by_phone: bool, last_id: int, limit: int) -> tuple[list[Twice], int | None]:
    """Return addresses that several customers have, and who was looked at last; None: there are no more of that kind.

    A page may be short, or empty, though there are more: ten thousand addresses are looked at for each.
    """
    return customer_desk.list_twice(reading(), "phone" if by_phone else "email", last_id, limit=limit)


def _merged(
    session: Session, loser: StoredCustomer, survivor: StoredCustomer, *, by: Actor, now: datetime
) -> StoredCustomer:
    if loser.user_id and survivor.user_id and loser.user_id != survivor.user_id:
        raise Conflict("Both have an account, and not the same; they stay two.")
    after = replace(
        survivor,
        name=survivor.name or loser.name,
        email=survivor.email or loser.email,
        phone=survivor.phone or loser.phone,
        user_id=survivor.user_id or loser.user_id,
    )
    gone = replace(loser, name="", email="", phone="", user_id=None, merged_into=survivor.id)
    customer_search.move_words(session, loser.id, survivor.id)
    stored.update_customer(session, loser, gone)
    stored.update_customer(session, survivor, after)
    moved = stored.move_bookings(session, loser.id, survivor.id)
    for one, other in ((loser, survivor), (survivor, loser)):
        what = "customer.merged" if one is loser else "customer.absorbed"
        add_audit(session, what, f"customer:{one.id}", by=by, now=now, other=other.id, bookings=moved)
    return replace(after, version=survivor.version + 1)


def _changed(before: StoredCustomer, changes: CustomerChanges) -> StoredCustomer:
    name, email, phone = (
        getattr(before, field) if getattr(changes, field) is None else getattr(changes, field)
        for field in ("name", "email", "phone")
    )
    checked = check_customer(name, email, phone, within="")
    return replace(before, name=checked.name, email=checked.email, phone=checked.phone)


def _lock_live(session: Session, customer_id: int) -> StoredCustomer:
    """Return the customer, or who it was found to be, under a lock."""
    key = stored.get_customer(session, customer_id).id
    return stored.lock_customers(session, [key])[0]


def _require_reach(session: Session, found: StoredCustomer, by: Actor) -> None:
    if not customer_desk.is_reached(session, found.id, reach_of(by)):
        raise NotFound("There is no such customer.")


def _require_live(found: StoredCustomer) -> None:
    if found.merged_into is not None:
        raise Conflict(f"Customer {found.id} is customer {found.merged_into} by now.")
    if found.is_erased:
        raise Conflict(f"Customer {found.id} has been erased.")


def _check_version(found: StoredCustomer, version: int | None) -> None:
    if version is not None and version != found.version:
        raise VersionMismatch(f"The customer is at version {found.version} by now; read it again.")


def _check_changeable(session: Session, found: StoredCustomer, by: Actor) -> None:
    _require_live(found)
    if found.user_id is not None:
        raise Conflict("This customer has an account; only its holder changes what it says.")
    if customer_desk.has_others(session, found.id, reach_of(by)):
        raise Forbidden("This customer books elsewhere in the house, too; an admin changes it.")
