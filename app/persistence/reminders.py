"""Which bookings are to be remembered, and which reminders have been seen to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, cast, func, insert, literal_column, select
from sqlalchemy.sql.expression import Select

from app.domain.reminders import GOT_ITS_TIME, LATEST
from app.persistence.session import Session
from app.persistence.tables import audit_log, bookings, reminders, services

_B = bookings.c
_OFFSETS = select(services.c.id, services.c.reminders).where(services.c.reminders != "[]")
# Minutes since 1970, as the marks have them: the two databases have no word in common for it.
_START_MINUTE: Mapping[bool, ColumnElement[Any]] = {
    True: cast(func.strftime("%s", _B.starts_at), Integer) // 60,
    False: func.timestampdiff(literal_column("MINUTE"), literal_column("'1970-01-01 00:00:00'"), _B.starts_at),
}


def _due(start_minute: ColumnElement[Any]) -> Select[Any]:
    # A value and not NOT EXISTS: of that MariaDB makes a list of its own, out of every mark there ever was.
    mark = (
        select(reminders.c.minutes_before)
        .where(
            reminders.c.booking_id == _B.id,
            reminders.c.starts == start_minute,
            reminders.c.minutes_before == bindparam("minutes"),
        )
        .scalar_subquery()
    )
    return (
        select(_B.id)
        .where(
            _B.status == "confirmed",
            _B.starts_at > bindparam("after"),
            _B.starts_at <= bindparam("until"),
            _B.service_id.in_(bindparam("service_ids", expanding=True)),
            mark.is_(None),
        )
        .order_by(_B.starts_at)
        .limit(bindparam("most"))
    )


_DUE = {is_sqlite: _due(minute) for is_sqlite, minute in _START_MINUTE.items()}
# Locked, so that one who cancels or moves it is either seen here or comes after the reminder, and takes it back.
_LOCK = select(_B.ref, _B.status).where(_B.id == bindparam("booking_id")).with_for_update()
_MARKED = select(reminders.c.minutes_before).where(
    reminders.c.booking_id == bindparam("booking_id"), reminders.c.starts == bindparam("starts")
)
_GOT_ITS_TIME = select(func.max(audit_log.c.at)).where(
    audit_log.c.object == bindparam("about"), audit_log.c.action.in_(GOT_ITS_TIME)
)
_MARK = insert(reminders)


def list_offsets(session: Session) -> list[tuple[int, str]]:
    """Return the services that remind, each with its reminders as they are stored."""
    return [(row.id, row.reminders) for row in session.execute(_OFFSETS)]


def list_due(session: Session, minutes: int, service_ids: Collection[int], *, now: datetime, limit: int) -> list[int]:
    """Return the keys of at most *limit* confirmed bookings of services whose reminder of so many *minutes* is to be seen to.

    The earliest first. Reminders that are over for more than a day are left alone: so no more than a day's bookings are read.
    """
    until = now + timedelta(minutes=minutes)
    values = {
        "minutes": minutes,
        "service_ids": list(service_ids),
        "after": max(now, until - LATEST),
        "until": until,
        "most": limit,
    }
    is_sqlite = session.engine.dialect.name == "sqlite"
    return list(session.execute(_DUE[is_sqlite], values).scalars())


def lock_confirmed(session: Session, booking_id: int) -> str:
    """Return the reference of a booking that stays confirmed until this transaction ends; empty if it is not."""
    row = session.execute(_LOCK, {"booking_id": booking_id}).one_or_none()
    return str(row.ref) if row is not None and row.status == "confirmed" else ""


def list_marked(session: Session, booking_id: int, *, starts: int) -> Sequence[int]:
    """Return the reminders of a booking, in minutes, that have been seen to for its start at a UTC minute."""
    return session.execute(_MARKED, {"booking_id": booking_id, "starts": starts}).scalars().all()


def got_its_time_at(session: Session, ref: str) -> datetime | None:
    """Return when a booking was made, approved or moved last; None if nobody knows any more."""
    found: datetime | None = session.scalar(_GOT_ITS_TIME, {"about": f"booking:{ref}"})
    return found


def mark(session: Session, booking_id: int, *, starts: int, minutes: Collection[int]) -> None:
    """Note that reminders of a booking have been seen to."""
    rows = [{"booking_id": booking_id, "starts": starts, "minutes_before": each} for each in minutes]
    session.execute(_MARK, rows)
