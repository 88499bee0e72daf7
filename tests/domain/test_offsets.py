"""A zone's distances from UTC over a range: each change of the clock is found, to the minute."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from app.domain.offsets import offset_steps

UTC = timezone.utc
YEAR = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", [0]),
        ("Europe/Berlin", [60, 120, 60]),
        ("America/New_York", [-300, -240, -300]),
        ("Australia/Lord_Howe", [660, 630, 660]),
        ("Asia/Kathmandu", [345]),
        ("Africa/Casablanca", [60, 0, 60]),
    ],
)
def test_a_year_has_a_step_for_each_distance(zone: str, expected: list[int]) -> None:
    assert [step.minutes for step in offset_steps(*YEAR, ZoneInfo(zone))] == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"])
def test_steps_say_of_every_instant_what_the_zone_says(zone: str) -> None:
    steps = offset_steps(*YEAR, ZoneInfo(zone))
    at = YEAR[0]
    while at < YEAR[1]:
        told = next(step.minutes for step in steps if at < step.until)
        assert timedelta(minutes=told) == at.astimezone(ZoneInfo(zone)).utcoffset(), at
        at += timedelta(minutes=15)
