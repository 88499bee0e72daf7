"""Reports as figures: how full the house was, what was quoted, called off and missed, and how long ahead people book.

Each is a few sums that the database adds up, whatever the number of bookings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from app.domain.actors import Actor
from app.domain.errors import Invalid
from app.domain.figures import EXPECTED, LEAD_HOURS, Tally, Use, add_opening, add_stay, rate
from app.domain.offsets import offset_steps
from app.domain.times import days
from app.persistence import figures as stored
from app.persistence.figures import Counted, DayTally
from app.persistence.letterheads import Letterhead, get_of_venue
from app.persistence.occupancy import list_resources
from app.persistence.session import give_connection_back, reading
from app.services.booking_exports import Range, check_days, days_between, require_reach

MOST_DAYS = 366
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Scene:
    """Whose figures: a venue on some days, and of these what the caller reaches."""

    head: Letterhead
    zone: ZoneInfo
    days: tuple[date, ...]
    counted: Counted


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How full each resource was, by key and name."""

    scene: Scene
    resources: tuple[tuple[int, str, Use], ...]

    @property
    def all(self) -> Use:
        """Return the whole house; a booking of two resources counts with each."""
        whole = Use()
        for _, _, use in self.resources:
            whole.bookings += use.bookings
            whole.open_minutes = [sum(pair) for pair in zip(whole.open_minutes, use.open_minutes, strict=True)]
            whole.booked_minutes = [sum(pair) for pair in zip(whole.booked_minutes, use.booked_minutes, strict=True)]
        return whole


@dataclass(frozen=True, slots=True)
class Tallies:
    """What was booked, by local day, service and status; the services by key and name."""

    scene: Scene
    rows: tuple[DayTally, ...]
    services: dict[int, str]

    def sums(self, key: Callable[[DayTally], object], *, of: frozenset[str] | None = None) -> dict[object, Tally]:
        """Return the sums of rows that share a key; only of these statuses, or of all."""
        found: defaultdict[object, Tally] = defaultdict(Tally)
        for row in self.rows:
            if of is None or row.status in of:
                found[key(row)] += row.tally
        return dict(found)


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """How long ahead the bookings of one service were made, and called off: numbers by class, one more than there are bounds."""

    service_id: int
    service: str
    bookings: int
    mean_minutes: int
    made: tuple[int, ...]
    called_off: tuple[int, ...]


def occupancy(range_: Range, *, by: Actor) -> Occupancy:
    """Return how full a venue was, by resource, weekday and hour of its clock.

    Raises:
        NotFound: there is no such venue for this caller. Invalid: no venue is named, or the range is none or too long.
    """
    scene = _scene(range_, by)
    found = list_resources(reading(), scene.head.venue_id, first=range_.first, end=range_.end)
    resources = [one for one in found if by.reaches(scene.head.venue_id, [one.id])]
    uses = {one.id: Use() for one in resources}
    for stay in stored.list_stays(reading(), scene.counted):
        if stay.resource_id in uses:
            add_stay(uses[stay.resource_id], stay, scene.zone)
    give_connection_back()
    for one in resources:
        add_opening(
            uses[one.id],
            weekly=one.weekly,
            special=one.special,
            capacity=one.capacity,
            days=scene.days,
            zone=scene.zone,
        )
    return Occupancy(scene, tuple((one.id, one.name, uses[one.id]) for one in resources))


def tallies(range_: Range, *, by: Actor) -> Tallies:
    """Return what was booked at a venue, by day, service and status: the stuff of revenue, cancellations and no-shows.

    Raises:
        NotFound, Invalid: as for occupancy.
    """
    scene = _scene(range_, by)
    rows = sorted(stored.list_tallies(reading(), scene.counted), key=lambda row: (row.day, row.service_id, row.status))
    return Tallies(scene, tuple(rows), _names(scene))


def lead_times(range_: Range, *, by: Actor) -> tuple[Scene, tuple[LeadTimes, ...]]:
    """Return how long ahead the bookings of each service were made and called off.

    Raises:
        NotFound, Invalid: as for occupancy.
    """
    scene = _scene(range_, by)
    classes = len(LEAD_HOURS) + 1
    made: dict[int, list[int]] = {}
    called_off: dict[int, list[int]] = {}
    minutes: defaultdict[int, int] = defaultdict(int)
    for lead in stored.list_leads(reading(), scene.counted):
        made.setdefault(lead.service_id, [0] * classes)[lead.lead] += lead.bookings
        called_off.setdefault(lead.service_id, [0] * classes)
        if lead.warning is not None:
            called_off[lead.service_id][lead.warning] += lead.bookings
        minutes[lead.service_id] += lead.minutes
    names = _names(scene)
    return scene, tuple(
        LeadTimes(key, names[key], sum(made[key]), minutes[key] // sum(made[key]), (*made[key],), (*called_off[key],))
        for key in sorted(made)
    )


def missed_rates(all_: Tally, by_status: dict[object, Tally]) -> dict[str, float | None]:
    """Return the shares of all bookings that were called off, turned down or let lapse, and not come to."""
    numbers = {status: by_status.get(status, Tally()).bookings for status in ("cancelled", "declined", "expired")}
    came = sum(by_status.get(status, Tally()).bookings for status in ("checked_in", "completed"))
    missed = by_status.get("no_show", Tally()).bookings
    return {
        "cancelled": rate(numbers["cancelled"], all_.bookings),
        "turned_down": rate(numbers["declined"] + numbers["expired"], all_.bookings),
        "no_show": rate(missed, missed + came),
    }


def revenue_of(found: Tallies, key: Callable[[DayTally], object]) -> dict[object, Tally]:
    """Return what was quoted for bookings that stand, by a key."""
    return found.sums(key, of=EXPECTED)


def _scene(range_: Range, by: Actor) -> Scene:
    check_days(range_.first, range_.end, most=MOST_DAYS)
    if range_.venue_id is None:
        raise Invalid.field("venue_id", "required", "Say of which venue.")
    require_reach(by, range_.venue_id)
    head = get_of_venue(reading(), range_.venue_id)
    zone = ZoneInfo(head.timezone)
    after, before = days_between(range_.first, range_.end, zone)
    counted = Counted(
        head.venue_id, after, before, offset_steps(after, before, zone), by.resource_ids_in(head.venue_id)
    )
    return Scene(head, zone, tuple(days(range_.first, range_.end)), counted)


def _names(scene: Scene) -> dict[int, str]:
    names = stored.list_service_names(reading(), scene.head.venue_id)
    give_connection_back()
    return names
