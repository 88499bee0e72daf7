"""A blackout: a time in which nobody may book, of a whole venue or of one resource."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid
from app.domain.times import MINUTES_A_DAY, from_minute, to_minute, wall_minute

MOST_REPEATS = 400  # a year of days, and a little


@dataclass(frozen=True, slots=True)
class Blackout:
    """Nobody may book from ``starts`` to ``ends`` (UTC minutes); ``resource_id`` of None is the whole venue.

    ``uid`` names the calendar event it came from, once a venue.
    """

    id: int
    venue_id: int
    resource_id: int | None
    starts: int
    ends: int
    reason: str
    uid: str
    series: str | None = None  # of blackouts that were entered at once


@dataclass(frozen=True, slots=True)
class BlackoutChange:
    """What became of one blackout: created, updated or unchanged; ``bookings_inside`` stand in it and stay."""

    blackout: Blackout
    what: str
    bookings_inside: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """How often something comes again: every so many days, weeks, months or years, up to a last local day."""

    every: Literal["day", "week", "month", "year"]
    interval: int
    until: date


def repeated(starts: int, ends: int, repeat: Repeat | None, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return a span of UTC minutes, and where it comes again at the same local times; months without such a day are left out.

    Raises:
        Invalid: it would come more often than is reasonable, or over itself.
    """
    if repeat is None:
        return [(starts, ends)]
    first, last = (from_minute(minute).astimezone(zone) for minute in (starts, ends))
    spans: list[tuple[int, int]] = []
    for day in _days(first.date(), repeat):
        opens = wall_minute(day, first.hour * 60 + first.minute, zone)
        closes = wall_minute(day, _wall_minutes(first, last), zone)
        if spans and opens < spans[-1][1]:
            raise Invalid.field("repeat", "overlaps", "It would come again before it is over.")
        if len(spans) == MOST_REPEATS:
            raise Invalid.field("repeat", "too_many", f"It would come more than {MOST_REPEATS} times.")
        spans.append((opens, closes))
    if not spans:
        raise Invalid.field("repeat.until", "out_of_range", "The last day is before the first.")
    return spans


def _wall_minutes(first: datetime, last: datetime) -> int:
    """Return the end by the wall clock, in minutes past the midnight of the first day."""
    return (last.date() - first.date()).days * MINUTES_A_DAY + last.hour * 60 + last.minute


def _days(first: date, repeat: Repeat) -> Iterator[date]:
    for number in range((MOST_REPEATS + 1) * 40):  # of thirty-firsts and leap days, some are left out
        day = _day(first, repeat.every, number * repeat.interval)
        if day is not None and day > repeat.until:
            return
        if day is not None:
            yield day


def _day(first: date, every: str, number: int) -> date | None:
    if every in {"day", "week"}:
        return first + timedelta(days=number * (7 if every == "week" else 1))
    years, month = divmod(first.month - 1 + number * (12 if every == "year" else 1), 12)
    year, month = first.year + years, month + 1
    fits = first.day <= calendar.monthrange(year, month)[1]
    return date(year, month, first.day) if fits else None


def touches(starts_at: datetime, ends_at: datetime, span: tuple[int, int]) -> bool:
    """Tell whether a booking lies in a span of UTC minutes, at least in part."""
    return to_minute(starts_at) < span[1] and to_minute(ends_at) > span[0]
