"""The days on which something comes again, by the rules of calendars: RFC 5545, 3.3.10.

Written here, because the usual library does not give up: a rule that never fits, such as every thirtieth of February, keeps it busy up
to the year 9999. What this does is bounded by the days between the first and the last, and is counted.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Literal

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
FREQUENCIES: tuple[Frequency, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_LAST_DAY = date(9998, 12, 31)
_DAY = timedelta(days=1)


class TooMuchWork(ValueError):
    """The rules ask for more days to be looked at than anybody's calendar needs."""


class Effort:
    """Counts the days that were looked at, of all rules of one calendar."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, days: int) -> None:
        """Take from what is left.

        Raises:
            TooMuchWork: there is no more.
        """
        self.left -= days
        if self.left < 0:
            raise TooMuchWork("repeats in a way that takes too long to work out: write its days one by one")


@dataclass(frozen=True, slots=True)
class Rule:
    """How something comes again; ``by_day`` is (which of the month or year, 0 for every; weekday, 0 is Monday)."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_position: tuple[int, ...] = ()
    week_start: int = 0

    @property
    def names_days(self) -> bool:
        """Tell whether the rule says itself which days it means; else they are like the first."""
        return bool(self.by_month_day or self.by_year_day or self.by_week or self.by_day)


def iter_days(rule: Rule, first: date, opens: date, closes: date, effort: Effort) -> Iterator[date]:
    """Yield the days of a rule that begins on *first*, in order, from *opens* up to *closes*, exclusive.

    Raises:
        TooMuchWork: the effort is used up.
    """
    given = 0
    for days in _periods(rule, first, opens, min(closes, _LAST_DAY)):
        effort.spend(max(len(days), 1))
        for day in _chosen(rule, first, days):
            if day < first:
                continue
            given += 1
            if day >= closes or (rule.count is not None and given > rule.count):
                return
            if day >= opens:
                yield day


def _periods(rule: Rule, first: date, opens: date, closes: date) -> Iterator[Sequence[date]]:
    """Yield the days of each day, week, month or year in which the rule may fit; those before *opens* only if it counts."""
    skipped = 0 if rule.count is not None else max(_periods_between(rule, first, opens) - 1, 0)
    for number in count(skipped):
        span = _period(rule, first, number * rule.interval)
        if span is None or span[0] >= closes:
            return
        yield [span[0] + timedelta(days=at) for at in range((span[1] - span[0]).days)]


def _periods_between(rule: Rule, first: date, opens: date) -> int:
    if rule.frequency in {"DAILY", "WEEKLY"}:
        passed = (opens - first).days // (1 if rule.frequency == "DAILY" else 7)
    else:
        months = (opens.year - first.year) * 12 + opens.month - first.month
        passed = months if rule.frequency == "MONTHLY" else months // 12
    return passed // rule.interval


def _period(rule: Rule, first: date, number: int) -> tuple[date, date] | None:
    """Return the first day and the end, exclusive, of the period so many after that of *first*; None beyond all time."""
    try:
        return _span(rule, first, number)
    except (ValueError, OverflowError):
        return None


def _span(rule: Rule, first: date, number: int) -> tuple[date, date]:
    if rule.frequency == "DAILY":
        day = first + timedelta(days=number)
        return day, day + _DAY
    if rule.frequency == "WEEKLY":
        day = first - timedelta(days=(first.weekday() - rule.week_start) % 7) + timedelta(days=7 * number)
        return day, day + timedelta(days=7)
    if rule.frequency == "MONTHLY":
        years, month = divmod(first.month - 1 + number, 12)
        day = date(first.year + years, month + 1, 1)
        return day, day + timedelta(days=monthrange(day.year, day.month)[1])
    return date(first.year + number, 1, 1), date(first.year + number + 1, 1, 1)


def _chosen(rule: Rule, first: date, days: Sequence[date]) -> list[date]:
    """Return the days of one period that the rule means, in order."""
    found = [day for day in days if _fits(rule, first, day)]
    if not rule.by_position:
        return found
    places = {at - 1 if at > 0 else len(found) + at for at in rule.by_position}
    return [day for at, day in enumerate(found) if at in places]


def _fits(rule: Rule, first: date, day: date) -> bool:
    if rule.by_month and day.month not in rule.by_month:
        return False
    if not rule.names_days:
        return _is_like(rule, first, day)
    return (
        (not rule.by_month_day or _is_in_month(rule, day))
        and (not rule.by_year_day or _is_in_year(rule, day))
        and (not rule.by_week or not _numbers_of_week(rule, day).isdisjoint(rule.by_week))
        and (not rule.by_day or _is_weekday(rule, day))
    )


def _is_like(rule: Rule, first: date, day: date) -> bool:
    """Tell whether a day stands in its period where the first stood in its own."""
    if rule.frequency == "DAILY":
        return True
    if rule.frequency == "WEEKLY":
        return day.weekday() == first.weekday()
    is_month = rule.frequency == "MONTHLY" or rule.by_month or day.month == first.month
    return bool(is_month) and day.day == first.day


def _is_in_month(rule: Rule, day: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    return day.day in rule.by_month_day or day.day - length - 1 in rule.by_month_day


def _is_in_year(rule: Rule, day: date) -> bool:
    number, length = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
    return number in rule.by_year_day or number - length - 1 in rule.by_year_day


def _numbers_of_week(rule: Rule, day: date) -> set[int]:
    """Return the number of a day's week, from the front and from the back; a week is of the year that has most of it."""
    thursday = _middle(day, rule.week_start)
    number = _week(thursday)
    last = _week(_middle(date(thursday.year, 12, 28), rule.week_start))
    return {number, number - last - 1}


def _middle(day: date, week_start: int) -> date:
    return day + timedelta(days=3 - (day.weekday() - week_start) % 7)


def _week(middle: date) -> int:
    return (middle.timetuple().tm_yday - 1) // 7 + 1


def _is_weekday(rule: Rule, day: date) -> bool:
    of_year = rule.frequency == "YEARLY" and not rule.by_month
    counts = rule.frequency in {"MONTHLY", "YEARLY"}
    return any(
        weekday == day.weekday() and (not which or not counts or which in _which(day, of_year=of_year))
        for which, weekday in rule.by_day
    )


def _which(day: date, *, of_year: bool) -> tuple[int, int]:
    """Return which of its weekday a day is in its month or year, from the front and from the back."""
    if of_year:
        number, length = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
    else:
        number, length = day.day, monthrange(day.year, day.month)[1]
    return (number - 1) // 7 + 1, -((length - number) // 7 + 1)
