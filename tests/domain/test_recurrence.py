"""Days that come again, against the usual library; and rules that would keep that busy for ever."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.recurrence import FREQUENCIES, Effort, Rule, TooMuchWork, iter_days

THEIRS = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY, "YEARLY": YEARLY}
MONDAY, FRIDAY = 0, 4
ENOUGH = 10**9


def some(*numbers: int, most: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(numbers), max_size=most, unique=True).map(tuple)


def weekdays(frequency: str) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    """Return every Monday, or every first one; the library means neither where both are named."""
    counted = st.tuples(st.sampled_from((1, 2, 5, -1, -2)), st.integers(0, 6))
    plain = st.tuples(st.just(0), st.integers(0, 6))
    kinds = (plain, counted) if frequency in {"MONTHLY", "YEARLY"} else (plain,)
    return st.one_of([st.lists(kind, max_size=3, unique=True).map(tuple) for kind in kinds])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    frequency = draw(st.sampled_from(FREQUENCIES))
    return Rule(
        frequency,
        interval=draw(st.sampled_from((1, 1, 2, 3, 7, 13))),
        count=draw(st.one_of(st.none(), st.integers(1, 40))),
        by_month=draw(some(1, 2, 3, 6, 12)),
        by_month_day=draw(some(1, 13, 28, 29, 31, -1, -30)),
        by_year_day=draw(some(1, 60, 366, -1)) if frequency == "YEARLY" else (),
        # The library takes 1 January 2011 for week 53, which ISO 8601 calls the 52nd of 2010: the test below has those weeks.
        by_week=draw(some(1, 20, 40, -1)) if frequency == "YEARLY" else (),
        by_day=draw(weekdays(frequency)),
        # In weeks the library begins to count at the first day, as if nothing came before it.
        by_position=draw(some(1, 2, -1, most=2)) if frequency in {"MONTHLY", "YEARLY"} else (),
        week_start=draw(st.sampled_from((0, 6))),
    )


def theirs(rule: Rule, first: date, end: date) -> list[date]:
    """Return the days that the library finds; it stops where it is told, as long as something fits now and then."""
    values: dict[str, Any] = {
        "bymonth": rule.by_month or None,
        "bymonthday": rule.by_month_day or None,
        "byyearday": rule.by_year_day or None,
        "byweekno": rule.by_week or None,
        "byweekday": tuple(weekday(day, which or None) for which, day in rule.by_day) or None,
        "wkst": rule.week_start,
    }
    # A position counts among what is left of a period, which the library wants to be narrowed down by something.
    if rule.by_position:
        values["bysetpos"] = rule.by_position
    start, until = datetime.combine(first, datetime.min.time()), datetime.combine(end, datetime.min.time())
    found = rrule(THEIRS[rule.frequency], dtstart=start, interval=rule.interval, until=until, **values)
    days: list[date] = []
    with suppress(
        ValueError
    ):  # a rule that stops fitting is followed through the last week of 9999, into a year there is not
        days.extend(day.date() for day in found)
    return [day for day in days[: rule.count] if day < end]


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)), some(1, 2, 20, 52, 53))
def test_weeks_are_numbered_as_iso_does(first: date, weeks: tuple[int, ...]) -> None:
    end = first + timedelta(days=800)
    days = [first + timedelta(days=number) for number in range(800)]
    wanted = [day for day in days if day.isocalendar().week in (weeks or (1,))]
    assert list(iter_days(Rule("YEARLY", by_week=weeks or (1,)), first, first, end, Effort(ENOUGH))) == wanted


# At the end of all time, for the library walks there whenever a rule stops fitting: from here it takes seconds.
@settings(deadline=None)
@example(Rule("WEEKLY", 7, by_month=(1,), by_month_day=(1,), by_day=((0, 5),)), date(9980, 1, 1), 0)
@given(rules(), st.dates(date(9980, 1, 1), date(9990, 12, 31)), st.integers(0, 1200))
def test_the_days_are_those_of_the_usual_library(rule: Rule, first: date, after: int) -> None:
    narrowed = rule.names_days or rule.by_month
    if rule.by_position and not narrowed:
        rule = Rule(rule.frequency, rule.interval, rule.count, week_start=rule.week_start)
    opens = first + timedelta(days=after)
    end = opens + timedelta(days=800)
    wanted = [day for day in theirs(rule, first, end) if day >= opens]
    assert list(iter_days(rule, first, opens, end, Effort(ENOUGH))) == wanted


@pytest.mark.parametrize(
    "rule",
    [
        Rule("DAILY", by_month=(2,), by_month_day=(30,)),
        Rule("MONTHLY", by_month=(2,), by_month_day=(31,)),
        Rule("YEARLY", by_month=(2,), by_month_day=(30,)),
        Rule("WEEKLY", interval=52, by_month=(1,), by_day=((0, MONDAY),), by_position=(9,)),
    ],
    ids=["thirtieth of February", "in months", "in years", "ninth Monday of a week"],
)
def test_a_rule_that_never_fits_ends_with_the_window(rule: Rule) -> None:
    effort = Effort(2000)
    assert list(iter_days(rule, date(1970, 1, 1), date(2027, 1, 1), date(2028, 2, 1), effort)) == []
    assert effort.left > 0


def test_a_billion_times_costs_the_days_up_to_the_end_alone() -> None:
    effort = Effort(1000)
    rule = Rule("DAILY", count=10**9)
    days = list(iter_days(rule, date(2027, 1, 1), date(2027, 1, 1), date(2028, 1, 1), effort))
    assert (len(days), effort.left) == (365, 635)


def test_what_began_long_ago_and_does_not_count_is_not_walked_through() -> None:
    effort = Effort(20)
    rule = Rule("WEEKLY", interval=5000, by_day=((0, FRIDAY),))
    assert list(iter_days(rule, date(1900, 1, 1), date(2027, 1, 1), date(2028, 2, 1), effort)) == []


def test_effort_that_is_used_up_is_told() -> None:
    with pytest.raises(TooMuchWork, match="takes too long"):
        list(iter_days(Rule("DAILY", count=10**6), date(1990, 1, 1), date(2027, 1, 1), date(2028, 1, 1), Effort(5000)))


@pytest.mark.parametrize(
    "rule", [Rule("YEARLY", interval=9000), Rule("MONTHLY", interval=100_000), Rule("DAILY", 10**5)]
)
def test_a_step_beyond_all_time_ends_it(rule: Rule) -> None:
    days = list(iter_days(rule, date(2027, 1, 1), date(2027, 1, 1), date(9999, 12, 31), Effort(10**7)))
    assert days[0] == date(2027, 1, 1)
