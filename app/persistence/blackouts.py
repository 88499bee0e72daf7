"""Blackouts: the times in which nobody may book, of a whole venue or of one resource."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, func, insert, or_, select, update

from app.domain.blackouts import Blackout
from app.domain.bookings import TAKING_TIME
from app.domain.errors import NotFound
from app.domain.spans import MAX_OCCUPANCY_MINUTES
from app.domain.times import from_minute
from app.persistence.session import Session
from app.persistence.tables import UtcDateTime, blackouts, booking_resources, bookings, occupancies, resources, venues

_UIDS_A_QUERY = 500
_COLUMNS = (
    blackouts.c.id,
    blackouts.c.venue_id,
    blackouts.c.resource_id,
    blackouts.c.starts,
    blackouts.c.ends,
    blackouts.c.reason,
    blackouts.c.uid,
    blackouts.c.series,
)
_PLACE = (
    select(venues.c.id, venues.c.timezone, resources.c.id.label("resource_id"), resources.c.slug.label("resource_slug"))
    .join_from(venues, resources, resources.c.venue_id == venues.c.id, isouter=True)
    .where(venues.c.slug == bindparam("slug"))
    .order_by(resources.c.id)
)
_RESOURCE_IDS = select(resources.c.id).where(resources.c.venue_id == bindparam("venue_id"))
_BY_UID = select(*_COLUMNS).where(
    blackouts.c.venue_id == bindparam("venue_id"), blackouts.c.uid.in_(bindparam("uids", expanding=True))
)
_BY_ID = select(*_COLUMNS).where(blackouts.c.id == bindparam("blackout_id"))
_LIST = (
    select(*_COLUMNS)
    .where(
        blackouts.c.venue_id == bindparam("venue_id"),
        blackouts.c.ends > bindparam("after"),
        blackouts.c.starts < bindparam("before"),
    )
    .order_by(blackouts.c.starts, blackouts.c.id)
    .limit(bindparam("most"))
)
_PAGE = (
    select(*_COLUMNS)
    .where(
        blackouts.c.venue_id == bindparam("venue_id"),
        blackouts.c.ends > bindparam("after"),
        blackouts.c.starts < bindparam("before"),
        blackouts.c.id > bindparam("cursor"),
        or_(
            bindparam("is_all"),
            blackouts.c.resource_id.is_(None),
            blackouts.c.resource_id.in_(bindparam("resource_ids", expanding=True)),
        ),
    )
    .order_by(blackouts.c.id)
    .limit(bindparam("most"))
)
_IN_SERIES = select(*_COLUMNS).where(
    blackouts.c.venue_id == bindparam("venue_id"), blackouts.c.series == bindparam("series")
)
_INSIDE = (
    select(bookings.c.ref, bookings.c.starts_at, bookings.c.ends_at)
    .join_from(bookings, booking_resources, booking_resources.c.booking_id == bookings.c.id)
    .where(
        bookings.c.venue_id == bindparam("venue_id"),
        booking_resources.c.resource_id.in_(bindparam("ids", expanding=True)),
        bookings.c.status.in_(sorted(TAKING_TIME)),
        bookings.c.starts_at > bindparam("since", type_=UtcDateTime()),
        bookings.c.starts_at < bindparam("before", type_=UtcDateTime()),
        bookings.c.ends_at > bindparam("after", type_=UtcDateTime()),
    )
    .order_by(bookings.c.starts_at, bookings.c.id)
    .limit(bindparam("most"))
)
# A booking's buffers may reach into a blackout, so its own times count, not those of its occupancy.
_BOOKINGS_INSIDE = (
    select(func.count(occupancies.c.booking_id.distinct()))
    .join_from(occupancies, bookings, bookings.c.id == occupancies.c.booking_id)
    .where(
        occupancies.c.resource_id.in_(bindparam("ids", expanding=True)),
        occupancies.c.starts > bindparam("starts") - MAX_OCCUPANCY_MINUTES,
        occupancies.c.starts < bindparam("ends"),
        occupancies.c.ends > bindparam("starts"),
        bookings.c.starts_at < bindparam("ends_at"),
        bookings.c.ends_at > bindparam("starts_at"),
    )
)
_ADD = insert(blackouts)
_UPDATE = update(blackouts).where(blackouts.c.id == bindparam("row_id")).execution_options(synchronize_session=False)
_DELETE = delete(blackouts).where(blackouts.c.id == bindparam("row_id")).execution_options(synchronize_session=False)


def list_places(session: Session, venue_slug: str) -> tuple[int, str, dict[str, int]]:
    """Return a venue's key and zone, and the keys of its resources by slug.

    Raises:
        NotFound: there is no such venue.
    """
    rows = session.execute(_PLACE, {"slug": venue_slug}).all()
    if not rows:
        raise NotFound(f"There is no venue {venue_slug}: see 'catalogue show'.")
    return rows[0].id, rows[0].timezone, {row.resource_slug: row.resource_id for row in rows if row.resource_id}


def list_venue_resource_ids(session: Session, venue_id: int) -> set[int]:
    """Return the keys of everything that is booked in a venue."""
    return {*session.execute(_RESOURCE_IDS, {"venue_id": venue_id}).scalars()}


def list_by_uids(session: Session, venue_id: int, uids: Iterable[str]) -> dict[str, Blackout]:
    """Return the venue's blackouts of these events, by uid."""
    wanted, found = [*uids], {}
    for first in range(0, len(wanted), _UIDS_A_QUERY):
        some = wanted[first : first + _UIDS_A_QUERY]
        for row in session.execute(_BY_UID, {"venue_id": venue_id, "uids": some}).mappings():
            found[row["uid"]] = _blackout(row)
    return found


