"""Rules of recurrence as a calendar writes them, made into values; what nobody's calendar writes is refused."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from icalendar.prop import vRecur

from app.domain.recurrence import FREQUENCIES, Rule
from app.services.ics_text import BadLine, Property

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_CLOCK = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_READ = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"})
# part -> the largest number, and whether it may be counted from the end
_LISTS = {
    "BYMONTH": (12, False),
    "BYMONTHDAY": (31, True),
    "BYYEARDAY": (366, True),
    "BYWEEKNO": (53, True),
    "BYSETPOS": (366, True),
}
_MOST_INTERVAL = 100_000
_MOST_LISTED = 64  # every day of a month, from the front and from the back; each day looked at is held against them
_LONG_AGO, _NEVER = date(1900, 1, 1), 9000  # ends beyond these cannot be brought into other zones


def read_rule(written: Property) -> tuple[Rule, date | None]:
    """Return a rule, and up to when it goes: a day, a time without a zone, or an instant; None without end.

    Raises:
        BadLine: it makes no sense, or repeats within a day.
    """
    parts = _parts(written)
    frequency = str(parts["FREQ"][0])
    if frequency not in FREQUENCIES or _CLOCK & parts.keys():
        raise BadLine(written.number, "repeats within a day: only days, weeks, months and years are understood")
    if parts.get("RSCALE", ["GREGORIAN"])[0].upper() != "GREGORIAN" or parts.get("SKIP", ["OMIT"])[0].upper() != "OMIT":
        raise BadLine(written.number, "repeats by another calendar than ours, which is not understood")
    lists = {name: _numbers(written, parts, name) for name in _LISTS}
    if any(len(values) > _MOST_LISTED for values in parts.values()):
        raise BadLine(written.number, f"has a rule that lists more than {_MOST_LISTED} of something")
    rule = Rule(
        frequency=frequency,
        interval=_one(written, parts, "INTERVAL", _MOST_INTERVAL) or 1,
        count=_one(written, parts, "COUNT", None),
        by_month=lists["BYMONTH"],
        by_month_day=lists["BYMONTHDAY"],
        by_year_day=lists["BYYEARDAY"],
        by_week=lists["BYWEEKNO"],
        by_day=tuple(_day(written, str(text)) for text in parts.get("BYDAY", ())),
        by_position=lists["BYSETPOS"],
        week_start=_week_start(written, parts),
    )
    return rule, _until(written, parts)


def _parts(written: Property) -> dict[str, list[Any]]:
    try:
        parts = {str(name).upper(): list(values) for name, values in vRecur.from_ical(written.value).items()}
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise BadLine(written.number, f"has a rule that cannot be read: {str(error)[:100]}") from None
    unknown = sorted(parts.keys() - _READ - _CLOCK - _LISTS.keys() - {"RSCALE", "SKIP"})
    if unknown or len(parts.get("FREQ", ())) != 1:
        raise BadLine(written.number, f"has a rule that cannot be read: {', '.join(unknown) or 'there is no FREQ'}")
    return parts


def _one(written: Property, parts: dict[str, list[Any]], name: str, most: int | None) -> int | None:
    found = parts.get(name)
    if found is None:
        return None
    if len(found) != 1 or int(found[0]) < 1 or (most is not None and int(found[0]) > most):
        raise BadLine(written.number, f"has a rule whose {name} makes no sense")
    return int(found[0])


def _numbers(written: Property, parts: dict[str, list[Any]], name: str) -> tuple[int, ...]:
    most, from_end = _LISTS[name]
    try:
        numbers = tuple(int(number) for number in parts.get(name, ()))
    except ValueError:
        numbers = (0,)
    if not all(1 <= (abs(number) if from_end else number) <= most for number in numbers):
        raise BadLine(written.number, f"has a rule whose {name} makes no sense")
    return numbers


def _day(written: Property, text: str) -> tuple[int, int]:
    found = _DAY.fullmatch(text.upper())
    if found is None:
        raise BadLine(written.number, "has a rule whose BYDAY makes no sense")
    return int(found[1] or 0), _WEEKDAYS.index(found[2])


def _week_start(written: Property, parts: dict[str, list[Any]]) -> int:
    text = str(parts.get("WKST", ["MO"])[0]).upper()
    if text not in _WEEKDAYS:
        raise BadLine(written.number, "has a rule whose WKST makes no sense")
    return _WEEKDAYS.index(text)


def _until(written: Property, parts: dict[str, list[Any]]) -> date | None:
    found = parts.get("UNTIL", [None])[0]
    if found is not None and not isinstance(found, date):
        raise BadLine(written.number, "has a rule whose UNTIL makes no sense")
    if found is None or found.year > _NEVER:
        return None
    return found if found.year >= _LONG_AGO.year else _LONG_AGO
