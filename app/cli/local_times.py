"""Times typed at a shell: local to the venue, without an offset."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid
from app.domain.times import is_skipped, to_minute

_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def parse_local(option: str, text: str, zone: ZoneInfo, *, later: bool = False) -> int:
    """Return the UTC minute of a local time ``2026-12-24 12:00``; a day alone is its midnight.

    A time that the clock shows twice is the first of the two, or with *later* the second.

    Raises:
        Invalid: it is no such time, or one that the zone's clock skips; *option* names it.
    """
    local = _parse(option, text).replace(tzinfo=zone, fold=int(later))
    if is_skipped(local.replace(fold=0), zone):
        raise Invalid.field(option, "skipped", f"{text} does not exist in {zone}: the clock skips it that day.")
    return to_minute(local)


def _parse(option: str, text: str) -> datetime:
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern)  # noqa: DTZ007 - the venue's zone is put on by the caller
        except ValueError:
            continue
    raise Invalid.field(option, "invalid", f"{text!r} is no time: write it as '2026-12-24 12:00', local to the venue.")
