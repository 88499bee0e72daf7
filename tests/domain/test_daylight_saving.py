"""The nights on which clocks change, written out by hand.

Berlin: on 2027-03-28 the clock goes from 02:00+01:00 to 03:00+02:00; on 2027-10-31 from 03:00+02:00 back to 02:00+01:00.
New York: on 2027-03-14 from 02:00-05:00 to 03:00-04:00; on 2027-11-07 from 02:00-04:00 back to 01:00-05:00.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain import slots, spans
from app.domain.hours import Window
from app.domain.offers import Ask, Calendars, Offer
from app.domain.times import from_minute, is_skipped, to_minute, wall_minute
from tests.domain.samples import offer, resource

NOW = datetime(2027, 1, 1, tzinfo=timezone.utc)
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
SATURDAY = 5
SUNDAY = 6


def open_on(weekday: int, *windows: Window, zone: str, **rules: Any) -> Offer:
    """Return a service of one hour, every hour, open on one day of the week."""
    weekly = tuple(windows if day == weekday else () for day in range(7))
    return offer((resource(weekly_hours=weekly),), zone=zone, **rules)


def listed(a_service: Offer, day: date, minutes: int = 60) -> list[str]:
    """Return the starts of a day as the venue's clock shows them, with the offset."""
    span = spans.span_of_days(a_service, day, day + timedelta(days=1))
    found = slots.find(a_service, Calendars(), Ask(minutes), span, now=NOW)
    return [shown(slot.starts, str(a_service.zone)) for slot in found[day]]


def shown(minute: int, zone: str) -> str:
    return from_minute(minute).astimezone(ZoneInfo(zone)).isoformat()[11:16] + offset(minute, zone)


def offset(minute: int, zone: str) -> str:
    return from_minute(minute).astimezone(ZoneInfo(zone)).isoformat()[19:]


# zone, the Saturday before, what is listed on the Sunday: hours are 18:00 to 28:00, which is 04:00 on Sunday
LATE_NIGHTS = [
    (BERLIN, date(2027, 3, 27), ["00:00+01:00", "01:00+01:00", "03:00+02:00"]),
    (BERLIN, date(2027, 10, 30), ["00:00+02:00", "01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"]),
    (NEW_YORK, date(2027, 3, 13), ["00:00-05:00", "01:00-05:00", "03:00-04:00"]),
    (NEW_YORK, date(2027, 11, 6), ["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00", "03:00-05:00"]),
]


@pytest.mark.parametrize(("zone", "saturday", "sunday_starts"), LATE_NIGHTS)
def test_hours_past_midnight_end_when_the_clock_says_so(zone: str, saturday: date, sunday_starts: list[str]) -> None:
    a_service = open_on(SATURDAY, (18 * 60, 28 * 60), zone=zone)
    assert [start[:5] for start in listed(a_service, saturday)] == [
        "18:00",
        "19:00",
        "20:00",
        "21:00",
        "22:00",
        "23:00",
    ]
    assert listed(a_service, saturday + timedelta(days=1)) == sunday_starts


# zone, the Sunday, what is listed: hours are 00:00 to 06:00, five hours long in spring and seven in autumn
SMALL_HOURS = [
    (BERLIN, date(2027, 3, 28), ["00:00+01:00", "01:00+01:00", "03:00+02:00", "04:00+02:00", "05:00+02:00"]),
    (
        BERLIN,
        date(2027, 10, 31),
        ["00:00+02:00", "01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00", "04:00+01:00", "05:00+01:00"],
    ),
    (NEW_YORK, date(2027, 3, 14), ["00:00-05:00", "01:00-05:00", "03:00-04:00", "04:00-04:00", "05:00-04:00"]),
    (
        NEW_YORK,
        date(2027, 11, 7),
        ["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00", "03:00-05:00", "04:00-05:00", "05:00-05:00"],
    ),
]


@pytest.mark.parametrize(("zone", "sunday", "starts"), SMALL_HOURS)
def test_a_window_over_the_jump_has_an_hour_less_or_more(zone: str, sunday: date, starts: list[str]) -> None:
    assert listed(open_on(SUNDAY, (0, 6 * 60), zone=zone), sunday) == starts


