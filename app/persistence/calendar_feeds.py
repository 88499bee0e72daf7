"""Calendar feeds: whose they are, and what tells, in one query, whether one has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, exists, func, insert, or_, select, update

from app.persistence.session import Session
from app.persistence.tables import bookings, calendar_feeds, customers, resources, user_scopes, users

_C = calendar_feeds.c
_OWN = (
    select(func.coalesce(func.sum(bookings.c.version), 0))
    .join_from(customers, bookings)
    .where(customers.c.user_id == _C.user_id)
    .scalar_subquery()
)
_COVERED = or_(
    users.c.role == "admin",
    exists().where(
        user_scopes.c.user_id == _C.user_id,
        user_scopes.c.venue_id == resources.c.venue_id,
        or_(user_scopes.c.resource_id.is_(None), user_scopes.c.resource_id == resources.c.id),
    ),
)
_HOUSE = select(func.coalesce(func.sum(resources.c.calendar_version), 0)).where(_COVERED).scalar_subquery()
_PLACES = select(func.coalesce(func.sum(resources.c.id), 0)).where(_COVERED).scalar_subquery()
_ONE = resources.alias("one")
_CLOCK = case(
    (_C.resource_id.is_not(None), _ONE.c.calendar_version + _ONE.c.version),
    (users.c.role == "customer", _OWN),
    else_=_HOUSE,
)
_FIND = (
    select(
        _C.id,
        _C.user_id,
        users.c.role,
        _C.resource_id,
        _ONE.c.venue_id,
        func.coalesce(_ONE.c.name, users.c.name).label("name"),
        _CLOCK.label("clock"),
        case((users.c.role == "staff", _PLACES), else_=0).label("places"),
    )
    .outerjoin_from(calendar_feeds, users, users.c.id == _C.user_id)
    .outerjoin(_ONE, _ONE.c.id == _C.resource_id)
    .where(_C.token_hash == bindparam("token_hash"), or_(_C.user_id.is_(None), users.c.active))
)
_MADE_AT = {
    "user": select(_C.created_at).where(_C.user_id == bindparam("owner")),
    "resource": select(_C.created_at).where(_C.resource_id == bindparam("owner")),
}
_DROP = {
    "user": delete(calendar_feeds).where(_C.user_id == bindparam("owner")),
    "resource": delete(calendar_feeds).where(_C.resource_id == bindparam("owner")),
}
_RENEW = {
    "user": update(calendar_feeds).where(_C.user_id == bindparam("owner")),
    "resource": update(calendar_feeds).where(_C.resource_id == bindparam("owner")),
}
_ADD = insert(calendar_feeds)


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as its link finds it: an account's, or a resource's. ``clock`` and ``places`` change with what it shows."""

    id: int
    user_id: int | None
    role: str | None
    resource_id: int | None
    venue_id: int | None
    name: str
    clock: int
    places: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a feed is: ``kind`` is user or resource."""

    kind: str
    id: int


def find_feed(session: Session, token_hash: str) -> Feed | None:
    """Return the feed of a link, unless its account is closed."""
    row: Any = session.execute(_FIND, {"token_hash": token_hash}).one_or_none()
    if row is None:
        return None
    id_, user_id, role, resource_id, venue_id, name, clock, places = row
    return Feed(id_, user_id, role, resource_id, venue_id, name, int(clock), int(places))


def find_made_at(session: Session, owner: Owner) -> datetime | None:
    """Return when the link in use was made; None where there is none."""
    found: datetime | None = session.execute(_MADE_AT[owner.kind], {"owner": owner.id}).scalar()
    return found


def replace_feed(session: Session, owner: Owner, token_hash: str, *, now: datetime) -> None:
    """Make the link of a feed, or another one for it: the one before opens nothing any more."""
    link = {"token_hash": token_hash, "created_at": now}
    renewed: Any = session.execute(_RENEW[owner.kind].values(link), {"owner": owner.id})
    if renewed.rowcount == 0:
        session.execute(_ADD, {"user_id": None, "resource_id": None, f"{owner.kind}_id": owner.id, **link})


def delete_feed(session: Session, owner: Owner) -> bool:
    """Make a feed's link open nothing any more; tell whether there was one."""
    result: Any = session.execute(_DROP[owner.kind], {"owner": owner.id})
    return bool(result.rowcount)
