"""Small builders that put a venue, its resources and its services into a database, and return their keys.

Each takes an engine, a connection or a session; every argument has a default that makes a bookable thing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timezone
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert

from app.persistence import tables
from app.persistence.session import Session

Database = Engine | Connection | Session
Windows = Sequence[tuple[int, int]]

MADE_AT = datetime(2027, 1, 1, tzinfo=timezone.utc)
OFFICE_HOURS: Windows = ((9 * 60, 17 * 60),)
AROUND_THE_CLOCK: Windows = ((0, 24 * 60),)
_numbers = count(1)


def make_venue(database: Database, *, timezone: str = "Europe/Berlin", **values: Any) -> int:
    """Return the key of a new venue."""
    slug = f"venue-{next(_numbers)}"
    defaults = {"slug": slug, "name": slug.capitalize(), "timezone": timezone, "currency": "EUR"}
    return _insert(database, tables.venues, {**defaults, **_stamps(), **values})


def make_resource(
    database: Database,
    venue_id: int,
    *,
    capacity: int = 1,
    daily_hours: Windows = OFFICE_HOURS,
    weekly_hours: Sequence[Windows] | None = None,
    **values: Any,
) -> int:
    """Return the key of a new resource, open for the same windows each day unless *weekly_hours* says otherwise."""
    slug = f"resource-{next(_numbers)}"
    defaults = {
        "venue_id": venue_id,
        "slug": slug,
        "name": slug.capitalize(),
        "kind": "space",
        "capacity": capacity,
        "weekly_hours": json.dumps(weekly_hours or [daily_hours] * 7),
    }
    return _insert(database, tables.resources, {**defaults, **_stamps(), **values})


def make_service(
    database: Database,
    venue_id: int,
    groups: Sequence[Sequence[int]],
    *,
    minutes: int = 60,
    weekly_starts: Sequence[Sequence[int]] | None = None,
    custom_fields: Sequence[dict[str, Any]] = (),
    **values: Any,
) -> int:
    """Return the key of a new service that takes one resource out of each group.

    It lasts *minutes*, starts every half hour, has no buffers, no notice and a horizon of two years, and costs 40.00 an hour.
    """
    slug = f"service-{next(_numbers)}"
    defaults = {
        "venue_id": venue_id,
        "slug": slug,
        "name": slug.capitalize(),
        "description": "",
        "min_minutes": minutes,
        "max_minutes": minutes,
        "step_minutes": 30,
        "slot_interval_minutes": 30,
        "weekly_starts": None if weekly_starts is None else json.dumps(weekly_starts),
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "min_notice_minutes": 0,
        "horizon_days": 730,
        "requires_approval": False,
        "guest_bookings": True,
        "units_per_party_member": 0,
        "flat_minor": 0,
        "per_hour_minor": 4000,
        "per_person_minor": 0,
        "deposit_percent": 0,
        "tax_bp": 0,
        "cancellation": "[]",
        "custom_fields": json.dumps(custom_fields),
    }
    service_id = _insert(database, tables.services, {**defaults, **_stamps(), **values})
    for group_no, group in enumerate(groups):
        for position, resource_id in enumerate(group):
            member = {"service_id": service_id, "resource_id": resource_id, "group_no": group_no, "position": position}
            _insert(database, tables.service_resources, member)
    return service_id


def make_blackout(
    database: Database, venue_id: int, *, starts: int, ends: int, resource_id: int | None = None, reason: str = ""
) -> int:
    """Return the key of a new blackout, in UTC minutes; of the whole venue unless a resource is named."""
    values = {"venue_id": venue_id, "resource_id": resource_id, "starts": starts, "ends": ends, "reason": reason}
    return _insert(database, tables.blackouts, {**values, "uid": f"blackout-{next(_numbers)}"})


def make_special_hours(database: Database, resource_id: int, *, on: date, windows: Windows) -> int:
    """Return the key of new special hours; no window at all closes the day."""
    return _insert(
        database, tables.special_hours, {"resource_id": resource_id, "on_date": on, "windows": json.dumps(windows)}
    )


def _stamps() -> dict[str, Any]:
    return {"created_at": MADE_AT, "updated_at": MADE_AT}


def _insert(database: Database, table: Table, values: dict[str, Any]) -> int:
    if isinstance(database, Engine):  # both drivers run in autocommit: what is executed is stored
        with database.connect() as connection:
            return _insert(connection, table, values)
    result: Any = database.execute(insert(table), values)
    return int(result.inserted_primary_key[0])
