"""What reports count: how full a house was by weekday and hour, what was quoted, called off and missed, and how long ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.domain.hours import WeeklyHours, Window, open_intervals
from app.domain.times import MINUTES_A_DAY, from_minute, wall_minute

WEEK_HOURS = 7 * 24
EXPECTED = frozenset({"pending", "confirmed", "checked_in", "completed"})
LEAD_HOURS = (1, 24, 72, 168, 336, 720)  # bounds of the classes, in hours before the start
_THURSDAY = 3  # the weekday of 1970-01-01


@dataclass(slots=True)
class Use:
    """Minutes of capacity in each hour of a week, from Monday 00:00: open, and booked."""

    open_minutes: list[int] = field(default_factory=lambda: [0] * WEEK_HOURS)
    booked_minutes: list[int] = field(default_factory=lambda: [0] * WEEK_HOURS)
    bookings: int = 0

    @property
    def share(self) -> float | None:
        """Return the part of the open minutes that was booked; None where nothing was open."""
        total = sum(self.open_minutes)
        return round(sum(self.booked_minutes) / total, 4) if total else None


@dataclass(frozen=True, slots=True)
class Stay:
    """Bookings alike: so many, of so many units, that begin at a local minute of a week and last for so long.

    One that lasts over a change of the clock is alone, and has the UTC minute of its start as well.
    """

    resource_id: int
    week_minute: int
    minutes: int
    units: int
    count: int = 1
    starts: int | None = None


def add_stay(use: Use, stay: Stay, zone: ZoneInfo) -> None:
    """Count bookings with the local hours over which they last."""
    use.bookings += stay.count
    parts = [(stay.week_minute - _THURSDAY * MINUTES_A_DAY, stay.minutes)]
    if stay.starts is not None:
        parts = [*_local_parts(stay.starts, stay.starts + stay.minutes, zone)]
    for minute, length in parts:
        for hour, minutes in hours_of(minute, length):
            use.booked_minutes[hour] += minutes * stay.units * stay.count


def hours_of(local_minute: int, minutes: int) -> Iterator[tuple[int, int]]:
    """Yield the hours of the week over which something lasts, and how many of its minutes lie in each."""
    at, end = local_minute, local_minute + minutes
    while at < end:
        until = min(end, at - at % 60 + 60)
        day, minute = divmod(at, MINUTES_A_DAY)
        yield (day + _THURSDAY) % 7 * 24 + minute // 60, until - at
        at = until


def add_opening(
    use: Use,
    *,
    weekly: WeeklyHours,
    special: Mapping[date, Sequence[Window]],
    capacity: int,
    days: Sequence[date],
    zone: ZoneInfo,
) -> None:
    """Count the hours in which a resource is open on *days*; an ordinary day is counted by its weekday, all of them at once."""
    odd = {day for day in days if day in special or _is_odd(day, zone)}
    ordinary = Counter(day.weekday() for day in days if day not in odd)
    for weekday, count in ordinary.items():
        for opens, closes in weekly[weekday]:
            _add_open(use, (weekday - _THURSDAY) % 7 * MINUTES_A_DAY + opens, closes - opens, capacity * count)
    for day in odd:
        for starts, ends in open_intervals(weekly, {day: tuple(special[day])} if day in special else {}, [day], zone):
            for minute, minutes in _local_parts(starts, ends, zone):
                _add_open(use, minute, minutes, capacity)


def _add_open(use: Use, local_minute: int, minutes: int, units: int) -> None:
    for hour, part in hours_of(local_minute, minutes):
        use.open_minutes[hour] += part * units


def _is_odd(day: date, zone: ZoneInfo) -> bool:
    """Tell whether the clock changes on a day, or on the one after it, into which a night's opening reaches."""
    midnights = (wall_minute(day + timedelta(days=number), 0, zone) for number in range(3))
    return any(after - before != MINUTES_A_DAY for before, after in pairwise(midnights))


def _local_parts(starts: int, ends: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Yield an interval of UTC minutes by the hour, as local minutes with their lengths."""
    at = starts
    while at < ends:
        until = min(ends, at - at % 15 + 15)  # every zone's offset is a number of quarters
        yield at + local_offset(at, zone), until - at
        at = until


def local_offset(minute: int, zone: ZoneInfo) -> int:
    """Return the minutes by which a zone's clock is ahead of UTC."""
    return round((from_minute(minute).astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of bookings alike; money is in minor units."""

    bookings: int = 0
    total_minor: int = 0
    deposit_minor: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.bookings + other.bookings,
            self.total_minor + other.total_minor,
            self.deposit_minor + other.deposit_minor,
        )


def rate(part: int, whole: int) -> float | None:
    """Return a share to four digits; None of nothing."""
    return round(part / whole, 4) if whole else None
