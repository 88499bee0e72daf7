"""The promise itself, looked up: no calendar holds more than its capacity, and bookings and calendars agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heappop, heappush
from itertools import islice
from typing import Any

from app.domain.findings import Finding, fail, ok, warn
from app.domain.times import from_minute, to_minute
from app.persistence.calendar_scan import Scan, scanning
from app.persistence.offers import zone_of

MOST_FINDINGS = 20  # of one kind: more are the same fault again


@dataclass(frozen=True, slots=True)
class Overlap:
    """A time in which more is taken of a resource than it has: UTC minutes, the most units, and when that begins."""

    starts: int
    ends: int
    units: int
    worst: int


class Tally:
    """Adds up what is taken as time goes by; memory grows with what overlaps at one instant only."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._running: list[tuple[int, int]] = []  # (ends, units), the first to end first
        self._total = self._most = self._begun = self._worst = 0

    def take(self, starts: int, ends: int, units: int) -> None:
        """Note that more is taken from now on; what ended before has been given back."""
        if self._total <= self._capacity:
            self._begun, self._most = starts, 0
        heappush(self._running, (ends, units))
        self._total += units
        if self._total > self._most:
            self._most, self._worst = self._total, starts

    def give_back(self, until: int | None) -> Iterator[Overlap]:
        """Give back what has ended by then, or all of it; yield the overlaps that end thereby."""
        while self._running and (until is None or self._running[0][0] <= until):
            ended, units = heappop(self._running)
            was, self._total = self._total, self._total - units
            if was > self._capacity >= self._total:
                yield Overlap(self._begun, ended, self._most, self._worst)


def find_overlaps(taken: Iterable[tuple[int, int, int]], capacity: int) -> Iterator[Overlap]:
    """Yield the times, one after the other, in which the units taken exceed the capacity.

    *taken* is ``(starts, ends, units)``, half-open, in order of start.
    """
    before: Overlap | None = None
    for overlap in _stretches(taken, capacity):
        if before is not None and before.ends == overlap.starts:
            worse = max(before, overlap, key=lambda stretch: stretch.units)
            before = replace(worse, starts=before.starts, ends=overlap.ends)
            continue
        if before is not None:
            yield before
        before = overlap
    if before is not None:
        yield before


def _stretches(taken: Iterable[tuple[int, int, int]], capacity: int) -> Iterator[Overlap]:
    """Yield the same, one for each change of guests: where one leaves as the next comes, two that touch."""
    tally = Tally(capacity)
    for starts, ends, units in taken:
        yield from tally.give_back(starts)
        tally.take(starts, ends, units)
    yield from tally.give_back(None)


def examine(*, now: datetime) -> Iterator[Finding]:
    """Yield what there is to say of all calendars, past and to come."""
    with scanning(now=now) as scan:
        amount = sum(1 for _ in scan.iter_resources())
        yield from _or_ok(_overlaps(scan), ok("overlaps", f"no calendar of {amount} holds more than its capacity"))
        yield from _or_ok(_unbacked(scan), ok("bookings", "every booking to come has its time in the calendar"))
        yield from _or_ok(_contradictions(scan), ok("calendar", "no row belongs to nothing, or to what is over"))


def _or_ok(found: Iterator[Finding], well: Finding) -> Iterator[Finding]:
    yield from list(islice(found, MOST_FINDINGS)) or (well,)


def _overlaps(scan: Scan) -> Iterator[Finding]:
    for resource in scan.iter_resources():
        for overlap in find_overlaps(scan.iter_taken(resource.id), resource.capacity):
            together = scan.list_taken_at(resource.id, overlap.worst)
            if sum(units for units, _ in together) > resource.capacity:  # else it was moved while we read on
                yield _overlap(resource, overlap, [ref or "a hold" for _, ref in together], now=scan.now)


def _overlap(resource: Any, overlap: Overlap, refs: list[str], *, now: datetime) -> Finding:  # noqa: ANN401 - a row
    zone = zone_of(resource.timezone)
    starts, ends = (from_minute(minute).astimezone(zone) for minute in (overlap.starts, overlap.ends))
    detail = (
        f"{resource.slug}, {resource.name}: {overlap.units} of {resource.capacity} units taken"
        f" {starts:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M %Z} by {', '.join(refs)}"
    )
    if overlap.ends <= to_minute(now):
        return warn("overlaps", detail, "it is past: fine if the capacity was larger then")
    return fail("overlaps", detail, "see 'bookings show REF'; move or cancel what is too much, and report this")


def _unbacked(scan: Scan) -> Iterator[Finding]:
    for row in scan.iter_live_bookings():
        if row.starts is None:
            said = f"{row.ref} has no time in the calendar" + (
                f" of resource {row.resource_id}" * bool(row.resource_id)
            )
        elif row.starts > to_minute(row.starts_at) or row.ends < to_minute(row.ends_at):
            said = f"{row.ref} has another time in the calendar of resource {row.resource_id}"
        else:
            continue
        yield fail("bookings", said, "its time may be given away: cancel it and book it again, and report this")


def _contradictions(scan: Scan) -> Iterator[Finding]:
    for ref, status in scan.list_given_back():
        yield fail("calendar", f"{ref} is {status} and still takes its time", "report this; its time stays closed")
    for row_id, why in scan.list_strays():
        yield fail("calendar", f"row {row_id} of occupancies {why}", "take a backup, delete the row, and report this")
