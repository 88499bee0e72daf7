"""Calendars read back by another program than wrote them: vobject, and a zone's changes by dateutil inside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.documents.calendars import (
    CalendarEvent,
    _timezone,
    calendar_chunks,
    invitation_method,
    one_event,
    one_invitation,
)
from tests.documents import reading

UTC = timezone.utc


def event(**changed: object) -> CalendarEvent:
    values: dict[str, object] = {
        "uid": "booking-K7Q4M2PXXX@slotkeeper",
        "sequence": 3,
        "status": "confirmed",
        "starts_at": datetime(2027, 7, 1, 8, tzinfo=UTC),
        "ends_at": datetime(2027, 7, 1, 9, 30, tzinfo=UTC),
        "timezone": "Europe/Berlin",
        "updated_at": datetime(2027, 6, 1, 12, tzinfo=UTC),
        "title": "Badminton",
    }
    return CalendarEvent(**{**values, **changed})  # type: ignore[arg-type]


def read(data: bytes) -> Any:
    return reading.module("vobject").readOne(data.decode())


def test_a_booking_is_read_back_as_it_is() -> None:
    data = one_event(
        event(place="Court 2", description="K7Q4M2PXXX", organizer="Sportpark", organizer_email="a@b.example")
    )
    found = read(data)
    assert found.method.value == "PUBLISH"
    assert found.vevent.uid.value == "booking-K7Q4M2PXXX@slotkeeper"
    assert found.vevent.sequence.value == "3"
    assert found.vevent.status.value == "CONFIRMED"
    assert found.vevent.dtstart.value == datetime(2027, 7, 1, 8, tzinfo=UTC)
    assert found.vevent.dtstart.value.hour == 10
    assert found.vevent.dtend.value == datetime(2027, 7, 1, 9, 30, tzinfo=UTC)
    assert found.vevent.dtstamp.value == datetime(2027, 6, 1, 12, tzinfo=UTC)
    assert (found.vevent.summary.value, found.vevent.location.value) == ("Badminton", "Court 2")
    assert found.vevent.organizer.value == "mailto:a@b.example"


@pytest.mark.parametrize("status", ["cancelled", "declined", "expired"])
def test_a_booking_that_is_off_takes_itself_out_of_the_calendar(status: str) -> None:
    found = read(one_event(event(status=status)))
    assert (found.method.value, found.vevent.status.value) == ("CANCEL", "CANCELLED")


@pytest.mark.parametrize(
    ("status", "method"), [("confirmed", "REQUEST"), ("pending", "REQUEST"), ("cancelled", "CANCEL")]
)
def test_an_invitation_names_who_invites_and_who_comes_and_asks_for_no_answer(status: str, method: str) -> None:
    invited = event(status=status, organizer="Halle", organizer_email="a@b.example", attendee_email="ada@example.org")
    found = read(one_invitation(invited))
    assert (found.method.value, invitation_method(invited)) == (method, method)
    assert found.vevent.organizer.value == "mailto:a@b.example"
    assert found.vevent.attendee.value == "mailto:ada@example.org"
    assert (found.vevent.attendee.partstat_param, found.vevent.attendee.rsvp_param) == ("ACCEPTED", "FALSE")
    assert (found.vevent.uid.value, found.vevent.sequence.value) == ("booking-K7Q4M2PXXX@slotkeeper", "3")


def test_a_booking_that_waits_for_approval_is_tentative() -> None:
    assert read(one_event(event(status="pending"))).vevent.status.value == "TENTATIVE"


@pytest.mark.parametrize(
    "text",
    [
        "a; b, c\\d",
        "two\nlines",
        "BEGIN:VALARM\r\nEND:VEVENT\r\nATTACH:file:///etc/passwd",
        "Đặng Thị Hồng Nhung " * 20,
        '"quoted": and colons',
    ],
)
def test_text_is_text(text: str) -> None:
    data = one_event(event(title=text, organizer=text, organizer_email="a@b.example"))
    found = read(data)
    assert found.vevent.summary.value == text.replace("\r\n", "\n")
    assert set(found.vevent.contents) == {
        "uid", "sequence", "dtstamp", "last-modified", "dtstart", "dtend", "summary", "status", "organizer",
    }  # fmt: skip


def test_lines_are_at_most_75_octets_and_end_as_the_rfc_says() -> None:
    data = one_event(event(title="Đặng Thị Hồng Nhung, ₹ " * 30))
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"\n" not in data.replace(b"\r\n", b"")
    for line in lines:
        line.decode()  # no character is cut in two


def test_a_feed_has_a_name_and_each_zone_once_before_its_events() -> None:
    zones = ("Europe/Berlin", "Asia/Kolkata", "Europe/Berlin")
    data = b"".join(calendar_chunks("Ada", [event(uid=str(n), timezone=zone) for n, zone in enumerate(zones)]))
    found = read(data)
    assert found.contents["x-wr-calname"][0].value == "Ada"
    assert [one.uid.value for one in found.vevent_list] == ["0", "1", "2"]
    assert data.count(b"BEGIN:VTIMEZONE") == 2
    assert data.index(b"TZID:Asia/Kolkata") < data.index(b"DTSTART;TZID=Asia/Kolkata")


def test_an_empty_feed_is_a_calendar() -> None:
    assert read(b"".join(calendar_chunks("Ada", []))).prodid.value == "-//Slotkeeper//Slotkeeper//EN"


def test_events_leave_before_the_last_is_read() -> None:
    made: list[int] = []

    def events() -> Iterator[CalendarEvent]:
        for number in range(1000):
            made.append(number)
            yield event(uid=str(number))

    chunks = calendar_chunks("Ada", events())
    first = next(chunks)
    assert len(made) < 500
    assert read(first + b"".join(chunks)).vevent_list[-1].uid.value == "999"


def test_the_second_of_two_equal_times_in_autumn_stays_the_second() -> None:
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)  # 02:30 for the second time in Berlin
    found = read(one_event(event(starts_at=second, ends_at=second + timedelta(hours=1))))
    assert found.vevent.dtstart.value == second
    first = second - timedelta(hours=1)
    found = read(one_event(event(starts_at=first, ends_at=second)))
    assert found.vevent.dtstart.value.astimezone(UTC) == first  # Python calls no two such times equal across zones


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "UTC"]
)
def test_every_hour_of_three_years_is_the_zones_own(zone: str) -> None:
    data = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + _timezone(zone, 2027) + b"END:VCALENDAR\r\n"
    described = read(data).vtimezone.gettzinfo()
    at = datetime(2026, 1, 2, tzinfo=UTC)
    while at < datetime(2028, 12, 30, tzinfo=UTC):
        local = at.astimezone(ZoneInfo(zone))
        if not local.fold:  # the second of two equal times is written in UTC
            assert local.replace(tzinfo=described).utcoffset() == local.utcoffset(), local
        at += timedelta(hours=1)


def test_what_the_library_would_say_of_a_zone_is_wrong_after_springs_change() -> None:
    """Tells when icalendar is right, so that our own can go."""
    years = {"first_date": date(2027, 1, 1), "last_date": date(2028, 1, 1)}
    library = reading.module("icalendar").Timezone.from_tzid("Europe/Berlin", **years)
    assert b"DTSTART:20270328T030000" in library.to_ical()  # 02:00 is what RFC 5545, 3.6.5 asks for
