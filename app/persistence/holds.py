"""Holds: time kept for somebody who is still filling in a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select

from app.domain.duties import HOUR, MOST_AHEAD
from app.persistence.session import Session
from app.persistence.tables import holds, occupancies

_ADD = insert(holds)
_BY_TOKEN = (
    select(
        holds.c.id,
        holds.c.service_id,
        holds.c.starts,
        holds.c.ends,
        holds.c.party_size,
        holds.c.expires,
        occupancies.c.resource_id,
    )
    .join_from(holds, occupancies, occupancies.c.hold_id == holds.c.id)
    .where(holds.c.token_hash == bindparam("token_hash"))
    .order_by(occupancies.c.resource_id)
)
_DELETE = delete(holds).where(holds.c.id == bindparam("hold_id"))
# One that expires beyond the longest there is was made by a clock that was ahead: it would keep its time until then.
_LONGEST_SECONDS = HOUR + int(MOST_AHEAD.total_seconds())
_EXPIRED = (
    select(holds.c.id)
    .where(or_(holds.c.expires <= bindparam("now"), holds.c.expires > bindparam("latest")))
    .order_by(holds.c.expires)
    .limit(bindparam("most"))
)
_FREE_MANY = delete(occupancies).where(occupancies.c.hold_id.in_(bindparam("ids", expanding=True)))
_DELETE_MANY = delete(holds).where(holds.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as stored: UTC minutes, ``expires`` in UTC seconds."""

    id: int
    service_id: int
    starts: int
    ends: int
    party_size: int
    expires: int
    resource_ids: tuple[int, ...]


def add_hold(session: Session, values: dict[str, Any]) -> int:
    """Insert a hold and return the key."""
    result: Any = session.execute(_ADD, values)
    return int(result.inserted_primary_key[0])


def find_hold(session: Session, token_hash: str) -> Hold | None:
    """Return the hold of a token, expired or not."""
    rows = session.execute(_BY_TOKEN, {"token_hash": token_hash}).all()
    if not rows:
        return None
    first = rows[0]
    return Hold(*first[:6], tuple(row.resource_id for row in rows))


def delete_hold(session: Session, hold_id: int) -> bool:
    """Delete a hold whose occupancies are gone; tell whether it was there."""
    result: Any = session.execute(_DELETE, {"hold_id": hold_id})
    return bool(result.rowcount == 1)


def delete_expired(session: Session, *, now_seconds: int, limit: int) -> int:
    """Delete at most *limit* holds that are over, with what they took, and return how many."""
    times = {"now": now_seconds, "latest": now_seconds + _LONGEST_SECONDS}
    ids = list(session.execute(_EXPIRED, {**times, "most": limit}).scalars())
    if ids:
        session.execute(_FREE_MANY, {"ids": ids})
        session.execute(_DELETE_MANY, {"ids": ids})
    return len(ids)
