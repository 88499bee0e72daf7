"""Look over an installation and say, one finding a line, what is well, what is not, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.findings import Finding, fail
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import (
    doctor_busy_calendars,
    doctor_calendar,
    doctor_database,
    doctor_duties,
    doctor_files,
    doctor_host,
    doctor_limits,
    doctor_outbox,
    doctor_time,
)

MOST_LETTERS = 300  # of what a database says
_DAMAGED = ("malformed", "not a database")  # SQLite, of its file
Progress = Callable[[str], None]
Clock = Callable[[], datetime]

INSTALLATION = "The installation"
_GROUPS = {
    "The host": ("disk", "python", "passenger", "memory", "processes", "open files", "clock", "time zones"),
    "The database": (
        *("database", "schema", "flags", "integrity", "durability", "isolation", "sql_mode", "group_concat"),
        *("connections", "wait_timeout", "engine", "zones"),
    ),
    "Cron and messages": ("cron", "outbox", "busy calendars"),
    "Bookings": ("overlaps", "bookings", "calendar"),
    "Files": ("files", "stray files"),
    "A test mail": ("mail",),
}
_GROUP_OF = {check: group for group, checks in _GROUPS.items() for check in checks}


def group_of(finding: Finding) -> str:
    """Return under which heading a finding stands; they come one group after the other."""
    return _GROUP_OF.get(finding.check, INSTALLATION)


def examine(
    settings: Settings,
    *,
    now: datetime,
    fix: bool = False,
    environ: Mapping[str, str] | None = None,
    progress: Progress = lambda _message: None,
    clock: Clock | None = None,
) -> Iterator[Finding]:
    """Yield the findings in order, each as soon as it is known; *progress* is told what takes long.

    With *fix* the file modes and ``passenger_wsgi.py`` are put right. Nothing else is written, whatever is found. With a
    *clock*, which is compared with the database's, the time is looked at, too.
    """
    environ = os.environ if environ is None else environ
    yield from doctor_host.examine(settings, environ, fix=fix)
    yield from doctor_limits.examine(doctor_database.workers_of(environ))
    if clock is not None:
        yield doctor_time.examine_rules(clock())
    try:
        if clock is not None:
            yield from doctor_time.examine_clock(reading(), clock)
        yield from _examine_database(settings, environ, now, progress)
    except (DBAPIError, PoolTimeout) as error:
        yield _refusal(" ".join(str(getattr(error, "orig", error)).split())[:MOST_LETTERS])


def _examine_database(
    settings: Settings, environ: Mapping[str, str], now: datetime, progress: Progress
) -> Iterator[Finding]:
    knows_tables = True
    for finding in doctor_database.examine(reading(), environ, progress):
        yield finding
        knows_tables = knows_tables and (finding.check != "schema" or finding.level == "OK")
    if knows_tables:
        yield from doctor_duties.examine(now=now)
        yield from doctor_outbox.examine(now=now)
        yield from doctor_busy_calendars.examine(now=now)
        progress("looking through every calendar ...")
        yield from doctor_calendar.examine(now=now)
        progress("comparing the files with the database ...")
        yield from doctor_files.examine(settings, now=now)


def _refusal(said: str) -> Finding:
    if any(words in said for words in _DAMAGED):
        return fail("integrity", said, "restore a backup")
    return fail("database", f"does not answer: {said}", "start it, or correct DATABASE_URL")
