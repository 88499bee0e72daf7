"""The calendar clock: ``resources.calendar_version`` is the lock of a resource's time and the tag of what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, insert, or_, select, update

from app.domain.catalogue import first_excess
from app.domain.spans import MAX_OCCUPANCY_MINUTES
from app.persistence.session import Session
from app.persistence.tables import occupancies, resources

_LOCK = (
    update(resources)
    .where(resources.c.id.in_(bindparam("ids", expanding=True)))
    .values(calendar_version=resources.c.calendar_version + 1)
    .execution_options(synchronize_session=False)
)
_TAKE = insert(occupancies)
_OWN = select(occupancies.c.starts, occupancies.c.ends, occupancies.c.resource_id).where(
    occupancies.c.booking_id == bindparam("booking_id")
)
_BESIDE = (
    select(occupancies.c.starts, occupancies.c.ends, occupancies.c.units, resources.c.capacity)
    .join_from(occupancies, resources, resources.c.id == occupancies.c.resource_id)
    .where(
        occupancies.c.resource_id == bindparam("resource_id"),
        occupancies.c.starts > bindparam("starts") - MAX_OCCUPANCY_MINUTES,
        occupancies.c.starts < bindparam("ends"),
        occupancies.c.ends > bindparam("starts"),
        or_(occupancies.c.expires.is_(None), occupancies.c.expires > bindparam("now")),
    )
)
_FREE_BOOKING = delete(occupancies).where(occupancies.c.booking_id == bindparam("owner"))
_FREE_HOLD = delete(occupancies).where(occupancies.c.hold_id == bindparam("owner"))


def lock_resources(session: Session, ids: Iterable[int]) -> None:
    """Lock the resources' calendars until the transaction ends, and move their versions on.

    Comes first in the transaction, before anything is read. The server walks the primary key, so rows are locked in
    ascending order whatever the order of *ids*.
    """
    session.execute(_LOCK, {"ids": sorted(set(ids))})


def add_occupancies(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Insert what is taken: one row a resource."""
    session.execute(_TAKE, rows)


def fits(session: Session, booking_id: int, *, now_seconds: int) -> bool:
    """Tell whether what a booking has taken is still within its resources' capacities, by all that is taken beside it."""
    for starts, ends, resource_id in session.execute(_OWN, {"booking_id": booking_id}).all():
        where = {"resource_id": resource_id, "starts": starts, "ends": ends, "now": now_seconds}
        rows = session.execute(_BESIDE, where).all()
        spans = [(max(row.starts, starts), min(row.ends, ends), row.units) for row in rows]
        if first_excess(spans, rows[0].capacity) is not None:
            return False
    return True


def delete_booking_occupancies(session: Session, booking_id: int) -> None:
    """Give a booking's time back."""
    session.execute(_FREE_BOOKING, {"owner": booking_id})


def delete_hold_occupancies(session: Session, hold_id: int) -> None:
    """Give a hold's time back."""
    session.execute(_FREE_HOLD, {"owner": hold_id})
