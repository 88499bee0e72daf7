"""Whether the calendars that keep resources busy are read: what could not be for a day takes bookings it should not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.domain.findings import Finding, ok, warn
from app.domain.times import rfc3339
from app.persistence.busy_calendars import BusyCalendar, count_calendars, list_stale
from app.persistence.session import reading

STALE = timedelta(days=1)
MOST_SHOWN = 20
_MEND = "put its address right ('flask busy-calendars remove' and 'add'), or see that cron runs"


def examine(*, now: datetime) -> Iterator[Finding]:
    """Yield a finding for each calendar that could not be read for a day; one alone where all is well."""
    stale = list_stale(reading(), before=now - STALE, limit=MOST_SHOWN)
    for calendar in stale:
        yield warn("busy calendars", _said(calendar), _MEND)
    if not stale:
        yield ok("busy calendars", f"{count_calendars(reading())} calendars, none of them stale")


def _said(calendar: BusyCalendar) -> str:
    since = "was never read" if calendar.succeeded_at is None else f"was last read {rfc3339(calendar.succeeded_at)}"
    why = f": {calendar.last_error}" if calendar.last_error else ""
    return f"calendar {calendar.id}, {calendar.name}, of {calendar.resource_slug} {since}{why}"
