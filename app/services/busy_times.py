"""When a calendar elsewhere says that somebody is busy: its events, each time they come, within a window.

Loaded when there is a file to read: the reader of calendars takes 8 MiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from app.domain.busy_times import BusyTime
from app.domain.recurrence import Effort, Rule, TooMuchWork, iter_days
from app.domain.times import UTC, from_minute
from app.services.ics_events import Event, EventReader, Length, Moment, Until
from app.services.ics_text import BadLine, Part, iter_parts
from app.services.ics_zones import Zones
from app.services.input_files import decode, refuse_file

HORIZON_DAYS = 400
MOST_TIMES = 5_000
MOST_EVENTS = 50_000  # of a file, most of them long past
MOST_EFFORT = 2_000_000  # days looked at: some seconds
_DAY = timedelta(days=1)
_MINUTE = 60
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")


@dataclass(frozen=True, slots=True)
class Window:
    """The UTC minutes that are looked at, and the venue's zone."""

    starts: int
    ends: int
    zone: ZoneInfo

    @classmethod
    def around(cls, now: datetime, zone: ZoneInfo) -> Window:
        """Return the window from yesterday to a good year from now."""
        today = int(now.timestamp() // _MINUTE)
        return cls(today - 1440, today + HORIZON_DAYS * 1440, zone)

    @property
    def days(self) -> tuple[date, date]:
        """Return the days on which something may begin that is in the window, whatever its zone; the second exclusive."""
        return (from_minute(self.starts) - 2 * _DAY).date(), (from_minute(self.ends) + 3 * _DAY).date()


def read_busy_times(content: bytes, name: str, window: Window) -> tuple[BusyTime, ...]:
    """Return the busy times of an iCalendar file within the window, by name.

    Events that are called off, or marked as free, keep nobody busy. Days, and times without a zone, are the venue's.

    Raises:
        InvalidFile: it is no whole calendar, some event makes no sense (its line is named), or there are too many.
    """
    try:
        events = _read(decode(content, name), window)
        found = _expand(events, window)
    except BadLine as error:
        raise error.within(name) from None
    if len(found) > MOST_TIMES:
        raise refuse_file(name, f"has more than {MOST_TIMES} busy times in {HORIZON_DAYS} days: split the calendar")
    return tuple(found.values())


def _read(text: str, window: Window) -> list[Event]:
    """Return the events that may matter: those long past are read no further than their times."""
    described: dict[str, Part] = {}
    reader = EventReader(Zones(described), window.zone)
    events: list[Part] = []
    for number, part in enumerate(iter_parts(text)):
        if number == MOST_EVENTS:
            raise BadLine(part.number, f"the file has more than {MOST_EVENTS} events: split it")
        if part.kind == "VTIMEZONE":
            described.update({found.value.strip(): part for found in part.read("TZID")})
        elif not _is_over(part, window):
            events.append(part)
    return [reader.read(part) for part in events]


def _is_over(part: Part, window: Window) -> bool:
    """Tell from its first digits whether an event that does not repeat was over days ago."""
    if part.has(*_REPEATS):
        return False
    first = f"{window.days[0]:%Y%m%d}"
    ends = part.read("DTEND")
    text = ends[0].value.strip()[:8] if len(ends) == 1 else ""
    return text.isascii() and text.isdigit() and len(text) == len(first) and text < first


def _expand(events: Iterable[Event], window: Window) -> dict[str, BusyTime]:
    effort = Effort(MOST_EFFORT)
    masters, changed = _sorted_out(events)
    found: dict[str, BusyTime] = {}
    for event in masters.values():
        replaced = [one.replaces for one in changed.get(event.uid, {}).values() if one.replaces]
        try:
            for busy in _times(event, replaced, window, effort):
                found[busy.uid] = busy
                if len(found) > MOST_TIMES:
                    return found
        except TooMuchWork as error:
            raise BadLine(event.line, f"this event {error}") from None
    for one in (event for of_uid in changed.values() for event in of_uid.values()):
        time = _busy(one, one.begin, one.length, one.replaces or one.begin, window)
        if one.is_busy and time is not None:
            found[time.uid] = time
    return found


def _sorted_out(events: Iterable[Event]) -> tuple[dict[str, Event], dict[str, dict[str, Event]]]:
    """Return events by name, and those that stand for one of a series by name and which; the newest of each counts."""
    masters: dict[str, Event] = {}
    changed: dict[str, dict[str, Event]] = {}
    for event in sorted(events, key=lambda event: event.sequence):
        if event.replaces is None:
            masters[event.uid] = event
        else:
            changed.setdefault(event.uid, {})[_which(event.replaces)] = event
    return masters, changed


def _times(event: Event, replaced: Iterable[Moment], window: Window, effort: Effort) -> Iterator[BusyTime]:
    if not event.is_busy:
        return
    left_out = _Exclusion([*event.never, *replaced], window.zone)
    for rule in event.not_by_rules:
        for moment in _of_rule(event, rule, window, effort):
            left_out.add(moment)
    for moment, length in _starts(event, window, effort):
        busy = None if moment in left_out else _busy(event, moment, length, moment, window)
        if busy is not None:
            yield busy


def _starts(event: Event, window: Window, effort: Effort) -> Iterator[tuple[Moment, Length]]:
    yield event.begin, event.length
    yield from event.also
    for rule in event.rules:
        for moment in _of_rule(event, rule, window, effort):
            yield moment, event.length


def _of_rule(event: Event, ruled: tuple[Rule, Until], window: Window, effort: Effort) -> Iterator[Moment]:
    rule, until = ruled
    opens, closes = window.days
    opens -= timedelta(days=event.length.days + ceil(event.length.seconds / 86_400))
    for day in iter_days(rule, event.begin.local.date(), opens, closes, effort):
        moment = event.begin.at(datetime.combine(day, event.begin.local.time()))
        if until is not None and _is_after(moment, until, window.zone):
            return
        yield moment


def _is_after(moment: Moment, until: date, zone: ZoneInfo) -> bool:
    """Tell whether a time lies behind the end of its rule, which is a day, a local time or an instant."""
    if not isinstance(until, datetime):
        return moment.local.date() > until
    if until.tzinfo is None:
        return moment.local > until
    if moment.is_day:
        return moment.local.date() > until.astimezone(zone).date()
    return moment.second(zone) > until.timestamp()


class _Exclusion:
    """The times of a series that are left out; where one is named by its day alone, whatever begins on that day."""

    def __init__(self, moments: Iterable[Moment], zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: set[date] = set()
        self._seconds: set[float] = set()
        for moment in moments:
            self.add(moment)

    def add(self, moment: Moment) -> None:
        if moment.is_day:
            self._days.add(moment.local.date())
        else:
            self._seconds.add(moment.second(self._zone))

    def __contains__(self, moment: Moment) -> bool:
        if moment.local.date() in self._days:
            return True
        return moment.second(self._zone) in self._seconds


def _busy(event: Event, begin: Moment, length: Length, which: Moment, window: Window) -> BusyTime | None:
    """Return the time if it is one, and in the window; whole minutes that cover it."""
    starts = int(begin.second(window.zone) // _MINUTE)
    ends = ceil(length.end(begin, window.zone) / _MINUTE)
    if ends <= starts or ends <= window.starts or starts >= window.ends:
        return None
    is_one_of_many = event.rules or event.also or event.replaces
    return BusyTime(f"{event.uid}:{_which(which) if is_one_of_many else ''}", starts, ends)


def _which(moment: Moment) -> str:
    if moment.zone is None:
        return f"{moment.local:%Y%m%d}"
    return f"{moment.local.replace(tzinfo=moment.zone).astimezone(UTC):%Y%m%dT%H%M%SZ}"
