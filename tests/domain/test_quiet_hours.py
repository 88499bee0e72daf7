"""Quiet hours: over midnight, within a day, and on the nights when the clocks change."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.quiet_hours import QuietHours, allowed_from

BERLIN, UTC = ZoneInfo("Europe/Berlin"), timezone.utc
NIGHT, LUNCH = QuietHours(22 * 60, 8 * 60), QuietHours(12 * 60, 14 * 60)
ZONES = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("hours", "ready", "allowed"),
    [
        (NIGHT, "2027-06-07T21:59:59", "2027-06-07T21:59:59"),
        (NIGHT, "2027-06-07T22:00:00", "2027-06-08T08:00:00"),
        (NIGHT, "2027-06-07T23:59:59", "2027-06-08T08:00:00"),
        (NIGHT, "2027-06-08T00:00:00", "2027-06-08T08:00:00"),
        (NIGHT, "2027-06-08T07:59:59", "2027-06-08T08:00:00"),
        (NIGHT, "2027-06-08T08:00:00", "2027-06-08T08:00:00"),
        (LUNCH, "2027-06-08T11:59:00", "2027-06-08T11:59:00"),
        (LUNCH, "2027-06-08T12:00:00", "2027-06-08T14:00:00"),
        (LUNCH, "2027-06-08T23:00:00", "2027-06-08T23:00:00"),
        (None, "2027-06-08T03:00:00", "2027-06-08T03:00:00"),
        (QuietHours(0, 6 * 60), "2027-06-08T00:00:00", "2027-06-08T06:00:00"),
        (QuietHours(18 * 60, 0), "2027-06-08T20:00:00", "2027-06-09T00:00:00"),
    ],
)
def test_a_message_waits_for_the_end_of_the_night(hours: QuietHours | None, ready: str, allowed: str) -> None:
    assert allowed_from(hours, BERLIN, local(ready)) == local(allowed)


def test_the_night_of_spring_is_an_hour_shorter_and_that_of_autumn_longer() -> None:
    spring, autumn = local("2027-03-27T23:00"), local("2027-10-30T23:00")
    waits = [allowed_from(NIGHT, BERLIN, at).astimezone(UTC) - at.astimezone(UTC) for at in (spring, autumn)]
    assert waits == [timedelta(hours=8), timedelta(hours=10)]


def test_hours_that_end_within_the_skipped_hour_end_at_the_jump() -> None:
    hours = QuietHours(22 * 60, 2 * 60 + 30)
    assert allowed_from(hours, BERLIN, local("2027-03-28T01:00")) == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)


def test_the_hour_that_comes_twice_is_quiet_both_times() -> None:
    hours = QuietHours(22 * 60, 8 * 60)
    for minutes in range(0, 180, 15):  # from the first 2 o'clock to the 4 o'clock after the second
        ready = datetime(2027, 10, 31, 0, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        assert allowed_from(hours, BERLIN, ready) == datetime(2027, 10, 31, 7, 0, tzinfo=UTC)


@given(
    starts=st.integers(0, 1439),
    length=st.integers(1, 1439),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    ready=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
)
def test_whenever_it_is_let_go_it_may_go(starts: int, length: int, zone: ZoneInfo, ready: datetime) -> None:
    hours = QuietHours(starts, (starts + length) % 1440)
    allowed = allowed_from(hours, zone, ready)
    assert timedelta(0) <= allowed - ready <= timedelta(hours=26)
    assert allowed_from(hours, zone, allowed) == allowed
