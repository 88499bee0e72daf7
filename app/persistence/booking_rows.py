"""Bookings as rows of lists and exports: with the names that a person reads, in pages that begin after any row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, or_, select

from app.persistence.long_reads import PAGE
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, customers, resources, services, venues

_Values = dict[str, Any]
_B = bookings.c
_ROWS = (
    select(
        _B.id,
        _B.ref,
        _B.status,
        _B.venue_id,
        venues.c.name.label("venue"),
        services.c.name.label("service"),
        _B.starts_at,
        _B.ends_at,
        _B.timezone,
        _B.party_size,
        customers.c.name.label("customer"),
        customers.c.email,
        customers.c.phone,
        _B.currency,
        _B.total_minor,
        _B.deposit_minor,
        _B.notes,
        _B.version,
        _B.created_at,
        _B.updated_at,
    )
    # Outer, so that no planner begins with a small table, and sorts all bookings again for every page.
    .outerjoin_from(bookings, customers, customers.c.id == _B.customer_id)
    .outerjoin(services, services.c.id == _B.service_id)
    .outerjoin(venues, venues.c.id == _B.venue_id)
    .where(
        _B.starts_at < bindparam("before"),
        _B.starts_at >= bindparam("last_start"),
        or_(_B.starts_at > bindparam("last_start"), _B.id > bindparam("last_id")),
    )
    .limit(PAGE)
)
# No more than an index gives in order: a page costs the same, however many bookings there are. Statuses are picked from it above.
# The 0, which no venue has, makes MariaDB begin a page where it begins: for one venue alone it takes the index by its first column
# and reads over all that came before, 250 ms a page among a million bookings.
_BY_START = _ROWS.where(_B.venue_id.in_([0, bindparam("venue_id")])).order_by(_B.venue_id, _B.starts_at, _B.id)
# A value and not IN: as a list of its own MariaDB would read all that the resource ever had, and sort it for every page.
_HELD = (
    select(booking_resources.c.resource_id)
    .where(booking_resources.c.booking_id == _B.id, booking_resources.c.resource_id == bindparam("resource_id"))
    .scalar_subquery()
)
_OF_RESOURCE = _BY_START.where(bindparam("resource_id") == _HELD)
_OF_ACCOUNT = _ROWS.where(customers.c.user_id == bindparam("user_id")).order_by(_B.starts_at, _B.id)
_RESOURCES = (
    select(booking_resources.c.booking_id, resources.c.id, resources.c.name)
    .join_from(booking_resources, resources)
    .where(booking_resources.c.booking_id.in_(bindparam("ids", expanding=True)))
    .order_by(booking_resources.c.booking_id, resources.c.id)
)


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One booking; instants are UTC, money is in minor units of its currency."""

    id: int
    ref: str
    status: str
    venue_id: int
    venue: str
    service: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    party_size: int
    customer: str
    email: str
    phone: str
    currency: str
    total_minor: int
    deposit_minor: int
    notes: str
    version: int
    created_at: datetime
    updated_at: datetime
    resources: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bookings: those that start in ``[after, before)``."""

    after: datetime
    before: datetime


def list_by_start(
    connection: Connection | Session, wanted: Wanted, venue_id: int, last: BookingRow | None
) -> list[BookingRow]:
    """Return the next page of a venue's bookings in the order in which they start."""
    return _list(connection, _BY_START, wanted, {"venue_id": venue_id, **_after(wanted, last)})


def list_of_resource(
    connection: Connection | Session, wanted: Wanted, *, venue_id: int, resource_id: int, last: BookingRow | None
) -> list[BookingRow]:
    """Return the next page of a resource's bookings in the order in which they start."""
    values = {"venue_id": venue_id, "resource_id": resource_id, **_after(wanted, last)}
    return _list(connection, _OF_RESOURCE, wanted, values)


def list_of_account(
    connection: Connection | Session, wanted: Wanted, user_id: int, last: BookingRow | None
) -> list[BookingRow]:
    """Return the next page of an account's own bookings in the order in which they start."""
    return _list(connection, _OF_ACCOUNT, wanted, {"user_id": user_id, **_after(wanted, last)})


def _after(wanted: Wanted, last: BookingRow | None) -> _Values:
    return {"last_start": last.starts_at if last else wanted.after, "last_id": last.id if last else 0}


def _list(
    connection: Connection | Session, statement: Select[Any], wanted: Wanted, values: _Values
) -> list[BookingRow]:
    rows = connection.execute(statement, {"before": wanted.before, **values}).all()
    if not rows:
        return []
    names = _by_booking(connection.execute(_RESOURCES, {"ids": [row.id for row in rows]}))
    return [_row(*row, tuple(names.get(row.id, ()))) for row in rows]


def _row(*columns: Any) -> BookingRow:  # noqa: ANN401 - columns of many types
    return BookingRow(*columns)


def _by_booking(rows: Iterable[Any]) -> dict[int, Sequence[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    for booking_id, resource_id, name in rows:
        found.setdefault(booking_id, []).append((resource_id, name))
    return dict(found)
