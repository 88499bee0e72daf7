"""Objects of the catalogue as documents: the keys are those of the catalogue file, and every key is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.catalogue import ResourceEntry, ServiceEntry, VenueEntry
from app.domain.hours import WEEKDAYS, WeeklyHours, clock_text, window_text

Document = dict[str, Any]


def venue_document(venue: VenueEntry) -> Document:
    """Return a venue without what is in it."""
    names = ("slug", "name", "timezone", "currency", "address", "email", "phone", "language", "active")
    night = (venue.quiet_from, venue.quiet_until)
    quiet = "" if None in night else "-".join(clock_text(minutes) for minutes in night if minutes is not None)
    return {**{name: getattr(venue, name) for name in names}, "quiet_hours": quiet}


def resource_document(resource: ResourceEntry) -> Document:
    """Return a resource with its hours."""
    special = resource.special_hours or {}
    return {
        "slug": resource.slug,
        "name": resource.name,
        "kind": resource.kind,
        "capacity": resource.capacity,
        "opening_hours": _week(resource.weekly_hours),
        "special_hours": {str(day): [window_text(window) for window in windows] for day, windows in special.items()},
        "active": resource.active,
    }


def service_document(service: ServiceEntry, resource_ids: Mapping[str, int]) -> Document:
    """Return a service; its resources by key, group by group."""
    names = (
        "slug",
        "name",
        "description",
        "slot_interval_minutes",
        "buffer_before_minutes",
        "buffer_after_minutes",
        "min_notice_minutes",
        "horizon_days",
        "requires_approval",
        "approval_minutes",
        "guest_bookings",
        "max_party_size",
        "units_per_party_member",
        "active",
    )
    prices = ("flat_minor", "per_hour_minor", "per_person_minor", "deposit_percent", "tax_bp")
    return {
        **{name: getattr(service, name) for name in names},
        **_duration(service),
        "starts": None if service.weekly_starts is None else _starts(service.weekly_starts),
        "price": {name: getattr(service, name) for name in prices},
        "cancellation": [{"hours_before": hours, "refund_percent": share} for hours, share in service.cancellation],
        "custom_fields": [
            {"key": one.key, "label": one.label, "type": one.type, "required": one.required, "choices": [*one.choices]}
            for one in service.custom_fields
        ],
        "reminders": [*service.reminders],
        "resource_groups": [[resource_ids[slug] for slug in group] for group in service.groups],
    }


def _duration(service: ServiceEntry) -> Document:
    if service.min_minutes == service.max_minutes == service.step_minutes:
        return {"duration_minutes": service.min_minutes, "duration": None}
    names = ("min_minutes", "max_minutes", "step_minutes")
    return {"duration_minutes": None, "duration": {name: getattr(service, name) for name in names}}


def _week(days: WeeklyHours) -> dict[str, list[str]]:
    return {name: [window_text(window) for window in day] for name, day in zip(WEEKDAYS, days, strict=True)}


def _starts(days: Sequence[Sequence[int]]) -> dict[str, list[str]]:
    return {name: [clock_text(minutes) for minutes in day] for name, day in zip(WEEKDAYS, days, strict=True)}
