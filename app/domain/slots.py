"""When a service can be booked, and why it cannot: one piece of arithmetic for the month view, a booking and an explanation.

Opening hours, blackouts and what is taken become bitmaps on one grid, whose step is the greatest that hits every boundary
exactly; the rest is shifting and AND-ing (see ``bitmaps``). A booking must lie inside the opening hours; its buffers need
only be free of other bookings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import compress
from math import gcd
from operator import add
from typing import Protocol
from zoneinfo import ZoneInfo

from app.domain import bitmaps
from app.domain.errors import Invalid, OutsideHours, SlotTaken, TooFar, TooSoon, Unbookable
from app.domain.hours import class_starts, open_intervals
from app.domain.offers import Ask, Calendars, Closure, Offer, Resource, Taken
from app.domain.times import MINUTES_A_DAY, days, is_skipped, is_whole_minute, local_date, to_minute, wall_minute

MAX_DAYS = 62  # of one question: two months, the most a calendar view shows
MAX_OCCUPANCY_MINUTES = 14 * MINUTES_A_DAY  # buffers included; bounds how far back a query looks
MAX_ALTERNATIVES = 5
ALTERNATIVE_DAYS = 3
_Hours = tuple[tuple[int, int], ...]
_ANY_START = -1  # all bits: resources of later groups follow the first group's starts


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked: UTC minutes, who is free, and how many more bookings (or people) fit."""

    starts: int
    ends: int
    resource_ids: tuple[int, ...]
    spots_open: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a time cannot be booked; ``resource_id`` where it is one resource's reason."""

    code: str
    detail: str
    resource_id: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The UTC minutes of which calendars must be known to answer for some local days."""

    first_day: date
    end_day: date
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One resource on the grid: where bookings may start, where they lie in open hours, where there is room."""

    resource: Resource
    grid: int
    open: int
    free: int
    peak: bitmaps.Count

    @property
    def fits(self) -> int:
        return self.grid & self.open & self.free


@dataclass(frozen=True, slots=True)
class _Board:
    starts: int
    step: int
    groups: tuple[tuple[_Row, ...], ...]

    def position(self, minute: int) -> int:
        return (minute - self.starts) // self.step


def span_of_days(offer: Offer, first: date, end: date) -> Span:
    """Return what must be known to list the slots of the local days from *first* up to *end*.

    Raises:
        Invalid: *end* is not after *first*, or more than 62 days after it.
    """
    if not 0 < (end - first).days <= MAX_DAYS:
        raise Invalid.field("to", "out_of_range", f"'to' is 1 to {MAX_DAYS} days after 'from'.")
    reach = offer.max_minutes + offer.buffer_after_minutes
    starts = wall_minute(first, 0, offer.zone) - offer.buffer_before_minutes
    return Span(first, end, starts, wall_minute(end, 0, offer.zone) + reach)


def span_of_start(offer: Offer, starts: int) -> Span:
    """Return what must be known to decide about one start."""
    day = local_date(starts, offer.zone)
    return span_of_days(offer, day, day + timedelta(days=1))


def check_start(offer: Offer, starts_at: datetime) -> int:
    """Return the UTC minute of a start.

    Raises:
        Invalid: it has seconds, it is a local time that the clock skips, or it is too far from any calendar.
    """
    if not date(1971, 1, 1) <= starts_at.date() <= date(9990, 1, 1):
        raise Invalid.field("starts_at", "out_of_range", "That is no time to book.")
    if is_skipped(starts_at, offer.zone):
        raise Invalid.field("starts_at", "skipped", "The clock skips that time on that day.")
    if not is_whole_minute(starts_at):
        raise Invalid.field("starts_at", "not_a_start", "A start is a whole minute.")
    return to_minute(starts_at)


