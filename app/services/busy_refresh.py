"""Read the calendars that keep resources busy, and write what has changed; by cron or a shell, never in somebody's request.

When a calendar cannot be read, its busy times stay as they are, and its row says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

from app.domain.actors import Actor
from app.domain.busy_times import BusyTime, Closed, Difference, difference
from app.domain.errors import Invalid, NotFound
from app.gateways import busy_calendars as gateway
from app.gateways.outward import Unreachable
from app.gateways.sealing import SealBroken
from app.persistence import blackouts
from app.persistence import busy_calendars as stored
from app.persistence.audit import add_audit
from app.persistence.busy_calendars import BusyCalendar
from app.persistence.calendar import lock_resources
from app.persistence.session import Session, give_connection_back, reading, transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.busy_calendars import open_url

CHECK_EVERY = timedelta(minutes=14)  # the duty comes every 15, and may come a little early
FETCH_SECONDS = 10.0
_LEAST_SECONDS = 3.0
MOST_BOOKINGS = 20_000
_CRON = Actor("operator", "busy-calendars")
_READER = "app.services.busy_times"


class Unreadable(Exception):
    """A calendar could not be read now; the text is a short reason, without its address."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a calendar's new state changed; ``refs`` are bookings that stand where somebody is busy now, and stay."""

    calendar: BusyCalendar
    added: int = 0
    moved: int = 0
    removed: int = 0
    kept: int = 0
    refs: tuple[str, ...] = ()


def refresh_next(settings: Settings, *, now: datetime, seconds: float) -> int:
    """Look at the calendar that waits longest for it, and return 1; 0 where none is due.

    One that cannot be read is noted and logged, and does not keep the others from theirs.
    """
    calendar = _claim_next(now=now)
    if calendar is None:
        return 0
    try:
        refresh(settings, calendar, by=_CRON, now=now, seconds=max(min(FETCH_SECONDS, seconds), _LEAST_SECONDS))
    except Unreadable as error:
        logs.info("busy_calendar_failed", calendar=calendar.id, reason=str(error))
    except NotFound:
        logs.info("busy_calendar_gone", calendar=calendar.id)
    return 1


def refresh(
    settings: Settings, calendar: BusyCalendar, *, by: Actor, now: datetime, seconds: float = FETCH_SECONDS
) -> Refreshed:
    """Fetch a calendar and write what has changed in it.

    Raises:
        Unreadable: it cannot be fetched or read; its row says so, and its busy times stay.
        NotFound: it was removed meanwhile.
    """
    try:
        fetched, times = _fetch(settings, calendar, now=now, seconds=seconds)
    except (Unreachable, SealBroken, Invalid) as error:
        reason = _reason(error)
        _note_failure(calendar.id, reason, now=now)
        raise Unreadable(reason) from None
    if times is None:
        _note_success(calendar.id, fetched.etag, now=now)
        return Refreshed(calendar, kept=len(stored.list_times(reading(), calendar.id)))
    return _store(calendar, times, fetched.etag, by=by, now=now)


def _fetch(
    settings: Settings, calendar: BusyCalendar, *, now: datetime, seconds: float
) -> tuple[gateway.Fetched, Sequence[BusyTime] | None]:
    """Return what came, and the busy times in it: None where it is what was read before, less than half a day ago."""
    is_fresh = calendar.succeeded_at is not None and now - calendar.succeeded_at < timedelta(hours=12)
    give_connection_back()
    url = open_url(settings, calendar)
    etag = calendar.etag if is_fresh else ""  # the window moves on: what repeats has new times in it
    fetched = gateway.fetch(url, etag, allowed=settings.webhook_allowed_networks, seconds=seconds)
    if fetched.content is None:
        return fetched, None
    return fetched, read_times(fetched.content, calendar.name, ZoneInfo(calendar.timezone), now=now)


def read_times(content: bytes, name: str, zone: ZoneInfo, *, now: datetime) -> Sequence[BusyTime]:
    """Return the busy times in a file, from yesterday to a good year from now.

    Raises:
        InvalidFile: it cannot be read; the line is named.
    """
    reader = import_module(_READER)
    found: Sequence[BusyTime] = reader.read_busy_times(content, name, reader.Window.around(now, zone))
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, SealBroken):
        return "its address cannot be opened with this installation's key: remove it and add it again"
    if isinstance(error, Invalid):
        return error.errors[0].field.rpartition(":")[2].join(("line ", ": ")) + error.errors[0].message
    return str(error)


@use_case
def _claim_next(*, now: datetime) -> BusyCalendar | None:
    """Return the next calendar that nobody else is looking at; None where none is due."""
    before = now - CHECK_EVERY
    while (calendar := stored.find_due(reading(), before=before)) is not None:
        with transaction() as session:
            if stored.claim(session, calendar.id, before=before, now=now):
                return calendar
    return None


@use_case
def _note_success(calendar_id: int, etag: str, *, now: datetime) -> None:
    with transaction() as session:
        stored.note_success(session, calendar_id, etag=etag, now=now)


@use_case
def _note_failure(calendar_id: int, reason: str, *, now: datetime) -> None:
    with transaction() as session:
        stored.note_failure(session, calendar_id, reason, now=now)


@use_case
def _store(calendar: BusyCalendar, times: Sequence[BusyTime], etag: str, *, by: Actor, now: datetime) -> Refreshed:
    """Write the difference under the lock; where there is none, nobody's calendar is locked."""
    wanted = {f"busy:{calendar.id}:{time.uid}": time for time in times}
    plan = difference(stored.list_times(reading(), calendar.id), wanted)
    if plan.is_none:
        _note_success(calendar.id, etag, now=now)
        return Refreshed(calendar, kept=plan.kept)
    with transaction() as session:
        lock_resources(session, [calendar.resource_id])
        stored.get_calendar(session, calendar.id)
        plan = difference(stored.list_times(session, calendar.id), wanted)
        _write(session, calendar, plan)
        refs = _bookings_inside(session, calendar, plan.spans)
        stored.note_success(session, calendar.id, etag=etag, now=now)
        done = Refreshed(calendar, len(plan.add), len(plan.move), len(plan.remove), plan.kept, refs)
        _audit(session, done, by=by, now=now)
    return done


def _audit(session: Session, done: Refreshed, *, by: Actor, now: datetime) -> None:
    detail = {"added": done.added, "moved": done.moved, "removed": done.removed, "bookings_inside": len(done.refs)}
    subject = f"busy_calendar:{done.calendar.id}"
    add_audit(session, "busy_calendar.refreshed", subject, by=by, now=now, **detail, bookings=done.refs[:20])


def _write(session: Session, calendar: BusyCalendar, plan: Difference) -> None:
    place = {"venue_id": calendar.venue_id, "resource_id": calendar.resource_id, "reason": calendar.name}
    rows = [
        {**place, "busy_calendar_id": calendar.id, "uid": time.uid, "starts": time.starts, "ends": time.ends}
        for time in plan.add
    ]
    stored.delete_times(session, plan.remove)
    stored.move_times(session, plan.move)
    stored.add_times(session, rows)


def _bookings_inside(session: Session, calendar: BusyCalendar, spans: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Return the bookings that touch any of the spans; one query however many there are."""
    closed = Closed(spans)
    if not closed.spans:
        return ()
    span = {"starts": closed.spans[0][0], "ends": closed.spans[-1][1], "limit": MOST_BOOKINGS}
    ids = [calendar.resource_id]
    found = blackouts.list_bookings_inside(session, calendar.venue_id, ids, **span)
    return tuple(ref for ref, starts_at, ends_at in found if closed.touches(starts_at, ends_at))
