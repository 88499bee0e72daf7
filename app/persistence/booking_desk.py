"""Bookings as the venue's people list them: by time, status, service, resource, customer or reference, in pages by start.

Each list is a range of an index, with the rest of the wishes picked from it; its order is that of the index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, or_, select

from app.domain.spans import MAX_OCCUPANCY_MINUTES
from app.persistence.catalogue_desk import Reach
from app.persistence.session import Session
from app.persistence.tables import UtcDateTime, booking_resources, bookings, customers, resources, services

MOST_FOUND = 200  # customers of a search whose bookings are listed
_B = bookings.c
_LONGEST = timedelta(minutes=MAX_OCCUPANCY_MINUTES)
_ROWS = (
    select(
        _B.id,
        _B.ref,
        _B.status,
        _B.venue_id,
        _B.service_id,
        services.c.name.label("service"),
        _B.starts_at,
        _B.ends_at,
        _B.timezone,
        _B.party_size,
        _B.customer_id,
        customers.c.name.label("customer"),
        customers.c.email,
        customers.c.phone,
        _B.total_minor,
        _B.currency,
        _B.notes,
        _B.answer_by,
        _B.version,
        _B.created_at,
    )
    .outerjoin_from(bookings, customers, customers.c.id == _B.customer_id)
    .outerjoin(services, services.c.id == _B.service_id)
)
_ANY: dict[str, BindParameter[Any]] = {
    name: bindparam(name) for name in ("status", "service_id", "resource_id", "is_all")
}
_INSTANT = UtcDateTime()


def _holds(ids: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(booking_resources.c.booking_id == _B.id, ids)


_PICKED = (
    or_(_ANY["status"] == "", _B.status == _ANY["status"]),
    or_(_ANY["service_id"] == 0, _B.service_id == _ANY["service_id"]),
    or_(_ANY["resource_id"] == 0, _holds(booking_resources.c.resource_id == _ANY["resource_id"])),
    or_(
        _ANY["is_all"],
        _B.venue_id.in_(bindparam("own_venue_ids", expanding=True)),
        _holds(booking_resources.c.resource_id.in_(bindparam("own_resource_ids", expanding=True))),
    ),
)
_IN_TIME = (
    _B.starts_at >= bindparam("after", type_=_INSTANT),
    _B.starts_at < bindparam("before", type_=_INSTANT),
    or_(
        _B.starts_at > bindparam("last_start", type_=_INSTANT),
        and_(_B.starts_at == bindparam("last_start", type_=_INSTANT), _B.id > bindparam("last_id")),
    ),
)
_IN_TIME_BACKWARDS = (
    *_IN_TIME[:2],
    or_(
        _B.starts_at < bindparam("last_start", type_=_INSTANT),
        and_(_B.starts_at == bindparam("last_start", type_=_INSTANT), _B.id < bindparam("last_id")),
    ),
)
_BY = {
    "time": (),
    "venue": (_B.venue_id == bindparam("venue_id"),),
    "status": (),  # that of the filters: its index is in the order of starts
    "customers": (_B.customer_id.in_(bindparam("customer_ids", expanding=True)),),
    "ref": (_B.ref >= bindparam("ref"), _B.ref <= bindparam("ref_end")),
}


def _statement(by: str, *, newest: bool) -> Select[Any]:
    time = _IN_TIME_BACKWARDS if newest else _IN_TIME
    picked = (_B.status == bindparam("status"), *_PICKED[1:]) if by == "status" else _PICKED
    order = (_B.starts_at.desc(), _B.id.desc()) if newest else (_B.starts_at, _B.id)
    return _ROWS.where(*_BY[by], *time, *picked).order_by(*order).limit(bindparam("most"))


_LISTS = {(by, newest): _statement(by, newest=newest) for by in _BY for newest in (False, True)}
_RESOURCES = (
    select(booking_resources.c.booking_id, resources.c.id, resources.c.name)
    .join_from(booking_resources, resources)
    .where(booking_resources.c.booking_id.in_(bindparam("ids", expanding=True)))
    .order_by(booking_resources.c.booking_id, resources.c.id)
)
_DURING = (
    _ROWS.where(
        _B.venue_id == bindparam("venue_id"),
        _B.starts_at >= bindparam("since", type_=_INSTANT),
        _B.starts_at < bindparam("before", type_=_INSTANT),
        _B.ends_at > bindparam("after", type_=_INSTANT),
    )
    .add_columns(booking_resources.c.resource_id, resources.c.name.label("resource"))
    .join(booking_resources, booking_resources.c.booking_id == _B.id)
    .join(resources, resources.c.id == booking_resources.c.resource_id)
    .order_by(_B.starts_at, _B.id, booking_resources.c.resource_id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One booking as the desk lists it; instants are UTC, money in minor units of its currency."""

    id: int
    ref: str
    status: str
    venue_id: int
    service_id: int
    service: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    party_size: int
    customer_id: int
    customer: str
    email: str
    phone: str
    total_minor: int
    currency: str
    notes: str
    answer_by: datetime | None
    version: int
    created_at: datetime
    resources: tuple[tuple[int, str], ...] = ()


