"""Events of a calendar as values: when they are, how they come again, and whether they keep anybody busy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from icalendar.prop import vDDDTypes

from app.domain.recurrence import Rule
from app.domain.text import clean_line
from app.domain.times import UTC, wall_minute
from app.services.ics_rules import read_rule
from app.services.ics_text import BadLine, Part, Property
from app.services.ics_zones import Zones

MAX_UID = 150  # a blackout's takes 255, with the calendar before it and the recurrence behind it
_YEARS = range(1900, 2200)
_DAY = timedelta(days=1)
_MINUTE = 60
_MOST_DAYS = 36_600  # a hundred years
Until = date | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A local time of a zone, or a day of the venue, where ``zone`` is None: then ``local`` is its midnight."""

    local: datetime
    zone: tzinfo | None

    @property
    def is_day(self) -> bool:
        """Tell whether this is a whole day."""
        return self.zone is None

    def second(self, venue: ZoneInfo) -> float:
        """Return the UTC second; a time that the clock skips counts by the offset before the jump (RFC 5545, 3.3.5)."""
        if self.zone is None:
            return wall_minute(self.local.date(), 0, venue) * _MINUTE
        return self.local.replace(tzinfo=self.zone).timestamp()

    def at(self, local: datetime) -> Moment:
        """Return another time of the same zone."""
        return Moment(local, self.zone)


