"""When a booking's customer is reminded of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

# A host that was down sends what is late, within reason: "in a week" is nothing to be told on the day before.
LATEST = timedelta(days=1)
GOT_ITS_TIME = ("booking.made", "booking.approved", "booking.rescheduled")  # by the audit log


@dataclass(frozen=True, slots=True)
class Due:
    """What is done about one booking's reminders now: those to be marked, and the one to be sent, if any."""

    marked: tuple[int, ...] = ()
    sent: int | None = None


def moment_of(minutes: int, starts_at: datetime) -> datetime:
    """Return when a reminder is due."""
    return starts_at - timedelta(minutes=minutes)


def due_of(
    reminders: Collection[int],
    starts_at: datetime,
    *,
    got_its_time_at: datetime | None,
    done: Collection[int],
    now: datetime,
) -> Due:
    """Return what is to be done about the *reminders* of a confirmed booking, of which some are *done*.

    Of several that are due at once, as after a night without cron, only the nearest to the start is sent. One whose moment
    was over when the booking got its time, or is over for long, is marked and not sent. ``got_its_time_at`` None is long ago.
    """
    if starts_at <= now:
        return Due()
    due = sorted({each for each in reminders if moment_of(each, starts_at) <= now} - {*done})
    wanted = [each for each in due if _is_wanted(moment_of(each, starts_at), got_its_time_at, now=now)]
    nearer_done = any(each <= wanted[0] for each in done) if wanted else False
    return Due(tuple(due), wanted[0] if wanted and not nearer_done else None)


def _is_wanted(moment: datetime, got_its_time_at: datetime | None, *, now: datetime) -> bool:
    return now - moment < LATEST and (got_its_time_at is None or moment > got_its_time_at)
