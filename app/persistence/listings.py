"""What visitors may read of the catalogue: pages of venues, services and resources, by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, RowMapping, Select, bindparam, or_, select

from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import resources, service_resources, services, venues

_CURSOR: BindParameter[int] = bindparam("cursor")
_MOST: BindParameter[int] = bindparam("most")
_ID: BindParameter[int] = bindparam("id")
_VENUE_ID: BindParameter[int] = bindparam("venue_id")
_SERVICE_ID: BindParameter[int] = bindparam("service_id")
_IDS: BindParameter[int] = bindparam("ids", expanding=True)

_VENUES = select(venues).where(venues.c.id > _CURSOR, venues.c.active).order_by(venues.c.id).limit(_MOST)
_VENUE = select(venues).where(venues.c.id == _ID, venues.c.active)
_PLACE = select(venues.c.id).where(venues.c.id == _VENUE_ID)
_PLACE_IN = select(resources.c.id).where(resources.c.venue_id == _VENUE_ID, resources.c.id == _ID)
_HOURS = select(resources.c.venue_id, resources.c.weekly_hours).where(
    resources.c.venue_id.in_(_IDS), resources.c.active
)

_OFFERED = (
    select(services, venues.c.currency, venues.c.timezone)
    .join_from(services, venues)
    .where(services.c.active, venues.c.active)
)
_SERVICES = (
    _OFFERED.where(services.c.id > _CURSOR, or_(_VENUE_ID == 0, services.c.venue_id == _VENUE_ID))
    .order_by(services.c.id)
    .limit(_MOST)
)
_SERVICE = _OFFERED.where(services.c.id == _ID)
_MEMBERS = (
    select(service_resources.c.service_id, service_resources.c.resource_id, service_resources.c.group_no)
    .join_from(service_resources, resources)
    .where(service_resources.c.service_id.in_(_IDS), resources.c.active)
    .order_by(service_resources.c.service_id, service_resources.c.group_no, service_resources.c.position)
)

_RESOURCES = (
    select(
        resources.c.id, resources.c.venue_id, resources.c.slug, resources.c.name, resources.c.kind, resources.c.capacity
    )
    .join_from(resources, venues)
    .where(
        resources.c.id > _CURSOR,
        resources.c.active,
        venues.c.active,
        or_(_VENUE_ID == 0, resources.c.venue_id == _VENUE_ID),
        or_(
            _SERVICE_ID == 0,
            resources.c.id.in_(
                select(service_resources.c.resource_id).where(service_resources.c.service_id == _SERVICE_ID)
            ),
        ),
    )
    .order_by(resources.c.id)
    .limit(_MOST)
)


def list_venues(session: Session, *, cursor: int, limit: int) -> list[tuple[RowMapping, list[str]]]:
    """Return at most *limit* venues, each with its resources' weekly hours, as stored."""
    return _with_hours(session, _all(session, _VENUES, cursor=cursor, most=limit))


def get_venue(session: Session, venue_id: int) -> tuple[RowMapping, list[str]]:
    """Return a venue with its resources' weekly hours.

    Raises:
        NotFound: there is no such venue.
    """
    return _only(_with_hours(session, _all(session, _VENUE, id=venue_id)), "venue")


def has_place(session: Session, venue_id: int, resource_id: int | None) -> bool:
    """Tell whether there is such a venue, and in it such a resource."""
    statement = _PLACE if resource_id is None else _PLACE_IN
    return session.execute(statement, {"venue_id": venue_id, "id": resource_id or 0}).first() is not None


def list_services(
    session: Session, *, venue_id: int = 0, cursor: int, limit: int
) -> list[tuple[RowMapping, list[list[int]]]]:
    """Return at most *limit* services, each with the resource ids of its groups."""
    return _with_groups(session, _all(session, _SERVICES, venue_id=venue_id, cursor=cursor, most=limit))


def get_service(session: Session, service_id: int) -> tuple[RowMapping, list[list[int]]]:
    """Return a service with the resource ids of its groups.

    Raises:
        NotFound: there is no such service, or it is not offered.
    """
    return _only(_with_groups(session, _all(session, _SERVICE, id=service_id)), "service")


def list_resources(
    session: Session, *, venue_id: int = 0, service_id: int = 0, cursor: int, limit: int
) -> Sequence[RowMapping]:
    """Return at most *limit* resources: id, venue, slug, name, kind, capacity."""
    return _all(session, _RESOURCES, venue_id=venue_id, service_id=service_id, cursor=cursor, most=limit)


def _all(session: Session, statement: Select[Any], **values: object) -> Sequence[RowMapping]:
    return session.execute(statement, values).mappings().all()


def _only(found: Sequence[tuple[RowMapping, Any]], what: str) -> tuple[RowMapping, Any]:
    if not found:
        raise NotFound(f"There is no such {what}.")
    return found[0]


def _with_hours(session: Session, rows: Sequence[RowMapping]) -> list[tuple[RowMapping, list[str]]]:
    hours: dict[int, list[str]] = {row["id"]: [] for row in rows}
    for venue_id, weekly in session.execute(_HOURS, {"ids": [*hours]}) if rows else ():
        hours[venue_id].append(weekly)
    return [(row, hours[row["id"]]) for row in rows]


def _with_groups(session: Session, rows: Sequence[RowMapping]) -> list[tuple[RowMapping, list[list[int]]]]:
    groups: dict[int, dict[int, list[int]]] = {row["id"]: {} for row in rows}
    for service_id, resource_id, group_no in session.execute(_MEMBERS, {"ids": [*groups]}) if rows else ():
        groups[service_id].setdefault(group_no, []).append(resource_id)
    return [(row, [*groups[row["id"]].values()]) for row in rows]
