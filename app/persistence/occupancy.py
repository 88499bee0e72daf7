"""What was open and what was booked on a venue's resources: the facts of the occupancy report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, and_, bindparam, select

from app.domain.hours import WeeklyHours, Window, weekly_from_json, windows_from_json
from app.persistence.long_reads import PAGE
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, resources, services, special_hours, venues

_COUNTED = ("pending", "confirmed", "checked_in", "completed", "no_show")
_RESOURCES = (
    select(
        resources.c.id,
        resources.c.name,
        resources.c.capacity,
        resources.c.weekly_hours,
        special_hours.c.on_date,
        special_hours.c.windows,
        venues.c.timezone,
    )
    .join_from(resources, venues, venues.c.id == resources.c.venue_id)
    .outerjoin(
        special_hours,
        and_(
            special_hours.c.resource_id == resources.c.id,
            special_hours.c.on_date >= bindparam("first"),
            special_hours.c.on_date < bindparam("end"),
        ),
    )
    .where(resources.c.venue_id == bindparam("venue_id"), resources.c.active)
    .order_by(resources.c.name, resources.c.id)
)
_BOOKED = (
    select(
        bookings.c.starts_at,
        bookings.c.id,
        booking_resources.c.resource_id,
        bookings.c.ends_at,
        bookings.c.party_size,
        services.c.units_per_party_member,
    )
    .join_from(bookings, booking_resources)
    .join(services, services.c.id == bookings.c.service_id)
    .where(
        bookings.c.venue_id.in_(
            [0, bindparam("venue_id")]
        ),  # two, so that a page begins where it begins: see booking_rows
        bookings.c.status.in_(_COUNTED),
        bookings.c.starts_at < bindparam("before"),
        bookings.c.starts_at >= bindparam("last_start"),
        (bookings.c.starts_at > bindparam("last_start"))
        | (bookings.c.id > bindparam("last_id"))
        | ((bookings.c.id == bindparam("last_id")) & (booking_resources.c.resource_id > bindparam("last_resource"))),
    )
    .order_by(bookings.c.venue_id, bookings.c.starts_at, bookings.c.id, booking_resources.c.resource_id)
    .limit(PAGE)
)


@dataclass(frozen=True, slots=True)
class OpenResource:
    """A resource with its capacity and opening hours; the special ones are those of the days asked for."""

    id: int
    name: str
    capacity: int
    weekly: WeeklyHours
    special: Mapping[date, tuple[Window, ...]] = field(default_factory=dict)
    timezone: str = ""  # of its venue


@dataclass(frozen=True, slots=True)
class Booked:
    """One booking on one resource; ``units`` is how much of its capacity it takes."""

    starts_at: datetime
    booking_id: int
    resource_id: int
    ends_at: datetime
    units: int


def list_resources(session: Session, venue_id: int, *, first: date, end: date) -> list[OpenResource]:
    """Return the resources of a venue that can be booked, by name, with the hours of the days from *first* up to *end*."""
    rows = session.execute(_RESOURCES, {"venue_id": venue_id, "first": first, "end": end}).all()
    special: dict[int, dict[date, tuple[Window, ...]]] = {row.id: {} for row in rows}
    for row in rows:
        if row.on_date is not None:
            special[row.id][row.on_date] = windows_from_json(row.windows)
    once = {row.id: row for row in rows}
    return [
        OpenResource(key, row.name, row.capacity, weekly_from_json(row.weekly_hours), special[key], row.timezone)
        for key, row in once.items()
    ]


def list_booked(
    connection: Connection | Session, venue_id: int, *, after: datetime, before: datetime, last: Booked | None
) -> list[Booked]:
    """Return the next page of what starts in the span and was not called off."""
    values = {
        "venue_id": venue_id,
        "before": before,
        "last_start": last.starts_at if last else after,
        "last_id": last.booking_id if last else 0,
        "last_resource": last.resource_id if last else 0,
    }
    return [
        Booked(starts_at, booking_id, resource_id, ends_at, max(party * units, 1))
        for starts_at, booking_id, resource_id, ends_at, party, units in connection.execute(_BOOKED, values)
    ]
