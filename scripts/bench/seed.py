"""The data set "20x60": 20 resources, open 8 hours a day in half-hour slots, 60 days, every second slot booked."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone

from sqlalchemy import insert

from app.persistence import tables
from app.persistence.session import transaction

RESOURCES, DAYS, OPENS, CLOSES, STEP = 20, 60, 9 * 60, 17 * 60, 30
_UTC = timezone.utc


def seed(first: date) -> None:
    """Fill an empty, migrated database: one service over all 20 resources, one over the first alone; 9,600 bookings."""
    now = datetime.now(_UTC)
    stamps = {"created_at": now, "updated_at": now}
    with transaction() as session:
        place = {"slug": "bench", "name": "Bench", "timezone": "UTC", "currency": "EUR"}
        session.execute(insert(tables.venues), {"id": 1, **place, **stamps})
        hours = json.dumps([[[OPENS, CLOSES]]] * 7)
        session.execute(insert(tables.resources), [_resource(number, hours, stamps) for number in _numbers()])
        session.execute(insert(tables.services), [_service(1, "any", stamps), _service(2, "one", stamps)])
        members = [(1, number) for number in _numbers()] + [(2, 1)]
        session.execute(insert(tables.service_resources), [_member(*member) for member in members])
        session.execute(
            insert(tables.customers), {"id": 1, "name": "Ada", "email": "a@b.co", "phone": "", "created_at": now}
        )
    for number in _numbers():
        _book_every_second_slot(number, first, stamps)


def _numbers() -> range:
    return range(1, RESOURCES + 1)


def _resource(number: int, hours: str, stamps: dict[str, datetime]) -> dict[str, object]:
    name = {"slug": f"r{number}", "name": f"Room {number}", "kind": "space"}
    return {"id": number, "venue_id": 1, **name, "capacity": 1, "weekly_hours": hours, **stamps}


def _service(number: int, slug: str, stamps: dict[str, datetime]) -> dict[str, object]:
    zero = (
        "buffer_before_minutes",
        "buffer_after_minutes",
        "min_notice_minutes",
        "units_per_party_member",
        "per_hour_minor",
    )
    return {
        "id": number,
        "venue_id": 1,
        "slug": slug,
        "name": slug,
        "description": "",
        "min_minutes": STEP,
        "max_minutes": STEP,
        "step_minutes": STEP,
        "slot_interval_minutes": STEP,
        "horizon_days": 365,
        "requires_approval": False,
        "guest_bookings": True,
        "flat_minor": 1000,
        "per_person_minor": 0,
        "deposit_percent": 0,
        "tax_bp": 1900,
        "cancellation": "[]",
        "custom_fields": "[]",
        **dict.fromkeys(zero, 0),
        **stamps,
    }


def _member(service_id: int, resource_id: int) -> dict[str, int]:
    return {"service_id": service_id, "resource_id": resource_id, "group_no": 0, "position": resource_id}


def _book_every_second_slot(number: int, first: date, stamps: dict[str, datetime]) -> None:
    midnight = datetime.combine(first, time(), _UTC)
    starts = [
        midnight + timedelta(days=day, minutes=minute)
        for day in range(DAYS)
        for minute in range(OPENS, CLOSES, 2 * STEP)
    ]
    ids = [(number - 1) * len(starts) + at + 1 for at in range(len(starts))]
    with transaction() as session:
        session.execute(
            insert(tables.bookings), [_booking(i, start, stamps) for i, start in zip(ids, starts, strict=True)]
        )
        links = [{"booking_id": i, "resource_id": number} for i in ids]
        session.execute(insert(tables.booking_resources), links)
        session.execute(
            insert(tables.occupancies),
            [_occupancy(i, number, start) for i, start in zip(ids, starts, strict=True)],
        )


def _booking(number: int, starts_at: datetime, stamps: dict[str, datetime]) -> dict[str, object]:
    return {
        "id": number,
        "ref": f"B{number}",
        "manage_token_hash": "",
        "status": "confirmed",
        "venue_id": 1,
        "service_id": 1,
        "customer_id": 1,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=STEP),
        "timezone": "UTC",
        "party_size": 1,
        "currency": "EUR",
        "total_minor": 1190,
        "deposit_minor": 0,
        "price_lines": "[]",
        "answers": "{}",
        "notes": "",
        **stamps,
    }


def _occupancy(booking_id: int, resource_id: int, starts_at: datetime) -> dict[str, int]:
    minute = int(starts_at.timestamp() // 60)
    span = {"starts": minute, "ends": minute + STEP, "units": 1}
    return {"booking_id": booking_id, "resource_id": resource_id, **span}
