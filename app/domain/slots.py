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
from operator import add

from app.domain import bitmaps
from app.domain.boards import Board, Row, lay_out
from app.domain.errors import Invalid, OutsideHours, SlotTaken, Unbookable
from app.domain.offers import Ask, Calendars, Closure, Offer
from app.domain.spans import Span, bookable_span, check_time, span_of_start
from app.domain.times import days, wall_minute

MAX_ALTERNATIVES = 5
ALTERNATIVE_DAYS = 3


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


def find(offer: Offer, calendars: Calendars, ask: Ask, span: Span, *, now: datetime) -> dict[date, list[Slot]]:
    """Return the bookable slots of each local day of the span, in order; a day without any has an empty list."""
    board = lay_out(offer, calendars, ask, span, extra=())
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
    if not ask.any_hours:
        check_time(offer, starts, now, is_held=ask.is_held)
    board = lay_out(offer, calendars, ask, span_of_start(offer, starts), extra=(starts,))
    bit = 1 << board.position(starts)
    chosen = []
    for group in board.groups:
        fitting = [row for row in group if (row.free if ask.any_hours else row.fits) & bit]
        row = min(fitting, key=lambda row: row.resource.id not in ask.preferred_ids, default=None)
        if row is None:
            if ask.any_hours and group:
                raise SlotTaken("Somebody else has that time.")
            raise _refusal(_group_reasons(calendars, ask, group, bit, starts))
        chosen.append(row.resource.id)
    return tuple(chosen)


def explain(offer: Offer, calendars: Calendars, ask: Ask, starts: int, *, now: datetime) -> tuple[Reason, ...]:
    """Return every reason why *starts* cannot be booked; none means that it can."""
    try:
        check_time(offer, starts, now)
    except Unbookable as error:
        return (Reason(error.code, error.detail),)
    board = lay_out(offer, calendars, ask, span_of_start(offer, starts), extra=(starts,))
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


def _slots(offer: Offer, board: Board, ask: Ask, allowed: int) -> list[Slot]:
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
    offer: Offer, group: Sequence[Row], allowed: int, found: Sequence[int]
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


def _spots(offer: Offer, row: Row, at: int) -> int:
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


def _group_reasons(calendars: Calendars, ask: Ask, group: Sequence[Row], bit: int, starts: int) -> list[Reason]:
    if not group:
        return [Reason(OutsideHours.code, "Nothing that this service needs is in use.")]
    return [reason for row in group for reason in _row_reasons(calendars, ask, row, bit, starts)]


def _row_reasons(calendars: Calendars, ask: Ask, row: Row, bit: int, starts: int) -> list[Reason]:
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