def get_blackout(session: Session, blackout_id: int) -> Blackout:
    """Return a blackout.

    Raises:
        NotFound: there is none of that key.
    """
    row = session.execute(_BY_ID, {"blackout_id": blackout_id}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such blackout.")
    return _blackout(row)


def list_blackouts(session: Session, venue_id: int, *, after: int, before: int, limit: int) -> list[Blackout]:
    """Return at most *limit* blackouts of a venue that touch the UTC minutes from *after* to *before*, in order of time."""
    criteria = {"venue_id": venue_id, "after": after, "before": before, "most": limit}
    return [_blackout(row) for row in session.execute(_LIST, criteria).mappings()]


def list_page(  # noqa: PLR0913 - the filters of one list, each by name
    session: Session,
    venue_id: int,
    *,
    after: int,
    before: int,
    resource_ids: Collection[int] | None,
    cursor: int,
    limit: int,
) -> list[Blackout]:
    """Return at most *limit* blackouts of a venue and of these resources (None is any), from after the key *cursor*."""
    values = {"venue_id": venue_id, "after": after, "before": before, "cursor": cursor, "most": limit}
    reach = {"is_all": resource_ids is None, "resource_ids": [*(resource_ids or ())]}
    return [_blackout(row) for row in session.execute(_PAGE, {**values, **reach}).mappings()]


def list_series(session: Session, venue_id: int, series: str) -> list[Blackout]:
    """Return the blackouts that were entered at once."""
    return [_blackout(row) for row in session.execute(_IN_SERIES, {"venue_id": venue_id, "series": series}).mappings()]


def list_bookings_inside(
    session: Session, venue_id: int, resource_ids: Collection[int], *, starts: int, ends: int, limit: int
) -> list[tuple[str, datetime, datetime]]:
    """Return reference, start and end of at most *limit* bookings of these resources that touch the UTC minutes, by start."""
    after = from_minute(starts)
    values = {
        "venue_id": venue_id,
        "ids": [*resource_ids],
        "since": after - timedelta(minutes=MAX_OCCUPANCY_MINUTES),
        "after": after,
        "before": from_minute(ends),
        "most": limit,
    }
    return [(ref, starts_at, ends_at) for ref, starts_at, ends_at in session.execute(_INSIDE, values)]


def count_bookings_inside(session: Session, blackout: Blackout, resource_ids: Iterable[int]) -> int:
    """Return how many live bookings of these resources the blackout touches."""
    criteria = {
        "ids": [*resource_ids],
        "starts": blackout.starts,
        "ends": blackout.ends,
        "starts_at": from_minute(blackout.starts),
        "ends_at": from_minute(blackout.ends),
    }
    return session.execute(_BOOKINGS_INSIDE, criteria).scalar_one()


def add_blackout(session: Session, blackout: Blackout) -> int:
    """Insert a blackout and return its key; the value's own is not looked at."""
    result: Any = session.execute(_ADD, _values(blackout))
    return int(result.inserted_primary_key[0])


def update_blackout(session: Session, blackout: Blackout) -> None:
    """Give a blackout other times, another reason, another resource."""
    session.execute(_UPDATE, {**_values(blackout), "row_id": blackout.id})


def delete_blackout(session: Session, blackout_id: int) -> None:
    """Remove a blackout."""
    session.execute(_DELETE, {"row_id": blackout_id})


def _values(blackout: Blackout) -> dict[str, Any]:
    return {name: value for name, value in asdict(blackout).items() if name != "id"}


def _blackout(row: RowMapping) -> Blackout:
    return Blackout(**row)
