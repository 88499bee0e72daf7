"""Time zones by the names that calendar programs give them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from app.services.ics_text import BadLine, Part, Property

_UTC_NAMES = frozenset({"UTC", "GMT", "Z", "Etc/UTC"})
# What Outlook shows its users, where it should write the name of the zone. Source: the list of zones in Windows' settings.
_SHOWN = {
    "Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna": "Europe/Berlin",
    "Brussels, Copenhagen, Madrid, Paris": "Europe/Paris",
    "Dublin, Edinburgh, Lisbon, London": "Europe/London",
    "Eastern Time (US & Canada)": "America/New_York",
    "Central Time (US & Canada)": "America/Chicago",
    "Mountain Time (US & Canada)": "America/Denver",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Chennai, Kolkata, Mumbai, New Delhi": "Asia/Kolkata",
}


class Zones:
    """The zones of one file: known by name, or as the file itself describes them."""

    def __init__(self, described: Mapping[str, Part]) -> None:
        self._described = described
        self._known: dict[str, tzinfo] = {}

    def find(self, named: Property, name: str) -> tzinfo:
        """Return the zone of a name that a property gives.

        Raises:
            BadLine: nobody knows it, and the file does not say.
        """
        if name not in self._known:
            found = known_zone(name) or self._as_described(name)
            if found is None:
                raise BadLine(named.number, f"names the time zone {name!r}, which nobody knows")
            self._known[name] = found
        return self._known[name]

    def _as_described(self, name: str) -> tzinfo | None:
        """Return the zone as the file describes it: by the name of a place in it, or by its rules."""
        part = self._described.get(name)
        if part is None:
            return None
        places = (known_zone(place.value) for place in part.read("X-LIC-LOCATION"))
        found: tzinfo | None = next(filter(None, places), None)
        return found or _by_rules(part)


def known_zone(name: str) -> tzinfo | None:
    """Return the zone of a name: of the tz database, with or without a program's prefix, or of Windows; None for others."""
    name = name.strip().strip('"')
    if name in _UTC_NAMES:
        return timezone.utc
    shown = name.partition(") ")[2] if name.startswith(("(UTC", "(GMT")) else name
    olson = WINDOWS_TO_OLSON.get(name) or _SHOWN.get(shown)
    if olson:
        return ZoneInfo(olson)
    words = name.strip("/").split("/")
    tails = ("/".join(words[at:]) for at in range(len(words)))  # /mozilla.org/20050126_1/Europe/Berlin
    return next(filter(None, map(_zone, tails)), None)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if "/" in name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _by_rules(part: Part) -> tzinfo | None:
    text = "\r\n".join(line.text for line in part.lines)
    try:
        zone = Timezone.from_ical(text)
        found = zone.to_tz(lookup_tzid=False) if isinstance(zone, Timezone) else None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        # The reader raises all of these for rules that make no sense.
        raise BadLine(part.number, f"describes a time zone that cannot be worked out: {str(error)[:100]}") from None
    return found if isinstance(found, tzinfo) else None
