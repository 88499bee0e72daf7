"""The catalogue read and written as a whole, for import and export; visitors' reads stand in ``listings``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, Table, bindparam, delete, insert, or_, select, update

from app.domain.catalogue import Entry, ResourceEntry, ServiceEntry, SpecialHours, VenueEntry
from app.domain.custom_fields import fields_from_json
from app.domain.hours import starts_from_json, weekly_from_json, windows_from_json
from app.persistence.session import Session
from app.persistence.tables import occupancies, resources, service_resources, services, special_hours, venues

_WANTED = or_(bindparam("slug") == "", venues.c.slug == bindparam("slug"))
_VENUES = select(venues).where(_WANTED).order_by(venues.c.id)
_RESOURCES = select(resources).join_from(resources, venues).where(_WANTED).order_by(resources.c.id)
_SPECIAL_HOURS = (
    select(special_hours)
    .join_from(special_hours, resources)
    .join(venues, venues.c.id == resources.c.venue_id)
    .where(_WANTED)
    .order_by(special_hours.c.on_date)
)
_SERVICES = select(services).join_from(services, venues).where(_WANTED).order_by(services.c.id)
_MEMBERS = (
    select(service_resources, resources.c.slug)
    .join_from(service_resources, resources)
    .join(venues, venues.c.id == resources.c.venue_id)
    .where(_WANTED)
    .order_by(service_resources.c.group_no, service_resources.c.position)
)
_TAKEN = select(occupancies.c.starts, occupancies.c.ends, occupancies.c.units).where(
    occupancies.c.resource_id == bindparam("resource_id"),
    occupancies.c.ends > bindparam("from_minute"),
    or_(occupancies.c.expires.is_(None), occupancies.c.expires > bindparam("now")),
)
_ADD = {table.name: insert(table) for table in (venues, resources, services)}
_UPDATE = {
    table.name: update(table)
    .where(table.c.id == bindparam("row_id"))
    .values(version=table.c.version + 1)
    .execution_options(synchronize_session=False)
    for table in (venues, resources, services)
}
_ADD_HOURS, _ADD_MEMBERS = insert(special_hours), insert(service_resources)
_DROP_HOURS = delete(special_hours).where(special_hours.c.resource_id == bindparam("owner"))
_DROP_MEMBERS = delete(service_resources).where(service_resources.c.service_id == bindparam("owner"))
_AS_JSON = frozenset({"weekly_hours", "weekly_starts", "cancellation", "reminders"})
_ELSEWHERE = frozenset({"special_hours", "groups", "resources", "services"})  # in tables of their own


@dataclass(frozen=True, slots=True)
class StoredVenue:
    """A venue as it is stored, and the keys of what is in it by slug."""

    id: int
    entry: VenueEntry
    resource_ids: Mapping[str, int]
    service_ids: Mapping[str, int]


def list_catalogue(session: Session, venue_slug: str = "") -> dict[str, StoredVenue]:
    """Return every venue, or the one of that slug, by slug, with all that is in it; five queries."""
    wanted = {"slug": venue_slug}
    hours, members = _special_hours(session, wanted), _members(session, wanted)
    inside: dict[int, tuple[list[RowMapping], list[RowMapping]]] = defaultdict(lambda: ([], []))
    for place, statement in enumerate((_RESOURCES, _SERVICES)):
        for row in session.execute(statement, wanted).mappings():
            inside[row["venue_id"]][place].append(row)
    return {
        row["slug"]: _venue(row, *inside[row["id"]], hours, members)
        for row in session.execute(_VENUES, wanted).mappings()
    }


def list_taken(session: Session, resource_id: int, *, from_minute: int, now_seconds: int) -> list[tuple[int, int, int]]:
    """Return what is taken of a resource from a UTC minute on, as ``(starts, ends, units)`` clipped to it."""
    criteria = {"resource_id": resource_id, "from_minute": from_minute, "now": now_seconds}
    rows = session.execute(_TAKEN, criteria)
    return [(max(starts, from_minute), ends, units) for starts, ends, units in rows]


def add_venue(session: Session, venue: VenueEntry, *, now: datetime) -> int:
    """Insert a venue without what is in it; return its key."""
    return _add(session, venues, _columns(venue), now)


def update_venue(session: Session, venue_id: int, venue: VenueEntry, *, now: datetime) -> None:
    """Change a venue, not what is in it."""
    _update(session, venues, venue_id, _columns(venue), now)


def add_resource(session: Session, venue_id: int, resource: ResourceEntry, *, now: datetime) -> int:
    """Insert a resource with its hours; return its key."""
    resource_id = _add(session, resources, {"venue_id": venue_id, **_columns(resource)}, now)
    _set_special_hours(session, resource_id, resource.special_hours)
    return resource_id


def update_resource(session: Session, resource_id: int, resource: ResourceEntry, *, now: datetime) -> None:
    """Change a resource and its hours; its calendar is locked by the caller."""
    _update(session, resources, resource_id, _columns(resource), now)
    _set_special_hours(session, resource_id, resource.special_hours)


def add_service(
    session: Session, venue_id: int, service: ServiceEntry, resource_ids: Mapping[str, int], *, now: datetime
) -> int:
    """Insert a service with its resources; return its key."""
    service_id = _add(session, services, {"venue_id": venue_id, **_columns(service)}, now)
    _set_members(session, service_id, service.groups, resource_ids)
    return service_id


def update_service(
    session: Session, service_id: int, service: ServiceEntry, resource_ids: Mapping[str, int], *, now: datetime
) -> None:
    """Change a service and its resources; their calendars are locked by the caller."""
    _update(session, services, service_id, _columns(service), now)
    _set_members(session, service_id, service.groups, resource_ids)


def _special_hours(session: Session, wanted: Mapping[str, str]) -> dict[int, SpecialHours]:
    found: dict[int, dict[date, tuple[tuple[int, int], ...]]] = defaultdict(dict)
    for row in session.execute(_SPECIAL_HOURS, wanted):
        found[row.resource_id][row.on_date] = windows_from_json(row.windows)
    return {**found}


def _members(session: Session, wanted: Mapping[str, str]) -> dict[int, tuple[tuple[str, ...], ...]]:
    found: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in session.execute(_MEMBERS, wanted):
        found[row.service_id][row.group_no].append(row.slug)
    return {service_id: tuple(tuple(group) for group in groups.values()) for service_id, groups in found.items()}


def _venue(
    row: RowMapping,
    resource_rows: Sequence[RowMapping],
    service_rows: Sequence[RowMapping],
    hours: Mapping[int, SpecialHours],
    members: Mapping[int, tuple[tuple[str, ...], ...]],
) -> StoredVenue:
    entry = replace(
        venue_entry(row),
        resources=tuple(resource_entry(item, hours.get(item["id"], {})) for item in resource_rows),
        services=tuple(service_entry(item, members.get(item["id"], ())) for item in service_rows),
    )
    return StoredVenue(
        row["id"],
        entry,
        {item["slug"]: item["id"] for item in resource_rows},
        {item["slug"]: item["id"] for item in service_rows},
    )


def venue_entry(row: RowMapping) -> VenueEntry:
    """Return what a row of ``venues`` says, without what is in the venue."""
    return VenueEntry(**_plain(VenueEntry, row), resources=(), services=())


def resource_entry(row: RowMapping, hours: SpecialHours) -> ResourceEntry:
    """Return what a row of ``resources`` says, with its special hours."""
    values = _plain(ResourceEntry, row)
    values["weekly_hours"] = weekly_from_json(row["weekly_hours"])
    return ResourceEntry(**values, special_hours=hours)


def service_entry(row: RowMapping, groups: tuple[tuple[str, ...], ...]) -> ServiceEntry:
    """Return what a row of ``services`` says, with the slugs of its resources."""
    starts = row["weekly_starts"]
    values = _plain(ServiceEntry, row)
    values["weekly_starts"] = None if starts is None else starts_from_json(starts)
    values["cancellation"] = tuple((hours, percent) for hours, percent in json.loads(row["cancellation"]))
    values["custom_fields"] = fields_from_json(row["custom_fields"])
    values["reminders"] = tuple(json.loads(row["reminders"]))
    return ServiceEntry(**values, groups=groups)


def _plain(kind: type[Entry], row: RowMapping) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind) if field.name not in _ELSEWHERE}


def _columns(entry: Entry) -> dict[str, Any]:
    """Return what the entry's own row holds."""
    values = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name not in _ELSEWHERE}
    for name in _AS_JSON & values.keys():
        values[name] = None if values[name] is None else json.dumps(values[name], separators=(",", ":"))
    if isinstance(entry, ServiceEntry):
        values["custom_fields"] = json.dumps([asdict(item) for item in entry.custom_fields], ensure_ascii=False)
    return values