def find(offer: Offer, calendars: Calendars, ask: Ask, span: Span, *, now: datetime) -> dict[date, list[Slot]]:
    """Return the bookable slots of each local day of the span, in order; a day without any has an empty list."""
    board = _board(offer, calendars, ask, span, extra=())
    first = max(board.position(wall_minute(span.first_day, 0, offer.zone)), 0)
    opens, closes = bookable_span(offer, now)
    after = -(-(opens - board.starts) // board.step)
    until = min(wall_minute(span.end_day, 0, offer.zone), closes)
    allowed = bitmaps.span(max(first, after), -(-(until - board.starts) // board.step))
    for group in board.groups:
        fits = 0
        for row in group:
            fits |= row.fits
        allowed &= fits
    return _by_day(offer, span, _slots(offer, board, ask, allowed))


def choose(offer: Offer, calendars: Calendars, ask: Ask, starts: int, *, now: datetime) -> tuple[int, ...]:
    """Return the resources, one of each group, that a booking at *starts* gets: preferred ones, then the catalogue's order.

    Raises:
        TooSoon, TooFar, OutsideHours, Invalid: the time is not offered.
        SlotTaken: it is offered, and somebody has it.
    """
    _check_time(offer, starts, now)
    board = _board(offer, calendars, ask, span_of_start(offer, starts), extra=(starts,))
    bit = 1 << board.position(starts)
    chosen = []
    for group in board.groups:
        fitting = [row for row in group if row.fits & bit]
        row = min(fitting, key=lambda row: row.resource.id not in ask.preferred_ids, default=None)
        if row is None:
            raise _refusal(_group_reasons(calendars, ask, group, bit, starts))
        chosen.append(row.resource.id)
    return tuple(chosen)


def explain(offer: Offer, calendars: Calendars, ask: Ask, starts: int, *, now: datetime) -> tuple[Reason, ...]:
    """Return every reason why *starts* cannot be booked; none means that it can."""
    try:
        _check_time(offer, starts, now)
    except Unbookable as error:
        return (Reason(error.code, error.detail),)
    board = _board(offer, calendars, ask, span_of_start(offer, starts), extra=(starts,))
    bit = 1 << board.position(starts)
    return tuple(
        reason
        for group in board.groups
        if not any(row.fits & bit for row in group)
        for reason in _group_reasons(calendars, ask, group, bit, starts)
    )


def nearest(slots: Iterable[Slot], starts: int) -> tuple[Slot, ...]:
    """Return at most five slots, those next to *starts* in time, in order of time."""
    near = sorted(slots, key=lambda slot: (abs(slot.starts - starts), slot.starts))[:MAX_ALTERNATIVES]
    return tuple(sorted(near, key=lambda slot: slot.starts))


class Bounds(Protocol):
    """What limits how near and how far ahead a start may be."""

    @property
    def zone(self) -> ZoneInfo:
        """The venue's zone, in which days are counted."""
        ...

    @property
    def min_notice_minutes(self) -> int:
        """How long ahead a booking must be made."""
        ...

    @property
    def horizon_days(self) -> int:
        """How many days ahead a booking may be made."""
        ...


def bookable_span(bounds: Bounds, now: datetime) -> tuple[int, int]:
    """Return the UTC minutes between which a start may lie: from the notice on, before the horizon ends.

    A start is never before *now*, to the second; the last day that can be booked is a local one, whole.
    """
    opens = -int(-now.timestamp() // 60) + bounds.min_notice_minutes
    today = local_date(to_minute(now), bounds.zone)
    return opens, wall_minute(today + timedelta(days=bounds.horizon_days + 1), 0, bounds.zone)


def _check_time(offer: Offer, starts: int, now: datetime) -> None:
    opens, closes = bookable_span(offer, now)
    if starts < opens:
        notice = f"; book at least {offer.min_notice_minutes} minutes ahead" if offer.min_notice_minutes else ""
        raise TooSoon(f"That start is too soon{notice}.")
    if starts >= closes:
        raise TooFar(f"That start is too far ahead; book up to {offer.horizon_days} days ahead.")


def _board(offer: Offer, calendars: Calendars, ask: Ask, span: Span, extra: tuple[int, ...]) -> _Board:
    """Lay every resource in question on one grid; its step divides each boundary, so nothing is rounded."""
    reach = timedelta(days=2 + offer.max_minutes // MINUTES_A_DAY)
    on_days = days(span.first_day - timedelta(days=1), span.end_day + reach)
    opened = _opened(offer, calendars, on_days)
    classes = [*class_starts(offer.weekly_starts, on_days, offer.zone)] if offer.weekly_starts is not None else None
    windows = {minute for hours in opened.values() for opening in hours for minute in opening}
    step = _step(offer, calendars, ask, span, windows.union(extra, classes or ()))
    measure = _Measure(offer, ask, span, step, classes)
    return _Board(
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
        minutes.update(minute for closure in closures for minute in (closure.starts, closure.ends))
    for taken in calendars.taken.values():
        minutes.update(taken.starts, taken.ends)
    return gcd(*lengths, *map((-span.starts).__add__, minutes))


class _Measure:
    """Turns resources into rows of bits on one grid; what resources with the same hours share is worked out once."""

    def __init__(self, offer: Offer, ask: Ask, span: Span, step: int, classes: Sequence[int] | None) -> None:
        self.offer, self.ask, self.base, self.step, self.classes = offer, ask, span.starts, step, classes
        self.size = (span.ends - span.starts) // step
        self.before = offer.buffer_before_minutes // step
        self.duration = ask.duration_minutes // step
        self.length = self.before + self.duration + offer.buffer_after_minutes // step
        self.units = offer.units(ask.party_size)
        self.shared: dict[int, tuple[int, int]] = {}

    def row(self, resource: Resource, hours: _Hours, calendars: Calendars, *, leads: bool) -> _Row:
        if id(hours) not in self.shared:
            starts, ends = zip(*hours, strict=True) if hours else ((), ())
            self.shared[id(hours)] = self.grid(hours), bitmaps.union(self.steps(starts), self.steps(ends))
        grid, opened = self.shared[id(hours)]
        closures = calendars.closures.get(resource.id, ())
        if closures:
            opened &= ~bitmaps.union(self.steps([c.starts for c in closures]), self.steps([c.ends for c in closures]))
        taken = calendars.taken.get(resource.id, Taken())
        used = bitmaps.count(self.steps(taken.starts), self.steps(taken.ends), taken.units)
        peak = [plane << self.before for plane in bitmaps.peak(used, self.length)]
        return _Row(
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


def _slots(offer: Offer, board: _Board, ask: Ask, allowed: int) -> list[Slot]:
    found = bitmaps.positions(allowed)
    who, spots = _members(offer, board.groups[0], allowed, found)
    for group in board.groups[1:]:
        others, other_spots = _members(offer, group, allowed, found)
        who = [*map(add, who, others)]
        spots = [*map(min, spots, other_spots)]
    length = ask.duration_minutes
    starts = [board.starts + at * board.step for at in found]
    return [Slot(at, at + length, ids, room) for at, ids, room in zip(starts, who, spots, strict=True)]


def _members(
    offer: Offer, group: Sequence[_Row], allowed: int, found: Sequence[int]
) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return, for each position found, which resources of a group fit, and how many spots they have open."""
    ids = [row.resource.id for row in group]
    columns = [*zip(*(bitmaps.flags(row.fits, allowed) for row in group), strict=True)]
    who = [tuple(compress(ids, column)) for column in columns]
    if all(row.resource.capacity == 1 for row in group):
        return who, [*map(len, who)]
    spots = [
        sum(_spots(offer, row, at) for row, fits in zip(group, column, strict=True) if fits)
        for at, column in zip(found, columns, strict=True)
    ]
    return who, spots


def _spots(offer: Offer, row: _Row, at: int) -> int:
    return (row.resource.capacity - bitmaps.value_at(row.peak, at)) // offer.unit


def _by_day(offer: Offer, span: Span, slots: Sequence[Slot]) -> dict[date, list[Slot]]:
    listed: dict[date, list[Slot]] = {}
    at = 0
    for day in days(span.first_day, span.end_day):
        midnight = wall_minute(day + timedelta(days=1), 0, offer.zone)
        begin = at
        while at < len(slots) and slots[at].starts < midnight:
            at += 1
        listed[day] = [*slots[begin:at]]
    return listed


def _group_reasons(calendars: Calendars, ask: Ask, group: Sequence[_Row], bit: int, starts: int) -> list[Reason]:
    if not group:
        return [Reason(OutsideHours.code, "Nothing that this service needs is in use.")]
    return [reason for row in group for reason in _row_reasons(calendars, ask, row, bit, starts)]


def _row_reasons(calendars: Calendars, ask: Ask, row: _Row, bit: int, starts: int) -> list[Reason]:
    ends, rid, name = starts + ask.duration_minutes, row.resource.id, row.resource.name
    blackout = _blackout(calendars.closures.get(rid, ()), starts, ends)
    if blackout is not None:
        return [Reason("blackout", f"{name} is closed then: {blackout.reason or 'blackout'}.", rid)]
    if not row.open & bit:
        return [Reason(OutsideHours.code, f"{name} is not open for the whole of that time.", rid)]
    if not row.grid & bit:
        return [Reason("not_a_start", f"No slot of {name} starts then.", rid)]
    return [Reason(SlotTaken.code, f"{name} is taken then.", rid)]


def _blackout(closures: Iterable[Closure], starts: int, ends: int) -> Closure | None:
    return next((c for c in closures if c.starts < ends and c.ends > starts), None)


def _refusal(reasons: Sequence[Reason]) -> Exception:
    """Return the one error that says most: taken before closed before off the grid."""
    by_code = {reason.code: reason for reason in reversed(reasons)}
    if SlotTaken.code in by_code:
        return SlotTaken("Somebody else has that time.")
    if "not_a_start" in by_code:
        return Invalid.field("starts_at", "not_a_start", by_code["not_a_start"].detail)
    return OutsideHours(reasons[0].detail)