# zone, Sunday, window, starts of one hour: where an edge of the window falls into the hour that is skipped or doubled
EDGES = [
    # Opening at 02:30, which does not happen, is opening when the clock jumps; slots count from there.
    (BERLIN, date(2027, 3, 28), (2 * 60 + 30, 6 * 60), ["03:00+02:00", "04:00+02:00", "05:00+02:00"]),
    (NEW_YORK, date(2027, 3, 14), (2 * 60 + 30, 6 * 60), ["03:00-04:00", "04:00-04:00", "05:00-04:00"]),
    # Closing at 02:30, which does not happen, is closing when the clock jumps.
    (BERLIN, date(2027, 3, 28), (0, 2 * 60 + 30), ["00:00+01:00", "01:00+01:00"]),
    (NEW_YORK, date(2027, 3, 14), (0, 2 * 60 + 30), ["00:00-05:00", "01:00-05:00"]),
    # Hours that lie wholly in the skipped hour do not take place.
    (BERLIN, date(2027, 3, 28), (2 * 60, 3 * 60), []),
    (NEW_YORK, date(2027, 3, 14), (2 * 60 + 10, 2 * 60 + 50), []),
    # A time shown twice is the first of the two, for opening and for closing.
    (BERLIN, date(2027, 10, 31), (2 * 60 + 30, 4 * 60), ["02:30+02:00", "02:30+01:00"]),
    (NEW_YORK, date(2027, 11, 7), (60 + 30, 3 * 60), ["01:30-04:00", "01:30-05:00"]),
    (BERLIN, date(2027, 10, 31), (30, 2 * 60 + 30), ["00:30+02:00", "01:30+02:00"]),
    (NEW_YORK, date(2027, 11, 7), (30, 60 + 30), ["00:30-04:00"]),
]


@pytest.mark.parametrize(("zone", "sunday", "window", "starts"), EDGES)
def test_an_edge_in_the_changed_hour_counts_as_the_first_moment_at_or_after_it(
    zone: str, sunday: date, window: Window, starts: list[str]
) -> None:
    assert listed(open_on(SUNDAY, window, zone=zone), sunday) == starts


# zone, Sunday, the class's times, those that take place
CLASSES = [
    (BERLIN, date(2027, 3, 28), (90, 120, 150, 179), ["01:30+01:00"]),
    (BERLIN, date(2027, 3, 28), (150, 180, 210), ["03:00+02:00", "03:30+02:00"]),
    (BERLIN, date(2027, 10, 31), (90, 120, 150, 180), ["01:30+02:00", "02:00+02:00", "02:30+02:00", "03:00+01:00"]),
    (NEW_YORK, date(2027, 3, 14), (90, 120, 150, 179), ["01:30-05:00"]),
    (NEW_YORK, date(2027, 3, 14), (150, 180, 210), ["03:00-04:00", "03:30-04:00"]),
    (NEW_YORK, date(2027, 11, 7), (30, 60, 90, 120), ["00:30-04:00", "01:00-04:00", "01:30-04:00", "02:00-05:00"]),
]


@pytest.mark.parametrize(("zone", "sunday", "times", "starts"), CLASSES)
def test_a_class_is_left_out_of_the_skipped_hour_and_held_once_in_the_doubled_one(
    zone: str, sunday: date, times: tuple[int, ...], starts: list[str]
) -> None:
    weekly_starts = tuple(times if day == SUNDAY else () for day in range(7))
    a_service = open_on(SUNDAY, (0, 24 * 60), zone=zone, weekly_starts=weekly_starts)
    assert listed(a_service, sunday) == starts


# zone, start as written, when a booking of four hours ends on the venue's clock
FOUR_HOURS = [
    (BERLIN, "2027-03-28T00:00:00+01:00", "05:00+02:00"),
    (BERLIN, "2027-10-31T00:00:00+02:00", "03:00+01:00"),
    (NEW_YORK, "2027-03-14T00:00:00-05:00", "05:00-04:00"),
    (NEW_YORK, "2027-11-07T00:00:00-04:00", "03:00-05:00"),
]


@pytest.mark.parametrize(("zone", "start", "end"), FOUR_HOURS)
def test_a_booking_over_the_jump_lasts_as_long_as_any_other(zone: str, start: str, end: str) -> None:
    a_service = open_on(SUNDAY, (0, 24 * 60), zone=zone, minutes=240)
    begin = spans.check_start(a_service, datetime.fromisoformat(start))
    span = spans.span_of_start(a_service, begin)
    found = slots.find(a_service, Calendars(), Ask(240), span, now=NOW)
    (slot,) = [slot for day in found.values() for slot in day if slot.starts == begin]
    assert shown(slot.ends, zone) == end


def test_a_booking_must_end_before_the_clock_says_closing_time() -> None:
    spring = open_on(SUNDAY, (0, 4 * 60), zone=BERLIN, minutes=240)
    assert listed(spring, date(2027, 3, 28), 240) == []  # three hours only, that night
    assert listed(spring, date(2027, 4, 4), 240) == ["00:00+02:00"]
    assert listed(spring, date(2027, 10, 31), 240) == ["00:00+02:00", "01:00+02:00"]  # five hours


