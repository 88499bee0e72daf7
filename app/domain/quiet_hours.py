"""Hours in which a venue sends nobody a short message: people sleep beside their telephones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.times import MINUTES_A_DAY, from_minute, wall_minute


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one local time to another, in minutes past midnight; where the second is the smaller, it is the next day's."""

    starts: int
    ends: int


def allowed_from(hours: QuietHours | None, zone: ZoneInfo, at: datetime) -> datetime:
    """Return when a short message that is ready *at* may go: at once, or when the quiet hours of that night end."""
    if hours is None:
        return at
    today = at.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):  # the night may have begun yesterday
        begins = from_minute(wall_minute(day, hours.starts, zone))
        ends = from_minute(wall_minute(day, _end(hours), zone))
        if begins <= at < ends:
            return ends
    return at


def _end(hours: QuietHours) -> int:
    return hours.ends if hours.ends > hours.starts else hours.ends + MINUTES_A_DAY
