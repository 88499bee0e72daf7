"""Bookings as iCalendar (RFC 5545): one to take along, or a feed that is subscribed to, an event at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vText

from app.documents.pdf.pauses import Pauses

_PRODID = "-//Slotkeeper//Slotkeeper//EN"
_CHUNK_BYTES = 32 * 1024
_END = b"END:VCALENDAR\r\n"
_STATUS = {"pending": "TENTATIVE", "cancelled": "CANCELLED", "declined": "CANCELLED", "expired": "CANCELLED"}
_REFRESH = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """A booking as a calendar shows it; instants are aware, ``timezone`` is the venue's. What is empty is left out.

    ``uid`` and ``sequence`` tell a calendar that a moved booking is the one that it has: the first stays, the second grows.
    """

    uid: str
    sequence: int
    status: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    updated_at: datetime
    title: str
    place: str = ""
    description: str = ""
    organizer: str = ""
    organizer_email: str = ""
    attendee_email: str = ""

    @property
    def is_off(self) -> bool:
        """Tell whether the booking does not take place."""
        return _STATUS.get(self.status) == "CANCELLED"


def one_event(event: CalendarEvent) -> bytes:
    """Return a calendar file of one booking, which says ``METHOD:CANCEL`` where it does not take place."""
    return b"".join(calendar_chunks("", [event], method="CANCEL" if event.is_off else "PUBLISH"))


def invitation_method(event: CalendarEvent) -> str:
    """Return what a mailed event asks a calendar to do: to take it in, or to take it out."""
    return "CANCEL" if event.is_off else "REQUEST"


def one_invitation(event: CalendarEvent) -> bytes:
    """Return a calendar of one booking for a mail, which has organizer and attendee. Source: RFC 5546, 3.2.2 and 3.2.5."""
    return b"".join(calendar_chunks("", [event], method=invitation_method(event)))


def calendar_chunks(
    name: str, events: Iterable[CalendarEvent], *, method: str = "PUBLISH", pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield a calendar in chunks of some 32 KiB; each zone stands before the first event in it.

    A calendar without ``END:VCALENDAR`` was cut.
    """
    pauses = pauses or Pauses()
    text, zones = bytearray(_head(name, method)), set[str]()
    for event in events:
        if event.timezone not in zones:
            zones.add(event.timezone)
            text += _timezone(event.timezone, event.starts_at.year)
        text += _event(event)
        pauses.worked()
        if len(text) >= _CHUNK_BYTES:
            yield bytes(text)
            text.clear()
    yield bytes(text) + _END


@lru_cache(maxsize=8)
def _head(name: str, method: str) -> bytes:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODID)
    calendar.add("method", method)
    if name:
        calendar.add("name", name)  # RFC 7986; the others are what calendars have long understood
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
    return bytes(calendar.to_ical()).removesuffix(_END)


def _event(booked: CalendarEvent) -> bytes:
    event = Event()
    event.add("uid", booked.uid)
    event.add("sequence", booked.sequence)
    event.add("dtstamp", booked.updated_at.astimezone(timezone.utc))
    event.add("last-modified", booked.updated_at.astimezone(timezone.utc))
    event.add("dtstart", _local(booked.starts_at, booked.timezone))
    event.add("dtend", _local(booked.ends_at, booked.timezone))
    event.add("summary", booked.title)
    event.add("status", _STATUS.get(booked.status, "CONFIRMED"))
    if booked.place:
        event.add("location", booked.place)
    if booked.description:
        event.add("description", booked.description)
    if booked.organizer_email:
        organizer = vCalAddress(f"mailto:{booked.organizer_email}")
        organizer.params["CN"] = vText(booked.organizer.replace('"', "'"))
        event.add("organizer", organizer)
    if booked.attendee_email:
        attendee = vCalAddress(f"mailto:{booked.attendee_email}")
        attendee.params["PARTSTAT"] = vText("ACCEPTED")  # who has booked need not be asked whether they come
        attendee.params["RSVP"] = vText("FALSE")
        event.add("attendee", attendee)
    return bytes(event.to_ical())


def _local(at: datetime, zone: str) -> datetime:
    """Return an instant in its zone, or in UTC where the zone's clock shows that time twice, and this is the second.

    Source:
        RFC 5545, 3.3.5: a time that occurs twice means the first.
    """
    local = at.astimezone(ZoneInfo(zone))
    return at.astimezone(timezone.utc) if local.fold else local


@lru_cache(maxsize=64)
def _timezone(name: str, year: int) -> bytes:
    """Return the VTIMEZONE of three years from the one before *year* on: as far as a feed reaches.

    icalendar's own ``Timezone.from_tzid`` (7.3) has each change begin at the local time after it, where RFC 5545, 3.6.5 asks for the
    local time before it: an hour after spring's change would be an hour wrong.
    """
    zone, end = ZoneInfo(name), datetime(year + 2, 1, 1, tzinfo=timezone.utc)
    at = datetime(year - 1, 1, 1, tzinfo=timezone.utc)
    described = Timezone()
    described.add("tzid", name)
    described.add_component(_observance(zone, at, at))
    while (change := _next_change(zone, at, end)) is not None:
        described.add_component(_observance(zone, change - timedelta(minutes=1), change))
        at = change
    return bytes(described.to_ical())


def _next_change(zone: ZoneInfo, at: datetime, end: datetime) -> datetime | None:
    """Return the next instant, to the minute, at which the zone's clock jumps before *end*."""
    while at.astimezone(zone).utcoffset() == (at + _DAY).astimezone(zone).utcoffset():
        at += _DAY
        if at >= end:
            return None
    low, high = 0, 24 * 60
    while high - low > 1:
        middle = (low + high) // 2
        same = at.astimezone(zone).utcoffset() == (at + timedelta(minutes=middle)).astimezone(zone).utcoffset()
        low, high = (middle, high) if same else (low, middle)
    return at + timedelta(minutes=high)


def _observance(zone: ZoneInfo, before: datetime, at: datetime) -> TimezoneDaylight | TimezoneStandard:
    """Return what holds from *at* on; it begins at the local time that the clock shows *before* it has jumped."""
    old, new = before.astimezone(zone).utcoffset(), at.astimezone(zone)
    part = TimezoneDaylight() if new.dst() else TimezoneStandard()
    part.add("dtstart", (at + (old or timedelta())).replace(tzinfo=None))
    part.add("tzoffsetfrom", old)
    part.add("tzoffsetto", new.utcoffset())
    part.add("tzname", new.tzname())
    return part