def _add(session: Session, table: Table, values: Mapping[str, Any], now: datetime) -> int:
    row = {**values, "version": 1, "created_at": now, "updated_at": now}
    result: Any = session.execute(_ADD[table.name], row)
    return int(result.inserted_primary_key[0])


def _update(session: Session, table: Table, row_id: int, values: Mapping[str, Any], now: datetime) -> None:
    session.execute(_UPDATE[table.name], {**values, "row_id": row_id, "updated_at": now})


def _set_special_hours(session: Session, resource_id: int, hours: SpecialHours | None) -> None:
    if hours is None:
        return
    session.execute(_DROP_HOURS, {"owner": resource_id})
    rows = [
        {"resource_id": resource_id, "on_date": day, "windows": json.dumps(windows), "note": ""}
        for day, windows in hours.items()
    ]
    if rows:
        session.execute(_ADD_HOURS, rows)


def _set_members(
    session: Session, service_id: int, groups: tuple[tuple[str, ...], ...], resource_ids: Mapping[str, int]
) -> None:
    session.execute(_DROP_MEMBERS, {"owner": service_id})
    rows = [
        {"service_id": service_id, "resource_id": resource_ids[slug], "group_no": number, "position": position}
        for number, group in enumerate(groups)
        for position, slug in enumerate(group)
    ]
    session.execute(_ADD_MEMBERS, rows)
