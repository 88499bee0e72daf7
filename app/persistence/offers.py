"""The queries behind every answer about time: the tag it has, the rules, and the facts that fill the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, reduce
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    String,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.domain.custom_fields import fields_from_json
from app.domain.errors import NotFound
from app.domain.hours import starts_from_json, weekly_from_json, windows_from_json
from app.domain.offers import Calendars, Closure, Offer, Resource, Taken
from app.domain.prices import PriceList
from app.domain.spans import MAX_OCCUPANCY_MINUTES, Span
from app.persistence.tables import (
    blackouts,
    occupancies,
    resources,
    service_resources,
    services,
    special_hours,
    venues,
)

_SPACE: ColumnElement[str] = literal_column("' '")  # written into the statement: a parameter would be escaped each time


def _words(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the columns as one text, a word each: the driver spends more on the heading of a column than on a row."""
    first, *rest = (cast(column, String(64)) for column in columns)
    return reduce(lambda words, column: words.concat(_SPACE).concat(column), rest, first)


_OF_SERVICE = (services.c.id == bindparam("service_id")) & services.c.active
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
    "group_no": service_resources.c.group_no,
    "resource_id": resources.c.id,
    "capacity": resources.c.capacity,
    "calendar_version": resources.c.calendar_version,
    "is_active": resources.c.active,
    "venue_version": venues.c.version,
}
_RULES = (
    select(
        _words(*_NUMBERS.values()).label("numbers"),
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
    .where(_OF_SERVICE)
    .order_by(service_resources.c.group_no, service_resources.c.position)
)
_RESOURCE_IDS = (
    select(service_resources.c.resource_id)
    .join_from(service_resources, services)
    .where(_OF_SERVICE)
    .order_by(service_resources.c.resource_id)
)
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
# What is taken comes as one row for each resource, length and number of units, with its starts in one text: the driver
# spends 10 us on every row it reads, and a month has thousands of occupancies but few lengths.
_LENGTH = occupancies.c.ends - occupancies.c.starts
_STARTS = func.aggregate_strings(cast(occupancies.c.starts, String(20)), " ")
_FACTS = union_all(
    select(
        literal("hours"),
        special_hours.c.resource_id,
        special_hours.c.windows,
        null().label("starts"),
        null().label("ends"),
        null().label("amount"),
        special_hours.c.on_date,
    ).where(
        special_hours.c.resource_id.in_(_IDS),
        special_hours.c.on_date >= bindparam("first_day"),
        special_hours.c.on_date < bindparam("end_day"),
    ),
    select(
        literal("blackout"),
        blackouts.c.resource_id,
        blackouts.c.reason,
        blackouts.c.starts,
        blackouts.c.ends,
        null(),
        null(),
    ).where(
        blackouts.c.venue_id == bindparam("venue_id"),
        or_(blackouts.c.resource_id.is_(None), blackouts.c.resource_id.in_(_IDS)),
        blackouts.c.starts < bindparam("ends"),
        blackouts.c.ends > bindparam("starts"),
    ),
    select(literal("taken"), occupancies.c.resource_id, _STARTS, occupancies.c.units, _LENGTH, func.count(), null())
    .where(
        occupancies.c.resource_id.in_(_IDS),
        occupancies.c.starts > bindparam("starts") - MAX_OCCUPANCY_MINUTES,
        occupancies.c.starts < bindparam("ends"),
        occupancies.c.ends > bindparam("starts"),
        or_(occupancies.c.expires.is_(None), occupancies.c.expires > bindparam("now")),
    )
    .group_by(occupancies.c.resource_id, occupancies.c.units, _LENGTH),
    select(literal("holds"), null(), null(), func.count(), null(), null(), null()).where(
        occupancies.c.expires > bindparam("now"), occupancies.c.resource_id.in_(_IDS)
    ),
)
_MEMBERS = select(service_resources.c.resource_id).where(service_resources.c.service_id == bindparam("service_id"))
_CALENDAR_SUM = select(func.sum(resources.c.calendar_version)).where(resources.c.id.in_(_MEMBERS))
_LIVE_HOLDS = select(func.count()).where(
    occupancies.c.expires > bindparam("now"), occupancies.c.resource_id.in_(_MEMBERS)
)
_TAG = (
    select(
        _words(
            venues.c.timezone,
            services.c.min_notice_minutes,
            services.c.horizon_days,
            services.c.version,
            venues.c.version,
            _CALENDAR_SUM.scalar_subquery(),
            _LIVE_HOLDS.scalar_subquery(),
        )
    )
    .join_from(services, venues)
    .where(_OF_SERVICE)
)


@dataclass(frozen=True, slots=True)
class Tag:
    """What the slots of a service depend on besides the clock; equal tags mean equal calendars."""

    zone: ZoneInfo
    min_notice_minutes: int
    horizon_days: int
    state: str


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


def get_calendars(session: Session, offer: Offer, span: Span, *, now_seconds: int) -> Calendars:
    """Return what the span holds for the offer's resources: special hours, blackouts and what is taken, by one query."""
    calendars = Calendars()
    rows = session.execute(_FACTS, _facts_of(offer, span, now_seconds))
    for kind, resource_id, text, first, second, amount, on_date in rows:
        if kind == "taken":
            taken = calendars.taken.setdefault(resource_id, Taken())
            _add_taken(taken, [*map(int, text.split())], amount, units=first, minutes=second)
        elif kind == "holds":
            calendars.live_holds = first
        elif kind == "hours":
            calendars.special_hours.setdefault(resource_id, {})[_day(on_date)] = windows_from_json(text)
        else:
            for closed_id in offer.resource_ids if resource_id is None else (resource_id,):
                calendars.closures.setdefault(closed_id, []).append(Closure(first, second, text))
    return calendars


def tag_of(offer: Offer, calendars: Calendars) -> Tag:
    """Return what :func:`get_tag` would have, from what has been read anyway."""
    numbers = (offer.min_notice_minutes, offer.horizon_days, offer.version, offer.venue_version, offer.calendar_version)
    state = " ".join(map(str, (offer.zone, *numbers, calendars.live_holds)))
    return Tag(offer.zone, offer.min_notice_minutes, offer.horizon_days, state)


def get_tag(session: Session, service_id: int, *, now_seconds: int) -> Tag:
    """Return what the service's slots depend on, by one query.

    ``calendar_version`` only ever grows, so the sum over a fixed set of resources (a change of the set moves the service's
    version) is equal only when nothing changed. Holds that expire bump nothing, so those alive are counted beside it.

    Raises:
        NotFound: there is no such service, or it is not offered.
    """
    text = session.execute(_TAG, {"service_id": service_id, "now": now_seconds}).scalar()
    if text is None:
        raise NotFound("There is no such service.")
    zone, notice, horizon, *_ = text.split(" ")
    return Tag(zone_of(zone), int(notice), int(horizon), text)


def _facts_of(offer: Offer, span: Span, now_seconds: int) -> dict[str, Any]:
    return {
        "ids": offer.resource_ids,
        "venue_id": offer.venue_id,
        "first_day": span.first_day - timedelta(days=1),
        "end_day": span.end_day + timedelta(minutes=MAX_OCCUPANCY_MINUTES, days=2),
        "starts": span.starts,
        "ends": span.ends,
        "now": now_seconds,
    }


def _add_taken(taken: Taken, starts: list[int], amount: int, *, units: int, minutes: int) -> None:
    if len(starts) != amount:
        # A server that cuts GROUP_CONCAT short would show taken time as free.
        raise RuntimeError(f"occupancies were cut short: {len(starts)} of {amount}; raise group_concat_max_len")
    taken.starts.extend(starts)
    taken.ends.extend([start + minutes for start in starts])
    taken.units.extend([units] * amount)


def _day(value: date | str) -> date:
    """Return a date; SQLite gives a UNION's column as text."""
    return value if isinstance(value, date) else date.fromisoformat(value)


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
