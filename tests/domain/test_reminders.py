"""Which reminders are sent: once each, the nearest of several, and none whose moment was over when the booking was made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.reminders import Due, due_of

START = datetime(2027, 6, 7, 12, 0, tzinfo=timezone.utc)
DAY, TWO_HOURS = 1440, 120
LONG_AGO = START - timedelta(days=30)


def before(minutes: float) -> datetime:
    return START - timedelta(minutes=minutes)


def due(
    now: datetime, *, done: Sequence[int] = (), made: datetime | None = LONG_AGO, of: Sequence[int] = (DAY, 120)
) -> Due:
    return due_of(of, START, got_its_time_at=made, done=done, now=now)


@pytest.mark.parametrize(
    ("now", "done", "expected"),
    [
        (before(DAY + 1), (), Due()),
        (before(DAY), (), Due((DAY,), DAY)),
        (before(DAY), (DAY,), Due()),
        (before(600), (), Due((DAY,), DAY)),
        (before(TWO_HOURS), (DAY,), Due((TWO_HOURS,), TWO_HOURS)),
        (before(TWO_HOURS), (), Due((TWO_HOURS, DAY), TWO_HOURS)),  # after a night without cron: the nearest alone
        (before(1), (DAY, TWO_HOURS), Due()),
        (START, (), Due()),
        (before(-60), (), Due()),
    ],
)
def test_each_is_sent_once_and_of_several_the_nearest(now: datetime, done: Sequence[int], expected: Due) -> None:
    assert due(now, done=done) == expected


def test_one_whose_moment_was_over_when_the_booking_got_its_time_is_not_sent() -> None:
    made = before(300)
    assert due(before(299), made=made) == Due((DAY,), None)
    assert due(before(120), made=made, done=(DAY,)) == Due((TWO_HOURS,), TWO_HOURS)
    assert due(before(DAY), made=before(DAY)) == Due((DAY,), None)  # at that very moment: it has just been told
    assert due(before(DAY - 1), made=before(DAY + 1)) == Due((DAY,), DAY)


def test_a_booking_of_which_nobody_knows_when_it_was_made_was_made_long_ago() -> None:
    assert due(before(DAY), made=None) == Due((DAY,), DAY)


def test_one_that_is_late_by_a_day_is_not_sent() -> None:
    week = (10_080,)
    assert due(before(10_080 - 1439), of=week).sent == 10_080
    assert due(before(10_080 - 1440), of=week) == Due(week, None)


def test_a_farther_one_that_comes_up_after_a_nearer_is_not_sent() -> None:
    assert due(before(60), done=(TWO_HOURS,)) == Due((DAY,), None)


@given(
    offsets=st.lists(st.integers(5, 43_200), unique=True, max_size=5),
    runs=st.lists(st.integers(-10, 44_000), max_size=30),
    made=st.integers(0, 50_000),
)
def test_whenever_cron_runs_nothing_is_sent_twice_too_early_or_after_the_start(
    offsets: list[int], runs: list[int], made: int
) -> None:
    done: list[int] = []
    sent: list[int] = []
    for minutes in sorted(runs, reverse=True):
        now = before(minutes)
        found = due(now, done=done, made=before(made), of=offsets)
        assert not {*found.marked} & {*done}
        done.extend(found.marked)
        if found.sent is not None:
            assert found.sent in found.marked
            assert found.sent < made
            assert before(found.sent) <= now < START
            sent.append(found.sent)
    assert sent == sorted({*sent}, reverse=True)
