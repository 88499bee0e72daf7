"""What reports count, and what they cost: a page at a time whatever there is, and each bar with the days it stands for."""

from __future__ import annotations

from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from app.domain.hours import weekly_from_json
from app.persistence.occupancy import Booked, OpenResource
from app.services.booking_exports import Range
from app.services.reports import _Counts

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = weekly_from_json("[[[540, 1020]], [[540, 1020]], [[540, 1020]], [[540, 1020]], [[540, 1020]], [], []]")
ALL_DAY = weekly_from_json(str([[[0, 1440]]] * 7))


def counts(first: date, end: date, *, weekly: object = OFFICE, capacity: int = 1, **special: object) -> _Counts:
    room = OpenResource(1, "Hall", capacity, weekly, special.get("special", {}))  # type: ignore[arg-type]
    return _Counts([room], Range(first, end), BERLIN)


def booked(day: int, hour: int, minutes: int = 60, units: int = 1, resource_id: int = 1) -> Booked:
    starts = datetime(2027, 3, day, hour, tzinfo=UTC)
    return Booked(starts, 1, resource_id, datetime.fromtimestamp(starts.timestamp() + 60 * minutes, UTC), units)


def test_open_minutes_are_those_of_the_weekdays_times_capacity() -> None:
    found = counts(date(2027, 3, 1), date(2027, 3, 8), capacity=3)
    assert found.by_resource[1].open_minutes == 5 * 480 * 3
    assert [use.open_minutes for use in found.by_step.values()] == [1440] * 5 + [0, 0]


def test_special_hours_stand_in_for_the_weekly_ones() -> None:
    found = counts(date(2027, 3, 1), date(2027, 3, 3), special={date(2027, 3, 1): (), date(2027, 3, 2): ((600, 660),)})
    assert [use.open_minutes for use in found.by_step.values()] == [0, 60]


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 5, 1), 24)])
def test_a_day_is_as_long_as_the_clock_makes_it(day: date, hours: int) -> None:
    found = counts(day, date.fromordinal(day.toordinal() + 1), weekly=ALL_DAY)
    assert found.by_resource[1].open_minutes == hours * 60


def test_bookings_count_with_their_units_on_their_local_day() -> None:
    found = counts(date(2027, 3, 1), date(2027, 3, 3), weekly=ALL_DAY, capacity=10)
    found.add([booked(1, 9, 90, units=4), booked(1, 23, 60), booked(2, 9, resource_id=99)])
    assert [(use.booked_minutes, use.bookings) for use in found.by_step.values()] == [(360, 1), (60, 1)]
    assert found.by_resource[1].bookings == 2


def test_weeks_begin_with_the_range_and_months_with_the_calendar() -> None:
    weeks = counts(date(2027, 3, 3), date(2027, 5, 1))
    assert list(weeks.by_step)[:2] == [date(2027, 3, 3), date(2027, 3, 10)]
    months = counts(date(2027, 3, 15), date(2027, 12, 1))
    assert list(months.by_step)[:3] == [date(2027, 3, 15), date(2027, 4, 1), date(2027, 5, 1)]


@pytest.mark.parametrize("days", [1, 31, 32, 183, 184, 366])
def test_the_bars_add_up_to_the_resources(days: int) -> None:
    found = counts(date(2027, 1, 1), date.fromordinal(date(2027, 1, 1).toordinal() + days))
    assert sum(use.open_minutes for use in found.by_step.values()) == found.by_resource[1].open_minutes
    assert len(found.by_step) <= 31
