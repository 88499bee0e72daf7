"""What reports count, added up by the database: the local day and hour come from a zone's offsets, which are bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from app.domain.figures import LEAD_HOURS, Stay, Tally
from app.domain.offsets import MOST_STEPS, OffsetStep
from app.domain.times import MINUTES_A_DAY
from app.persistence.session import Session
from app.persistence.tables import UtcDateTime, booking_resources, bookings, services

OCCUPYING = ("pending", "confirmed", "checked_in", "completed", "no_show")
_WEEK = 7 * MINUTES_A_DAY
_EPOCH_DAY = date(1970, 1, 1)
_THURSDAY = 3
_B = bookings.c


class _Minute(GenericFunction[int]):
    """The UTC minute since 1970 of a stored instant."""

    type = Integer()
    inherit_cache = True
    name = "utc_minute"


@compiles(_Minute, "sqlite")
def _minute_in_sqlite(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own shapes
    return f"(CAST(strftime('%s', {compiler.process(element.clauses, **options)}) AS INTEGER) / 60)"


@compiles(_Minute, "mysql")
@compiles(_Minute, "mariadb")
def _minute_in_mysql(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - as above
    return f"TIMESTAMPDIFF(MINUTE, '1970-01-01', {compiler.process(element.clauses, **options)})"


def _offset(instant: ColumnElement[datetime]) -> ColumnElement[int]:
    """Return the zone's distance from UTC at an instant: the steps are bound as ``until_0``, ``minutes_0``, ..."""
    steps = [
        (instant < bindparam(f"until_{number}", type_=UtcDateTime()), bindparam(f"minutes_{number}", type_=Integer))
        for number in range(MOST_STEPS)
    ]
    return case(*steps, else_=bindparam(f"minutes_{MOST_STEPS - 1}", type_=Integer))


_RESOURCE_IDS: BindParameter[Any] = bindparam("resource_ids", expanding=True)
_REACHED = or_(
    bindparam("is_all", type_=Integer) == 1,
    exists().where(booking_resources.c.booking_id == _B.id, booking_resources.c.resource_id.in_(_RESOURCE_IDS)),
)
_IN_RANGE = (
    _B.venue_id == bindparam("venue_id"),
    _B.starts_at >= bindparam("after", type_=UtcDateTime()),
    _B.starts_at < bindparam("before", type_=UtcDateTime()),
)
_UNITS = _B.party_size * services.c.units_per_party_member
_STAYING = (
    select(
        booking_resources.c.resource_id,
        _Minute(_B.starts_at).label("starts"),
        (_Minute(_B.ends_at) - _Minute(_B.starts_at)).label("minutes"),
        _offset(_B.starts_at).label("ahead"),
        _offset(_B.ends_at).label("ahead_at_end"),
        case((_UNITS > 0, _UNITS), else_=1).label("units"),
    )
    .join_from(bookings, booking_resources, booking_resources.c.booking_id == _B.id)
    .join(services, services.c.id == _B.service_id)
    .where(
        *_IN_RANGE,
        _B.status.in_(OCCUPYING),
        or_(bindparam("is_all", type_=Integer) == 1, booking_resources.c.resource_id.in_(_RESOURCE_IDS)),
    )
    .subquery()
)
_S = _STAYING.c
_STAYS = select(
    _S.resource_id,
    ((_S.starts + _S.ahead + _THURSDAY * MINUTES_A_DAY) % _WEEK).label("week_minute"),
    _S.minutes,
    _S.units,
    func.count().label("number"),
    case((_S.ahead != _S.ahead_at_end, _S.starts), else_=None).label("alone"),
).group_by("resource_id", "week_minute", "minutes", "units", "alone")

