"""Calendars laid on one grid of bits, whose step is the greatest that hits every boundary exactly: nothing is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd

from app.domain import bitmaps
from app.domain.hours import class_starts, open_intervals
from app.domain.offers import Ask, Calendars, Offer, Resource, Taken
from app.domain.spans import Span
from app.domain.times import MINUTES_A_DAY, days, wall_minute

_Hours = tuple[tuple[int, int], ...]
_ANY_START = -1  # all bits: resources of later groups follow the first group's starts


@dataclass(frozen=True, slots=True)
class Row:
    """One resource on the grid: where bookings may start, where they lie in open hours, where there is room."""

    resource: Resource
    grid: int
    open: int
    free: int
    peak: bitmaps.Count

    @property
    def fits(self) -> int:
        """Return the positions at which a booking of this resource can start."""
        return self.grid & self.open & self.free


@dataclass(frozen=True, slots=True)
class Board:
    """Every resource in question on the same grid, by group; ``starts`` is the UTC minute of position zero."""

    starts: int
    step: int
    groups: tuple[tuple[Row, ...], ...]

    def position(self, minute: int) -> int:
        """Return where a UTC minute lies; a minute that is no boundary belongs to the step it falls into."""
        return (minute - self.starts) // self.step


def lay_out(offer: Offer, calendars: Calendars, ask: Ask, span: Span, extra: tuple[int, ...]) -> Board:
    """Lay every resource in question on one grid; its step divides each boundary, so nothing is rounded."""
    reach = timedelta(days=2 + offer.max_minutes // MINUTES_A_DAY)
    on_days = days(span.first_day - timedelta(days=1), span.end_day + reach)
    opened = _opened(offer, calendars, on_days)
    classes = [*class_starts(offer.weekly_starts, on_days, offer.zone)] if offer.weekly_starts is not None else None
    windows = {minute for hours in opened.values() for opening in hours for minute in opening}
    step = _step(offer, calendars, ask, span, windows.union(extra, classes or ()))
    measure = _Measure(offer, ask, span, step, classes)
    return Board(
        span.starts,
        step,
        tuple(
            tuple(
                measure.row(resource, opened[resource.id], calendars, leads=number == 0)
                for resource in _wanted(group, ask.resource_id)
            )
            for number, group in enumerate(offer.groups)
        ),
    )


def _opened(offer: Offer, calendars: Calendars, on_days: Sequence[date]) -> dict[int, _Hours]:
    """Return each resource's open intervals; those with the same weekly hours and no special ones share the work."""
    shared: dict[int, _Hours] = {}
    found: dict[int, _Hours] = {}
    for resource in offer.resources:
        special = calendars.special_hours.get(resource.id)
        weekly = resource.weekly_hours
        if special is not None:
            found[resource.id] = tuple(open_intervals(weekly, special, on_days, offer.zone))
            continue
        if id(weekly) not in shared:
            shared[id(weekly)] = tuple(open_intervals(weekly, {}, on_days, offer.zone))
        found[resource.id] = shared[id(weekly)]
    return found


def _wanted(group: Sequence[Resource], resource_id: int | None) -> Sequence[Resource]:
    """Return the group, narrowed to the resource asked for where it is a member."""
    return [resource for resource in group if resource.id == resource_id] or group


def _step(offer: Offer, calendars: Calendars, ask: Ask, span: Span, boundaries: set[int]) -> int:
    lengths = (
        ask.duration_minutes,
        offer.slot_interval_minutes,
        offer.buffer_before_minutes,
        offer.buffer_after_minutes,
    )
    minutes = boundaries | {wall_minute(span.first_day, 0, offer.zone), span.ends}
    for closures in calendars.closures.values():
        minutes.update(minute for closure in closures for minute in span.clip(closure.starts, closure.ends))
    for taken in calendars.taken.values():
        minutes.update(taken.starts, taken.ends)
    return gcd(*lengths, *map((-span.starts).__add__, minutes))


class _Measure:
    """Turns resources into rows of bits on one grid; what resources with the same hours share is worked out once."""

    def __init__(self, offer: Offer, ask: Ask, span: Span, step: int, classes: Sequence[int] | None) -> None:
        self.offer, self.span, self.base, self.step, self.classes = offer, span, span.starts, step, classes
        self.size = (span.ends - span.starts) // step
        self.before = offer.buffer_before_minutes // step
        self.duration = ask.duration_minutes // step
        self.length = self.before + self.duration + offer.buffer_after_minutes // step
        self.units = offer.units(ask.party_size)
        self.shared: dict[int, tuple[int, int]] = {}

    def row(self, resource: Resource, hours: _Hours, calendars: Calendars, *, leads: bool) -> Row:
        if id(hours) not in self.shared:
            starts, ends = zip(*hours, strict=True) if hours else ((), ())
            self.shared[id(hours)] = self.grid(hours), bitmaps.union(self.steps(starts), self.steps(ends))
        grid, opened = self.shared[id(hours)]
        closures = calendars.closures.get(resource.id, ())
        if closures:
            starts, ends = zip(*(self.span.clip(closure.starts, closure.ends) for closure in closures), strict=True)
            opened &= ~bitmaps.union(self.steps(starts), self.steps(ends))
        taken = calendars.taken.get(resource.id, Taken())
        used = bitmaps.count(self.steps(taken.starts), self.steps(taken.ends), taken.units)
        peak = [plane << self.before for plane in bitmaps.peak(used, self.length)]
        return Row(
            resource,
            grid if leads else _ANY_START,
            bitmaps.runs(opened, self.duration),
            bitmaps.at_most(peak, resource.capacity - self.units, self.size),
            peak,
        )

    def steps(self, minutes: Sequence[int]) -> list[int]:
        """Return minutes as positions."""
        base, step = self.base, self.step
        return [(minute - base) // step for minute in minutes]

    def grid(self, hours: _Hours) -> int:
        """Return the positions at which bookings start: the classes' times, or every slot interval from the opening."""
        if self.classes is not None:
            return sum(1 << at for at in {*self.steps(self.classes)} if at >= 0)
        interval, bits = self.offer.slot_interval_minutes, 0
        for opens, closes in hours:
            skipped = max(0, -(-(self.base - opens) // interval))
            first = opens + skipped * interval
            amount = -(-(closes - first) // interval)
            bits |= bitmaps.comb((first - self.base) // self.step, interval // self.step, amount)
        return bits
