"""Opening hours: how they are written, and the time they open."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import hours

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2027, 6, 7)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00:00", 0), ("9:05", 545), ("09:05", 545), ("23:59", 1439), ("26:00", 1560), ("48:00", 2880)],
)
def test_a_clock_time_is_minutes_past_midnight(text: str, minutes: int) -> None:
    assert hours.parse_clock(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "9", "24:60", "48:01", "-1:00", "09:5", "09:05:00", " 09:05", "\u0660\u0669:\u0660\u0665", "09:05\n"]
)
def test_what_is_no_clock_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        hours.parse_clock(text)


@given(minutes=st.integers(0, 2880))
def test_a_clock_time_reads_back_as_written(minutes: int) -> None:
    assert hours.parse_clock(hours.clock_text(minutes)) == minutes


@given(opens=st.integers(0, 1439), length=st.integers(1, 1440))
def test_a_window_reads_back_as_written(opens: int, length: int) -> None:
    assert hours.parse_window(hours.window_text((opens, opens + length))) == (opens, opens + length)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("09:00", "is no window"),
        ("09:00-09:00", "closes before it opens"),
        ("22:00-02:00", "02:00 is 26:00"),
        ("24:00-26:00", "opens on the next day"),
        ("09:00-49:00", "is no time"),
    ],
)
def test_what_is_no_window_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hours.parse_window(text)


def test_windows_come_in_order_and_may_touch() -> None:
    assert hours.check_windows([(780, 1020), (540, 780)]) == ((540, 780), (780, 1020))


@pytest.mark.parametrize("windows", [[(540, 781), (780, 1020)], [(540, 1020), (600, 660)], [(540, 600), (540, 600)]])
def test_windows_that_overlap_are_refused(windows: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        hours.check_windows(windows)


def test_hours_are_read_as_stored() -> None:
    weekly = hours.weekly_from_json("[[[540,1020]],[],[],[],[],[],[[0,60],[120,180]]]")
    assert (weekly[0], weekly[1], weekly[6]) == (((540, 1020),), (), ((0, 60), (120, 180)))
    assert hours.starts_from_json("[[540,600],[],[],[],[],[],[]]")[0] == (540, 600)
    assert hours.windows_from_json("[]") == ()


def test_special_hours_replace_those_of_the_week_on_their_day_alone() -> None:
    weekly = (((540, 1020),),) * 7
    tuesday, wednesday = date(2027, 6, 8), date(2027, 6, 9)
    special = {tuesday: (), wednesday: ((600, 660),)}
    found = [*hours.open_intervals(weekly, special, [MONDAY, tuesday, wednesday], BERLIN)]
    midnight = found[0][0] - 540
    assert found == [(midnight + 540, midnight + 1020), (midnight + 2880 + 600, midnight + 2880 + 660)]


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    weekly = (((1320, 1560),), (), (), (), (), (), ())
    ((starts, ends),) = hours.open_intervals(weekly, {}, [MONDAY, date(2027, 6, 8)], BERLIN)
    assert ends - starts == 240
