"""Opening hours: weekly windows and dated special hours in local minutes, and the UTC minutes they become.

A window is a pair ``(opens, closes)`` of minutes past local midnight of the day it belongs to; ``closes`` may exceed
1440, so 18:00-26:00 on a Thursday ends at 02:00 on Friday and is still Thursday's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.domain.times import MINUTES_A_DAY, wall_minute

Window = tuple[int, int]
WeeklyHours = tuple[tuple[Window, ...], ...]
WeeklyStarts = tuple[tuple[int, ...], ...]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LATEST_CLOSE_MINUTES = 2 * MINUTES_A_DAY  # 48:00: a window ends on the next day at the latest
_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])")


def parse_clock(text: str) -> int:
    """Return the minutes past midnight of ``HH:MM``, 00:00 to 48:00.

    Raises:
        ValueError: the text is no such time; its message can be shown to people.
    """
    match = _CLOCK.fullmatch(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else LATEST_CLOSE_MINUTES + 1
    if minutes > LATEST_CLOSE_MINUTES:
        raise ValueError(f"{text!r} is no time: write HH:MM, at most 48:00")
    return minutes


def clock_text(minutes: int) -> str:
    """Return ``HH:MM``, the inverse of :func:`parse_clock`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_window(text: str) -> Window:
    """Return the window written as ``09:00-17:30``.

    Raises:
        ValueError: no two times, or the second is not after the first, or the first is not on the day itself.
    """
    opens_text, dash, closes_text = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is no window: write HH:MM-HH:MM")
    opens, closes = parse_clock(opens_text.strip()), parse_clock(closes_text.strip())
    if opens >= MINUTES_A_DAY:
        raise ValueError(f"{text!r} opens on the next day: put it there")
    if closes <= opens:
        raise ValueError(f"{text!r} closes before it opens: past midnight, count on (02:00 is 26:00)")
    return opens, closes


def window_text(window: Window) -> str:
    """Return ``HH:MM-HH:MM``, the inverse of :func:`parse_window`."""
    return f"{clock_text(window[0])}-{clock_text(window[1])}"


def check_windows(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return the windows of one day in order.

    Raises:
        ValueError: two of them overlap.
    """
    ordered = tuple(sorted(windows))
    for (_, closes), (opens, _) in pairwise(ordered):
        if opens < closes:
            raise ValueError(f"two windows overlap at {clock_text(opens)}")
    return ordered


@lru_cache(maxsize=1024)
def weekly_from_json(text: str) -> WeeklyHours:
    """Return the weekly hours stored as ``[[[opens, closes], ...], ...]``, Monday first."""
    return tuple(tuple((opens, closes) for opens, closes in day) for day in json.loads(text))


@lru_cache(maxsize=256)
def starts_from_json(text: str) -> WeeklyStarts:
    """Return the weekly class starts stored as ``[[minute, ...], ...]``, Monday first."""
    return tuple(tuple(day) for day in json.loads(text))


def windows_from_json(text: str) -> tuple[Window, ...]:
    """Return the windows of one special day stored as ``[[opens, closes], ...]``."""
    return tuple((opens, closes) for opens, closes in json.loads(text))


def open_intervals(
    weekly: WeeklyHours, special: Mapping[date, tuple[Window, ...]], on_days: Sequence[date], zone: ZoneInfo
) -> Iterator[tuple[int, int]]:
    """Yield the open intervals that belong to *on_days*, in UTC minutes; special hours replace the weekly ones.

    A window that a clock change swallows whole yields nothing.
    """
    for day in on_days:
        for opens, closes in special.get(day, weekly[day.weekday()]):
            start, end = wall_minute(day, opens, zone), wall_minute(day, closes, zone)
            if start < end:
                yield start, end


def class_starts(weekly: WeeklyStarts, on_days: Sequence[date], zone: ZoneInfo) -> Iterator[int]:
    """Yield the UTC minutes of fixed local start times; a time that the clock skips does not take place."""
    for day in on_days:
        for minutes in weekly[day.weekday()]:
            start = wall_minute(day, minutes, zone)
            if _shows(start, day, minutes, zone):
                yield start


def _shows(minute: int, day: date, minutes: int, zone: ZoneInfo) -> bool:
    """Tell whether the zone's clock really shows the time at that UTC minute."""
    return wall_minute(day, minutes + 1, zone) != minute
