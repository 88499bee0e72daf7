"""Availability the slow way: every minute one by one, sets instead of bitmaps. What ``app.domain.slots`` must agree with.

Shares no arithmetic with it: wall clocks are read off a table of what the zone shows at each UTC minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.offers import Ask, Calendars, Offer, Resource, Taken
from app.domain.slots import Slot

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
A_MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=1024)
def walls(zone: ZoneInfo, first_minute: int) -> tuple[datetime, ...]:
    """Return what the zone's clock shows at each of a day's UTC minutes; the same days come again and again."""
    begin = EPOCH + timedelta(minutes=first_minute)
    return tuple((begin + n * A_MINUTE).astimezone(zone).replace(tzinfo=None, fold=0) for n in range(1440))


class Clock:
    """What a zone's wall clock shows around some days, minute by minute."""

    def __init__(self, zone: ZoneInfo, first: date, end: date) -> None:
        noon = datetime(first.year, first.month, first.day, 12, tzinfo=timezone.utc)
        begin = int((noon - EPOCH).total_seconds()) // 60 - 5 * 1440
        self.days = [first + timedelta(days=n) for n in range(-2, (end - first).days + 4)]
        self.shows: dict[int, datetime] = {}
        self.first_at_or_after: dict[datetime, int] = {}
        latest = None
        for first_minute in range(begin, begin + ((end - first).days + 11) * 1440, 1440):
            for minute, wall in enumerate(walls(zone, first_minute), first_minute):
                self.shows[minute] = wall
                latest = wall - A_MINUTE if latest is None else latest
                while latest < wall:
                    latest += A_MINUTE
                    self.first_at_or_after[latest] = minute

    def minute(self, day: date, minutes: int) -> int:
        """Return the first UTC minute at which the clock shows that time or a later one."""
        return self.first_at_or_after[datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)]

    def really_shows(self, day: date, minutes: int) -> bool:
        """Tell whether the clock shows that very time at all."""
        wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
        return self.shows[self.first_at_or_after[wall]] == wall


@lru_cache(maxsize=256)
def clock(zone: ZoneInfo, first: date, end: date) -> Clock:
    """Return the clock for the days from *first* up to *end*."""
    return Clock(zone, first, end)


class Oracle:
    """All that can be said about one service's slots on the local days from *first* up to *end*."""

    def __init__(self, offer: Offer, calendars: Calendars, ask: Ask, first: date, end: date, *, now: datetime) -> None:
        self.offer, self.calendars, self.ask, self.first, self.end, self.now = offer, calendars, ask, first, end, now
        self.clock = clock(offer.zone, first, end)
        self.used = {resource.id: self._used(resource) for resource in offer.resources}
        opened = {resource.id: self._open_and_starts(resource) for resource in offer.resources}
        self.open = {key: minutes for key, (minutes, _) in opened.items()}
        self.starts = {key: starts for key, (_, starts) in opened.items()}

    def slots(self) -> dict[date, list[Slot]]:
        """Return what can be booked, day by day."""
        listed: dict[date, list[Slot]] = {
            self.first + timedelta(days=n): [] for n in range((self.end - self.first).days)
        }
        for start in sorted(set().union(*(self.starts[r.id] for r in self.offer.groups[0]))):
            day = self.clock.shows[start].date()
            if day in listed and self.is_bookable(start):
                listed[day].append(self._slot(start))
        return listed

    def is_bookable(self, start: int) -> bool:
        """Tell whether a booking may start then."""
        return self._is_in_time(start) and all(self.fitting(start))

    def fitting(self, start: int) -> list[list[Resource]]:
        """Return, for each group, the members that are free, in the catalogue's order."""
        return [
            [resource for resource in self._wanted(group) if self._fits(resource, start, leads=number == 0)]
            for number, group in enumerate(self.offer.groups)
        ]

    def _slot(self, start: int) -> Slot:
        groups = self.fitting(start)
        spots = min(sum((r.capacity - self._most_used(r, start)) // self.offer.unit for r in group) for group in groups)
        ids = tuple(resource.id for group in groups for resource in group)
        return Slot(start, start + self.ask.duration_minutes, ids, spots)

    def _is_in_time(self, start: int) -> bool:
        instant = EPOCH + timedelta(minutes=start)
        last_day = self.now.astimezone(self.offer.zone).date() + timedelta(days=self.offer.horizon_days)
        is_late_enough = instant >= self.now + timedelta(minutes=self.offer.min_notice_minutes)
        return is_late_enough and instant.astimezone(self.offer.zone).date() <= last_day

    def _wanted(self, group: tuple[Resource, ...]) -> tuple[Resource, ...]:
        ids = [resource.id for resource in group]
        if self.ask.resource_id in ids:
            return (group[ids.index(self.ask.resource_id)],)
        return group

    def _fits(self, resource: Resource, start: int, *, leads: bool) -> bool:
        if leads and start not in self.starts[resource.id]:
            return False
        minutes = range(start, start + self.ask.duration_minutes)
        has_room = self._most_used(resource, start) + self.offer.units(self.ask.party_size) <= resource.capacity
        return has_room and all(minute in self.open[resource.id] for minute in minutes)

    def _most_used(self, resource: Resource, start: int) -> int:
        begin = start - self.offer.buffer_before_minutes
        end = start + self.ask.duration_minutes + self.offer.buffer_after_minutes
        used = self.used[resource.id]
        return max(used[minute] for minute in range(begin, end))

    def _used(self, resource: Resource) -> Mapping[int, int]:
        taken, used = self.calendars.taken.get(resource.id, Taken()), Counter[int]()
        for starts, ends, units in zip(taken.starts, taken.ends, taken.units, strict=True):
            for minute in range(starts, ends):
                used[minute] += units
        return used

    def _open_and_starts(self, resource: Resource) -> tuple[set[int], set[int]]:
        opened: set[int] = set()
        starts: set[int] = set()
        special = self.calendars.special_hours.get(resource.id, {})
        for day in self.clock.days:
            for opens, closes in special.get(day, resource.weekly_hours[day.weekday()]):
                minutes = range(self.clock.minute(day, opens), self.clock.minute(day, closes))
                opened.update(minutes)
                starts.update(minutes[:: self.offer.slot_interval_minutes])
        for closure in self.calendars.closures.get(resource.id, ()):
            opened.difference_update(range(closure.starts, closure.ends))
        return opened, starts if self.offer.weekly_starts is None else self._classes(self.offer.weekly_starts)

    def _classes(self, weekly: tuple[tuple[int, ...], ...]) -> set[int]:
        return {
            self.clock.minute(day, minutes)
            for day in self.clock.days
            for minutes in weekly[day.weekday()]
            if self.clock.really_shows(day, minutes)
        }
