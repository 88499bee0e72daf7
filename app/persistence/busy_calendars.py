"""Calendars elsewhere that say when a resource is busy, and the blackouts that come from each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, delete, func, insert, or_, select, update

from app.domain.busy_times import KeptTime
from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import blackouts, busy_calendars, resources, venues

MAX_ERROR = 300
_ROWS_A_STATEMENT = 500
_C = busy_calendars.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)


@dataclass(frozen=True, slots=True)
class BusyCalendar:
    """A calendar that is read from time to time; ``succeeded_at`` is when it was last read, ``last_error`` why not since."""

    id: int
    resource_id: int
    venue_id: int
    resource_slug: str
    resource: str
    timezone: str
    name: str
    url_sealed: str
    etag: str
    checked_at: datetime | None
    succeeded_at: datetime | None
    last_error: str


_CALENDARS: Select[Any] = (
    select(
        _C.id,
        _C.resource_id,
        resources.c.venue_id,
        resources.c.slug.label("resource_slug"),
        resources.c.name.label("resource"),
        venues.c.timezone,
        _C.name,
        _C.url_sealed,
        _C.etag,
        _C.checked_at,
        _C.succeeded_at,
        _C.last_error,
    )
    .join_from(busy_calendars, resources, resources.c.id == _C.resource_id)
    .join(venues, venues.c.id == resources.c.venue_id)
)
_BY_ID = _CALENDARS.where(_C.id == bindparam("calendar_id"))
_LIST = (
    _CALENDARS.where(
        _C.id > bindparam("cursor"),
        or_(
            bindparam("is_all"),
            resources.c.venue_id.in_(bindparam("venue_ids", expanding=True)),
            _C.resource_id.in_(bindparam("resource_ids", expanding=True)),
        ),
    )
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_DUE = (
    _CALENDARS.where(or_(_C.checked_at.is_(None), _C.checked_at <= bindparam("before", type_=_C.checked_at.type)))
    .order_by(_C.checked_at.is_not(None), _C.checked_at, _C.id)
    .limit(1)
)
_STALE = (
    _CALENDARS.where(
        func.coalesce(_C.succeeded_at, _C.created_at) <= bindparam("before", type_=_C.checked_at.type),
    )
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_COUNT = select(func.count()).select_from(busy_calendars)
_COUNT_OF = _COUNT.where(_C.resource_id == bindparam("resource_id"))
_ADD, _ADD_BLACKOUT = insert(busy_calendars), insert(blackouts)
_UPDATE = update(busy_calendars).where(_C.id == bindparam("calendar_id")).execution_options(synchronize_session=False)
_CLAIM = _UPDATE.where(
    or_(_C.checked_at.is_(None), _C.checked_at <= bindparam("before", type_=_C.checked_at.type))
).values(checked_at=bindparam("now"))
_DELETE = delete(busy_calendars).where(_C.id == bindparam("calendar_id"))
_TIMES = (
    select(blackouts.c.uid, blackouts.c.starts, blackouts.c.ends, blackouts.c.id)
    .where(blackouts.c.busy_calendar_id == bindparam("calendar_id"))
    .order_by(blackouts.c.id)
)
_MOVE = (
    update(blackouts)
    .where(blackouts.c.id == bindparam("row_id"))
    .values(starts=bindparam("to_starts"), ends=bindparam("to_ends"))
    .execution_options(synchronize_session=False)
)
_DROP = delete(blackouts).where(blackouts.c.id.in_(_IDS)).execution_options(synchronize_session=False)


def add_calendar(session: Session, resource_id: int, name: str, *, now: datetime) -> int:
    """Insert a calendar without its address, which is sealed for its key; return that."""
    values = {"resource_id": resource_id, "name": name, "url_sealed": "", "etag": "", "last_error": ""}
    result: Any = session.execute(_ADD, {**values, "created_at": now, "updated_at": now})
    return int(result.inserted_primary_key[0])


def set_url(session: Session, calendar_id: int, sealed: str) -> None:
    """Keep the sealed address."""
    session.execute(_UPDATE.values(url_sealed=bindparam("sealed")), {"calendar_id": calendar_id, "sealed": sealed})


def get_calendar(session: Session, calendar_id: int) -> BusyCalendar:
    """Return a calendar.

    Raises:
        NotFound: there is none of that key.
    """
    row = session.execute(_BY_ID, {"calendar_id": calendar_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such calendar.")
    return BusyCalendar(*row)


def list_calendars(
    session: Session,
    *,
    is_all: bool = True,
    venue_ids: Collection[int] = (),
    resource_ids: Collection[int] = (),
    cursor: int = 0,
    limit: int,
) -> list[BusyCalendar]:
    """Return at most *limit* calendars of these venues and resources, or of all, from after the key *cursor*."""
    reach = {"is_all": is_all, "venue_ids": [*venue_ids], "resource_ids": [*resource_ids]}
    return [BusyCalendar(*row) for row in session.execute(_LIST, {**reach, "cursor": cursor, "most": limit})]


def find_due(session: Session, *, before: datetime) -> BusyCalendar | None:
    """Return the calendar that was looked at longest ago, before a time; one that never was comes first."""
    row = session.execute(_DUE, {"before": before}).one_or_none()
    return None if row is None else BusyCalendar(*row)


def claim(session: Session, calendar_id: int, *, before: datetime, now: datetime) -> bool:
    """Note that a calendar is looked at now, unless somebody else just did; tell whether it is ours to do."""
    result: Any = session.execute(_CLAIM, {"calendar_id": calendar_id, "before": before, "now": now})
    return bool(result.rowcount)


def list_stale(session: Session, *, before: datetime, limit: int) -> list[BusyCalendar]:
    """Return at most *limit* calendars that could not be read since a time."""
    return [BusyCalendar(*row) for row in session.execute(_STALE, {"before": before, "most": limit})]


def count_calendars(session: Session, resource_id: int | None = None) -> int:
    """Return how many calendars there are, of a resource or of all."""
    if resource_id is None:
        return session.execute(_COUNT).scalar_one()
    return session.execute(_COUNT_OF, {"resource_id": resource_id}).scalar_one()


def note_success(session: Session, calendar_id: int, *, etag: str, now: datetime) -> None:
    """Note that a calendar was read, or has not changed."""
    values = {"etag": etag, "checked_at": now, "succeeded_at": now, "last_error": "", "updated_at": now}
    session.execute(_UPDATE.values(**values), {"calendar_id": calendar_id})


def note_failure(session: Session, calendar_id: int, error: str, *, now: datetime) -> None:
    """Note why a calendar could not be read."""
    values = {"checked_at": now, "last_error": error[:MAX_ERROR], "updated_at": now}
    session.execute(_UPDATE.values(**values), {"calendar_id": calendar_id})


def delete_calendar(session: Session, calendar_id: int) -> None:
    """Remove a calendar; its busy times are the caller's to delete."""
    session.execute(_DELETE, {"calendar_id": calendar_id})


def list_times(session: Session, calendar_id: int) -> list[KeptTime]:
    """Return the busy times that a calendar has given; there are some thousand at most."""
    rows = session.execute(_TIMES, {"calendar_id": calendar_id})
    return [KeptTime(uid, starts, ends, key) for uid, starts, ends, key in rows]


def add_times(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Insert busy times as blackouts."""
    for at in range(0, len(rows), _ROWS_A_STATEMENT):
        session.execute(_ADD_BLACKOUT, rows[at : at + _ROWS_A_STATEMENT])


def move_times(session: Session, rows: Sequence[KeptTime]) -> None:
    """Give busy times other minutes."""
    if rows:
        moves = [{"row_id": row.id, "to_starts": row.starts, "to_ends": row.ends} for row in rows]
        session.execute(_MOVE, moves)


def delete_times(session: Session, ids: Sequence[int]) -> None:
    """Delete busy times."""
    for at in range(0, len(ids), _ROWS_A_STATEMENT):
        session.execute(_DROP, {"ids": [*ids[at : at + _ROWS_A_STATEMENT]]})