_DAYS = select(
    ((_Minute(_B.starts_at) + _offset(_B.starts_at)) // MINUTES_A_DAY).label("day"),
    _B.service_id,
    _B.status,
    _B.total_minor,
    _B.deposit_minor,
    _B.currency,
).where(*_IN_RANGE, _REACHED)


def _grouped(rows: Select[Any]) -> Select[Any]:
    found = rows.subquery().c
    return select(
        found.day,
        found.service_id,
        found.status,
        found.currency,
        func.count(),
        func.sum(found.total_minor),
        func.sum(found.deposit_minor),
    ).group_by(found.day, found.service_id, found.status, found.currency)


_TALLIES = _grouped(_DAYS)


def _class_of(minutes: ColumnElement[int]) -> ColumnElement[int]:
    """Return which class a time ahead falls into: the number of bounds that it reaches."""
    bounds = [(minutes < hours * 60, number) for number, hours in enumerate(LEAD_HOURS)]
    return case(*bounds, else_=len(LEAD_HOURS))


_AHEAD = (
    select(
        _B.service_id,
        (_Minute(_B.starts_at) - _Minute(_B.created_at)).label("lead"),
        case((_B.status == "cancelled", _Minute(_B.starts_at) - _Minute(_B.updated_at)), else_=None).label("warning"),
    )
    .where(*_IN_RANGE, _REACHED)
    .subquery()
)
_LEADS = (
    select(
        _AHEAD.c.service_id,
        _class_of(_AHEAD.c.lead).label("lead_class"),
        case((_AHEAD.c.warning.is_(None), -1), else_=_class_of(_AHEAD.c.warning)).label("warning_class"),
        func.count(),
        func.sum(_AHEAD.c.lead),
    )
).group_by(_AHEAD.c.service_id, "lead_class", "warning_class")
_SERVICES = select(services.c.id, services.c.name).where(services.c.venue_id == bindparam("venue_id"))


@dataclass(frozen=True, slots=True)
class Counted:
    """Which bookings are counted: those of a venue that start in ``[after, before)``, on these resources or on any."""

    venue_id: int
    after: datetime
    before: datetime
    steps: tuple[OffsetStep, ...]
    resource_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class DayTally:
    """What was booked of a service for a local day, and has come to one status."""

    day: date
    service_id: int
    status: str
    currency: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Lead:
    """How many bookings of a service were made that long ahead; ``warning`` is how long ahead they were called off, if they were.

    Both are numbers of classes: the bounds of ``LEAD_HOURS`` that were reached. ``minutes`` is the sum of all times ahead.
    """

    service_id: int
    lead: int
    warning: int | None
    bookings: int
    minutes: int


def list_stays(session: Session | Connection, counted: Counted) -> Iterator[Stay]:
    """Yield what was booked and not called off, alike with alike; at most one row a start of the week, length and resource."""
    for resource_id, week_minute, minutes, units, number, alone in session.execute(_STAYS, _values(counted)):
        starts = None if alone is None else int(alone)
        yield Stay(resource_id, int(week_minute), int(minutes), int(units), int(number), starts)


def list_tallies(session: Session | Connection, counted: Counted) -> Iterator[DayTally]:
    """Yield the numbers and sums of a range, by local day, service and status."""
    for day, service_id, status, currency, number, total, deposit in session.execute(_TALLIES, _values(counted)):
        tally = Tally(int(number), int(total), int(deposit))
        yield DayTally(_EPOCH_DAY + timedelta(days=int(day)), service_id, status, currency, tally)


def list_leads(session: Session | Connection, counted: Counted) -> Iterator[Lead]:
    """Yield how long ahead bookings of a range were made and called off."""
    for service_id, lead, warning, number, minutes in session.execute(_LEADS, _values(counted)):
        yield Lead(service_id, int(lead), None if warning < 0 else int(warning), int(number), int(minutes))


def list_service_names(session: Session | Connection, venue_id: int) -> dict[int, str]:
    """Return the names of a venue's services by key, those out of use included."""
    return {row.id: row.name for row in session.execute(_SERVICES, {"venue_id": venue_id})}


def _values(counted: Counted) -> dict[str, Any]:
    last = counted.steps[-1]
    steps: Sequence[OffsetStep] = [*counted.steps, *[last] * (MOST_STEPS - len(counted.steps))]
    bound: dict[str, Any] = {}
    for number, step in enumerate(steps):
        bound |= {f"until_{number}": step.until, f"minutes_{number}": step.minutes}
    return {
        "venue_id": counted.venue_id,
        "after": counted.after,
        "before": counted.before,
        "is_all": int(counted.resource_ids is None),
        "resource_ids": list(counted.resource_ids or ()),
        **bound,
    }
