"""Instants, minutes and their texts; the nights on which clocks change are in ``test_daylight_saving.py``."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import times

INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.just(timezone.utc))


@given(instant=INSTANTS)
def test_the_minute_of_an_instant_begins_at_most_a_minute_before_it(instant: datetime) -> None:
    assert timedelta(0) <= instant - times.from_minute(times.to_minute(instant)) < timedelta(minutes=1)


@given(minute=st.integers(-(10**7), 10**9))
def test_a_minute_is_written_as_the_calendar_has_it(minute: int) -> None:
    assert times.minute_text(minute) == times.rfc3339(times.from_minute(minute))


@given(instant=INSTANTS)
def test_an_instant_is_written_in_utc_to_the_second(instant: datetime) -> None:
    local = instant.astimezone(ZoneInfo("Asia/Kolkata"))
    assert datetime.fromisoformat(times.rfc3339(local).replace("Z", "+00:00")) == instant.replace(microsecond=0)


@pytest.mark.parametrize(("text", "whole"), [("09:00:00", True), ("09:00:01", False), ("09:00:00.000001", False)])
def test_a_whole_minute_has_no_seconds(text: str, whole: bool) -> None:  # noqa: FBT001
    assert times.is_whole_minute(datetime.fromisoformat(f"2027-06-07T{text}+00:00")) is whole


def test_the_local_day_is_the_one_that_the_zone_shows() -> None:
    minute = times.to_minute(datetime(2027, 6, 6, 22, 30, tzinfo=timezone.utc))
    assert times.local_date(minute, ZoneInfo("Europe/Berlin")) == date(2027, 6, 7)
    assert times.local_date(minute, ZoneInfo("America/New_York")) == date(2027, 6, 6)


def test_days_leave_the_last_one_out() -> None:
    assert times.days(date(2027, 2, 27), date(2027, 3, 2)) == [date(2027, 2, 27), date(2027, 2, 28), date(2027, 3, 1)]
    assert times.days(date(2027, 3, 2), date(2027, 3, 2)) == []
