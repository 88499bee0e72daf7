"""Calendars of holidays: iCalendar (RFC 5545) to times to close. Loaded by the command line alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component

from app.domain.text import clean_line
from app.domain.times import to_minute, wall_minute
from app.services.blackouts import MAX_REASON, Closing
from app.services.input_files import Path, Problems, decode, refuse_file

MAX_EVENTS = 5000  # of one file, which is one transaction
MAX_UID = 190  # the column takes 255, a resource's slug before it 65
_YEARS = range(1970, 2200)


def parse(content: bytes, name: str, zone: ZoneInfo) -> tuple[Closing, ...]:
    """Return the times of a calendar's events; days, and times without a zone, are those of *zone*.

    Events that the calendar calls cancelled are left out.

    Raises:
        InvalidFile: it is no iCalendar file, or some event cannot become a blackout; each is named.
    """
    events = _events(decode(content, name), name)
    problems = Problems(name, place=lambda path: f"{name}: {_label(events, path)}", order=lambda path: int(path[0]))
    closings: dict[str, Closing] = {}
    for number, event in enumerate(events):
        try:
            _add(closings, _closing(event, zone))
        except (ValueError, OverflowError) as error:
            problems.add((number,), str(error))
    problems.raise_any()
    return tuple(closings.values())


def _add(closings: dict[str, Closing], closing: Closing) -> None:
    if closing.uid in closings:
        raise ValueError("has the UID of an event before it")
    closings[closing.uid] = closing


def _events(text: str, name: str) -> list[Component]:
    """Return the events of a calendar, those that it calls cancelled left out."""
    problem = _outer_problem(text.strip().upper().splitlines())
    if problem:
        raise refuse_file(name, problem)
    try:
        calendars = Calendar.from_ical(text, multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        # The reader raises all of these for files that are cut off or made up.
        raise refuse_file(name, f"is no iCalendar file: {_first_line(error)}") from None
    return [event for event in events if str(event.get("STATUS", "")).upper() != "CANCELLED"]


def _outer_problem(lines: Sequence[str]) -> str:
    """Return what is wrong with a file as a whole, before the work of reading it; nothing where it may be read."""
    if not lines or lines[0].strip() != "BEGIN:VCALENDAR":
        return "is no iCalendar file: it does not begin with BEGIN:VCALENDAR"
    begun, ended, events = (sum(line.startswith(word) for line in lines) for word in ("BEGIN:", "END:", "BEGIN:VEVENT"))
    if begun != ended:  # the reader would leave the rest out without a word
        return "is no whole iCalendar file: something that begins in it does not end"
    return f"has more than {MAX_EVENTS} events: split it" if events > MAX_EVENTS else ""


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _label(events: Sequence[Component], path: Path) -> str:
    """Return what to call an event: its number in the file, from 1, and its UID."""
    number = int(path[0])
    uid = " ".join(str(events[number].get("UID", "")).split())[:100]
    return f"event {number + 1} ({uid or 'no UID'})"


def _closing(event: Component, zone: ZoneInfo) -> Closing:
    """Return the time of one event.

    Raises:
        ValueError: it repeats, lacks a time, or ends before it starts.
    """
    for key, _ in event.errors:  # what the reader could not make out it leaves out
        if key in {"DTSTART", "DTEND", "DURATION", "RRULE"}:
            raise ValueError(f"has a {key} that cannot be read")
    uid = clean_line(str(event.get("UID", "")), MAX_UID)
    if not uid:
        raise ValueError("has no UID")
    if any(event.get(key) is not None for key in ("RRULE", "RDATE", "RECURRENCE-ID")):
        raise ValueError("repeats (RRULE): give each day an event of its own")
    first = _time(event, "DTSTART")
    if first is None:
        raise ValueError("has no DTSTART")
    end = _end(event, first)
    if isinstance(first, datetime) != isinstance(end, datetime):
        raise ValueError("mixes a day and a time in DTSTART and DTEND")
    starts, ends = _minute(first, zone), _minute(end, zone, up=True)
    if ends <= starts:
        raise ValueError("does not end after it starts")
    return Closing(uid, starts, ends, _reason(event))


def _end(event: Component, first: date) -> date:
    """Return the end, exclusive: DTEND, or DTSTART and DURATION, or one day."""
    end = _time(event, "DTEND")
    if end is not None:
        return end
    span: Any = getattr(event.get("DURATION"), "dt", None)
    if isinstance(span, timedelta):
        return first + span
    if isinstance(first, datetime):
        raise ValueError("has neither DTEND nor DURATION")  # noqa: TRY004 - a wrong file, not a wrong program
    return first + timedelta(days=1)


def _time(event: Component, key: str) -> date | None:
    """Return a day, or a time; None where there is none.

    Raises:
        ValueError: it is there twice, cannot be read, or is out of all reason.
    """
    found: Any = event.get(key)
    if found is None:
        return None
    when = getattr(found, "dt", None)
    if not isinstance(when, date):
        raise ValueError(f"has a {key} that cannot be read")  # noqa: TRY004 - a wrong file, not a wrong program
    if isinstance(when, datetime) and when.tzinfo is None and "TZID" in found.params:
        raise ValueError(f"names the time zone {found.params['TZID']}, which nobody knows")
    if when.year not in _YEARS:
        raise ValueError(f"has the year {when.year}")
    return when


def _minute(when: date, zone: ZoneInfo, *, up: bool = False) -> int:
    """Return the UTC minute of a day's beginning or a time; *up* rounds seconds up, so that a blackout covers them."""
    if not isinstance(when, datetime):
        return wall_minute(when, 0, zone)
    if up and (when.second or when.microsecond):
        when += timedelta(minutes=1)
    if when.tzinfo is None:
        return wall_minute(when.date(), when.hour * 60 + when.minute, zone)
    return to_minute(when)


def _reason(event: Component) -> str:
    """Return the event's summary as one line that fits."""
    words: Iterable[str] = str(event.get("SUMMARY", "")).split()
    return clean_line(" ".join(words)[:MAX_REASON], MAX_REASON)
