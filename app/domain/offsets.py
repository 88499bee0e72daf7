"""A zone's distances from UTC over a range: what lets a database count local days and hours without knowing zones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.times import UTC

MOST_STEPS = 8  # Morocco changes its clock four times a year; a range of a year meets no more
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OffsetStep:
    """A distance from UTC in minutes, which holds before ``until``; the last of a range has no end that matters."""

    until: datetime
    minutes: int


def offset_steps(after: datetime, before: datetime, zone: ZoneInfo) -> tuple[OffsetStep, ...]:
    """Return the zone's distances from UTC in ``[after, before)``, each until the clock changes.

    Raises:
        ValueError: the clock changes more often than a database is asked to follow.
    """
    steps, at = [], after
    offset = _offset(at, zone)
    while at < before:
        following = min(at + _HOUR, before)
        if _offset(following, zone) != offset:
            change = _change(at, following, zone)
            steps.append(OffsetStep(change, offset))
            offset = _offset(following, zone)
        at = following
    steps.append(OffsetStep(before, offset))
    if len(steps) > MOST_STEPS:
        raise ValueError(f"{zone} changes its clock {len(steps)} times in that range")
    return tuple(steps)


def _offset(at: datetime, zone: ZoneInfo) -> int:
    return round((at.astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the minute in which the offset of *after* begins."""
    minutes = int((after - before).total_seconds() // 60)
    wanted = _offset(after, zone)
    found = next(count for count in range(minutes + 1) if _offset(before + timedelta(minutes=count), zone) == wanted)
    return (before + timedelta(minutes=found)).astimezone(UTC)
