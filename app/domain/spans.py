"""Which time a question is about: local days as UTC minutes, and how near and how far ahead a start may lie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid, TooFar, TooSoon
from app.domain.offers import Offer
from app.domain.times import MINUTES_A_DAY, is_skipped, is_whole_minute, local_date, to_minute, wall_minute

MAX_DAYS = 62  # of one question: two months, the most a calendar view shows
MAX_OCCUPANCY_MINUTES = 14 * MINUTES_A_DAY  # buffers included; bounds how far back a query looks


@dataclass(frozen=True, slots=True)
class Span:
    """The UTC minutes of which calendars must be known to answer for some local days."""

    first_day: date
    end_day: date
    starts: int
    ends: int

    def clip(self, starts: int, ends: int) -> tuple[int, int]:
        """Return the part of an interval that lies within: a blackout may last for years, and bits are memory."""
        return max(starts, self.starts), min(ends, self.ends)


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


def check_time(offer: Offer, starts: int, now: datetime, *, is_held: bool = False) -> None:
    """Let a start through that is neither too near nor too far ahead; what is held may have come within the notice since.

    Raises:
        TooSoon: it is past, or within the notice. TooFar: it is beyond the horizon.
    """
    opens, closes = bookable_span(offer, now)
    if starts < opens - offer.min_notice_minutes * is_held:
        notice = f"; book at least {offer.min_notice_minutes} minutes ahead" if offer.min_notice_minutes else ""
        raise TooSoon(f"That start is too soon{notice}.")
    if starts >= closes:
        raise TooFar(f"That start is too far ahead; book up to {offer.horizon_days} days ahead.")