@dataclass(frozen=True, slots=True)
class Length:
    """How long something lasts: days by the calendar, then seconds by the watch."""

    days: int
    seconds: float

    def end(self, begin: Moment, venue: ZoneInfo) -> float:
        """Return the UTC second in which it ends."""
        return begin.at(begin.local + timedelta(days=self.days)).second(venue) + self.seconds


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``replaces`` is which of a series it stands for (RECURRENCE-ID)."""

    uid: str
    line: int
    sequence: int
    is_busy: bool
    begin: Moment
    length: Length
    rules: tuple[tuple[Rule, Until], ...] = ()
    not_by_rules: tuple[tuple[Rule, Until], ...] = ()
    also: tuple[tuple[Moment, Length], ...] = ()
    never: tuple[Moment, ...] = ()
    replaces: Moment | None = None


class EventReader:
    """Reads the events of one file; times without a zone, and days, are the venue's."""

    def __init__(self, zones: Zones, venue: ZoneInfo) -> None:
        self._zones, self._venue = zones, venue

    def read(self, part: Part) -> Event:
        """Return an event.

        Raises:
            BadLine: it lacks a time, or something in it makes no sense.
        """
        begin = self._one(part, "DTSTART")
        if begin is None:
            raise BadLine(part.number, "this event has no DTSTART")
        return Event(
            uid=_uid(part),
            line=part.number,
            sequence=_sequence(part),
            is_busy=_is_busy(part),
            begin=begin,
            length=self._length(part, begin),
            rules=tuple(map(read_rule, part.read("RRULE"))),
            not_by_rules=tuple(map(read_rule, part.read("EXRULE"))),
            also=tuple(self._also(part, begin)),
            never=tuple(moment for found in part.read("EXDATE") for moment, _ in self._moments(found)),
            replaces=self._replaces(part),
        )

    def _one(self, part: Part, name: str) -> Moment | None:
        found = part.read(name)
        if len(found) > 1:
            raise BadLine(found[1].number, f"has a second {name}")
        if not found:
            return None
        moments = self._moments(found[0])
        if len(moments) != 1 or moments[0][1] is not None:
            raise BadLine(found[0].number, f"has a {name} that cannot be read")
        return moments[0][0]

    def _moments(self, found: Property) -> list[tuple[Moment, Length | None]]:
        """Return the times of a property, each with its length where it says one."""
        return [self._moment(found, text) for text in found.value.split(",")]

    def _moment(self, found: Property, text: str) -> tuple[Moment, Length | None]:
        value = _value(found, text)
        if isinstance(value, tuple):
            begin, end = self._place(found, value[0]), value[1]
            if isinstance(end, timedelta):
                return begin, Length(end.days, end.seconds)
            return begin, self._between(begin, self._place(found, end))
        if isinstance(value, timedelta):
            raise BadLine(found.number, f"has a {found.name} that cannot be read")
        return self._place(found, value), None

    def _place(self, found: Property, value: date) -> Moment:
        if value.year not in _YEARS:
            raise BadLine(found.number, f"has the year {value.year}")
        if not isinstance(value, datetime):
            return Moment(datetime.combine(value, time()), None)
        if value.tzinfo is not None:
            return Moment(value.replace(tzinfo=None), UTC)
        name = str(found.params.get("TZID", ""))
        return Moment(value, self._zones.find(found, name) if name else self._venue)

    def _length(self, part: Part, begin: Moment) -> Length:
        end, spans = self._one(part, "DTEND"), part.read("DURATION")
        if end is not None:
            if end.is_day != begin.is_day:
                raise BadLine(part.number, "this event mixes a day and a time in DTSTART and DTEND")
            found = self._between(begin, end)
        elif spans:
            value = _value(spans[0], spans[0].value)
            if not isinstance(value, timedelta):
                raise BadLine(spans[0].number, "has a DURATION that cannot be read")
            found = Length(value.days, value.seconds)
        else:
            found = Length(1 if begin.is_day else 0, 0)
        if found.days < 0 or found.seconds < 0:
            raise BadLine(part.number, "this event ends before it starts")
        if found.days > _MOST_DAYS:
            raise BadLine(part.number, f"this event lasts longer than {_MOST_DAYS} days")
        return found

    def _between(self, begin: Moment, end: Moment) -> Length:
        if begin.is_day:
            return Length((end.local - begin.local) // _DAY, 0)
        return Length(0, end.second(self._venue) - begin.second(self._venue))

    def _also(self, part: Part, begin: Moment) -> Sequence[tuple[Moment, Length]]:
        usual = self._length(part, begin)
        found = [moment for dates in part.read("RDATE") for moment in self._moments(dates)]
        return [(moment, usual if length is None else length) for moment, length in found]

    def _replaces(self, part: Part) -> Moment | None:
        for found in part.read("RECURRENCE-ID"):
            if "RANGE" in found.params:
                raise BadLine(found.number, "changes all that follow (RANGE), which is not understood")
        return self._one(part, "RECURRENCE-ID")


def _value(found: Property, text: str) -> date | timedelta | tuple[datetime, datetime | timedelta]:
    try:
        value: date | timedelta | tuple[datetime, datetime | timedelta] = vDDDTypes.from_ical(  # type: ignore[no-untyped-call]
            text.strip()
        )
    except (ValueError, TypeError, OverflowError):
        raise BadLine(found.number, f"has a {found.name} that cannot be read: {text[:40]}") from None
    if not isinstance(value, (date, timedelta, tuple)):
        raise BadLine(found.number, f"has a {found.name} that cannot be read: {text[:40]}")
    return value


def _uid(part: Part) -> str:
    """Return the event's name; one that is too long, or holds what cannot be kept, by its hash."""
    found = part.read("UID")
    text = found[0].value.strip() if found else ""
    if not text:
        raise BadLine(part.number, "this event has no UID")
    try:
        if clean_line(text, MAX_UID) == text:
            return text
    except ValueError:
        pass
    return hashlib.sha256(text.encode()).hexdigest()


def _sequence(part: Part) -> int:
    found = part.read("SEQUENCE")
    text = found[0].value.strip() if found else "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0  # noqa: PLR2004 - a 32-bit number


def _is_busy(part: Part) -> bool:
    """Tell whether the event takes its owner's time: not where it is called off, or marked as free."""
    said = {name: found[0].value.strip().upper() for name in _FREE if (found := part.read(name))}
    return not any(said.get(name) == word for name, word in _FREE.items())


_FREE = {"STATUS": "CANCELLED", "TRANSP": "TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS": "FREE"}
