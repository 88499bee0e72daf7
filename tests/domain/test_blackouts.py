"""What comes again comes at the same local times, whatever the clock does meanwhile."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.blackouts import MOST_REPEATS, Repeat, repeated
from app.domain.errors import Invalid
from app.domain.times import from_minute, to_minute

BERLIN = ZoneInfo("Europe/Berlin")


def minutes(*instants: str) -> list[int]:
    return [to_minute(datetime.fromisoformat(text).replace(tzinfo=BERLIN)) for text in instants]


def texts(spans: list[tuple[int, int]]) -> list[tuple[str, str]]:
    return [tuple(f"{from_minute(m).astimezone(BERLIN):%m-%d %H:%M}" for m in span) for span in spans]  # type: ignore[misc]


def test_once_is_once() -> None:
    assert repeated(10, 20, None, BERLIN) == [(10, 20)]


def test_weeks_keep_the_local_time_over_a_change_of_the_clock() -> None:
    found = repeated(*minutes("2027-03-20T22:00", "2027-03-21T06:00"), Repeat("week", 1, date(2027, 4, 3)), BERLIN)
    assert texts(found) == [
        ("03-20 22:00", "03-21 06:00"),
        ("03-27 22:00", "03-28 06:00"),
        ("04-03 22:00", "04-04 06:00"),
    ]
    assert [end - start for start, end in found] == [480, 420, 480]


def test_a_day_that_a_month_has_not_is_left_out() -> None:
    found = repeated(*minutes("2027-01-31T10:00", "2027-01-31T11:00"), Repeat("month", 1, date(2027, 7, 31)), BERLIN)
    assert [text[:5] for text, _ in texts(found)] == ["01-31", "03-31", "05-31", "07-31"]


def test_leap_days_come_every_fourth_year() -> None:
    found = repeated(*minutes("2028-02-29T10:00", "2028-02-29T11:00"), Repeat("year", 1, date(2040, 1, 1)), BERLIN)
    assert [from_minute(start).year for start, _ in found] == [2028, 2032, 2036]


@pytest.mark.parametrize(
    ("end", "repeat"),
    [
        ("2027-01-02T11:00", Repeat("day", 1, date(2027, 2, 1))),
        ("2027-01-01T11:00", Repeat("day", 1, date(2030, 1, 1))),
        ("2027-01-01T11:00", Repeat("day", 1, date(2026, 1, 1))),
    ],
    ids=["over itself", "too often", "ends before it begins"],
)
def test_what_makes_no_sense_is_refused(end: str, repeat: Repeat) -> None:
    with pytest.raises(Invalid):
        repeated(*minutes("2027-01-01T10:00", end), repeat, BERLIN)


def test_the_most_that_is_taken_is_taken() -> None:
    last = date.fromordinal(date(2027, 1, 1).toordinal() + MOST_REPEATS - 1)
    assert (
        len(repeated(*minutes("2027-01-01T10:00", "2027-01-01T11:00"), Repeat("day", 1, last), BERLIN)) == MOST_REPEATS
    )