# zone, day, how many half hours it has
LENGTHS = [
    (BERLIN, date(2027, 3, 27), 48),
    (BERLIN, date(2027, 3, 28), 46),
    (BERLIN, date(2027, 3, 29), 48),
    (BERLIN, date(2027, 10, 30), 48),
    (BERLIN, date(2027, 10, 31), 50),
    (NEW_YORK, date(2027, 3, 14), 46),
    (NEW_YORK, date(2027, 11, 7), 50),
    (LORD_HOWE, date(2027, 4, 4), 49),  # its summer time is half an hour
    (LORD_HOWE, date(2027, 10, 3), 47),
    ("Asia/Kolkata", date(2027, 3, 28), 48),
    ("Pacific/Apia", date(2011, 12, 29), 48),
    ("Pacific/Apia", date(2011, 12, 30), 0),  # a Friday that Samoa went without
    ("Pacific/Apia", date(2011, 12, 31), 48),
]


@pytest.mark.parametrize(("zone", "day", "half_hours"), LENGTHS)
def test_a_day_has_as_many_half_hours_as_the_zone_gives_it(zone: str, day: date, half_hours: int) -> None:
    a_service = offer((resource(daily=((0, 1440),)),), zone=zone, minutes=30, slot_interval_minutes=30)
    span = spans.span_of_days(a_service, day, day + timedelta(days=1))
    now = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) - timedelta(days=20)
    assert len(slots.find(a_service, Calendars(), Ask(30), span, now=now)[day]) == half_hours


# zone, day, minutes past midnight, the instant in UTC
WALL_CLOCK = [
    (BERLIN, date(2027, 3, 28), 60, "2027-03-28T00:00Z"),
    (BERLIN, date(2027, 3, 28), 120, "2027-03-28T01:00Z"),
    (BERLIN, date(2027, 3, 28), 150, "2027-03-28T01:00Z"),
    (BERLIN, date(2027, 3, 28), 180, "2027-03-28T01:00Z"),
    (BERLIN, date(2027, 3, 27), 1440 + 180, "2027-03-28T01:00Z"),
    (BERLIN, date(2027, 10, 31), 150, "2027-10-31T00:30Z"),
    (BERLIN, date(2027, 10, 31), 180, "2027-10-31T02:00Z"),
    (NEW_YORK, date(2027, 11, 7), 60, "2027-11-07T05:00Z"),
    (LORD_HOWE, date(2027, 10, 3), 135, "2027-10-02T15:30Z"),
    ("America/Sao_Paulo", date(2018, 11, 4), 0, "2018-11-04T03:00Z"),  # midnight itself is skipped
    ("Pacific/Apia", date(2011, 12, 30), 720, "2011-12-30T10:00Z"),
]


@pytest.mark.parametrize(("zone", "day", "minutes", "instant"), WALL_CLOCK)
def test_a_wall_clock_time_is_the_first_instant_that_shows_it_or_the_jump(
    zone: str, day: date, minutes: int, instant: str
) -> None:
    expected = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    assert from_minute(wall_minute(day, minutes, ZoneInfo(zone))) == expected


# how a start is written, whether it is a time that Berlin's clock skips
WRITTEN = [
    ("2027-03-28T01:59:00+01:00", False),
    ("2027-03-28T02:00:00+01:00", True),
    ("2027-03-28T02:59:00+01:00", True),
    ("2027-03-28T02:30:00+02:00", True),
    ("2027-03-28T03:00:00+02:00", False),
    ("2027-03-28T02:30:00+00:00", False),  # 04:30 in Berlin
    ("2027-03-28T02:30:00-05:00", False),
    ("2027-10-31T02:30:00+02:00", False),
    ("2027-10-31T02:30:00+01:00", False),
]


@pytest.mark.parametrize(("written", "skipped"), WRITTEN)
def test_a_time_is_skipped_only_where_the_clock_of_the_venue_is_meant(written: str, skipped: bool) -> None:  # noqa: FBT001
    assert is_skipped(datetime.fromisoformat(written), ZoneInfo(BERLIN)) is skipped


def test_the_doubled_hour_is_two_times_that_can_both_be_asked_for() -> None:
    a_service = open_on(SUNDAY, (0, 6 * 60), zone=BERLIN)
    first, second = (
        spans.check_start(a_service, datetime.fromisoformat(f"2027-10-31T02:00:00{offset}"))
        for offset in ("+02:00", "+01:00")
    )
    assert second - first == 60
    assert first == to_minute(datetime(2027, 10, 31, 0, 0, tzinfo=timezone.utc))
