"""Services as they can be booked: their rules and their resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)

from app.domain.custom_fields import fields_from_json
from app.domain.errors import NotFound
from app.domain.hours import starts_from_json, weekly_from_json
from app.domain.offers import Offer, Resource
from app.domain.prices import PriceList
from app.persistence.session import Session
from app.persistence.tables import (
    resources,
    service_resources,
    services,
    venues,
)

_SPACE: ColumnElement[str] = literal_column("' '")  # written into the statement: a parameter would be escaped each time


def words(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the columns as one text, a word each: the driver spends more on the heading of a column than on a row."""
    first, *rest = (cast(column, String(64)) for column in columns)
    return reduce(lambda words, column: words.concat(_SPACE).concat(column), rest, first)


OF_SERVICE = (services.c.id == bindparam("service_id")) & services.c.active & venues.c.active
_RULE_NAMES = (
    "venue_id",
    "version",
    "min_minutes",
    "max_minutes",
    "step_minutes",
    "slot_interval_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "min_notice_minutes",
    "horizon_days",
    "units_per_party_member",
)
_PRICES = ("flat_minor", "per_hour_minor", "per_person_minor", "deposit_percent", "tax_bp")
_NUMBERS: dict[str, ColumnElement[Any]] = {
    **{name: services.c[name] for name in (*_RULE_NAMES, *_PRICES, "requires_approval", "guest_bookings")},
    "max_party_size": func.coalesce(services.c.max_party_size, 0),
    "approval_minutes": func.coalesce(services.c.approval_minutes, 0),
    "group_no": service_resources.c.group_no,
    "resource_id": resources.c.id,
    "capacity": resources.c.capacity,
    "calendar_version": resources.c.calendar_version,
    "is_active": resources.c.active,
    "venue_version": venues.c.version,
}
_RULES = (
    select(
        words(*_NUMBERS.values()).label("numbers"),
        services.c.name,
        services.c.weekly_starts,
        services.c.custom_fields,
        venues.c.timezone,
        venues.c.currency,
        resources.c.name.label("resource_name"),
        resources.c.weekly_hours,
    )
    .join_from(services, venues)
    .join(service_resources, service_resources.c.service_id == services.c.id)
    .join(resources, resources.c.id == service_resources.c.resource_id)
    .where(OF_SERVICE)
    .order_by(service_resources.c.group_no, service_resources.c.position)
)
_RESOURCE_IDS = (
    select(service_resources.c.resource_id)
    .join_from(service_resources, services)
    .join(venues, venues.c.id == services.c.venue_id)
    .where(OF_SERVICE)
    .order_by(service_resources.c.resource_id)
)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return the zone, read once a process."""
    return ZoneInfo(name)


def list_resource_ids(session: Session, service_id: int) -> list[int]:
    """Return the ids of the resources that a service uses, ascending.

    Raises:
        NotFound: there is no such service, or it is not offered.
    """
    ids = list(session.execute(_RESOURCE_IDS, {"service_id": service_id}).scalars())
    if not ids:
        raise NotFound("There is no such service.")
    return ids


def get_offer(session: Session, service_id: int) -> Offer:
    """Return a service with its rules and resources.

    Raises:
        NotFound: there is no such service, or it is not offered.
    """
    rows = session.execute(_RULES, {"service_id": service_id}).all()
    if not rows:
        raise NotFound("There is no such service.")
    return _offer(service_id, rows)


def _offer(service_id: int, rows: Sequence[Row[Any]]) -> Offer:
    groups: dict[int, list[Resource]] = {}
    calendar_version = 0
    for row in rows:
        numbers = dict(zip(_NUMBERS, map(int, row.numbers.split()), strict=True))
        group = groups.setdefault(
            numbers["group_no"], []
        )  # stays, empty, where no member is in use: nothing is bookable
        calendar_version += numbers["calendar_version"]
        if numbers["is_active"]:
            group.append(_resource(row, numbers))
    return Offer(
        service_id=service_id,
        name=row.name,
        zone=zone_of(row.timezone),
        weekly_starts=None if row.weekly_starts is None else starts_from_json(row.weekly_starts),
        requires_approval=bool(numbers["requires_approval"]),
        guest_bookings=bool(numbers["guest_bookings"]),
        max_party_size=numbers["max_party_size"] or None,
        approval_minutes=numbers["approval_minutes"] or None,
        prices=PriceList(row.currency, **{name: numbers[name] for name in _PRICES}),
        custom_fields=fields_from_json(row.custom_fields),
        venue_version=numbers["venue_version"],
        calendar_version=calendar_version,
        groups=tuple(tuple(groups[number]) for number in sorted(groups)),
        **{name: numbers[name] for name in _RULE_NAMES},
    )


def _resource(row: Row[Any], numbers: Mapping[str, int]) -> Resource:
    return Resource(
        numbers["resource_id"],
        row.resource_name,
        numbers["capacity"],
        weekly_from_json(row.weekly_hours),
    )