_NAMES = tuple(field.name for field in fields(DeskRow) if field.name != "resources")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which bookings: all wishes at once; what is left out asks for nothing."""

    after: datetime
    before: datetime
    reach: Reach
    status: str = ""
    venue_id: int = 0
    service_id: int = 0
    resource_id: int = 0
    ref: str = ""
    customer_ids: Sequence[int] | None = None
    newest: bool = False
    last: tuple[datetime, int] | None = None


def list_rows(session: Session, filters: Filters, *, limit: int) -> list[DeskRow]:
    """Return at most *limit* bookings by their start; two queries."""
    rows = session.execute(_LISTS[_index_for(filters), filters.newest], _values(filters, limit)).all()
    names: dict[int, list[tuple[int, str]]] = {row.id: [] for row in rows}
    for booking_id, resource_id, name in session.execute(_RESOURCES, {"ids": [*names]}) if rows else ():
        names[booking_id].append((resource_id, name))
    return [_row(row, names[row.id]) for row in rows]


def list_during(
    session: Session, venue_id: int, *, after: datetime, before: datetime, resource_ids: Collection[int], limit: int
) -> list[DeskRow]:
    """Return the bookings of a venue that touch a time, on these resources, by start; one query, at most *limit* rows of it."""
    values = {"venue_id": venue_id, "since": after - _LONGEST, "after": after, "before": before, "most": limit}
    rows, names = {}, defaultdict(list)
    for row in session.execute(_DURING, values):
        rows[row.id] = row
        names[row.id].append((row.resource_id, row.resource))
    listed = [_row(row, names[key]) for key, row in rows.items()]
    return [row for row in listed if any(resource_id in resource_ids for resource_id, _ in row.resources)]


def _row(row: Any, names: Sequence[tuple[int, str]]) -> DeskRow:  # noqa: ANN401 - a row of one of the lists
    return DeskRow(**{name: getattr(row, name) for name in _NAMES}, resources=tuple(names))


def _index_for(filters: Filters) -> str:
    """Return the name of the index that has the fewest rows to pick from."""
    if filters.customer_ids is not None:
        return "customers"
    if filters.ref:
        return "ref"
    if filters.venue_id:
        return "venue"
    return "status" if filters.status else "time"


def _values(filters: Filters, limit: int) -> dict[str, Any]:
    edge = filters.before if filters.newest else filters.after
    last_start, last_id = filters.last or (edge, 0)
    return {
        "after": filters.after,
        "before": filters.before,
        "status": filters.status,
        "venue_id": filters.venue_id,
        "service_id": filters.service_id,
        "resource_id": filters.resource_id,
        "customer_ids": [*(filters.customer_ids or ())],
        "ref": filters.ref,
        "ref_end": filters.ref + "~",
        "own_venue_ids": [*filters.reach.venue_ids],
        "own_resource_ids": [*filters.reach.resource_ids],
        "is_all": filters.reach.is_all,
        "last_start": last_start,
        "last_id": last_id,
        "most": limit,
    }
