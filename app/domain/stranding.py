"""Which bookings a change of the catalogue would leave without a place: those that had one, and would have none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from app.domain.catalogue import ResourceEntry
from app.domain.hours import open_intervals
from app.domain.times import local_date, to_minute

Judge = Callable[[datetime, datetime], bool]


def is_open_during(resource: ResourceEntry, starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a resource is open for all of a time."""
    starts, ends = to_minute(starts_at), to_minute(ends_at)
    first, last = local_date(starts, zone) - timedelta(days=2), local_date(ends, zone)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    at = starts
    for opens, closes in sorted(open_intervals(resource.weekly_hours, resource.special_hours or {}, days, zone)):
        if opens <= at < closes:
            at = closes
    return at >= ends


def closes_during(before: ResourceEntry, after: ResourceEntry, zone: ZoneInfo) -> Judge:
    """Return what tells whether a time lay within the opening hours before, and does not any more."""

    def judge(starts_at: datetime, ends_at: datetime) -> bool:
        if not is_open_during(before, starts_at, ends_at, zone):
            return False
        return not is_open_during(after, starts_at, ends_at, zone)

    return judge


def leaves_group(before: tuple[tuple[str, ...], ...], after: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """Return the slugs of resources that a service had and has no more."""
    return frozenset(chain.from_iterable(before)) - frozenset(chain.from_iterable(after))
