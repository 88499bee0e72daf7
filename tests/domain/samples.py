"""Offers and resources as values, with defaults, for tests of the domain alone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from app.domain.hours import WeeklyHours, Window
from app.domain.offers import Offer, Resource
from app.domain.prices import PriceList


def resource(
    number: int = 1,
    *,
    daily: tuple[Window, ...] = ((540, 1020),),
    capacity: int = 1,
    weekly_hours: WeeklyHours | None = None,
) -> Resource:
    """Return a resource, open for the same windows every day unless told otherwise."""
    return Resource(id=number, name=f"Room {number}", capacity=capacity, weekly_hours=weekly_hours or (daily,) * 7)


def offer(*groups: tuple[Resource, ...], zone: str = "Europe/Berlin", minutes: int = 60, **values: Any) -> Offer:
    """Return a service of one hour, every hour, bookable two years ahead without notice or buffers."""
    defaults = {
        "service_id": 1,
        "venue_id": 1,
        "version": 1,
        "venue_version": 1,
        "calendar_version": 1,
        "name": "Room hire",
        "zone": ZoneInfo(zone),
        "min_minutes": minutes,
        "max_minutes": minutes,
        "step_minutes": 30,
        "slot_interval_minutes": 60,
        "weekly_starts": None,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "min_notice_minutes": 0,
        "horizon_days": 730,
        "requires_approval": False,
        "guest_bookings": True,
        "max_party_size": None,
        "units_per_party_member": 0,
        "prices": PriceList("EUR"),
        "custom_fields": (),
        "groups": groups or ((resource(),),),
    }
    return Offer(**{**defaults, **values})
