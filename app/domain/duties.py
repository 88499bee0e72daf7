"""What is to be done from time to time so that nothing owed waits and nothing over is kept: how often, and when it is late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = 3600, 86_400
RETRY_SECONDS = 30  # after a failure; two runs at once do not try the same failing duty twice
GRACE = timedelta(hours=1)  # cron comes every 15 minutes on some hosts, and may miss a time or two
DEAD = timedelta(days=1)  # without any run for so long, cron is taken for dead
# A time further ahead than this is of a clock that was wrong: what it says would keep a duty from ever being done again.
MOST_AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty: how often it is done, and what each thing is that it has done."""

    name: str
    every_seconds: int
    did: str

    @property
    def every(self) -> timedelta:
        """Return the time from one to the next."""
        return timedelta(seconds=self.every_seconds)


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a duty fared: when it was last done, and when and why its last run failed, if it did."""

    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""


# Half a minute where cron's every minute counts: a run that comes a second early must not find it too soon.
DUTIES = (
    Duty("requests", 30, "requests that nobody has answered in time, expired"),
    Duty("reminders", 30, "bookings whose reminders were seen to"),
    Duty("messages", 30, "messages sent"),
    Duty("busy_calendars", HOUR // 4 - 30, "calendars of busy times looked at"),
    Duty("holds", HOUR, "holds that were over, deleted"),
    Duty("codes", HOUR, "one-time codes that were over, deleted"),
    Duty("throttles", HOUR, "counters that were over, deleted"),
    Duty("sessions", HOUR, "sessions that were over, deleted"),
    Duty("answers", DAY, "answers to requests that come twice, older than a day, deleted"),
    Duty("search", DAY, "customers who came before words were kept, given theirs"),
    Duty("retention", DAY, "guests whose last booking is too long ago, erased"),
    Duty("outbox", DAY, "messages that were done with a month ago, deleted"),
    Duty("uploads", DAY, "uploads, drafts and files that nobody needs, removed"),
)


def list_due(last: Mapping[str, LastRun], *, now: datetime) -> list[Duty]:
    """Return the duties to be done now, those first that have waited longest past their time, or were never done."""
    late = {duty: _lateness(duty, last.get(duty.name, LastRun()), now) for duty in DUTIES}
    return sorted((duty for duty in DUTIES if late[duty] >= timedelta()), key=lambda duty: late[duty], reverse=True)


def is_late(duty: Duty, last: LastRun, *, now: datetime) -> bool:
    """Tell whether a duty should have been done by now, whatever cron can do on this host."""
    return _lateness(duty, last, now) >= GRACE


def last_run_at(last: Mapping[str, LastRun]) -> datetime | None:
    """Return when any duty was done or tried last; None is never."""
    times = [at for run in last.values() for at in (run.succeeded_at, run.failed_at) if at is not None]
    return max(times, default=None)


def _lateness(duty: Duty, last: LastRun, now: datetime) -> timedelta:
    if last.failed_at is not None and timedelta() <= now - last.failed_at < timedelta(seconds=RETRY_SECONDS):
        return -duty.every
    if last.succeeded_at is None or last.succeeded_at > now + MOST_AHEAD:
        return timedelta.max
    return now - last.succeeded_at - duty.every
