"""Everything that is taken, read from end to end in pages, and rows that contradict each other: for a health check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, literal, or_, select

from app.domain.bookings import STATES, TAKING_TIME
from app.persistence.session import streaming
from app.persistence.tables import booking_resources, bookings, holds, occupancies, resources, venues

PAGE_SIZE = 500
MOST_ROWS = 20  # of what contradicts: more are the same fault again
_ENDED = {"completed", "no_show"}  # a booking that took place may keep its row: nobody can book the past
PATIENCE_SECONDS = 60  # for one page; the slowest joins every calendar row to its booking
_BEFORE_ALL = -(2**62)

_IS_LIVE = or_(occupancies.c.expires.is_(None), occupancies.c.expires > bindparam("now"))
# Rows of the same span are one: then starts and ends together are a key to page by, and the calendar's index gives the order.
_TAKEN = (
    select(occupancies.c.starts, occupancies.c.ends, func.sum(occupancies.c.units).label("units"))
    .where(
        occupancies.c.resource_id == bindparam("resource_id"),
        occupancies.c.starts >= bindparam("starts"),
        or_(occupancies.c.starts > bindparam("starts"), occupancies.c.ends > bindparam("ends")),
        _IS_LIVE,
    )
    .group_by(occupancies.c.starts, occupancies.c.ends)
    .order_by(occupancies.c.starts, occupancies.c.ends)
    .limit(PAGE_SIZE)
)
_RESOURCES: Select[Any] = (
    select(resources.c.id, resources.c.name, resources.c.capacity, venues.c.slug, venues.c.timezone)
    .join_from(resources, venues)
    .where(resources.c.id > bindparam("cursor"))
    .order_by(resources.c.id)
    .limit(PAGE_SIZE)
)
_AT = (
    select(occupancies.c.units, bookings.c.ref)
    .join_from(occupancies, bookings, isouter=True)
    .where(
        occupancies.c.resource_id == bindparam("resource_id"),
        occupancies.c.starts <= bindparam("minute"),
        occupancies.c.ends > bindparam("minute"),
        _IS_LIVE,
    )
    .order_by(occupancies.c.id)
)
# By key, which is cheap to go on from; the state is hidden from the optimizer, or it would sort by key at every page.
_PAGE = (
    select(bookings.c.id, bookings.c.ref, bookings.c.starts_at, bookings.c.ends_at)
    .where(
        bookings.c.id > bindparam("cursor"),
        func.coalesce(bookings.c.status, "").in_(sorted(TAKING_TIME)),
        bookings.c.ends_at > bindparam("now"),
    )
    .order_by(bookings.c.id)
    .limit(PAGE_SIZE)
    .subquery("page")
)
_LIVE_BOOKINGS: Select[Any] = (
    select(_PAGE, booking_resources.c.resource_id, occupancies.c.starts, occupancies.c.ends)
    .join_from(_PAGE, booking_resources, booking_resources.c.booking_id == _PAGE.c.id, isouter=True)
    .join(
        occupancies,
        (occupancies.c.booking_id == _PAGE.c.id) & (occupancies.c.resource_id == booking_resources.c.resource_id),
        isouter=True,
    )
    .order_by(_PAGE.c.id, booking_resources.c.resource_id)
)
_GIVEN_BACK = (
    select(bookings.c.ref, bookings.c.status)
    .join_from(bookings, occupancies, occupancies.c.booking_id == bookings.c.id)
    .where(bookings.c.status.in_(sorted(STATES - TAKING_TIME - _ENDED)))
    .limit(MOST_ROWS)
)


def _strays(why: str, condition: ColumnElement[bool]) -> Select[Any]:
    return (
        select(occupancies.c.id, literal(why))
        .join_from(occupancies, bookings, isouter=True)
        .join(holds, holds.c.id == occupancies.c.hold_id, isouter=True)
        .join(resources, resources.c.id == occupancies.c.resource_id, isouter=True)
        .where(condition)
        .limit(MOST_ROWS)
    )


_STRAYS = (
    _strays("belongs to no booking and no hold", bookings.c.id.is_(None) & holds.c.id.is_(None)),
    _strays(
        "belongs to a booking and a hold", occupancies.c.booking_id.is_not(None) & occupancies.c.hold_id.is_not(None)
    ),
    _strays("belongs to no resource", resources.c.id.is_(None)),
    _strays("is of a booking and would expire", bookings.c.id.is_not(None) & occupancies.c.expires.is_not(None)),
    _strays(
        "is of a hold and does not expire with it",
        occupancies.c.expires.is_distinct_from(holds.c.expires) & holds.c.id.is_not(None),
    ),
    _strays("takes nothing, or no time", (occupancies.c.units < 1) | (occupancies.c.ends <= occupancies.c.starts)),
)


@dataclass(frozen=True, slots=True)
class Scan:
    """A read through the calendars at one time, on one connection, a page in memory at most."""

    connection: Connection
    now: datetime

    def iter_resources(self) -> Iterator[Row[Any]]:
        """Yield every resource: id, name, capacity, and its venue's slug and zone."""
        cursor = 0
        while page := self.connection.execute(_RESOURCES, {"cursor": cursor}).all():
            yield from page
            cursor = page[-1].id

    def iter_taken(self, resource_id: int) -> Iterator[tuple[int, int, int]]:
        """Yield what is taken of a resource, past and to come, as ``(starts, ends, units)`` in order of time."""
        criteria = {"resource_id": resource_id, **self._live()}
        starts = ends = _BEFORE_ALL
        while page := self.connection.execute(_TAKEN, {**criteria, "starts": starts, "ends": ends}).all():
            yield from ((row.starts, row.ends, int(row.units)) for row in page)
            starts, ends = page[-1].starts, page[-1].ends

    def list_taken_at(self, resource_id: int, minute: int) -> list[tuple[int, str | None]]:
        """Return what takes a resource at a UTC minute, seen at one instant: units, and the booking's reference."""
        rows = self.connection.execute(_AT, {"resource_id": resource_id, "minute": minute, **self._live()})
        return [(units, ref) for units, ref in rows]

    def iter_live_bookings(self) -> Iterator[Row[Any]]:
        """Yield the bookings that have not ended, a row for each resource, with what the calendar has of them."""
        cursor = 0
        while page := self.connection.execute(_LIVE_BOOKINGS, {"cursor": cursor, "now": self.now}).all():
            yield from page
            cursor = page[-1].id

    def list_given_back(self) -> list[tuple[str, str]]:
        """Return bookings, with their state, that have given their time back and still take it."""
        return [(ref, status) for ref, status in self.connection.execute(_GIVEN_BACK)]

    def list_strays(self) -> list[tuple[int, str]]:
        """Return the ids of calendar rows that contradict the rest, and why."""
        return [(row_id, why) for statement in _STRAYS for row_id, why in self.connection.execute(statement)]

    def _live(self) -> dict[str, int]:
        return {"now": int(self.now.timestamp())}


@contextmanager
def scanning(*, now: datetime) -> Iterator[Scan]:
    """Yield a scan on a connection of its own, which may take longer than a request's."""
    with streaming() as connection:
        if connection.dialect.name == "sqlite":
            yield Scan(connection, now)
            return
        try:
            _be_patient(connection)
            yield Scan(connection, now)
        finally:
            connection.invalidate()  # keeps the limits out of the pool


def _be_patient(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.expect_answers_within(PATIENCE_SECONDS)
    is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
    limit = f"max_statement_time={PATIENCE_SECONDS}" if is_mariadb else f"max_execution_time={PATIENCE_SECONDS}000"
    connection.exec_driver_sql(f"SET SESSION {limit}")
