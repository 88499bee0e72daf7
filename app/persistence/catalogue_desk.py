"""The catalogue as the venue's people list it: what is out of use as well, page by page, and only what they reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, RowMapping, Select, Table, bindparam, or_, select, update

from app.domain.bookings import TAKING_TIME
from app.domain.catalogue import Entry
from app.domain.errors import NotFound, VersionMismatch
from app.domain.hours import Window, windows_from_json
from app.domain.spans import MAX_OCCUPANCY_MINUTES
from app.persistence.catalogue import resource_entry, service_entry, venue_entry
from app.persistence.session import Session
from app.persistence.tables import (
    UtcDateTime,
    booking_resources,
    bookings,
    resources,
    service_resources,
    services,
    special_hours,
    venues,
)

MOST_STRANDED = 20_000  # bookings that are looked at; a house with more to come is asked to force the change
_LONGEST = timedelta(minutes=MAX_OCCUPANCY_MINUTES)
_TABLES = {"venue": venues, "resource": resources, "service": services}
_VENUE_IDS: BindParameter[Any] = bindparam("venue_ids", expanding=True)
_RESOURCE_IDS: BindParameter[Any] = bindparam("resource_ids", expanding=True)


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the catalogue: its keys, what it says, and the keys of the resources that it names by slug."""

    id: int
    venue_id: int
    venue_slug: str
    version: int
    entry: Entry
    resource_ids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which part of the catalogue is asked for: whole venues and single resources, or all of it."""

    venue_ids: Collection[int] = ()
    resource_ids: Collection[int] = ()
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A booking that is to come, on one of its resources."""

    ref: str
    service_id: int
    resource_id: int
    starts_at: datetime
    ends_at: datetime


def _rows(table: Table) -> Select[Any]:
    """Return the rows of a kind, with the slug of the venue that each is in."""
    if table is venues:
        return select(venues, venues.c.id.label("venue_id"), venues.c.slug.label("venue_slug"))
    return select(table, venues.c.slug.label("venue_slug")).join_from(table, venues, venues.c.id == table.c.venue_id)


_BY_ID = {kind: _rows(table).where(table.c.id == bindparam("object_id")) for kind, table in _TABLES.items()}
_CLAIM = {
    kind: update(table)
    .where(table.c.id == bindparam("object_id"), table.c.version == bindparam("seen"))
    .values(version=table.c.version)
    for kind, table in _TABLES.items()
}
_REACHED = {
    "venue": or_(
        venues.c.id.in_(_VENUE_IDS),
        venues.c.id.in_(select(resources.c.venue_id).where(resources.c.id.in_(_RESOURCE_IDS))),
    ),
    "resource": or_(resources.c.venue_id.in_(_VENUE_IDS), resources.c.id.in_(_RESOURCE_IDS)),
    "service": or_(
        services.c.venue_id.in_(_VENUE_IDS),
        services.c.id.in_(
            select(service_resources.c.service_id).where(service_resources.c.resource_id.in_(_RESOURCE_IDS))
        ),
    ),
}
_LISTS = {
    kind: _rows(table)
    .where(
        table.c.id > bindparam("cursor"),
        or_(bindparam("venue_id") == 0, venues.c.id == bindparam("venue_id")),
        or_(bindparam("is_all"), _REACHED[kind]),
    )
    .order_by(table.c.id)
    .limit(bindparam("most"))
    for kind, table in _TABLES.items()
}
_SPECIAL_HOURS = (
    select(special_hours)
    .where(special_hours.c.resource_id.in_(bindparam("ids", expanding=True)))
    .order_by(special_hours.c.on_date)
)
_MEMBERS = (
    select(service_resources, resources.c.slug)
    .join_from(service_resources, resources)
    .where(service_resources.c.service_id.in_(bindparam("ids", expanding=True)))
    .order_by(service_resources.c.group_no, service_resources.c.position)
)
_UPCOMING = (
    select(
        bookings.c.ref,
        bookings.c.service_id,
        booking_resources.c.resource_id,
        bookings.c.starts_at,
        bookings.c.ends_at,
    )
    .join_from(bookings, booking_resources, booking_resources.c.booking_id == bookings.c.id)
    .where(
        bookings.c.venue_id == bindparam("venue_id"),
        bookings.c.starts_at >= bindparam("since", type_=UtcDateTime()),
        bookings.c.ends_at > bindparam("now", type_=UtcDateTime()),
        bookings.c.status.in_(sorted(TAKING_TIME)),
    )
    .order_by(bookings.c.starts_at, bookings.c.id)
    .limit(MOST_STRANDED + 1)
)


def find_object(session: Session, kind: str, object_id: int) -> Found:
    """Return a venue, resource or service, in use or not; three queries at most.

    Raises:
        NotFound: there is none of that key.
    """
    found = _found(session, kind, session.execute(_BY_ID[kind], {"object_id": object_id}).mappings().all())
    if not found:
        raise NotFound(f"There is no such {kind}.")
    return found[0]


def list_objects(
    session: Session, kind: str, reach: Reach, *, venue_id: int = 0, cursor: int, limit: int
) -> list[Found]:
    """Return at most *limit* venues, resources or services within reach, from after the key *cursor*."""
    values = {"venue_ids": [*reach.venue_ids], "resource_ids": [*reach.resource_ids], "is_all": reach.is_all}
    rows = session.execute(_LISTS[kind], {**values, "venue_id": venue_id, "cursor": cursor, "most": limit})
    return _found(session, kind, rows.mappings().all())


def _found(session: Session, kind: str, rows: Sequence[RowMapping]) -> list[Found]:
    ids = [row["id"] for row in rows]
    if kind == "venue" or not rows:
        return [Found(*_keys(row), venue_entry(row)) for row in rows]
    if kind == "resource":
        hours: dict[int, dict[date, tuple[Window, ...]]] = {key: {} for key in ids}
        for row in session.execute(_SPECIAL_HOURS, {"ids": ids}):
            hours[row.resource_id][row.on_date] = windows_from_json(row.windows)
        return [Found(*_keys(row), resource_entry(row, hours[row["id"]])) for row in rows]
    members = session.execute(_MEMBERS, {"ids": ids}).all()
    return [_service(row, [one for one in members if one.service_id == row["id"]]) for row in rows]


def _service(row: RowMapping, members: Sequence[Any]) -> Found:
    groups: dict[int, list[str]] = {}
    for one in members:
        groups.setdefault(one.group_no, []).append(one.slug)
    entry = service_entry(row, tuple(tuple(group) for group in groups.values()))
    return Found(*_keys(row), entry, {one.slug: one.resource_id for one in members})


def _keys(row: RowMapping) -> tuple[int, int, str, int]:
    return row["id"], row["venue_id"], row["venue_slug"], row["version"]


def claim_version(session: Session, kind: str, object_id: int, version: int) -> None:
    """Lock an object's row at the version that was seen, so that nobody else changes it before this transaction ends.

    Raises:
        VersionMismatch: it has changed since.
    """
    result: Any = session.execute(_CLAIM[kind], {"object_id": object_id, "seen": version})
    if result.rowcount != 1:
        raise VersionMismatch("It has been changed in the meantime; read it again.")


def list_upcoming(session: Session, venue_id: int, *, now: datetime) -> Sequence[Upcoming]:
    """Return the bookings of a venue that are not over, the next first: one row a resource, and one more than are looked at."""
    values = {"venue_id": venue_id, "now": now, "since": now - _LONGEST}
    return [Upcoming(*row) for row in session.execute(_UPCOMING, values)]
