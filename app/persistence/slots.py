"""What fills a calendar, and the tag that says whether it has changed: the queries behind every answer about time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, String, bindparam, cast, func, literal, null, or_, select, union_all

from app.domain.errors import NotFound
from app.domain.hours import windows_from_json
from app.domain.offers import Calendars, Closure, Offer, Taken
from app.domain.spans import MAX_OCCUPANCY_MINUTES, Span
from app.persistence.offers import OF_SERVICE, words, zone_of
from app.persistence.session import Session
from app.persistence.tables import blackouts, occupancies, resources, service_resources, services, special_hours, venues

_IDS: BindParameter[int] = bindparam("ids", expanding=True)
# What is taken comes as one row for each resource, length and number of units, with its starts in one text: the driver
# spends 10 us on every row it reads, and a month has thousands of occupancies but few lengths.
_LENGTH = occupancies.c.ends - occupancies.c.starts
_STARTS = func.aggregate_strings(cast(occupancies.c.starts, String(20)), " ")
# Plus nothing, so that live holds are found by when they expire: by resource, all that was ever taken would be looked at.
_RESOURCE = occupancies.c.resource_id + 0
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
        occupancies.c.expires > bindparam("now"), _RESOURCE.in_(_IDS)
    ),
)
_MEMBERS = select(service_resources.c.resource_id).where(service_resources.c.service_id == bindparam("service_id"))
_CALENDAR_SUM = select(func.sum(resources.c.calendar_version)).where(resources.c.id.in_(_MEMBERS))
_LIVE_HOLDS = select(func.count()).where(occupancies.c.expires > bindparam("now"), _RESOURCE.in_(_MEMBERS))
_TAG = (
    select(
        words(
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
    .where(OF_SERVICE)
)


@dataclass(frozen=True, slots=True)
class Tag:
    """What the slots of a service depend on besides the clock; equal tags mean equal calendars."""

    zone: ZoneInfo
    min_notice_minutes: int
    horizon_days: int
    state: str


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
